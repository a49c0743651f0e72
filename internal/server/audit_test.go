package server

import (
	"context"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
)

// A journal that was cut off together with its checkpoints holds in itself;
// the keyring still knows better.
func TestAuditFindsAJournalThatWasEmptied(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		register(t, b, "ada@example.com")
		chain(t, b)
		if r, err := b.Audit(context.Background(), nil); err != nil || !r.Holds || r.Checkpoints == 0 {
			t.Fatalf("before: %+v %v", r, err)
		}
		b.mustUpdate(t, func(tx *db.Tx) (err error) {
			for _, statement := range []string{`DELETE FROM event`, `DELETE FROM chain`, `DELETE FROM unchained`, `DELETE FROM checkpoint`} {
				if err == nil {
					_, err = tx.Exec(statement)
				}
			}
			return err
		})
		if r, err := b.Audit(context.Background(), nil); err != nil || r.Holds || r.Bad == nil || r.Bad.Flaw != "truncated" {
			t.Fatalf("an emptied journal holds: %+v %v", r, err)
		}
	})
}
