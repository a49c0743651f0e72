package grant_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const redirect = "https://shop.example/cb"

var (
	verifier  = strings.Repeat("v", 43)
	challenge = s256(verifier)
	scopes    = []string{"openid", "email"}
)

func s256(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// world is one customer who is signed in, and one application.
type world struct {
	*coretest.House
	t       testing.TB
	cus     customer.ID
	app     *app.Application
	session session.Session
}

func newWorld(t testing.TB, h *coretest.House, firstParty bool) *world {
	w := &world{House: h, t: t, cus: h.Customer(), app: h.App(firstParty)}
	w.signIn()
	return w
}

func (w *world) signIn() {
	w.Update(func(tx *db.Tx) error {
		p, err := permit.May(tx, w.T(), permit.Ask{Purpose: permit.ForSession, Customer: w.cus})
		if err != nil {
			return err
		}
		_, w.session, err = session.Start(tx, w.T(), p, session.New{Proofs: []session.Proof{{Method: session.Password}}})
		return err
	})
}

func (w *world) issueIn(tx *db.Tx, n grant.New) (grant.Grant, error) {
	if n.Scopes == nil {
		n.Scopes = scopes
	}
	p, err := permit.May(tx, w.T(), permit.Ask{
		Purpose: permit.ForToken, Customer: w.cus, Application: w.app, Session: &w.session, Scopes: n.Scopes,
	})
	if err != nil {
		return grant.Grant{}, err
	}
	return grant.Issue(tx, w.T(), p, n)
}

func (w *world) issue(n grant.New) (g grant.Grant) {
	w.Update(func(tx *db.Tx) (err error) { g, err = w.issueIn(tx, n); return err })
	return g
}

func (w *world) code(n grant.New) (code string, g grant.Grant) {
	w.Update(func(tx *db.Tx) (err error) {
		if g, err = w.issueIn(tx, n); err != nil {
			return err
		}
		code, err = grant.NewCode(tx, w.T(), g, grant.CodeParams{RedirectURI: redirect, Challenge: challenge})
		return err
	})
	return code, g
}

func (w *world) redeem(code string, change ...func(*grant.Redemption)) (g grant.Grant, err error) {
	r := grant.Redemption{Code: code, Application: w.app, RedirectURI: redirect, Verifier: verifier}
	for _, c := range change {
		c(&r)
	}
	err = w.Try(func(tx *db.Tx) (err error) { g, err = grant.RedeemCode(tx, w.T(), r); return err })
	return g, err
}

func (w *world) refresh(n grant.New) (token string, g grant.Grant) {
	w.Update(func(tx *db.Tx) (err error) {
		if g, err = w.issueIn(tx, n); err != nil {
			return err
		}
		token, err = grant.NewRefresh(tx, w.T(), g, w.app)
		return err
	})
	return token, g
}

func (w *world) rotate(token string) (next string, g grant.Grant, err error) {
	return w.rotateAs(token, w.app)
}

func (w *world) rotateAs(token string, a *app.Application) (next string, g grant.Grant, err error) {
	err = w.D.Redeem(context.Background(), func(tx *db.Tx) (err error) {
		g, next, err = grant.Rotate(tx, w.T(), token, a)
		return err
	})
	return next, g, err
}

func (w *world) alive(g grant.Grant) (ok bool) {
	w.View(func(tx *db.Tx) (err error) { _, ok, err = grant.Alive(tx, w.T(), w.cus, g.ID); return err })
	return ok
}

func (w *world) setState(to customer.State) {
	w.Update(func(tx *db.Tx) error {
		_, err := customer.SetState(tx, w.T(), w.cus,
			[]customer.State{customer.Active, customer.Locked, customer.Closing, customer.Recovery}, to, "test")
		return err
	})
}

func (w *world) stranger() *tenant.Tenant { return w.Tenant("other", "https://id.other.example") }
