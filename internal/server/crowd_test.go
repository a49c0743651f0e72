package server_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// A crowd is the customers among whom the benchmarks' workers live: each has
// signed in before. Workers are taken from all over it, since rows that lie
// side by side would clash on PostgreSQL as they do in no house with customers.
const (
	crowdSize  = 2048
	crowdBatch = 64
)

func crowdAddress(i int) string { return fmt.Sprintf("c%d@bench.test", i) }

// settle fills the house with its crowd, as an import would.
func (g *ground) settle(t testing.TB, phc string) {
	t.Helper()
	b, err := server.Open(t.Context(), g.config(), server.Opening{Dev: true, Log: servertest.Quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	home, _ := b.House.BySlug("fern")
	for first := 0; first < crowdSize; first += crowdBatch {
		err := b.DB.Update(t.Context(), func(tx *db.Tx) error {
			for i := range crowdBatch {
				if err := g.admit(tx, home, crowdAddress(first+i), phc); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// admit registers somebody with a password who has accepted the terms, has
// signed in to the shop and holds a refresh token.
func (g *ground) admit(tx *db.Tx, home *tenant.Tenant, address, phc string) error {
	c, err := customer.Register(tx, home, customer.New{
		Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "signup",
	})
	if err != nil {
		return err
	}
	if err := credential.SetPassword(tx, home, c.ID, phc); err != nil {
		return err
	}
	docs, err := consent.Documents(tx, home, "en")
	if err != nil {
		return err
	}
	for _, d := range docs {
		err := consent.Record(tx, home, consent.Decision{
			Customer: c.ID, Purpose: consent.Terms, Item: d.Kind, Given: true, Version: d.Version, TextDigest: d.Digest,
			Locale: d.Locale, Surface: "signup", Method: "button",
		})
		if err != nil {
			return err
		}
	}
	return g.visitShop(tx, home, c.ID)
}

func (g *ground) visitShop(tx *db.Tx, home *tenant.Tenant, c customer.ID) error {
	pass, err := permit.May(tx, home, permit.Ask{Purpose: permit.ForSession, Customer: c})
	if err != nil {
		return err
	}
	from := netip.MustParseAddr("203.0.113.24")
	place, device := session.NewPlace(from, "Firefox"), [16]byte(secret.Random(16))
	_, s, err := session.Start(tx, home, pass, session.New{
		Proofs: []session.Proof{{Method: session.OTPEmail, At: tx.Now}}, Place: place, Device: device,
	})
	if err != nil {
		return err
	}
	// What is usual for them and the browser that they used, as after a sign-in.
	if _, err := session.See(tx, home, c, device, place); err != nil {
		return err
	}
	usual := risk.Circumstance{Action: "signin", Address: from, Network: web.Network(from)}
	if err := (risk.Atlas{}).Observe(tx, home, c, usual); err != nil {
		return err
	}
	a, err := app.Get(tx, home, g.web.ID)
	if err != nil {
		return err
	}
	scopes := []string{"openid", "email", "offline_access"}
	token, err := permit.May(tx, home, permit.Ask{Purpose: permit.ForToken, Customer: c, Application: &a, Session: &s, Scopes: scopes, Offline: true})
	if err != nil {
		return err
	}
	given, err := grant.Issue(tx, home, token, grant.New{Scopes: scopes, Offline: true})
	if err != nil {
		return err
	}
	_, err = grant.NewRefresh(tx, home, given, &a)
	return err
}
