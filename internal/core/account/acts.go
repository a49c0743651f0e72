package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Acts is what the acts need from above. The zero value works, but for passkeys,
// which need WebAuthn: codes are random, no application is told of a sign-out,
// and no network is of bad repute.
type Acts struct {
	Codes    credential.Codes
	WebAuthn *credential.WebAuthn
	Atlas    risk.Atlas                                       // what the operator's files say of networks
	Logout   func(tx *db.Tx, t *tenant.Tenant, e Ended) error // Back-Channel Logout: enqueue its jobs
}

// Ended is a session that ended, with the grants that were given in it.
type Ended struct {
	Customer customer.ID
	Session  session.ID
	Grants   []grant.Grant
}

// Where the links of messages lead, on the tenant's origin.
const (
	LinkPath    = "/signin/link" // ?t= the link of a one-time code
	UndoPath    = "/undo"        // ?t= the token of an address change
	SignInPath  = "/signin"
	AccountPath = "/account"
	RecoverPath = "/signin?recover=1"
)

// Spans of time that customers are told of.
const (
	Cooldown = 30 * time.Second    // between two messages of one journey
	Fresh    = 10 * time.Minute    // how old a proof may be before something dangerous
	Undo     = 72 * time.Hour      // how long an address change can be undone
	Closing  = 14 * 24 * time.Hour // how long a closing account can be kept after all
)

// The faults of this room.
var (
	ErrStep     = fault.New(fault.Conflict, "step_not_next", "This step is not the next one. Look at the page again.")
	ErrProof    = fault.New(fault.Denied, "proof_elsewhere", "That code belongs to another sign-in.")
	ErrTooSoon  = fault.New(fault.Limited, "resend_too_soon", "A message was sent just now. Wait a moment before you ask for another.")
	ErrTaken    = fault.New(fault.Conflict, "identifier_taken", "That address belongs to another account.")
	ErrPassword = fault.New(fault.Unauthenticated, "password_wrong", "That password does not match.")
	ErrState    = fault.New(fault.Conflict, "wrong_state", "The account's state does not allow this.")
	ErrReason   = fault.New(fault.Invalid, "reason_missing", "Say why: the reason is kept with the act.").At("reason")
	ErrLate     = fault.New(fault.Gone, "closing_over", "The time to keep this account is over.")
)

// Staff is who acts on somebody else's account, and why.
type Staff struct {
	Actor  journal.Actor
	Reason string
}

// end ends sessions of the customer and what was granted in them, and lets the
// applications know. It ends all but the one that is kept; with everything,
// also what was granted for longer than a session.
func (a Acts) end(tx *db.Tx, t *tenant.Tenant, c customer.ID, keep session.ID, reason string) error {
	list, err := session.List(tx, t, c)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.ID == keep {
			continue
		}
		if _, err := a.EndSession(tx, t, c, s.ID, reason); err != nil {
			return err
		}
	}
	return endGrants(tx, t, c, keep, reason)
}

// endGrants ends every grant that was not given in the kept session.
func endGrants(tx *db.Tx, t *tenant.Tenant, c customer.ID, keep session.ID, reason string) error {
	if keep.IsZero() {
		_, err := grant.EndAll(tx, t, c, reason)
		return err
	}
	list, err := grant.List(tx, t, c)
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.SessionID == keep {
			continue
		}
		if _, err := grant.End(tx, t, c, g.ID, reason); err != nil {
			return err
		}
	}
	return nil
}
