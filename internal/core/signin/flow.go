package signin

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Life is how long a journey may take.
const Life = time.Hour

// The faults of this room.
var (
	ErrExpired   = fault.New(fault.Gone, "flow_expired", "This sign-in was not finished in time or has ended already. Begin again.")
	ErrElsewhere = fault.New(fault.Denied, "flow_elsewhere", "This sign-in was begun in another browser. Go on there.")
	ErrMoved     = fault.New(fault.Conflict, "flow_moved", "This sign-in went on in another window. Look at the page again.")
)

// Request is what began the journey. It never changes while it lasts (H010).
type Request struct {
	Application app.ID   `json:"application,omitzero"`
	Opaque      []byte   `json:"opaque,omitempty"` // the protocol's own validated parameters
	Scopes      []string `json:"scopes,omitempty"`
	Locales     []string `json:"locales,omitempty"`     // ui_locales, best first
	ReturnPath  string   `json:"return_path,omitempty"` // where the journey goes on when it has ended
	FormAction  string   `json:"form_action,omitempty"` // origin that the last answer will lead to
}

// New says how a journey begins.
type New struct {
	Browser  [32]byte // digest of the browser's secret
	Request  Request
	Customer customer.ID // of whose address it is about, for the kind Address
	Facts    Facts       // Kind, Prompt, MaxAge, Pinned, Hint, ACR, Locale; the rest is empty
}

// Flow is one journey of one browser. Change its Facts and Save it.
type Flow struct {
	Facts
	ID         ID
	Request    Request
	CustomerID customer.ID // whose it became: registered in it, or ended as
	CreatedAt  time.Time
	ExpiresAt  time.Time
	EndedAt    time.Time
	From       From // who asks, this time; never stored

	key     customer.FlowKey
	browser [32]byte
	version int64
}

// From is the browser of one request.
type From struct {
	Device [16]byte // the name under which its sessions hang together
	Trust  string   // its token of trust for the customer; "": none
	Place  session.Place

	Peer     netip.Addr
	Network  string   // as meters know it
	Marks    []string // of a program, as risk.Attempt names them
	Agent    string   // as the browser names itself
	Signal   bool     // it asks by Global Privacy Control not to sell or share
	Breached bool     // the password that was right just now is a leaked one
}

// Key is the journey's data key. It seals the messages that are sent before
// there is a customer, and becomes the customer's own when one registers.
func (f *Flow) Key() customer.FlowKey { return f.key }

// Begin opens a journey for the browser.
func Begin(tx *db.Tx, t *tenant.Tenant, n New) (Flow, error) {
	f := Flow{
		Facts: n.Facts, ID: id.New[flowKind](tx.Now), Request: n.Request, CustomerID: n.Customer,
		CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(Life), browser: n.Browser, version: 1,
	}
	f.key = customer.NewFlowKey(t, f.ID)
	f.place(tx, t)
	r, err := f.row(t)
	if err != nil {
		return Flow{}, err
	}
	return f, db.Insert(tx, "flow", r)
}

const goingOn = `FROM flow WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL AND expires_at > $3`

// Asking is the question of Load, for Foresee in this transaction.
func Asking(tx *db.Tx, t *tenant.Tenant, flow ID) db.Question {
	return db.Asking[row](goingOn, t.ID, flow, tx.Now)
}

// Load reads a journey that goes on. It fails with ErrExpired if there is none
// (any more) and with ErrElsewhere if another browser began it.
func Load(tx *db.Tx, t *tenant.Tenant, flow ID, browser [32]byte) (Flow, error) {
	r, ok, err := db.Find[row](tx, goingOn, t.ID, flow, tx.Now)
	if err == nil && !ok {
		err = ErrExpired
	}
	if err != nil {
		return Flow{}, err
	}
	return r.open(tx, t, browser)
}

// Save writes the facts, unless another request wrote them since Load: then it
// fails with ErrMoved.
func Save(tx *db.Tx, t *tenant.Tenant, f *Flow) error {
	r, err := f.row(t)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE flow SET facts_sealed = $1, customer_id = $2, ended_at = $3, version = version + 1
		WHERE tenant_id = $4 AND id = $5 AND version = $6 AND ended_at IS NULL AND expires_at > $7`,
		r.facts, r.customer, r.ended, t.ID, f.ID, f.version, tx.Now)
	if err == nil && n == 0 {
		err = ErrMoved
	}
	if err != nil {
		return err
	}
	f.version++
	return nil
}

// Forget is Save under a new data key: whatever was sealed under the one before,
// messages above all, opens for nobody any more.
func Forget(tx *db.Tx, t *tenant.Tenant, f *Flow) error {
	f.key = customer.NewFlowKey(t, f.ID)
	r, err := f.row(t)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE flow SET wrapping_key = $1, wrapped = $2, request_sealed = $3
		WHERE tenant_id = $4 AND id = $5 AND version = $6 AND ended_at IS NULL`,
		r.wrappingKey, r.wrapped, r.request, t.ID, f.ID, f.version)
	if err == nil && n == 0 {
		err = ErrMoved
	}
	if err != nil {
		return err
	}
	return Save(tx, t, f)
}

