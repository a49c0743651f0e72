package tenant

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
)

// Created is told when a tenant begins.
type Created struct {
	Slug   string `json:"slug"`
	Origin string `json:"origin"`
}

// EventName names the event.
func (Created) EventName() string { return "tenant.created" }

// Configured is told when what is configured of a tenant has changed. What
// names the part: "settings", "brand", "name", "origin", "enabled".
type Configured struct {
	What  string `json:"what"`
	Value string `json:"value,omitempty"` // a short public value, if it is one
}

// EventName names the event.
func (Configured) EventName() string { return "tenant.configured" }

// KeysRotated is told when another key begins to sign.
type KeysRotated struct {
	Alg     string `json:"alg"`
	Current string `json:"current"` // kid
	Next    string `json:"next"`
	Renewed bool   `json:"renewed"` // the former keys were thrown away
}

// EventName names the event.
func (KeysRotated) EventName() string { return "tenant.keys_rotated" }

func note(tx *db.Tx, id ID, e journal.Event, class journal.Class) error {
	return journal.Append(tx, journal.Entry{Tenant: id, Subject: id, Event: e, Class: class})
}
