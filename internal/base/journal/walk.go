package journal

import (
	"github.com/cardea-id/cardea/internal/base/db"
)

// walk goes along one chain, from its genesis.
type walk struct {
	v      *verifier
	tenant [16]byte
	bucket int64
	last   Head
}

// record is a link with its event, if there is one.
type record struct {
	chainRow
	event *eventRow
}

func (w *walk) run() error {
	for w.v.report.Bad == nil {
		var page []record
		err := w.v.d.View(w.v.ctx, func(tx *db.Tx) (err error) {
			page, err = w.page(tx, w.last.Seq)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if w.v.report.Bad != nil {
				return nil
			}
			if err := w.step(&page[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// page reads links after seq, and their events.
func (w *walk) page(tx *db.Tx, seq int64) ([]record, error) {
	links, err := db.All[chainRow](tx, `FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq > $3
		ORDER BY seq LIMIT $4`, w.bucket, w.tenant, seq, verifyPage)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	events, err := db.All[eventRow](tx, `FROM event WHERE bucket = $1 AND tenant_id = $2 AND event_id IN (
		SELECT event_id FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq > $3 AND seq <= $4)`,
		w.bucket, w.tenant, seq, links[len(links)-1].seq)
	byID := map[[16]byte]*eventRow{}
	for i := range events {
		byID[events[i].id] = &events[i]
	}
	page := make([]record, len(links))
	for i, link := range links {
		page[i] = record{link, byID[link.event]}
	}
	return page, err
}

// step checks one record and goes on to it.
func (w *walk) step(r *record) error {
	flawed := Bad{Tenant: w.tenant, Bucket: w.bucket, Seq: r.seq, Event: r.chainRow.event}
	flaw, err := w.flaw(r)
	if err != nil {
		return err
	}
	if flaw != "" {
		flawed.Flaw = flaw
		if flaw == MissingLink {
			flawed.Seq, flawed.Event = w.last.Seq+1, [16]byte{}
		}
		w.v.bad(flawed)
		return nil
	}
	w.v.report.Events++
	if r.event.payload == nil {
		w.v.report.Pruned++
	}
	w.last = Head{Seq: r.seq, Link: r.link}
	return nil
}

// flaw tells what is wrong with a record; "" is nothing.
func (w *walk) flaw(r *record) (Flaw, error) {
	next := w.last.Seq + 1
	switch {
	case r.seq != next:
		return MissingLink, nil
	case r.event == nil:
		return MissingEvent, nil
	case r.event.digestHeader() != r.event.headerDigest:
		return AlteredHeader, nil
	case !r.event.payloadHolds():
		return AlteredPayload, nil
	case linkOf(w.last.Link, next, r.event.headerDigest, r.event.payloadDigest) == r.link:
		return "", nil
	}
	moved, err := w.moved(r)
	if moved {
		return Reordered, err
	}
	return BrokenLink, err
}

// payloadHolds tells whether the payload is the one that was digested, or was
// pruned with its salt and marked so.
func (r *eventRow) payloadHolds() bool {
	if r.payload == nil {
		return r.salt == nil && !r.pruned.IsZero()
	}
	return r.pruned.IsZero() && r.digestPayload() == r.payloadDigest
}

// moved tells whether an event from further on belongs where r stands: it was
// changed for r's event, or whole links changed their places.
func (w *walk) moved(r *record) (bool, error) {
	found := false
	for seq := w.last.Seq; !found; {
		var page []record
		err := w.v.d.View(w.v.ctx, func(tx *db.Tx) (err error) {
			page, err = w.page(tx, seq)
			return err
		})
		if err != nil || len(page) == 0 {
			return false, err
		}
		for _, other := range page {
			if other.event == nil || other.seq == r.seq {
				continue
			}
			here := linkOf(w.last.Link, w.last.Seq+1, other.event.headerDigest, other.event.payloadDigest)
			found = found || here == r.link || here == other.link
		}
		seq = page[len(page)-1].seq
	}
	return found, nil
}

// strays looks for events beside the chain and for events that stand in it
// twice, and counts what waits to be chained. One snapshot holds all of it.
func (v *verifier) strays(tenant [16]byte) error {
	return v.d.View(v.ctx, func(tx *db.Tx) error {
		waiting, _, err := db.Value[int64](tx, `SELECT count(*) FROM unchained WHERE tenant_id = $1`, tenant)
		if err != nil {
			return err
		}
		v.report.Unchained += waiting
		lost, ok, err := db.Find[unchainedRow](tx, `FROM event WHERE tenant_id = $1 AND (bucket < 0 OR bucket > 15)
			ORDER BY event_id LIMIT 1`, tenant)
		if err != nil {
			return err
		}
		if ok {
			v.bad(Bad{Flaw: InsertedEvent, Tenant: tenant, Bucket: lost.bucket, Event: lost.event})
			return nil
		}
		for bucket := range int64(Buckets) {
			for _, s := range strays {
				row, ok, err := db.Find[unchainedRow](tx, s.from, bucket, tenant)
				if err != nil {
					return err
				}
				if ok {
					v.bad(Bad{Flaw: s.flaw, Tenant: tenant, Bucket: bucket, Event: row.event})
					return nil
				}
			}
		}
		return nil
	})
}

var strays = []struct {
	flaw Flaw
	from string
}{
	{MissingEvent, `FROM unchained WHERE bucket = $1 AND tenant_id = $2 AND NOT EXISTS (
		SELECT 1 FROM event WHERE event.bucket = unchained.bucket AND event.tenant_id = unchained.tenant_id
			AND event.event_id = unchained.event_id)
		ORDER BY event_id LIMIT 1`},
	{RepeatedEvent, `FROM chain WHERE bucket = $1 AND tenant_id = $2
		GROUP BY bucket, event_id, tenant_id HAVING count(*) > 1 ORDER BY event_id LIMIT 1`},
	{InsertedEvent, `FROM (
		SELECT bucket, event_id, tenant_id FROM event WHERE bucket = $1 AND tenant_id = $2
		EXCEPT SELECT bucket, event_id, tenant_id FROM chain WHERE bucket = $1 AND tenant_id = $2
		EXCEPT SELECT bucket, event_id, tenant_id FROM unchained WHERE bucket = $1) AS stray
		ORDER BY event_id LIMIT 1`},
}