// End closes the journey with its outcome, once. What it needs of the journey
// afterwards, a protocol takes with Resume.
func End(tx *db.Tx, t *tenant.Tenant, f *Flow, o Outcome) error {
	f.Outcome, f.EndedAt = &o, tx.Now
	if !o.Customer.IsZero() {
		f.CustomerID = o.Customer
	}
	return Save(tx, t, f)
}

// Resume takes an ended journey away from its browser, exactly once (law 1),
// and returns it with its Request and Outcome.
func Resume(tx *db.Tx, t *tenant.Tenant, flow ID, browser [32]byte) (Flow, error) {
	r, ok, err := db.Take[row](tx, `DELETE FROM flow
		WHERE tenant_id = $1 AND id = $2 AND browser = $3 AND ended_at IS NOT NULL AND expires_at > $4`,
		t.ID, flow, browser, tx.Now)
	if err == nil && !ok {
		err = ErrExpired
	}
	if err != nil {
		return Flow{}, err
	}
	return r.open(tx, t, browser)
}

// EndKind ends the customer's journeys of one kind that still go on: whatever
// code was sent in them leads nowhere any more.
func EndKind(tx *db.Tx, t *tenant.Tenant, c customer.ID, k Kind) error {
	_, err := tx.Exec(`DELETE FROM flow WHERE tenant_id = $1 AND customer_id = $2 AND kind = $3 AND ended_at IS NULL`,
		t.ID, c, k)
	return err
}

// Destroy takes away every journey that became the customer's.
func Destroy(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	_, err := tx.Exec(`DELETE FROM flow WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return err
}

// Sweep takes away at most limit journeys whose time is over, of all tenants,
// and with each its data key.
func Sweep(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM flow WHERE (tenant_id, id) IN (
		SELECT tenant_id, id FROM flow WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, tx.Now, limit)
	return int(n), err
}

func (f *Flow) place(tx *db.Tx, t *tenant.Tenant) {
	f.Here = Context{Tenant: t.ID, Flow: f.ID, Browser: f.browser}
	f.World = World{Now: tx.Now}
}

// row is a journey as it rests.
type row struct {
	tenant      tenant.ID
	id          ID
	browser     [32]byte
	kind        Kind
	application app.ID
	customer    customer.ID
	wrappingKey string
	wrapped     []byte
	request     customer.Sealed
	facts       customer.Sealed
	version     int64
	created     time.Time
	expires     time.Time
	ended       time.Time
}

// Fields names the columns.
func (r *row) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "id", Ptr: &r.id}, {Column: "browser", Ptr: &r.browser},
		{Column: "kind", Ptr: &r.kind}, {Column: "application_id", Ptr: &r.application},
		{Column: "customer_id", Ptr: &r.customer}, {Column: "wrapping_key", Ptr: &r.wrappingKey},
		{Column: "wrapped", Ptr: &r.wrapped}, {Column: "request_sealed", Ptr: &r.request},
		{Column: "facts_sealed", Ptr: &r.facts}, {Column: "version", Ptr: &r.version},
		{Column: "created_at", Ptr: &r.created}, {Column: "expires_at", Ptr: &r.expires}, {Column: "ended_at", Ptr: &r.ended},
	}
}

func (f *Flow) row(t *tenant.Tenant) (row, error) {
	request, err := json.Marshal(f.Request)
	if err != nil {
		return row{}, err
	}
	facts, err := json.Marshal(f.Facts)
	if err != nil {
		return row{}, err
	}
	r := row{
		tenant: t.ID, id: f.ID, browser: f.browser, kind: f.Kind, application: f.Request.Application, customer: f.CustomerID,
		wrappingKey: f.key.WrappingKey, wrapped: f.key.Wrapped,
		version: f.version, created: f.CreatedAt, expires: f.ExpiresAt, ended: f.EndedAt,
	}
	if r.request, err = f.key.Seal(t, f.ID, "flow.request", request); err != nil {
		return row{}, err
	}
	r.facts, err = f.key.Seal(t, f.ID, "flow.facts", facts)
	return r, err
}

func (r *row) open(tx *db.Tx, t *tenant.Tenant, browser [32]byte) (Flow, error) {
	if !secret.Equal(r.browser[:], browser[:]) {
		return Flow{}, ErrElsewhere
	}
	f := Flow{
		ID: r.id, CustomerID: r.customer, CreatedAt: r.created, ExpiresAt: r.expires, EndedAt: r.ended,
		key: customer.FlowKey{WrappingKey: r.wrappingKey, Wrapped: r.wrapped}, browser: r.browser, version: r.version,
	}
	if err := f.unseal(t, "flow.request", r.request, &f.Request); err != nil {
		return Flow{}, err
	}
	if err := f.unseal(t, "flow.facts", r.facts, &f.Facts); err != nil {
		return Flow{}, err
	}
	f.place(tx, t)
	return f, nil
}

// unseal opens what the journey sealed. A wrapping key that was destroyed
// meanwhile ends the journey.
func (f *Flow) unseal(t *tenant.Tenant, field string, sealed customer.Sealed, into any) error {
	plain, err := f.key.Open(t, f.ID, field, sealed)
	if fault.Is(err, fault.Gone) {
		return ErrExpired.Because(err)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}
