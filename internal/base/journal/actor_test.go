package journal

import (
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
)

func TestAnEventCarriesTheActorOfItsContextUnlessItNamesOne(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		operator, customer := Actor{Kind: "operator", ID: [16]byte{1}}, Actor{Kind: "customer", ID: [16]byte{2}}
		first, second := entry(tenantA, subject, 1), entry(tenantA, subject, 2)
		first.Actor, second.Actor = Actor{}, customer
		b.must(b.d.Update(WithActor(b.ctx, operator), func(tx *db.Tx) error {
			if err := Append(tx, first); err != nil {
				return err
			}
			return Append(tx, second)
		}))
		b.update(func(tx *db.Tx) error { return Append(tx, first) })
		var got []Recorded
		b.must(b.d.View(b.ctx, func(tx *db.Tx) (err error) {
			got, err = List(tx, tenantA, subject, [16]byte{}, 9)
			return err
		}))
		count := map[Actor]int{}
		for _, r := range got {
			count[r.Actor]++
		}
		if len(got) != 3 || count[operator] != 1 || count[customer] != 1 || count[Actor{Kind: "system"}] != 1 {
			b.Fatalf("actors %v", count)
		}
	})
}
