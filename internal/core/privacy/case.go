package privacy

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type caseID struct{}

func (caseID) Prefix() string { return "cas" }

// CaseID is the id of a case; the customer sees it as its reference.
type CaseID = id.ID[caseID]

type caseEntryID struct{}

func (caseEntryID) Prefix() string { return "cen" }

// CaseEntryID is the id of a line of a case's history.
type CaseEntryID = id.ID[caseEntryID]

// CaseKind is which right a case is about.
type CaseKind string

// The kinds of cases, by the articles of the GDPR.
const (
	Access        CaseKind = "access"        // 15
	Portability   CaseKind = "portability"   // 20
	Erasure       CaseKind = "erasure"       // 17
	Rectification CaseKind = "rectification" // 16; the item is a field, or nothing
	Restriction   CaseKind = "restriction"   // 18; the item is Lift where it is to end
	Objection     CaseKind = "objection"     // 21; the item is a purpose
	Complaint     CaseKind = "complaint"
)

// CaseKinds lists the kinds.
func CaseKinds() []CaseKind {
	return []CaseKind{Access, Portability, Rectification, Erasure, Restriction, Objection, Complaint}
}

// Lift is the item of a restriction case that is to end a restriction.
const Lift = "lift"

// CaseState is where a case stands.
type CaseState string

// The states of a case.
const (
	CaseOpen    CaseState = "open"    // the clock runs
	CaseWaiting CaseState = "waiting" // for the customer; the clock stands
	CaseClosed  CaseState = "closed"
)

// The channels by which a request comes in.
const (
	ByPortal = "portal"
	ByStaff  = "staff" // at a counter, by phone
	ByMail   = "mail"
)

// How it was checked who asks.
const (
	Unverified  = "unverified" // nothing is released or changed
	SignedIn    = "signed_in"  // with the level of the session
	SeenByStaff = "staff"      // in words that stand in the history
)

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"
	Partly    Outcome = "partly"
	Refused   Outcome = "refused"
	Withdrawn Outcome = "withdrawn" // by the customer
	Lapsed    Outcome = "lapsed"    // the account was erased before it was answered
)

// What happens in a case; the acts of its history.
const (
	ActOpened     = "opened"
	ActWords      = "words"      // of the customer, later
	ActNote       = "note"       // of staff, not told
	ActAnswer     = "answer"     // of staff, told
	ActIdentified = "identified" // how the requester was verified, not told
	ActPaused     = "paused"
	ActResumed    = "resumed"
	ActExtended   = "extended"
	ActDecided    = "decided"
	ActWithdrawn  = "withdrawn"
	ActDueSoon    = "due_soon" // by the house
	ActOverdue    = "overdue"  // by the house
	ActLapsed     = "lapsed"   // by the house
)

// Bounds of cases.
const (
	mostCasesADay = 10   // that one customer opens
	mostEntries   = 200  // lines of one case
	mostWords     = 4000 // characters of one line
)

// The faults of cases.
var (
	ErrNoCase         = fault.New(fault.NotFound, "case_not_found", "There is no such request.")
	ErrCaseKind       = fault.New(fault.Invalid, "case_kind", "Choose what the request is about.").At("kind")
	ErrCaseItem       = fault.New(fault.Invalid, "case_item", "Choose what it is about.").At("item")
	ErrCaseWords      = fault.New(fault.Invalid, "case_words", "Say it in your own words, in at most 4,000 characters.").At("words")
	ErrCaseClosed     = fault.New(fault.Conflict, "case_closed", "This request was answered already.")
	ErrCaseWaiting    = fault.New(fault.Conflict, "case_waiting", "This case waits for the customer already.")
	ErrCaseRunning    = fault.New(fault.Conflict, "case_running", "This case does not wait for anybody.")
	ErrCaseExtended   = fault.New(fault.Conflict, "case_extended", "The time of this case was extended already: once is all that there is.")
	ErrCaseOverdue    = fault.New(fault.Conflict, "case_overdue", "The time of this case is over. It can be decided, not extended.")
	ErrCaseIdentity   = fault.New(fault.Denied, "case_identity", "Nobody has checked who asks. Say how the requester was verified first.")
	ErrCaseIdentified = fault.New(fault.Conflict, "case_identified", "It stands already how the requester was verified.")
	ErrCaseOutcome    = fault.New(fault.Invalid, "case_outcome", "A case is decided as done, partly or refused; an erasure as done or refused.").At("outcome")
	ErrCaseValue      = fault.New(fault.Invalid, "case_value", "Say what the field is to hold.").At("value")
	ErrCaseErasing    = fault.New(fault.Conflict, "case_erasing", "The account closes already; the case ends with it.")
	ErrCaseItself     = fault.New(fault.Conflict, "case_itself", "This request ends by itself, with what it is about.")
	ErrCasesMany      = fault.New(fault.Limited, "cases_many", "You have made many requests today. Add to one of them, or come back tomorrow.")
	ErrCaseLong       = fault.New(fault.Limited, "case_long", "This request is as long as one may be. Make a new one.")
)

