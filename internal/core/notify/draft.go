package notify

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type messageKind struct{}

func (messageKind) Prefix() string { return "msg" }

// ID is the id of a message.
type ID = id.ID[messageKind]

// Kind is the kind of the jobs that send.
const Kind = "message"

// ErrBadDraft is told when a draft names no template, no recipient, or no key.
var ErrBadDraft = fault.New(fault.Internal, "bad_draft", "Something went wrong on our side. Try again in a moment.")

// Draft is a message to be sent after the transaction that drafts it.
type Draft struct {
	Template Template
	Channel  Channel
	Locale   string // "": the customer's own, or the tenant's
	Values   map[string]string
	Expires  time.Time // when sending it is of no use any more; zero: in 72 hours

	// To a customer: the identifier is opened through release when the message
	// is sent, and a message to one who is erased by then cannot be.
	Customer customer.ID
	Target   [32]byte // digest of the identifier

	// To an address that is nobody's (any more): To rests sealed in the draft,
	// under the customer's key, or under the key of a flow.
	To   string
	Key  customer.FlowKey
	Flow [16]byte

	// Nowhere drafts a message that is not sent: for a name that leads to no
	// address, so that it takes as long as one that does (H077).
	Nowhere bool
}

// payload is what a job carries: what may be read of a message without a
// key, and the rest sealed.
type payload struct {
	Message     ID              `json:"message"`
	Customer    customer.ID     `json:"customer,omitzero"`
	Template    Template        `json:"template"`
	Channel     Channel         `json:"channel"`
	Sealed      customer.Sealed `json:"sealed"`
	Flow        [16]byte        `json:"flow,omitzero"`
	WrappingKey string          `json:"wrapping_key,omitempty"`
	Wrapped     []byte          `json:"wrapped,omitempty"`
	Nowhere     bool            `json:"nowhere,omitempty"`
}

// inner is what is sealed.
type inner struct {
	To     string            `json:"to,omitempty"`
	Target []byte            `json:"target,omitempty"`
	Locale string            `json:"locale,omitempty"`
	Values map[string]string `json:"values,omitempty"`
}

// Send drafts a message: a sealed job that is due at once, and a row that
// remembers the fact without the words.
func Send(tx *db.Tx, t *tenant.Tenant, d Draft) error {
	if !d.Template.known() || d.To == "" && (d.Customer.IsZero() || d.Target == [32]byte{}) {
		return ErrBadDraft
	}
	p := payload{Message: id.New[messageKind](tx.Now), Customer: d.Customer, Template: d.Template, Channel: d.Channel, Nowhere: d.Nowhere}
	if err := d.seal(tx, t, &p); err != nil {
		return err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	expires := d.Expires
	if expires.IsZero() {
		expires = tx.Now.Add(life)
	}
	row := Message{
		TenantID: t.ID, CustomerID: d.Customer, ID: p.Message, Template: d.Template, Channel: d.Channel,
		State: Queued, CreatedAt: tx.Now, ChangedAt: tx.Now,
	}
	if err := db.Insert(tx, "message", row); err != nil {
		return err
	}
	_, err = journal.Enqueue(tx, journal.Job{
		Tenant: t.ID, Kind: Kind, Payload: body, ExpiresAt: expires, MaxAttempts: 60, Key: p.Message.String(),
	})
	return err
}

// draftField binds a sealed draft to its message.
func draftField(m ID) string { return "message/" + m.String() }

func (d *Draft) seal(tx *db.Tx, t *tenant.Tenant, p *payload) error {
	in := inner{To: d.To, Locale: d.Locale, Values: d.Values}
	if d.To == "" {
		in.Target = d.Target[:]
	}
	plain, err := json.Marshal(in)
	if err != nil {
		return err
	}
	switch {
	case d.Key.WrappingKey != "":
		p.Flow, p.WrappingKey, p.Wrapped = d.Flow, d.Key.WrappingKey, d.Key.Wrapped
		p.Sealed, err = d.Key.Seal(t, d.Flow, draftField(p.Message), plain)
		return err
	case d.Customer.IsZero():
		return ErrBadDraft
	}
	p.Sealed, err = customer.Seal(tx, t, d.Customer, draftField(p.Message), plain)
	return err
}

// State is where a message has come.
type State string

// The states of a message.
const (
	Queued  State = "queued"
	Sent    State = "sent"
	Failed  State = "failed"
	Expired State = "expired"
	Dropped State = "dropped" // taken out of the queue of a house that was restored
)

// DropWaiting marks the tenant's messages that wait as dropped and tells how
// many: those of a database that was set back were sent long ago, or are of no
// use any more. The caller takes their jobs away with journal.CancelAll.
func DropWaiting(tx *db.Tx, t *tenant.Tenant, reason string) (int64, error) {
	return tx.Exec(`UPDATE message SET state = $1, reason = $2, changed_at = $3 WHERE tenant_id = $4 AND state = $5`,
		Dropped, reason, tx.Now, t.ID, Queued)
}

// Message is what is remembered of a message: that it was, not what it said.
type Message struct {
	TenantID   tenant.ID
	CustomerID customer.ID // zero: to nobody who has an account
	ID         ID
	Template   Template
	Channel    Channel
	State      State
	Reason     string // code of the fault that ended it
	CreatedAt  time.Time
	ChangedAt  time.Time
}

// Fields names the columns.
func (m *Message) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &m.TenantID}, {Column: "customer_id", Ptr: (*[16]byte)(&m.CustomerID)},
		{Column: "id", Ptr: &m.ID}, {Column: "template", Ptr: &m.Template}, {Column: "channel", Ptr: &m.Channel},
		{Column: "state", Ptr: &m.State}, {Column: "reason", Ptr: &m.Reason},
		{Column: "created_at", Ptr: &m.CreatedAt}, {Column: "changed_at", Ptr: &m.ChangedAt},
	}
}

// List gives the customer's messages of late, newest first.
func List(tx *db.Tx, t *tenant.Tenant, c customer.ID, limit int) ([]Message, error) {
	return db.All[Message](tx, `FROM message WHERE tenant_id = $1 AND customer_id = $2 ORDER BY id DESC LIMIT $3`,
		t.ID, [16]byte(c), limit)
}

// Texts counts the text messages that were drafted for the customer since an
// instant, but for those that carry a code, whose budgets are reserved.
func Texts(tx *db.Tx, t *tenant.Tenant, c customer.ID, since time.Time) (int64, error) {
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM message
		WHERE tenant_id = $1 AND customer_id = $2 AND channel = $3 AND substr(template, 1, 5) <> 'code_' AND created_at > $4`,
		t.ID, [16]byte(c), Text, since)
	return n, err
}

// Destroy takes away what is remembered of the customer's messages.
func Destroy(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	_, err := tx.Exec(`DELETE FROM message WHERE tenant_id = $1 AND customer_id = $2`, t.ID, [16]byte(c))
	return err
}
