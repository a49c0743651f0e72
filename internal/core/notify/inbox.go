package notify

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type inboxKind struct{}

func (inboxKind) Prefix() string { return "inb" }

// Kept is a message of the development inbox.
type Kept struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Channel Channel   `json:"channel"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	Code    string    `json:"code"`
	Link    string    `json:"link"`
}

type inboxRow struct {
	tenant  tenant.ID
	id      id.ID[inboxKind]
	sealed  []byte
	created time.Time
}

// Fields names the columns.
func (r *inboxRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "id", Ptr: &r.id},
		{Column: "sealed", Ptr: &r.sealed}, {Column: "created_at", Ptr: &r.created},
	}
}

// shelf is how many messages the development inbox looks back.
const shelf = 500

func keep(tx *db.Tx, e Envelope) error {
	r := inboxRow{tenant: e.Tenant.ID, id: id.New[inboxKind](tx.Now), created: tx.Now}
	plain, err := json.Marshal(Kept{
		ID: r.id.String(), At: tx.Now, Channel: e.Channel, To: e.To, Subject: e.Subject, Text: e.Text, HTML: e.HTML,
		Code: e.Code, Link: e.Link,
	})
	if err != nil {
		return err
	}
	r.sealed = e.Tenant.Key("inbox").Seal(plain, r.id[:])
	return db.Insert(tx, "inbox", r)
}

// Inbox reads the development inbox, newest first; a recipient narrows it.
func Inbox(tx *db.Tx, t *tenant.Tenant, to string) ([]Kept, error) {
	rows, err := db.All[inboxRow](tx, `FROM inbox WHERE tenant_id = $1 ORDER BY id DESC LIMIT $2`, t.ID, shelf)
	if err != nil {
		return nil, err
	}
	list := []Kept{}
	for _, r := range rows {
		plain, err := t.Key("inbox").Open(r.sealed, r.id[:])
		if err != nil {
			return nil, err
		}
		var k Kept
		if err := json.Unmarshal(plain, &k); err != nil {
			return nil, err
		}
		if to == "" || k.To == to {
			list = append(list, k)
		}
	}
	return list, nil
}
