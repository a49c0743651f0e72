package server

import (
	"context"
	"fmt"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// granted lets a customer in, who grants each of the applications something.
func granted(t *testing.T, b *Base, fern *tenant.Tenant, n int, apps ...app.Application) (c customer.Customer) {
	t.Helper()
	b.mustUpdate(t, func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, fern, customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: fmt.Sprintf("c%d@example.com", n), Verified: true}}, Source: "test",
		})
		if err != nil {
			return err
		}
		in, err := permit.May(tx, fern, permit.Ask{Purpose: permit.ForSession, Customer: c.ID})
		if err != nil {
			return err
		}
		_, s, err := session.Start(tx, fern, in, session.New{Proofs: []session.Proof{{Method: session.Password}}})
		for i := range apps {
			if err != nil {
				return err
			}
			var p permit.Permit
			if p, err = permit.May(tx, fern, permit.Ask{Purpose: permit.ForToken, Customer: c.ID, Application: &apps[i], Session: &s, Scopes: []string{"openid"}}); err == nil {
				_, err = grant.Issue(tx, fern, p, grant.New{Scopes: []string{"openid"}, Offline: true})
			}
		}
		return err
	})
	return c
}

func TestADeletedApplicationTakesItsGrantsAlongAndNoOthers(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b, ctx := setUp(t, c), context.Background()
		file := "version: 1\ntenants:\n  - slug: fern\n    origin: https://id.fern.example\n    applications:\n"
		for _, name := range []string{"Kept", "Deleted", "Pruned"} {
			file += "      - {name: " + name + ", kind: web, redirect_uris: [\"https://shop.fern.example/cb\"]}\n"
		}
		apply(t, b, file, Applying{})
		fern, _ := b.House.BySlug("fern")
		var apps []app.Application
		for _, name := range []string{"Kept", "Deleted", "Pruned"} {
			a, err := b.App(ctx, fern, name)
			if err != nil {
				t.Fatal(err)
			}
			apps = append(apps, a)
		}
		people := []customer.Customer{granted(t, b, fern, 1, apps...), granted(t, b, fern, 2, apps...)}
		if err := b.DeleteApp(ctx, fern, apps[1].ID); err != nil {
			t.Fatal(err)
		}
		only := "version: 1\ntenants:\n  - slug: fern\n    applications:\n      - {name: Kept, kind: web, redirect_uris: [\"https://shop.fern.example/cb\"]}\n"
		if list := apply(t, b, only, Applying{Prune: true}); len(list) != 1 || list[0].Name != "Pruned" || list[0].Act != "deleted" {
			t.Fatalf("%+v", list)
		}
		for _, c := range people {
			if left := grantsOf(t, b, fern, c.ID); len(left) != 1 || left[0].ApplicationID != apps[0].ID {
				t.Errorf("left: %+v", left)
			}
		}
		if n := events(t, b, "grant.all_ended"); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

func grantsOf(t *testing.T, b *Base, fern *tenant.Tenant, c customer.ID) (list []grant.Grant) {
	t.Helper()
	err := b.DB.View(context.Background(), func(tx *db.Tx) (err error) {
		list, err = grant.List(tx, fern, c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// events counts the events of a name in every journal.
func events(t *testing.T, b *Base, name string) (n int64) {
	t.Helper()
	err := b.DB.View(context.Background(), func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, `SELECT count(*) FROM event WHERE name = $1`, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
