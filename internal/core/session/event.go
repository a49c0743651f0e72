package session

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
)

// Started is told when a session begins.
type Started struct {
	Session    ID       `json:"session"`
	Methods    []Method `json:"methods"`
	Remembered bool     `json:"remembered"`
}

// EventName names the event.
func (Started) EventName() string { return "session.started" }

// Proven is told when something more was proven in a session.
type Proven struct {
	Session ID       `json:"session"`
	Methods []Method `json:"methods"`
}

// EventName names the event.
func (Proven) EventName() string { return "session.proven" }

// Ended is told when a session is ended before its time.
type Ended struct {
	Session ID     `json:"session"`
	Reason  string `json:"reason"`
}

// EventName names the event.
func (Ended) EventName() string { return "session.ended" }

// note appends an event about the session's customer. Who ended a session and
// why is the event of the act that did it; this one says that it happened.
func note(tx *db.Tx, s Session, e journal.Event) error {
	actor := journal.Actor{Kind: "customer", ID: s.CustomerID}
	if _, ended := e.(Ended); ended {
		actor = journal.Actor{}
	}
	return journal.Append(tx, journal.Entry{
		Tenant: s.TenantID, Subject: s.CustomerID, Actor: actor, Event: e, Class: journal.SignIn,
	})
}
