package server

import (
	"context"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Case is an alarm that a customer raised: "this was not me".
type Case struct {
	Customer string    `json:"customer"`
	Cause    string    `json:"cause"` // what the notice was about
	At       time.Time `json:"at"`    // when it was raised
}

// Waits is a recovery that waits because every second factor was said to be lost.
type Waits struct {
	Since time.Time `json:"since"`
	Ready time.Time `json:"ready"` // from when on it can be ended with
}

// Access is what lets somebody into an account, or will.
type Access struct {
	Sessions int    `json:"sessions"`
	Trusted  int    `json:"trusted_devices"`
	Wait     *Waits `json:"waiting_recovery,omitempty"`
}

func accessOf(tx *db.Tx, t *tenant.Tenant, id customer.ID) (Access, error) {
	sessions, err := session.List(tx, t, id)
	if err != nil {
		return Access{}, err
	}
	out := Access{Sessions: len(sessions)}
	devices, err := session.Devices(tx, t, id)
	if err != nil {
		return out, err
	}
	for _, d := range devices {
		if !d.TrustedUntil.IsZero() {
			out.Trusted++
		}
	}
	w, waiting, err := credential.Waiting(tx, t, id)
	if waiting {
		out.Wait = &Waits{Since: w.StartedAt, Ready: w.ReadyAt}
	}
	return out, err
}

// mostCases bounds the list of alarms.
const mostCases = 100

func casesOf(tx *db.Tx, t *tenant.Tenant, id customer.ID) ([]Case, error) {
	list, err := credential.Raised(tx, t, id, mostCases)
	out := make([]Case, len(list))
	for i, a := range list {
		cause, _, _ := strings.Cut(a.Cause, ":")
		out[i] = Case{Customer: a.CustomerID.String(), Cause: cause, At: a.UsedAt}
	}
	return out, err
}

// Alarms lists the alarms that customers of the tenant raised in the last two
// weeks, newest first, at most a hundred. Older ones are in the journal alone.
func (b *Base) Alarms(ctx context.Context, t *tenant.Tenant) (out []Case, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		out, err = casesOf(tx, t, customer.ID{})
		return err
	})
	return out, err
}
