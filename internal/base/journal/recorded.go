package journal

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// Recorded is an event as it stands in the journal.
type Recorded struct {
	ID          [16]byte
	Tenant      [16]byte
	Subject     [16]byte
	Application [16]byte
	Actor       Actor
	Name        string
	Class       Class
	At          time.Time
	Request     string
	Payload     []byte // JSON; nil once pruned
	Pruned      time.Time
	Bucket      int64
	Seq         int64 // place in the tenant's chain of the bucket; 0 in List
}

// ErrPruned is what Decode returns for a payload that is not kept any more.
var ErrPruned = fault.New(fault.Gone, "payload_pruned", "The details of this event are not kept any more.")

// Decode reads the payload into the event's own type.
func (r *Recorded) Decode(into any) error {
	if r.Payload == nil {
		return ErrPruned
	}
	return json.Unmarshal(r.Payload, into)
}

// eventRow is a row of the table event.
type eventRow struct {
	bucket                      int64
	tenant, id                  [16]byte
	at                          time.Time
	name                        string
	class                       Class
	subject                     [16]byte
	actorKind                   string
	actor, application          [16]byte
	request                     string
	headerDigest, payloadDigest [32]byte
	salt, payload               []byte
	pruned                      time.Time
}

// Fields names the columns.
func (r *eventRow) Fields() []db.Field {
	return []db.Field{
		{Column: "bucket", Ptr: &r.bucket}, {Column: "tenant_id", Ptr: &r.tenant},
		{Column: "event_id", Ptr: &r.id}, {Column: "at", Ptr: &r.at},
		{Column: "name", Ptr: &r.name}, {Column: "class", Ptr: &r.class},
		{Column: "subject_id", Ptr: &r.subject}, {Column: "actor_kind", Ptr: &r.actorKind},
		{Column: "actor_id", Ptr: &r.actor}, {Column: "application_id", Ptr: &r.application},
		{Column: "request", Ptr: &r.request}, {Column: "header_digest", Ptr: &r.headerDigest},
		{Column: "payload_digest", Ptr: &r.payloadDigest}, {Column: "salt", Ptr: &r.salt},
		{Column: "payload", Ptr: &r.payload}, {Column: "pruned_at", Ptr: &r.pruned},
	}
}

func (r *eventRow) recorded() Recorded {
	return Recorded{
		ID: r.id, Tenant: r.tenant, Subject: r.subject, Application: r.application,
		Actor: Actor{Kind: r.actorKind, ID: r.actor}, Name: r.name, Class: r.class, At: r.at,
		Request: r.request, Payload: r.payload, Pruned: r.pruned, Bucket: r.bucket,
	}
}

// followed is an event with its place in the chain.
type followed struct {
	eventRow
	seq, position int64
}

// Fields names the columns.
func (f *followed) Fields() []db.Field {
	return append(f.eventRow.Fields(),
		db.Field{Column: "seq", Ptr: &f.seq}, db.Field{Column: "position", Ptr: &f.position})
}

// List gives the events of one subject, newest first, at most limit of them
// and only those before the event whose id is after (zero: from the newest on).
// An event stands in the list from its commit on, chained or not yet.
func List(tx *db.Tx, tenant, subject, after [16]byte, limit int) ([]Recorded, error) {
	if after == [16]byte{} {
		for i := range after {
			after[i] = 0xff
		}
	}
	rows, err := db.All[eventRow](tx, `FROM event
		WHERE tenant_id = $1 AND subject_id = $2 AND event_id < $3
		ORDER BY event_id DESC LIMIT $4`, tenant, subject, after, limit)
	list := make([]Recorded, len(rows))
	for i := range rows {
		list[i] = rows[i].recorded()
	}
	return list, err
}

// Pruning says which payloads are not to be kept any more.
type Pruning struct {
	Tenant [16]byte
	Class  Class
	Before time.Time  // events that happened before
	Limit  int        // at most so many in each bucket at once; 0: 500
	Except [][16]byte // subjects whose payloads stay
}

// exceptText is the condition that leaves the excepted subjects out, whose marks
// begin at $first; except adds its arguments.
func (p *Pruning) exceptText(first int) string {
	if len(p.Except) == 0 {
		return ""
	}
	marks := make([]string, len(p.Except))
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(first+i)
	}
	return " AND subject_id NOT IN (" + strings.Join(marks, ", ") + ")"
}

func (p *Pruning) except(args []any) []any {
	for _, s := range p.Except {
		args = append(args, s)
	}
	return args
}

// Prune takes payloads and their salts away and tells how many it took; call it
// again while that is not 0. Headers, digests and links stay, so the chain stays
// valid.
func Prune(tx *db.Tx, p Pruning) (rows int64, err error) {
	if p.Limit <= 0 {
		p.Limit = 500
	}
	for bucket := range int64(Buckets) {
		n, err := tx.Exec(`UPDATE event SET payload = NULL, salt = NULL, pruned_at = $1
			WHERE bucket = $2 AND tenant_id = $3 AND event_id IN (
				SELECT event_id FROM event
				WHERE bucket = $2 AND tenant_id = $3 AND class = $4 AND at < $5 AND pruned_at IS NULL`+p.exceptText(7)+`
				ORDER BY at LIMIT $6)`, p.except([]any{tx.Now, bucket, p.Tenant, p.Class, p.Before, p.Limit})...)
		if err != nil {
			return rows, err
		}
		rows += n
	}
	return rows, nil
}

// PruneSubject takes away every payload of one subject, whatever its class: the
// last act of an erasure. It tells how many it took.
func PruneSubject(tx *db.Tx, tenant, subject [16]byte) (rows int64, err error) {
	return tx.Exec(`UPDATE event SET payload = NULL, salt = NULL, pruned_at = $1
		WHERE tenant_id = $2 AND subject_id = $3 AND pruned_at IS NULL`, tx.Now, tenant, subject)
}
