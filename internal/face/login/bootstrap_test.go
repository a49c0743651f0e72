package login_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// staffDoor is the door of the staff's own tenant, with one bootstrap secret.
func staffDoor(t *testing.T) (*door, *bool) {
	d := open(t)
	d.Update(func(tx *db.Tx) error {
		_, err := tenant.Create(tx, d.Ring, tenant.New{
			Slug: "staff", Name: "Staff", Origin: "https://staff.example", BuiltIn: true,
			Settings: tenant.Settings{Password: tenant.Password{Alone: true}, Registration: tenant.Registration{Closed: true}},
		})
		return err
	})
	if err := d.House.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := false
	return d.staff(&used), &used
}

func TestH083_TheBootstrapLinkMakesOneOperator(t *testing.T) {
	t.Parallel()
	d, used := staffDoor(t)
	b := d.browser()
	b.host = "staff.example"
	b.get("/bootstrap?t=wrong").says(410, "This link no longer works")
	b.get("/bootstrap?t=once").says(200, "Become the first operator", "At least 15 characters")
	b.get("/bootstrap?t=once").says(200, "Become the first operator")
	b.post("/bootstrap", "t", "once", "identifier", "nobody", "new_password", long).says(422, "Enter an email address")
	b.post("/bootstrap", "t", "once", "identifier", "op@example.test", "new_password", "short").says(422, "Use at least 15 characters")
	if *used {
		t.Fatal("a refused form used the link up")
	}
	b.post("/bootstrap", "t", "once", "identifier", "op@example.test", "new_password", long).arrives("/account")
	held := d.sessions(b)
	if len(held) != 1 {
		t.Fatal("the operator is not signed in")
	}
	d.View(func(tx *db.Tx) error {
		roles, err := access.Roles(tx, d.house(b), held[0].CustomerID)
		if !slices.Contains(roles, access.Operator) {
			t.Errorf("the roles are %v", roles)
		}
		return err
	})
	b.get("/bootstrap?t=once").says(410, "This link no longer works")
	b.post("/bootstrap", "t", "once").says(410)
}

func TestBootstrap_OfWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	d, _ := staffDoor(t)
	b := d.browser()
	b.get("/bootstrap?t=once").says(404) // not the staff's tenant
}

// The link's secret stands in the hidden field of the form and nowhere else: no
// further address carries it, and the way back works without it.
func TestBootstrap_NoFurtherAddressHoldsTheSecret(t *testing.T) {
	t.Parallel()
	d, _ := staffDoor(t)
	b := d.browser()
	b.host = "staff.example"
	b.get("/bootstrap").says(410, "This link no longer works")
	b.get("/bootstrap?t=once").says(200, `name="t" value="once"`, `href="/language?return=%2fbootstrap"`, `href="/signin?return=%2Fbootstrap"`)
	if strings.Count(b.body, `"once"`) != 1 || strings.Contains(b.body, "=once") || strings.Contains(b.body, "%3Donce") {
		t.Errorf("the secret stands in an address:\n%s", b.body)
	}
	if b.cookies["__Host-bootstrap"] != "once" {
		t.Error("the browser does not carry the secret")
	}
	b.get("/language?return=/bootstrap").says(200)
	b.post("/language", "locale", "en", "return", "/bootstrap").says(200, "Become the first operator", `name="t" value="once"`)
	b.post("/bootstrap", "t", "once", "identifier", "op@example.test", "new_password", long).arrives("/account")
	if b.cookies["__Host-bootstrap"] != "" {
		t.Error("the browser keeps a used secret")
	}
}
