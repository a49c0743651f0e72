package login_test

import (
	"net/url"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func (b *browser) digest() [32]byte { return secret.Digest([]byte(b.cookies["__Host-browser"])) }

// begin opens a journey as the authorization endpoint does.
func (d *door) begin(b *browser, a *app.Application, scopes []string, locales ...string) string {
	d.t.Helper()
	return d.prompted(b, a, signin.Prompt{}, scopes, locales...)
}

// prompted is begin with a prompt.
func (d *door) prompted(b *browser, a *app.Application, prompt signin.Prompt, scopes []string, locales ...string) string {
	d.t.Helper()
	var f signin.Flow
	d.Update(func(tx *db.Tx) (err error) {
		f, err = signin.Begin(tx, d.T(), signin.New{Browser: b.digest(), Facts: signin.Facts{Kind: signin.SignIn, Prompt: prompt}, Request: signin.Request{
			Application: a.ID, Scopes: scopes, Locales: locales, ReturnPath: "/oauth2/resume", FormAction: "https://shop.example/cb",
		}})
		return err
	})
	return f.ID.String()
}

// confirm opens a journey as the portal does before something dangerous.
func (d *door) confirm(b *browser) string {
	d.t.Helper()
	var f signin.Flow
	mine := d.sessions(b)[0].Session
	d.Update(func(tx *db.Tx) (err error) {
		f, err = account.Acts{}.BeginConfirm(tx, d.T(), mine, account.Confirmation{Browser: b.digest(), Back: "/account/security"})
		return err
	})
	return f.ID.String()
}

// outcome is how the journey ended, as the protocol takes it.
func (d *door) outcome(b *browser, flow string) signin.Outcome {
	d.t.Helper()
	var id signin.ID
	if err := id.UnmarshalText([]byte(flow)); err != nil {
		d.t.Fatal(err)
	}
	var f signin.Flow
	d.Update(func(tx *db.Tx) (err error) {
		f, err = signin.Resume(tx, d.T(), id, b.digest())
		return err
	})
	return *f.Outcome
}

// drawLink makes a fresh link of the same kind as the one that was sent.
func drawLink(tx *db.Tx, t *tenant.Tenant, id signin.ID, b *browser) (string, error) {
	f, err := signin.Load(tx, t, id, b.digest())
	if err != nil {
		return "", err
	}
	c, _, err := customer.ByIdentifier(tx, t, f.Identifier.Kind, f.Identifier.Value)
	if err != nil {
		return "", err
	}
	_, link, _, err := credential.Issue(tx, t, credential.NewOneTime{
		Flow: f.ID, Purpose: credential.SignIn, Customer: c.ID, Channel: credential.Email, Target: f.Identifier.Digest, Address: f.Identifier.Value,
	})
	return link, err
}

func query(name, value string) string { return url.Values{name: {value}}.Encode() }

// customerOf makes an address out of anything, one for each.
func customerOf(s string) string {
	return "c" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '0'
	}, s) + "@example.test"
}