// Case is a request of a customer about their data.
type Case struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	ID         CaseID
	Kind       CaseKind
	Item       string // what it is about: see the kinds
	Channel    string
	ByItself   bool // the house opened it and ends it: a download, the closing of the account
	State      CaseState
	Identity   string // SignedIn, SeenByStaff or Unverified
	Level      string // of the session that it was made in
	OpenedAt   time.Time
	DueAt      time.Time // while it waits: as of when it began to
	PausedAt   time.Time
	ExtendedAt time.Time
	WarnedAt   time.Time
	OverdueAt  time.Time // when it was noticed
	ClosedAt   time.Time
	Outcome    Outcome
}

// Fields names the columns.
func (c *Case) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &c.TenantID}, {Column: "customer_id", Ptr: &c.CustomerID}, {Column: "id", Ptr: &c.ID},
		{Column: "kind", Ptr: &c.Kind}, {Column: "item", Ptr: &c.Item}, {Column: "channel", Ptr: &c.Channel},
		{Column: "by_itself", Ptr: &c.ByItself}, {Column: "state", Ptr: &c.State},
		{Column: "identity", Ptr: &c.Identity}, {Column: "identity_level", Ptr: &c.Level},
		{Column: "opened_at", Ptr: &c.OpenedAt}, {Column: "due_at", Ptr: &c.DueAt}, {Column: "paused_at", Ptr: &c.PausedAt},
		{Column: "extended_at", Ptr: &c.ExtendedAt}, {Column: "warned_at", Ptr: &c.WarnedAt},
		{Column: "overdue_at", Ptr: &c.OverdueAt}, {Column: "closed_at", Ptr: &c.ClosedAt}, {Column: "outcome", Ptr: &c.Outcome},
	}
}

// Overdue reports whether the clock has run out.
func (c *Case) Overdue(now time.Time) bool { return c.State == CaseOpen && !now.Before(c.DueAt) }

// DueSoon reports whether it is about to.
func (c *Case) DueSoon(now time.Time) bool {
	return c.State == CaseOpen && !now.Before(c.DueAt.Add(-WarnBefore))
}

// CaseEntry is a line of a case's history.
type CaseEntry struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	CaseID     CaseID
	ID         CaseEntryID
	Act        string
	ActorKind  string
	ActorID    [16]byte
	Told       bool            // the customer sees it
	Sealed     customer.Sealed // words; nil: none, or the customer is erased
	DueAt      time.Time       // of the case from then on
	MadeAt     time.Time
}

// Fields names the columns.
func (e *CaseEntry) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.TenantID}, {Column: "customer_id", Ptr: &e.CustomerID}, {Column: "case_id", Ptr: &e.CaseID},
		{Column: "id", Ptr: &e.ID}, {Column: "act", Ptr: &e.Act}, {Column: "actor_kind", Ptr: &e.ActorKind},
		{Column: "actor_id", Ptr: &e.ActorID}, {Column: "told", Ptr: &e.Told}, {Column: "words_sealed", Ptr: &e.Sealed},
		{Column: "due_at", Ptr: &e.DueAt}, {Column: "made_at", Ptr: &e.MadeAt},
	}
}

