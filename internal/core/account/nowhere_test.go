package account_test

import (
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// H077: a code that can go nowhere is drafted as one that goes somewhere, so that
// neither a closed door nor a name without an address is told by the time; and
// nothing is sent.
func TestH077_ACodeThatGoesNowhereIsDraftedAllTheSame(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		h.Settings(func(s *settings) { s.Registration.Closed, s.Identifiers.Username = true, true })
		d := open(t, h)
		d.known("kim@example.test")
		drafted := func() (n int64) {
			d.View(func(tx *db.Tx) (err error) {
				n, _, err = db.Value[int64](tx, `SELECT count(*) FROM message WHERE tenant_id = $1`, d.T().ID)
				return err
			})
			return n
		}
		for kind, names := range map[string][]string{customer.Email: {"kim@example.test", "nobody@example.test"}, customer.Username: {"nobody"}} {
			for _, name := range names {
				before := drafted()
				v := d.visit(1, signin.Facts{})
				v.must(func(tx *db.Tx, f *signin.Flow) error { return account.Identify(tx, v.T(), f, kind, name) })
				v.send()
				if drafted() != before+1 {
					t.Errorf("%s %s: %d drafts", kind, name, drafted()-before)
				}
			}
		}
		if got := d.inbox("nobody@example.test"); len(got) != 0 {
			t.Errorf("nobody got %d messages", len(got))
		}
	})
}
