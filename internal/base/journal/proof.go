package journal

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Proof is an event by its digests and its place in the chain: what somebody
// needs who has the event elsewhere, or a checkpoint, and who is not to see what
// it says.
type Proof struct {
	ID       [16]byte
	Name     string
	At       time.Time
	Bucket   int64
	Seq      int64 // 0: it waits for its link, which is made within a second
	Header   [32]byte
	Payload  [32]byte
	Previous [32]byte // the link before; zero for the first of a chain
	Link     [32]byte
	Text     json.RawMessage // the payload; nil once pruned
}

// Holds reports whether the link is made of the digests and the link before.
func (p *Proof) Holds() bool {
	return p.Seq > 0 && linkOf(p.Previous, p.Seq, p.Header, p.Payload) == p.Link
}

// Proofs gives the proofs of events of one subject, in the order in which they
// happened, for which want holds. It reads the subject's whole history.
func Proofs(tx *db.Tx, tenant, subject [16]byte, want func(Recorded) bool) ([]Proof, error) {
	rows, err := db.All[eventRow](tx, `FROM event WHERE tenant_id = $1 AND subject_id = $2 ORDER BY event_id`, tenant, subject)
	if err != nil {
		return nil, err
	}
	var out []Proof
	for i := range rows {
		r := &rows[i]
		if !want(r.recorded()) {
			continue
		}
		out = append(out, Proof{
			ID: r.id, Name: r.name, At: r.at, Bucket: r.bucket, Header: r.headerDigest, Payload: r.payloadDigest, Text: r.payload,
		})
	}
	return out, place(tx, tenant, subject, out)
}

// place finds the links of events, and those before them.
func place(tx *db.Tx, tenant, subject [16]byte, list []Proof) error {
	if len(list) == 0 {
		return nil
	}
	links, err := db.All[chainRow](tx, `FROM chain WHERE bucket = $1 AND tenant_id = $2 AND event_id IN (
		SELECT event_id FROM event WHERE tenant_id = $2 AND subject_id = $3)`, list[0].Bucket, tenant, subject)
	if err != nil {
		return err
	}
	at := map[[16]byte]chainRow{}
	for _, l := range links {
		at[l.event] = l
	}
	for i := range list {
		p := &list[i]
		l, chained := at[p.ID]
		if !chained {
			continue
		}
		p.Seq, p.Link = l.seq, l.link
		before, _, err := db.Find[chainRow](tx, `FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq = $3`, p.Bucket, tenant, p.Seq-1)
		if err != nil {
			return err
		}
		p.Previous = before.link
	}
	return nil
}
