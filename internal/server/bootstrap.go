package server

import (
	"context"
	"net/url"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The first operator. A new house has no account that could sign in (H083):
// serve prints a link with a secret, which makes one operator, once.
//
//	(nothing) ── issue ──► out, 24 hours ── redeem ──► done for good
//	    ▲                        │
//	    └──── expired, or issued again: the former secret is dead

// BootstrapFor is how long a link is good.
const BootstrapFor = 24 * time.Hour

// ErrBootstrap is told of a link that is unknown, used or too old.
var ErrBootstrap = fault.New(fault.Gone, "bootstrap_over", "This link has been used or is too old. Run 'cardea bootstrap' on the server for a new one.")

// BootstrapIssued is told when a link for the first operator was made.
type BootstrapIssued struct {
	Again bool `json:"again,omitempty"` // although an operator was made before
}

// EventName names the event.
func (BootstrapIssued) EventName() string { return "bootstrap.issued" }

// BootstrapRedeemed is told when the link was used.
type BootstrapRedeemed struct{}

// EventName names the event.
func (BootstrapRedeemed) EventName() string { return "bootstrap.redeemed" }

// IssueBootstrap draws a new secret and ends the former one. After the first
// operator was made it draws none, and returns "", unless asked to do it again:
// that is for an operator at the machine itself when nobody can sign in.
func IssueBootstrap(tx *db.Tx, t *tenant.Tenant, again bool) (string, error) {
	_, done, err := readFact(tx, factBootstrapDone)
	if err != nil || done && !again {
		return "", err
	}
	token := secret.Token()
	digest := secret.Digest([]byte(token))
	if err := writeFact(tx, factBootstrap, digest[:]); err != nil {
		return "", err
	}
	return token, bootstrapNote(tx, t, BootstrapIssued{Again: done})
}

// PeekBootstrap tells whether a secret would be redeemed now. It changes
// nothing, for the page that asks before it does.
func PeekBootstrap(tx *db.Tx, token string) (bool, error) {
	f, ok, err := db.Find[fact](tx, `FROM house WHERE name = $1`, factBootstrap)
	digest := secret.Digest([]byte(token))
	return ok && secret.Equal(f.value, digest[:]) && f.changedAt.After(tx.Now.Add(-BootstrapFor)), err
}

// RedeemBootstrap uses the secret up, exactly once, in the transaction that
// makes the operator. It fails with ErrBootstrap.
func RedeemBootstrap(tx *db.Tx, t *tenant.Tenant, token string) error {
	digest := secret.Digest([]byte(token))
	_, ok, err := db.Take[fact](tx, `DELETE FROM house WHERE name = $1 AND value = $2 AND changed_at > $3`,
		factBootstrap, digest[:], tx.Now.Add(-BootstrapFor))
	if err != nil {
		return err
	}
	if !ok {
		return ErrBootstrap
	}
	if err := writeFact(tx, factBootstrapDone, []byte{1}); err != nil {
		return err
	}
	return bootstrapNote(tx, t, BootstrapRedeemed{})
}

func bootstrapNote(tx *db.Tx, t *tenant.Tenant, e journal.Event) error {
	return journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: t.ID, Actor: journal.Actor{Kind: "operator"}, Event: e, Class: journal.Security})
}

// BootstrapLink is for serve's start: it returns a link if no operator was made
// yet and no unexpired link is out, else "". Of several nodes one gets it.
func (b *Base) BootstrapLink(ctx context.Context) (string, error) {
	return b.bootstrap(ctx, func(tx *db.Tx, t *tenant.Tenant) (string, error) {
		f, out, err := db.Find[fact](tx, `FROM house WHERE name = $1`, factBootstrap)
		if err != nil || out && f.changedAt.After(tx.Now.Add(-BootstrapFor)) {
			return "", err
		}
		return IssueBootstrap(tx, t, false)
	})
}

// NewBootstrapLink ends the link that is out and returns another. Once an
// operator was made it refuses, unless again is set.
func (b *Base) NewBootstrapLink(ctx context.Context, again bool) (string, error) {
	link, err := b.bootstrap(ctx, func(tx *db.Tx, t *tenant.Tenant) (string, error) { return IssueBootstrap(tx, t, again) })
	if err == nil && link == "" {
		err = failed("The first operator was made already.", "Sign in at "+b.House.BuiltIn().Origin+". If nobody can, add --again.", nil)
	}
	return link, err
}

func (b *Base) bootstrap(ctx context.Context, issue func(*db.Tx, *tenant.Tenant) (string, error)) (string, error) {
	t := b.House.BuiltIn()
	if t == nil {
		return "", refused("The staff's tenant does not exist yet.", "Start 'cardea serve' once with CARDEA_ORIGIN set.", nil)
	}
	var token string
	err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
		token, err = issue(tx, t)
		return err
	})
	if err != nil || token == "" {
		return "", err
	}
	return t.Origin + "/bootstrap?" + url.Values{"t": {token}}.Encode(), nil
}
