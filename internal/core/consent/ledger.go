package consent

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What is decided on.
const (
	Terms   = "terms"   // a legal text; the item is the document's kind
	Privacy = "privacy" // likewise, for those who tell them apart
	Scope   = "scope"   // what an application may have; the item is the scope

	ForPurpose = "purpose" // what data is used for; the item is the purpose's id
)

// What is decided.
const (
	Given     = "given"
	Withdrawn = "withdrawn"
	Objected  = "objected"
	Expired   = "expired" // by the house, when a consent's time is over
)

// ErrNoDecision is told where the ledger has no such entry of the customer.
var ErrNoDecision = fault.New(fault.NotFound, "decision_unknown", "There is no such decision.")

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
	Objected   bool   // where not given: objected to, rather than withdrawn
	Surface    string // where: "signup", "signin", "portal", "api", "import", "gpc"
	Method     string // how: "button", "checkbox", "continue", "header"
	Evidence   customer.Sealed
	ExpiresAt  time.Time     // until when consent holds; zero: until it is withdrawn
	RemindAt   time.Time     // when the customer is told that it ends; zero: never
	Actor      journal.Actor // who decided on the customer's behalf; zero: the customer
}

// Entry is a row of the ledger.
type Entry struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	ID         ID
	Purpose    string
	Recipient  [16]byte
	Item       string
	Decision   string // Given, Withdrawn, Objected or Expired; "withheld" is an older word for Withdrawn
	Version    int64
	TextDigest [32]byte
	Locale     string
	Surface    string
	Method     string
	Evidence   customer.Sealed
	MadeAt     time.Time
	ActorKind  string
	ActorID    [16]byte
	ExpiresAt  time.Time

	remindAt time.Time // kept with the state alone: when the customer is told that it ends
}

// Fields names the columns.
func (e *Entry) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.TenantID}, {Column: "customer_id", Ptr: &e.CustomerID}, {Column: "id", Ptr: &e.ID},
		{Column: "purpose", Ptr: &e.Purpose}, {Column: "recipient", Ptr: &e.Recipient}, {Column: "item", Ptr: &e.Item},
		{Column: "decision", Ptr: &e.Decision}, {Column: "version", Ptr: &e.Version}, {Column: "text_digest", Ptr: &e.TextDigest},
		{Column: "locale", Ptr: &e.Locale}, {Column: "surface", Ptr: &e.Surface}, {Column: "method", Ptr: &e.Method},
		{Column: "evidence_sealed", Ptr: &e.Evidence}, {Column: "made_at", Ptr: &e.MadeAt},
		{Column: "actor_kind", Ptr: &e.ActorKind}, {Column: "actor_id", Ptr: &e.ActorID}, {Column: "expires_at", Ptr: &e.ExpiresAt},
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
	ExpiresAt  time.Time

	Why string // set by Holds
}

// Fields names the columns.
func (s *State) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.TenantID}, {Column: "customer_id", Ptr: &s.CustomerID}, {Column: "purpose", Ptr: &s.Purpose},
		{Column: "recipient", Ptr: &s.Recipient}, {Column: "item", Ptr: &s.Item}, {Column: "decision", Ptr: &s.Decision},
		{Column: "version", Ptr: &s.Version}, {Column: "consent_id", Ptr: &s.ConsentID}, {Column: "made_at", Ptr: &s.MadeAt},
		{Column: "expires_at", Ptr: &s.ExpiresAt},
	}
}

// Given reports whether the customer agreed.
func (s *State) Given() bool { return s.Decision == Given }

// Decided is told of every entry of the ledger. Row is the entry's digest, by
// which the chain of the journal guards the ledger too.
type Decided struct {
	Consent  ID     `json:"consent"`
	Purpose  string `json:"purpose"`
	Item     string `json:"item"`
	Given    bool   `json:"given"`
	Decision string `json:"decision,omitempty"`
	Version  int64  `json:"version,omitempty"`
	Row      string `json:"row,omitempty"` // SHA-256, hexadecimal
}

// EventName names the event.
func (Decided) EventName() string { return "consent.decided" }

// Record adds a decision to the ledger and moves the state, in one transaction.
// It fails with ErrBadDecision.
func Record(tx *db.Tx, t *tenant.Tenant, d Decision) error {
	if d.Customer.IsZero() || d.Purpose == "" || d.Item == "" {
		return ErrBadDecision
	}
	_, err := enter(tx, t.ID, d.entry(t.ID))
	return err
}

func (d *Decision) entry(t tenant.ID) Entry {
	e := Entry{
		TenantID: t, CustomerID: d.Customer, Purpose: d.Purpose, Recipient: d.Recipient,
		Item: d.Item, Decision: Withdrawn, Version: d.Version, TextDigest: d.TextDigest, Locale: d.Locale,
		Surface: d.Surface, Method: d.Method, Evidence: d.Evidence,
		ActorKind: d.Actor.Kind, ActorID: d.Actor.ID,
	}
	switch {
	case d.Given:
		e.Decision, e.ExpiresAt, e.remindAt = Given, d.ExpiresAt, d.RemindAt
	case d.Objected:
		e.Decision = Objected
	}
	if e.ActorKind == "" {
		e.ActorKind = "customer"
	}
	return e
}

