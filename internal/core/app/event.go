package app

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
)

// Registered is told when an application is registered.
type Registered struct {
	Kind       Kind   `json:"kind"`
	Name       string `json:"name"`
	FirstParty bool   `json:"first_party"`
}

// EventName names the event.
func (Registered) EventName() string { return "application.registered" }

// Changed is told when an application's settings change.
type Changed struct {
	Enabled bool `json:"enabled"`
}

// EventName names the event.
func (Changed) EventName() string { return "application.changed" }

// Deleted is told when an application is removed.
type Deleted struct {
	Name string `json:"name"`
}

// EventName names the event.
func (Deleted) EventName() string { return "application.deleted" }

// SecretRotated is told when an application gets a new secret.
type SecretRotated struct{}

// EventName names the event.
func (SecretRotated) EventName() string { return "application.secret_rotated" }

func note(tx *db.Tx, a *Application, e journal.Event, class journal.Class) error {
	return journal.Append(tx, journal.Entry{Tenant: a.TenantID, Subject: a.ID, Application: a.ID, Event: e, Class: class})
}
