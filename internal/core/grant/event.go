package grant

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
)

// Issued is told when a customer has granted an application something.
type Issued struct {
	Grant   ID       `json:"grant"`
	Scopes  []string `json:"scopes"`
	Offline bool     `json:"offline"`
}

// EventName names the event.
func (Issued) EventName() string { return "grant.issued" }

// Ended is told when a grant is ended before its time. The reasons
// "code_reused" and "refresh_reused" mean that a stolen one was met.
type Ended struct {
	Grant  ID     `json:"grant"`
	Reason string `json:"reason"`
}

// EventName names the event.
func (Ended) EventName() string { return "grant.ended" }

// AllEnded is told when everything that customers granted an application ended
// at once.
type AllEnded struct {
	Grants int64  `json:"grants"`
	Reason string `json:"reason"`
}

// EventName names the event.
func (AllEnded) EventName() string { return "grant.all_ended" }

func note(tx *db.Tx, g Grant, e journal.Event) error {
	entry := journal.Entry{
		Tenant: g.TenantID, Subject: g.CustomerID, Application: g.ApplicationID, Event: e, Class: journal.SignIn,
	}
	switch e := e.(type) {
	case Issued:
		entry.Actor = journal.Actor{Kind: "customer", ID: g.CustomerID}
	case Ended:
		if e.Reason == "code_reused" || e.Reason == "refresh_reused" {
			entry.Class = journal.Security
		}
	}
	return journal.Append(tx, entry)
}
