package consent

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The faults of choices.
var (
	ErrChangedPurpose = fault.New(fault.Conflict, "purpose_changed", "This has changed in the meantime. Read it again before you decide.")
	ErrNoChoice       = fault.New(fault.Denied, "purpose_no_choice", "This use does not rest on your choice.")
)

// evidence is the label under which evidence is sealed.
const evidence = "consent/evidence"

// Evidence is what a decision was made by, kept sealed with its entry. Words are
// kept where no later look could find them: those of an application's scope are
// made for the page, and its digest stands in the entry.
type Evidence struct {
	Network string `json:"network,omitempty"`
	Agent   string `json:"agent,omitempty"`
	Title   string `json:"title,omitempty"`
	Text    string `json:"text,omitempty"`
}

// Seal seals the evidence under the customer's data key.
func (e Evidence) Seal(tx *db.Tx, t *tenant.Tenant, c customer.ID) (customer.Sealed, error) {
	plain, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return customer.Seal(tx, t, c, evidence, plain)
}

// Choice is what a customer decides about a purpose.
type Choice struct {
	Customer customer.ID
	Purpose  string
	Decision string // Given, Withdrawn or Objected
	Version  int64  // that the customer has read
	Locale   string // in which it was shown
	Surface  string // "portal", "signin", "api", "gpc"
	Method   string // "button", "header"
	Network  string // evidence, kept sealed
	Agent    string
	Actor    journal.Actor // who decides on the customer's behalf; zero: the customer
}

// Decide writes a choice to the ledger and returns the entry that stands now.
// Deciding once more what stands already writes nothing, but renews a consent
// that is about to expire. A consent to sale_or_share can be objected to as
// well as withdrawn. Faults: purpose_unknown; purpose_changed where a later
// version is in force than the customer has read; purpose_no_choice where the
// basis leaves none.
func Decide(tx *db.Tx, t *tenant.Tenant, ch Choice) (ID, error) {
	p, err := GetPurpose(tx, t, ch.Purpose)
	if err != nil {
		return ID{}, err
	}
	if ch.Decision == Given && ch.Version != p.Version {
		return ID{}, ErrChangedPurpose
	}
	s, holds, err := Holds(tx, t, ch.Customer, ch.Purpose, [16]byte{})
	if err != nil {
		return ID{}, err
	}
	if !p.allows(ch.Decision, s) {
		return ID{}, ErrNoChoice
	}
	if s.Decision == ch.Decision && (ch.Decision != Given || holds && s.Version == p.Version && !p.Renewable(s, tx.Now)) {
		return s.ConsentID, nil
	}
	return ch.record(tx, t, &p)
}

// allows tells whether the basis leaves the choice to the customer.
func (p *Purpose) allows(decision string, s State) bool {
	switch decision {
	case Given: // on another basis than consent: taking an objection back
		return p.Basis == ByConsent || p.Basis.Objectable() && s.Decision != ""
	case Withdrawn:
		return p.Basis == ByConsent
	case Objected:
		return p.Basis.Objectable() || p.SaleOrShare
	}
	return false
}

// Renewable reports whether a consent ends so soon that the customer may be
// asked for it again.
func (p *Purpose) Renewable(s State, now time.Time) bool {
	return s.Given() && p.Basis == ByConsent && !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt.Add(-time.Duration(p.Remind)))
}

func (ch *Choice) record(tx *db.Tx, t *tenant.Tenant, p *Purpose) (ID, error) {
	words, locale := p.WordsIn(ch.Locale, t.Locale())
	d := Decision{
		Customer: ch.Customer, Purpose: ForPurpose, Item: p.ID, Given: ch.Decision == Given, Objected: ch.Decision == Objected,
		Version: p.Version, TextDigest: words.Digest(), Locale: locale, Surface: ch.Surface, Method: ch.Method, Actor: ch.Actor,
	}
	if ch.Decision == Given && p.Basis == ByConsent && p.Expiry != 0 {
		d.ExpiresAt = tx.Now.Add(time.Duration(p.Expiry))
		if p.Remind != 0 {
			d.RemindAt = d.ExpiresAt.Add(-time.Duration(p.Remind))
		}
	}
	var err error
	if d.Evidence, err = (Evidence{Network: ch.Network, Agent: ch.Agent}).Seal(tx, t, ch.Customer); err != nil {
		return ID{}, err
	}
	return enter(tx, t.ID, d.entry(t.ID))
}

// Sweep writes "expired" to the ledger for at most limit consents, of all
// tenants, whose time is over, and tells how many. What has expired does not
// hold before that either.
func Sweep(tx *db.Tx, limit int) (int, error) {
	list, err := db.All[State](tx, `FROM consent_state WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2`, tx.Now, limit)
	if err != nil {
		return 0, err
	}
	for _, s := range list {
		d := Decision{
			Customer: s.CustomerID, Purpose: s.Purpose, Recipient: s.Recipient, Item: s.Item, Version: s.Version,
			Surface: "house", Method: "expiry", Actor: journal.Actor{Kind: "system"},
		}
		e := d.entry(s.TenantID)
		e.Decision = Expired
		if _, err := enter(tx, s.TenantID, e); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}
