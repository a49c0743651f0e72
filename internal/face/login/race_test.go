package login_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
)

// TestDoubleSubmit presses the last button many times at once: one account, one
// session, and every press goes where the journey leads.
func TestDoubleSubmit_MakesOneAccountAndOneSession(t *testing.T) {
	t.Parallel()
	d := open(t)
	first := d.browser()
	first.get("/signin").step("identify", "identifier", "mia@example.test").says(200)
	told := coretest.Together(15, func(int) error {
		b := d.browser()
		b.address = first.address
		for name, value := range first.cookies {
			b.cookies[name] = value
		}
		b.step("code", "code", rightCode)
		if b.answer.StatusCode != http.StatusSeeOther || b.answer.Header.Get("Location") != "/account" {
			return errors.New(b.answer.Status + " " + plain(b.body))
		}
		return nil
	})
	for _, err := range told {
		if err != nil {
			t.Error(err)
		}
	}
	d.View(func(tx *db.Tx) error {
		c, found, err := customer.ByIdentifier(tx, d.T(), customer.Email, "mia@example.test")
		if err != nil || !found {
			t.Fatalf("no account: %v", err)
		}
		list, err := session.List(tx, d.T(), c.ID)
		if len(list) != 1 {
			t.Errorf("%d sessions", len(list))
		}
		return err
	})
}