// Item is the sealed words with what they are bound to.
func (e *CaseEntry) Item() customer.Item {
	return customer.Item{Field: caseField(e.CaseID, e.ID), Sealed: e.Sealed}
}

func caseField(c CaseID, e CaseEntryID) string {
	return "privacy.case/" + c.String() + "/" + e.String()
}

// CaseActed is told of every step of a case. Row is the digest of the line of
// its history, so that the chain of the journal guards the history too.
type CaseActed struct {
	Case    CaseID    `json:"case"`
	Entry   string    `json:"entry"`
	Kind    CaseKind  `json:"kind"`
	Item    string    `json:"item,omitempty"`
	Act     string    `json:"act"`
	Outcome Outcome   `json:"outcome,omitempty"`
	Due     time.Time `json:"due"`
	Row     string    `json:"row"` // SHA-256 based, hexadecimal
}

// EventName names the event.
func (e CaseActed) EventName() string { return "privacy.case_" + e.Act }

// ParseCaseKind reads a kind. It fails with ErrCaseKind.
func ParseCaseKind(s string) (CaseKind, error) {
	if k := CaseKind(s); slices.Contains(CaseKinds(), k) {
		return k, nil
	}
	return "", ErrCaseKind
}

// FindCase returns a case of a customer, or case_not_found.
func FindCase(tx *db.Tx, t *tenant.Tenant, c customer.ID, id CaseID) (Case, error) {
	out, ok, err := db.Find[Case](tx, `FROM privacy_case WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, c, id)
	if err == nil && !ok {
		err = ErrNoCase
	}
	return out, err
}

// GetCase returns a case of the tenant, or case_not_found: for staff, who know
// its reference alone.
func GetCase(tx *db.Tx, t *tenant.Tenant, id CaseID) (Case, error) {
	out, ok, err := db.Find[Case](tx, `FROM privacy_case WHERE tenant_id = $1 AND id = $2`, t.ID, id)
	if err == nil && !ok {
		err = ErrNoCase
	}
	return out, err
}

// CasesOf lists a customer's cases, the latest first.
func CasesOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Case, error) {
	return db.All[Case](tx, `FROM privacy_case WHERE tenant_id = $1 AND customer_id = $2 ORDER BY opened_at DESC, id DESC`, t.ID, c)
}

// History lists what happened in a case, in order.
func History(tx *db.Tx, c *Case) ([]CaseEntry, error) {
	return db.All[CaseEntry](tx, `FROM case_entry WHERE tenant_id = $1 AND customer_id = $2 AND case_id = $3 ORDER BY id`,
		c.TenantID, c.CustomerID, c.ID)
}

// CaseFilter chooses cases. The zero value chooses all that are not closed.
type CaseFilter struct {
	Kind   CaseKind
	State  CaseState // "": open and waiting
	DueBy  time.Time // open cases due before; zero: whenever
	Closed bool      // with those that are closed
	AtMost int       // rows; 0: 200
}

// Cases lists the tenant's cases that fit, those first that are due first.
func Cases(tx *db.Tx, t *tenant.Tenant, f CaseFilter) ([]Case, error) {
	if f.AtMost == 0 {
		f.AtMost = 200
	}
	due := f.DueBy
	if due.IsZero() {
		due = tx.Now.AddDate(1000, 0, 0)
	}
	return db.All[Case](tx, `FROM privacy_case WHERE tenant_id = $1 AND (kind = $2 OR $2 = '') AND (state = $3 OR $3 = '')
		AND ($4 OR state <> 'closed') AND due_at < $5 AND ($6 OR state = 'open')
		ORDER BY CASE state WHEN 'open' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END, due_at, id LIMIT $7`,
		t.ID, string(f.Kind), string(f.State), f.Closed || f.State == CaseClosed, due, f.DueBy.IsZero(), f.AtMost)
}

// actorOf is who acts; the zero actor is the customer.
func actorOf(a journal.Actor, c customer.ID) journal.Actor {
	if a.Kind == "" {
		return journal.Actor{Kind: "customer", ID: c}
	}
	return a
}
