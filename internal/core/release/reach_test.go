package release_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
)

// reached reads all that a recipient saw, piece by piece.
func (s *scene) reached(r release.Recipient, span release.Span) map[customer.ID]release.Reach {
	out := map[customer.ID]release.Reach{}
	var at release.Cursor
	for more := true; more; {
		var done []release.Reach
		var next release.Cursor
		s.View(func(tx *db.Tx) (err error) {
			done, next, more, err = release.Reached(tx, s.T(), r, span, at)
			return err
		})
		at = next
		for _, d := range done {
			if _, twice := out[d.Customer]; twice {
				s.t.Errorf("%s is told twice", d.Customer)
			}
			out[d.Customer] = d
		}
	}
	return out
}

// Whose data did this one see? Every customer once, over the ends of pieces, and
// nobody of another day, purpose or recipient.
func TestTheBlastRadiusIsWholeAndNoWider(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		s, shop, other := set(t, h), h.App(true), h.App(true)
		ask := func(c customer.ID, to release.Recipient, fields ...string) {
			h.Update(func(tx *db.Tx) error {
				_, err := release.Disclose(tx, h.T(), release.Ask{
					Customer: c, Recipient: to, Purpose: map[bool]string{true: "support"}[to.Kind == release.Staff], Fields: fields, Scopes: []string{"email", "profile"}, Reason: "ticket 7",
				})
				return err
			})
		}
		toShop := release.Recipient{Kind: release.Application, ID: shop.ID}
		day := h.Clock.Now()
		many := map[customer.ID]int64{s.mia: 0}
		for range 40 {
			many[h.Customer()] = 0
		}
		for range 13 { // days: more lines than one piece has
			for c := range many {
				ask(c, toShop, "email")
				many[c]++
			}
			h.Wait(24 * time.Hour)
		}
		ask(s.mia, toShop, "given_name")
		ask(s.mia, release.Recipient{Kind: release.Application, ID: other.ID}, "email")
		ask(s.mia, release.Recipient{Kind: release.Staff, ID: s.support}, "email", "given_name")
		got := s.reached(toShop, release.Span{})
		for c, days := range many {
			if c != s.mia && (got[c].Times != days || fmt.Sprint(got[c].Fields) != fmt.Sprintf("map[email:%d]", days)) {
				t.Errorf("%+v", got[c])
			}
		}
		if mia := got[s.mia]; len(got) != len(many) || mia.Times != 14 || fmt.Sprint(mia.Fields, mia.Purposes) != "map[email:13 given_name:1] map[account:14]" {
			t.Errorf("%d customers, %+v", len(got), mia)
		}
		two := s.reached(toShop, release.Span{From: day.Add(24 * time.Hour), To: day.Add(48 * time.Hour)})
		if len(two) != len(many) || two[s.mia].Times != 2 {
			t.Errorf("of two days: %+v", two[s.mia])
		}
		if none := s.reached(toShop, release.Span{Purpose: "support"}); len(none) != 0 {
			t.Errorf("for another purpose: %v", none)
		}
		var staff [][16]byte
		h.View(func(tx *db.Tx) (err error) {
			staff, err = release.Recipients(tx, h.T(), release.Staff, []byte{}, 10)
			return err
		})
		if len(staff) != 1 || staff[0] != s.support {
			t.Fatalf("%x", staff)
		}
		if seen := s.reached(release.Recipient{Kind: release.Staff, ID: s.support}, release.Span{}); len(seen) != 1 || fmt.Sprint(seen[s.mia].Fields) != "map[email:masked:1 given_name:1]" {
			t.Errorf("support saw %v", seen)
		}
	})
}