// enter is the only writer of the ledger: it adds the entry, moves the state and
// tells the journal.
func enter(tx *db.Tx, t tenant.ID, e Entry) (ID, error) {
	if err := e.follow(tx); err != nil {
		return e.ID, err
	}
	if err := db.Insert(tx, "consent", e); err != nil {
		return e.ID, err
	}
	if _, err := tx.Exec(`INSERT INTO consent_state
		(tenant_id, customer_id, purpose, recipient, item, decision, version, consent_id, made_at, expires_at, remind_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (tenant_id, customer_id, purpose, recipient, item) DO UPDATE SET
		decision = excluded.decision, version = excluded.version, consent_id = excluded.consent_id, made_at = excluded.made_at,
		expires_at = excluded.expires_at, remind_at = excluded.remind_at`,
		e.TenantID, e.CustomerID, e.Purpose, e.Recipient, e.Item, e.Decision, e.Version, e.ID, e.MadeAt, e.ExpiresAt, e.remindAt); err != nil {
		return e.ID, err
	}
	row := e.Digest()
	told := journal.Entry{
		Tenant: t, Subject: e.CustomerID, Application: e.Recipient, Class: journal.Consent,
		Event: Decided{
			Consent: e.ID, Purpose: e.Purpose, Item: e.Item, Given: e.Decision == Given, Decision: e.Decision,
			Version: e.Version, Row: hex.EncodeToString(row[:]),
		},
	}
	if e.ActorKind != "customer" {
		told.Actor = journal.Actor{Kind: e.ActorKind, ID: e.ActorID}
	}
	return e.ID, journal.Append(tx, told)
}

// follow gives the entry its instant and its id: those of now, but always after
// the entry that it follows on the same item. So the ledger has one order, that
// of writing, also within a microsecond and where two nodes' clocks differ: the
// latest instant is the entry that was written last, and the state is its.
func (e *Entry) follow(tx *db.Tx) error {
	last, there, err := db.Value[int64](tx, `SELECT made_at FROM consent_state WHERE tenant_id = $1 AND customer_id = $2
		AND purpose = $3 AND recipient = $4 AND item = $5`, e.TenantID, e.CustomerID, e.Purpose, e.Recipient, e.Item)
	if err != nil {
		return err
	}
	e.MadeAt = tx.Now
	if next := time.UnixMicro(last + 1).UTC(); there && e.MadeAt.Before(next) {
		e.MadeAt = next
	}
	e.ID = ID(id.Next(e.MadeAt))
	return nil
}

// Digest is the SHA-256 based digest of everything that the entry says.
func (e *Entry) Digest() [32]byte {
	number := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	at := func(t time.Time) []byte {
		if t.IsZero() {
			return nil
		}
		return number(t.UnixMicro())
	}
	return secret.HMAC([]byte("cardea/consent/1"), e.TenantID[:], e.CustomerID[:], e.ID[:], []byte(e.Purpose), e.Recipient[:],
		[]byte(e.Item), []byte(e.Decision), number(e.Version), e.TextDigest[:], []byte(e.Locale), []byte(e.Surface),
		[]byte(e.Method), e.Evidence, at(e.MadeAt), []byte(e.ActorKind), e.ActorID[:], at(e.ExpiresAt))
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

// Allow writes that the customer lets an application have scopes, each with the
// digest of the words that were shown for it; the words rest sealed with the
// evidence. ch brings who, where, how and the evidence.
func Allow(tx *db.Tx, t *tenant.Tenant, a app.ID, scopes []string, shown map[string]Words, ch Choice) error {
	for _, s := range scopes {
		w, said := shown[s]
		d := ch.scope(a, s)
		if d.Given = true; said {
			d.TextDigest = w.Digest()
		}
		if err := ch.seal(tx, t, &d, w); err != nil {
			return err
		}
	}
	return nil
}

// Withdraw takes every scope back that the customer gave an application. ch
// brings who, where, how and the evidence.
func Withdraw(tx *db.Tx, t *tenant.Tenant, a app.ID, ch Choice) error {
	states, err := scopes(tx, t, ch.Customer, a)
	if err != nil {
		return err
	}
	for _, s := range states {
		d := ch.scope(a, s.Item)
		if err := ch.seal(tx, t, &d, Words{}); err != nil {
			return err
		}
	}
	return nil
}

func (ch *Choice) scope(a app.ID, scope string) Decision {
	return Decision{
		Customer: ch.Customer, Purpose: Scope, Recipient: a, Item: scope, Locale: ch.Locale, Surface: ch.Surface, Method: ch.Method, Actor: ch.Actor,
	}
}

func (ch *Choice) seal(tx *db.Tx, t *tenant.Tenant, d *Decision, w Words) (err error) {
	if d.Evidence, err = (Evidence{ch.Network, ch.Agent, w.Title, w.Text}).Seal(tx, t, ch.Customer); err != nil {
		return err
	}
	return Record(tx, t, *d)
}

// Recipients lists the applications that have any scope of the customer's.
func Recipients(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]State, error) {
	return db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2 AND purpose = 'scope'
		AND decision = 'given' ORDER BY recipient, item`, t.ID, c)
}

// Ledger lists all decisions of a customer, the latest first.
func Ledger(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Entry, error) {
	return db.All[Entry](tx, `FROM consent WHERE tenant_id = $1 AND customer_id = $2 ORDER BY made_at DESC, id DESC`, t.ID, c)
}

// GetEntry returns an entry of a customer's ledger, or decision_unknown.
func GetEntry(tx *db.Tx, t *tenant.Tenant, c customer.ID, id ID) (Entry, error) {
	e, ok, err := db.Find[Entry](tx, `FROM consent WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, c, id)
	if err == nil && !ok {
		err = ErrNoDecision
	}
	return e, err
}
