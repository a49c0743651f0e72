package consent

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What is decided on.
const (
	Terms   = "terms"   // a legal text; the item is the document's kind
	Privacy = "privacy" // likewise, for those who tell them apart
	Scope   = "scope"   // what an application may have; the item is the scope
)

// ErrBadDecision is told for a decision that says too little.
var ErrBadDecision = fault.New(fault.Invalid, "bad_decision", "A decision names its customer, purpose and item.")

type kind struct{}

func (kind) Prefix() string { return "con" }

// ID is the id of a decision in the ledger; it stands on receipts.
type ID = id.ID[kind]

// Decision is something that a customer agreed to or took back.
type Decision struct {
	Customer   customer.ID
	Purpose    string
	Recipient  [16]byte // an application's id; zero: the tenant itself
	Item       string
	Given      bool
	Version    int64    // of the text
	TextDigest [32]byte // SHA-256 of what was shown
	Locale     string
	Surface    string // where: "signup", "signin", "portal", "api", "import"
	Method     string // how: "button", "checkbox", "continue"
	Evidence   customer.Sealed
}

// Entry is a row of the ledger.
type Entry struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	ID         ID
	Purpose    string
	Recipient  [16]byte
	Item       string
	Decision   string // "given" or "withheld"
	Version    int64
	TextDigest [32]byte
	Locale     string
	Surface    string
	Method     string
	Evidence   customer.Sealed
	MadeAt     time.Time
}

// Fields names the columns.
func (e *Entry) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.TenantID}, {Column: "customer_id", Ptr: &e.CustomerID}, {Column: "id", Ptr: &e.ID},
		{Column: "purpose", Ptr: &e.Purpose}, {Column: "recipient", Ptr: &e.Recipient}, {Column: "item", Ptr: &e.Item},
		{Column: "decision", Ptr: &e.Decision}, {Column: "version", Ptr: &e.Version}, {Column: "text_digest", Ptr: &e.TextDigest},
		{Column: "locale", Ptr: &e.Locale}, {Column: "surface", Ptr: &e.Surface}, {Column: "method", Ptr: &e.Method},
		{Column: "evidence_sealed", Ptr: &e.Evidence}, {Column: "made_at", Ptr: &e.MadeAt},
	}
}

// State is where the ledger stands on one item towards one recipient.
type State struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	Purpose    string
	Recipient  [16]byte
	Item       string
	Decision   string
	Version    int64
	ConsentID  ID
	MadeAt     time.Time
}

// Fields names the columns.
func (s *State) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.TenantID}, {Column: "customer_id", Ptr: &s.CustomerID}, {Column: "purpose", Ptr: &s.Purpose},
		{Column: "recipient", Ptr: &s.Recipient}, {Column: "item", Ptr: &s.Item}, {Column: "decision", Ptr: &s.Decision},
		{Column: "version", Ptr: &s.Version}, {Column: "consent_id", Ptr: &s.ConsentID}, {Column: "made_at", Ptr: &s.MadeAt},
	}
}

// Given reports whether the customer agreed.
func (s *State) Given() bool { return s.Decision == given }

const (
	given    = "given"
	withheld = "withheld"
)

// Decided is told when a customer agrees to something or takes it back.
type Decided struct {
	Consent ID     `json:"consent"`
	Purpose string `json:"purpose"`
	Item    string `json:"item"`
	Given   bool   `json:"given"`
	Version int64  `json:"version,omitempty"`
}

// EventName names the event.
func (Decided) EventName() string { return "consent.decided" }

// Record adds a decision to the ledger and moves the state, in one transaction.
// It fails with ErrBadDecision.
func Record(tx *db.Tx, t *tenant.Tenant, d Decision) error {
	if d.Customer.IsZero() || d.Purpose == "" || d.Item == "" {
		return ErrBadDecision
	}
	e := Entry{
		TenantID: t.ID, CustomerID: d.Customer, ID: id.New[kind](tx.Now), Purpose: d.Purpose, Recipient: d.Recipient,
		Item: d.Item, Decision: withheld, Version: d.Version, TextDigest: d.TextDigest, Locale: d.Locale,
		Surface: d.Surface, Method: d.Method, Evidence: d.Evidence, MadeAt: tx.Now,
	}
	if d.Given {
		e.Decision = given
	}
	if err := db.Insert(tx, "consent", e); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO consent_state
		(tenant_id, customer_id, purpose, recipient, item, decision, version, consent_id, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (tenant_id, customer_id, purpose, recipient, item) DO UPDATE SET
		decision = excluded.decision, version = excluded.version, consent_id = excluded.consent_id, made_at = excluded.made_at`,
		t.ID, d.Customer, d.Purpose, d.Recipient, d.Item, e.Decision, d.Version, e.ID, tx.Now); err != nil {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: d.Customer, Application: d.Recipient, Class: journal.Consent,
		Event: Decided{Consent: e.ID, Purpose: d.Purpose, Item: d.Item, Given: d.Given, Version: d.Version},
	})
}

// Granted lists the scopes that an application has the customer's consent for.
func Granted(tx *db.Tx, t *tenant.Tenant, c customer.ID, a app.ID) ([]string, error) {
	states, err := scopes(tx, t, c, a)
	var out []string
	for _, s := range states {
		out = append(out, s.Item)
	}
	return out, err
}

func scopes(tx *db.Tx, t *tenant.Tenant, c customer.ID, a app.ID) ([]State, error) {
	return db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2 AND purpose = 'scope'
		AND recipient = $3 AND decision = 'given' ORDER BY item`, t.ID, c, [16]byte(a))
}

// Missing lists those of the scopes that the customer has not agreed to yet.
func Missing(tx *db.Tx, t *tenant.Tenant, c customer.ID, a app.ID, wanted []string) ([]string, error) {
	have, err := Granted(tx, t, c, a)
	return slices.DeleteFunc(slices.Clone(wanted), func(s string) bool { return slices.Contains(have, s) }), err
}

// Withdraw takes every scope back that the customer gave an application.
func Withdraw(tx *db.Tx, t *tenant.Tenant, c customer.ID, a app.ID, surface string) error {
	states, err := scopes(tx, t, c, a)
	if err != nil {
		return err
	}
	for _, s := range states {
		d := Decision{Customer: c, Purpose: Scope, Recipient: s.Recipient, Item: s.Item, Surface: surface, Method: "button"}
		if err := Record(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}

// Recipients lists the applications that have any scope of the customer's.
func Recipients(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]State, error) {
	return db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2 AND purpose = 'scope'
		AND decision = 'given' ORDER BY recipient, item`, t.ID, c)
}

// Ledger lists all decisions of a customer, the latest first.
func Ledger(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Entry, error) {
	return db.All[Entry](tx, `FROM consent WHERE tenant_id = $1 AND customer_id = $2 ORDER BY made_at DESC, id`, t.ID, c)
}
