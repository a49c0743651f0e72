package release

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Released is told when a line of the record begins: an application gets fields
// of a customer, for the first time of the day or with one webhook. The
// application stands in the event's header, the fields in the record alone.
type Released struct {
	Lines []ReleasedLine `json:"lines"`
}

// ReleasedLine binds one line of the record.
type ReleasedLine struct {
	Purpose string `json:"purpose"`
	Row     string `json:"row"` // Entry.Digest in hexadecimal
}

// EventName names the event.
func (Released) EventName() string { return "customer.released" }

// Forgotten is told when lines of the record are not kept any more: the digests
// of the lines, which the events that told of them hold too.
type Forgotten struct {
	Rows []string `json:"rows"`
}

// EventName names the event.
func (Forgotten) EventName() string { return "customer.record_forgotten" }

// Digest is the SHA-256 based digest of everything that a line says but how
// often it was used and when for the last time, which go on changing.
func (e *Entry) Digest() [32]byte {
	number := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	parts := [][]byte{
		e.TenantID[:], e.CustomerID[:], []byte(e.RecipientKind), e.Recipient[:], []byte(e.Purpose), e.FieldsDigest[:], number(e.Day),
		e.Entry[:], []byte(e.Names), []byte(e.Reason), number(e.FirstAt.UnixMicro()),
	}
	if e.Country != "" { // of lines from before there were countries nothing changes
		parts = append(parts, []byte(e.Country))
	}
	return secret.HMAC([]byte("cardea/disclosure/1"), parts...)
}

func (e *Entry) row() string {
	d := e.Digest()
	return hex.EncodeToString(d[:])
}

// bind tells the journal of lines for an application that begin, in the
// transaction that writes them.
func bind(tx *db.Tx, begun []Entry) error {
	if len(begun) == 0 {
		return nil
	}
	told := Released{}
	for i := range begun {
		told.Lines = append(told.Lines, ReleasedLine{begun[i].Purpose, begun[i].row()})
	}
	e := &begun[0]
	return journal.Append(tx, journal.Entry{
		Tenant: e.TenantID, Subject: e.CustomerID, Application: e.Recipient, Class: journal.Privacy, Event: told,
	})
}

// mostForgotten is how many lines one event of forgetting names.
const mostForgotten = 500

// Forget takes away the records of what was disclosed of a customer for the last
// time before an instant, and tells how many.
func Forget(tx *db.Tx, t *tenant.Tenant, c customer.ID, before time.Time) (int64, error) {
	list, err := db.All[Entry](tx, `FROM disclosure WHERE tenant_id = $1 AND customer_id = $2 AND last_at < $3
		ORDER BY recipient_kind, recipient, purpose, fields_digest, day, entry`, t.ID, c, before)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	for from := 0; from < len(list); from += mostForgotten {
		var told Forgotten
		for i := range list[from:min(from+mostForgotten, len(list))] {
			told.Rows = append(told.Rows, list[from+i].row())
		}
		if err := journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: c, Class: journal.Privacy, Event: told}); err != nil {
			return 0, err
		}
	}
	return tx.Exec(`DELETE FROM disclosure WHERE tenant_id = $1 AND customer_id = $2 AND last_at < $3`, t.ID, c, before)
}
