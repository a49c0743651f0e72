package portal_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

const (
	mia = "mia@example.test"
	sam = "sam@example.test"
)

// desk is a house and browsers in which people are signed in.
type desk struct {
	*servertest.House
	t    *testing.T
	last string // session that otherThan found
}

func each(t *testing.T, test func(d *desk), o ...servertest.Options) {
	t.Helper()
	o = append(o, servertest.Options{})[:1]
	o[0].Twice = true
	servertest.Each(t, func(t *testing.T, h *servertest.House) { test(&desk{House: h, t: t}) }, o...)
}

// visitor is a new browser in which somebody has just signed in.
func (d *desk) visitor(address string) *servertest.Browser {
	d.t.Helper()
	b := servertest.NewBrowser(d.t)
	d.Advance(time.Minute) // so that the newest code is the newest
	if p := d.SignUp(b, address); p.URL.Path != "/account" {
		d.t.Fatalf("after signing in: %d %s\n%s", p.Status, p.URL, p.Text())
	}
	return b
}

func (d *desk) get(b *servertest.Browser, path string) *servertest.Page {
	d.t.Helper()
	return b.Get(d.URL + path)
}

// at is get of a page that must be there.
func (d *desk) at(b *servertest.Browser, path string) *servertest.Page {
	d.t.Helper()
	p := d.get(b, path)
	d.is(p, 200, path)
	return p
}

func (d *desk) is(p *servertest.Page, status int, path string) {
	d.t.Helper()
	path, _, _ = strings.Cut(path, "?")
	if p.Status != status || p.URL.Path != path {
		d.t.Fatalf("%d %s, want %d %s\n%s", p.Status, p.URL, status, path, p.Text())
	}
}

func (d *desk) says(p *servertest.Page, words ...string) {
	d.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.Text(), w) {
			d.t.Errorf("%s does not say %q:\n%s", p.URL, w, p.Text())
		}
	}
}

func (d *desk) silent(p *servertest.Page, words ...string) {
	d.t.Helper()
	for _, w := range words {
		if strings.Contains(p.Body, w) {
			d.t.Errorf("%s holds %q", p.URL, w)
		}
	}
}

func (d *desk) post(b *servertest.Browser, path string, pairs ...string) *servertest.Page {
	d.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.Post(d.URL+path, form)
}

// who is the customer of an address.
func (d *desk) who(address string) (c customer.Customer) {
	d.t.Helper()
	d.View(func(tx *db.Tx) (err error) {
		var found bool
		c, found, err = customer.ByIdentifier(tx, d.Tenant(), customer.Email, address)
		if err == nil && !found {
			d.t.Fatalf("nobody has %s", address)
		}
		return err
	})
	return c
}

// field is what is kept of a customer.
func (d *desk) field(address, name string) string {
	d.t.Helper()
	c := d.who(address).ID
	var text string
	d.View(func(tx *db.Tx) error {
		out, err := release.Disclose(tx, d.Tenant(), release.Ask{Customer: c, Recipient: release.Recipient{Kind: release.Self, ID: c}, Fields: []string{name}})
		text = out.Values[name].Text
		return err
	})
	return text
}

// confirms proves afresh who somebody is, by a code.
func (d *desk) confirms(p *servertest.Page, address string) *servertest.Page {
	d.t.Helper()
	if !strings.HasPrefix(p.URL.Path, "/signin/") {
		d.t.Fatalf("no fresh proof is asked: %d %s\n%s", p.Status, p.URL, p.Text())
	}
	if !p.Has("code") {
		d.Advance(time.Second) // what is sent now comes after what was sent before
		p = p.Submit("action", "resend")
	}
	return p.Submit("code", d.Code(address))
}

// another signs one more account in to a browser.
func (d *desk) another(b *servertest.Browser, address string) {
	d.t.Helper()
	d.Advance(time.Minute)
	p := d.get(b, "/signin")
	d.is(d.Prove(b.Post(p.URL.String()+"/choose", url.Values{"action": {"another"}}), address), 200, "/account")
}

func TestMyAccountAsksWhoIsThere_AndLeadsBack(t *testing.T) {
	each(t, func(d *desk) {
		d.visitor(mia)
		d.Advance(time.Minute)
		b := servertest.NewBrowser(d.t)
		p := d.get(b, "/account/profile")
		if !strings.HasPrefix(p.URL.Path, "/signin/") {
			d.t.Fatalf("a stranger sees %s", p.URL)
		}
		d.is(d.Prove(p, mia), 200, "/account/profile")
	})
}

func TestEveryRealPageKeepsTheChecklist(t *testing.T) {
	each(t, func(d *desk) {
		d.Configure(func(s *tenant.Settings) { s.Identifiers.Phone, s.Identifiers.Username = true, true })
		d.visitor(mia)
		d.Advance(time.Minute)
		b := servertest.NewBrowser(d.t)
		d.Authorize(b, d.Apps["partner"], mia)
		paths := []string{
			"/account", "/account/profile", "/account/addresses", "/account/addresses/add?kind=email", "/account/addresses/add?kind=phone",
			"/account/username", "/account/security", "/account/sessions/everywhere", "/account/password", "/account/password/remove",
			"/account/applications", "/account/language", "/account/close", "/account/closed", "/account?done=saved",
			"/account/applications/revoke?application=" + d.Apps["partner"].ClientID,
		}
		for _, lang := range []string{"en", "de", "fr", "es", "ar"} {
			b.Lang = lang
			for _, path := range paths {
				p := d.at(b, path)
				for _, told := range uitest.Lint(p.Body) {
					d.t.Errorf("%s, %s: %s", path, lang, told)
				}
				if p.Header.Get("Cache-Control") != "no-store" || !strings.Contains(p.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
					p.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
					d.t.Errorf("%s: headers %v", path, p.Header)
				}
			}
		}
	})
}

func TestH146_FormsOfOtherSitesDoNothing(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		for _, r := range d.Mux.Routes() {
			if r.Method != "POST" || !strings.HasPrefix(r.Path, "/account") {
				continue
			}
			if p := b.PostFrom("https://evil.example", d.URL+r.Path, url.Values{"theme": {"dark"}}); p.Status != 403 {
				d.t.Errorf("%s from another site: %d", r.Path, p.Status)
			}
		}
		d.at(b, "/account")
	})
}

func TestH145_NoPageOfTheAccountOpensToAStranger(t *testing.T) {
	each(t, func(d *desk) {
		d.visitor(mia)
		seen := 0
		for _, r := range d.Mux.Routes() {
			if !strings.HasPrefix(r.Path, "/account") || r.Path == "/account/closed" {
				continue
			}
			seen++
			b := servertest.NewBrowser(d.t)
			b.SetCookie(d.URL, cookie("session", "garbage.garbage"))
			p := &servertest.Page{}
			if r.Method == "POST" {
				p = d.post(b, r.Path)
			} else {
				p = d.get(b, r.Path)
			}
			if !strings.HasPrefix(p.URL.Path, "/signin/") {
				d.t.Errorf("%s %s: %d %s", r.Method, r.Path, p.Status, p.URL)
			}
		}
		if seen < 25 {
			d.t.Errorf("only %d routes were tried", seen)
		}
	})
}

func TestH157_NamesBelowAPageAreNoPages(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		for _, path := range []string{"/account/x.css", "/account/profile.js", "/account/profile/x.png", "/account/security/", "/account/addresses/verify/a"} {
			if p := d.get(b, path); p.Status != 404 {
				d.t.Errorf("%s: %d", path, p.Status)
			}
		}
	})
}

func TestFormsOfAnotherAccountChangeNothing(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		page := d.at(b, "/account/profile")
		d.another(b, sam)
		p := page.Submit("given_name", "Mia")
		if p.Status != 409 {
			d.t.Fatalf("the form of another account: %d %s", p.Status, p.Text())
		}
		d.says(p, "You switched to another account")
		if d.field(mia, "given_name")+d.field(sam, "given_name") != "" {
			d.t.Error("something was changed")
		}
		d.is(d.at(b, "/account/profile").Submit("given_name", "Sam"), 200, "/account/profile")
		if d.field(sam, "given_name") != "Sam" || d.field(mia, "given_name") != "" {
			d.t.Error("the form of the current account changed somebody else")
		}
	})
}

func TestH160_WhatPeopleAreCalledIsTextAlone(t *testing.T) {
	each(t, func(d *desk) {
		b := servertest.NewBrowser(d.t)
		b.Agent = `Mozilla/5.0 "><script>alert(1)</script> Evil/1.0`
		d.SignUp(b, mia)
		const payload = `"><img src=x onerror=alert(1)>`
		d.is(d.at(b, "/account/profile").Submit("name", payload, "nickname", "<script>alert(2)</script>"), 200, "/account/profile")
		for _, path := range []string{"/account", "/account/profile", "/account/security", "/account/addresses"} {
			p := d.at(b, path)
			d.silent(p, "<img src=x", "<script>alert")
			if told := uitest.Lint(p.Body); len(told) > 0 {
				d.t.Errorf("%s: %v", path, told)
			}
		}
		d.says(d.at(b, "/account"), "Hello, <script>alert(2)</script>")
	})
}

// stranger is somebody else's session and application, of another tenant.
func (d *desk) stranger() (sid session.ID, application string) {
	d.t.Helper()
	var other *tenant.Tenant
	d.Update(func(tx *db.Tx) error {
		_, err := tenant.Create(tx, d.Ring, tenant.New{Slug: "other", Name: "Other", Origin: "https://other.example"})
		return err
	})
	if err := d.House.House.Load(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	other, _ = d.House.House.BySlug("other")
	d.Update(func(tx *db.Tx) error {
		c, err := customer.Register(tx, other, customer.New{Source: "test", Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: mia, Verified: true}}})
		if err != nil {
			return err
		}
		may, err := permit.May(tx, other, permit.Ask{Customer: c.ID, Purpose: permit.ForSession})
		if err != nil {
			return err
		}
		_, s, err := session.Start(tx, other, may, session.New{Proofs: []session.Proof{{Method: session.OTPEmail, At: tx.Now}}})
		if err != nil {
			return err
		}
		a, _, err := app.Register(tx, other, app.New{Kind: app.Web, Name: "Theirs", Settings: app.Settings{RedirectURIs: []string{"https://x.example/cb"}}})
		sid, application = s.ID, a.ClientID()
		return err
	})
	return sid, application
}

// sessionsOf are the living sessions of an address.
func (d *desk) sessionsOf(address string) (list []session.Session) {
	d.t.Helper()
	c := d.who(address).ID
	d.View(func(tx *db.Tx) (err error) { list, err = session.List(tx, d.Tenant(), c); return err })
	return list
}

func TestH154_WhatBelongsToOthersIsNotThere(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		other := d.visitor(sam)
		foreign, application := d.stranger()
		theirs := d.sessionsOf(sam)[0].ID.String()
		handle := handleOf(d.at(other, "/account/addresses").Body)
		for _, c := range [][]string{
			{"/account/sessions/end", "session", theirs}, {"/account/sessions/end", "session", foreign.String()},
			{"/account/sessions/end", "session", "ses_00000000000000000000000000"}, {"/account/sessions/end", "session", "1"}, {"/account/sessions/end"},
			{"/account/addresses/primary", "address", handle}, {"/account/addresses/remove", "address", handle}, {"/account/addresses/verify", "address", handle},
			{"/account/addresses/change", "address", handle, "email", "x@example.test"}, {"/account/addresses/remove", "address", "AAAA"}, {"/account/addresses/remove"},
			{"/account/addresses/add", "kind", "phone", "phone", "+4930123456"}, {"/account/addresses/add", "kind", "username"},
			{"/account/applications/revoke", "application", application}, {"/account/applications/revoke", "application", "x"}, {"/account/applications/revoke"},
			{"/account/language", "locale", "tlh"}, {"/account/theme", "theme", "pink"},
		} {
			if p := d.post(b, c[0], c[1:]...); p.Status != 404 {
				d.t.Errorf("%v: %d %s", c, p.Status, p.URL)
			}
		}
		for _, path := range []string{
			"/account/addresses/remove?address=" + handle, "/account/addresses/change?address=" + handle, "/account/addresses/add?kind=phone",
			"/account/applications/revoke?application=" + application, "/account/username",
		} {
			if p := d.get(b, path); p.Status != 404 {
				d.t.Errorf("%s: %d", path, p.Status)
			}
		}
		d.at(other, "/account")
		if len(d.sessionsOf(sam)) != 1 || d.who(sam).State != customer.Active {
			d.t.Error("somebody else was changed")
		}
	})
}

// handleOf is the handle of the first address on the page.
func handleOf(body string) string {
	_, rest, _ := strings.Cut(body, "/account/addresses/change?address=")
	handle, _, _ := strings.Cut(rest, `"`)
	handle, _, _ = strings.Cut(handle, "&")
	return handle
}

func TestDangerousThingsAskForAFreshSignIn(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		stale := d.at(b, "/account/password")
		d.Advance(11 * time.Minute)
		for _, path := range []string{"/account/password", "/account/addresses/add?kind=email", "/account/close", "/account/sessions/everywhere"} {
			if p := d.get(b, path); !strings.HasPrefix(p.URL.Path, "/signin/") {
				d.t.Errorf("%s opens with an old proof: %s", path, p.URL)
			}
		}
		before := d.sessionsOf(mia)[0]
		for path, form := range map[string][]string{
			"/account/close": {"typed_address", mia}, "/account/sessions/everywhere": nil, "/account/addresses/add": {"kind", "email", "email", "new@example.test"},
		} {
			if p := d.post(b, path, form...); !strings.HasPrefix(p.URL.Path, "/signin/") {
				d.t.Errorf("POST %s with an old proof: %d %s", path, p.Status, p.URL)
			}
		}
		if d.who(mia).State != customer.Active || len(d.sessionsOf(mia)) != 1 || len(d.Inbox("new@example.test")) != 0 {
			d.t.Fatal("something dangerous happened with an old proof")
		}
		p := d.confirms(stale.Submit("new_password", "a quiet heron over the reeds"), mia)
		d.is(p, 200, "/account/password")
		after := d.sessionsOf(mia)
		if len(after) != 1 || after[0].ID != before.ID || !after[0].AuthenticatedAt.After(before.AuthenticatedAt) {
			d.t.Errorf("the session was not made fresh: %+v", after)
		}
		d.is(p.Submit("new_password", "a quiet heron over the reeds"), 200, "/account/security")
	})
}

func TestH139_H158_SigningOutLeavesNothingBehind(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		before := d.sessionsOf(mia)[0].ID
		token := b.Cookie(d.URL, "session")
		p := d.at(b, "/account/security").Submit()
		if b.Cookie(d.URL, "session") != "" || len(d.sessionsOf(mia)) != 0 {
			d.t.Fatalf("signed out, and something stays: %s", p.URL)
		}
		if p := d.get(b, "/account"); !strings.HasPrefix(p.URL.Path, "/signin/") {
			d.t.Errorf("Back shows %s", p.URL)
		}
		d.is(d.SignUp(b, sam), 200, "/account")
		if next := d.sessionsOf(sam)[0].ID; next == before || strings.Contains(b.Cookie(d.URL, "session"), token) {
			d.t.Error("the next customer has the former one's session")
		}
		thief := servertest.NewBrowser(d.t)
		thief.SetCookie(d.URL, cookie("session", token))
		if p := d.get(thief, "/account"); !strings.HasPrefix(p.URL.Path, "/signin/") {
			d.t.Errorf("the old token opens %s", p.URL)
		}
	})
}

func TestSigningOutOfOneAccountKeepsTheOther(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.another(b, sam)
		d.at(b, "/account").Submit()
		d.says(d.at(b, "/account"), mia)
		if len(d.sessionsOf(sam)) != 0 || len(d.sessionsOf(mia)) != 1 {
			d.t.Error("the wrong account was signed out")
		}
	})
}

func TestDevicesAreTold_AndEndedOneByOneOrTogether(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.Advance(time.Minute)
		phone := servertest.NewBrowser(d.t)
		phone.Agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
		d.SignUp(phone, mia)
		p := d.at(b, "/account/security")
		d.says(p, "Firefox on Linux", "This device", "Safari on iOS", "You are signed in on 2 devices")
		ended := p.Submit("session", d.otherThan(b, mia))
		d.is(ended, 200, "/account/security")
		d.says(ended, "That device is signed out")
		d.silent(ended, "Safari on iOS")
		if q := d.get(phone, "/account"); !strings.HasPrefix(q.URL.Path, "/signin/") {
			d.t.Errorf("the phone is still at %s", q.URL)
		}
		d.is(p.Submit("session", d.ended(mia)), 200, "/account/security") // a second press

		d.Advance(time.Minute)
		d.SignUp(phone, mia)
		third := d.visitor(mia)
		d.says(d.post(b, "/account/sessions/others"), "All other devices are signed out")
		for _, out := range []*servertest.Browser{phone, third} {
			if q := d.get(out, "/account"); !strings.HasPrefix(q.URL.Path, "/signin/") {
				d.t.Errorf("another device is still at %s", q.URL)
			}
		}
		d.at(b, "/account")
		d.Advance(time.Minute)
		d.SignUp(phone, mia)
		d.at(b, "/account/sessions/everywhere").Submit("account", fieldOf(d.at(b, "/account/sessions/everywhere").Body, "account"))
		if len(d.sessionsOf(mia)) != 0 || b.Cookie(d.URL, "session") != "" {
			d.t.Error("somebody is still signed in somewhere")
		}
	})
}

// otherThan is the session of an address that is not this browser's.
func (d *desk) otherThan(b *servertest.Browser, address string) string {
	d.t.Helper()
	var own session.ID
	d.View(func(tx *db.Tx) error {
		held, err := session.FindSet(tx, d.Tenant(), b.Cookie(d.URL, "session"))
		own = held[0].ID
		return err
	})
	for _, s := range d.sessionsOf(address) {
		if s.ID != own {
			d.last = s.ID.String()
			return d.last
		}
	}
	d.t.Fatal("there is no other session")
	return ""
}

func (d *desk) ended(string) string { return d.last }

func TestProfileIsSavedAsAWhole_AndWhatWasTypedStays(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p := d.at(b, "/account/profile").Submit("given_name", "Mia", "birthdate", "27.4.1990", "website", "mia dot example")
		d.is(p, 422, "/account/profile")
		d.says(p, "There is a problem", "Enter a date", "Enter a whole web address")
		if !strings.Contains(p.Body, `value="27.4.1990"`) || !strings.Contains(p.Body, `value="Mia"`) || d.field(mia, "given_name") != "" {
			d.t.Error("what was typed is lost, or half of it was saved")
		}
		p = p.Submit("given_name", " Mia ", "birthdate", "1990-04-27", "website", "https://mia.example", "zoneinfo", "Asia/Tokyo",
			"address-street_address", "Lindenallee 4\r\nHinterhaus", "address-locality", "Berlin", "address-country", "Deutschland")
		d.is(p, 200, "/account/profile")
		d.says(p, "Your changes are saved")
		for name, want := range map[string]string{
			"given_name": "Mia", "birthdate": "1990-04-27", "website": "https://mia.example", "zoneinfo": "Asia/Tokyo",
			"address": `{"street_address":"Lindenallee 4\nHinterhaus","locality":"Berlin","country":"Deutschland"}`,
		} {
			if got := d.field(mia, name); got != want {
				d.t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		d.is(p.Submit("given_name", "", "address-street_address", "", "address-locality", "", "address-country", ""), 200, "/account/profile")
		if d.field(mia, "given_name")+d.field(mia, "address") != "" {
			d.t.Error("what was emptied stays")
		}
		if p := d.post(b, "/account/profile", "given_name", "A", "given_name", "B"); p.Status != 400 {
			d.t.Errorf("a field that came twice: %d", p.Status)
		}
	})
}

func TestH125_H170_OnlyFieldsOfTheCatalogueCanBeSet(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		c := d.who(mia)
		p := d.post(b, "/account/profile", "nickname", "Mi", "email", "evil@example.test", "email_verified", "true", "phone", "+4930123456",
			"phone_verified", "true", "username", "admin", "updated_at", "1", "state", "locked", "id", "cus_1", "roles", "operator", "tenant_id", "x", "sub", "y")
		d.is(p, 200, "/account/profile")
		after := d.who(mia)
		if after.State != c.State || after.ID != c.ID || d.field(mia, "nickname") != "Mi" {
			d.t.Errorf("became %+v", after)
		}
		d.View(func(tx *db.Tx) error {
			list, err := customer.Identifiers(tx, d.Tenant(), c.ID)
			profile, err2 := customer.Profile(tx, d.Tenant(), c.ID)
			var names []string
			for _, f := range profile {
				names = append(names, f.Name)
			}
			slices.Sort(names)
			if len(list) != 1 || !slices.Equal(slices.DeleteFunc(names, func(s string) bool { return s == "locale" }), []string{"nickname"}) {
				d.t.Errorf("%d identifiers, fields %v", len(list), names)
			}
			if err == nil {
				err = err2
			}
			return err
		})
	})
}

func TestLanguageIsKeptInTheBrowserAndInTheAccount(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p := d.at(b, "/account/language").Submit("locale", "de")
		d.is(p, 200, "/account/language")
		d.says(p, "Sprache und Design", "ab jetzt in dieser Sprache")
		if d.field(mia, "locale") != "de" {
			d.t.Errorf("the account speaks %q", d.field(mia, "locale"))
		}
		d.is(p.Submit("theme", "dark"), 200, "/account/language")
		if !strings.Contains(d.at(b, "/account").Body, `data-theme="dark"`) {
			d.t.Error("the theme is not kept")
		}
		fresh := d.visitor(mia)
		fresh.Lang = "fr"
		d.says(d.at(fresh, "/account"), "Guten Tag")
		d.is(d.at(b, "/account/profile").Submit("locale", "es"), 200, "/account/profile")
		d.says(d.at(b, "/account"), "Hola")
	})
}

func TestPasswordIsCheckedSet_AndEndsOtherSessions(t *testing.T) {
	each(t, func(d *desk) {
		b, other := d.visitor(mia), d.visitor(mia)
		p := d.at(b, "/account/password")
		for typed, words := range map[string]string{"short": "too short", "password1234": "known data leaks", "mia@example.test": "easy to guess"} {
			q := p.Submit("new_password", typed)
			d.is(q, 422, "/account/password")
			d.says(q, words)
			if strings.Contains(q.Body, `type="password" autocomplete="new-password" value=`) || typed != mia && strings.Contains(q.Body, typed+`"`) {
				d.t.Errorf("the page holds the password")
			}
		}
		q := p.Submit("new_password", "seven herons wade at dusk")
		d.is(q, 200, "/account/security")
		d.says(q, "It is a strong one", "Set on")
		d.says(q, "You are signed in on this device only")
		if r := d.get(other, "/account"); !strings.HasPrefix(r.URL.Path, "/signin/") {
			d.t.Errorf("another session lives on at %s", r.URL)
		}
		q = d.at(b, "/account/password/remove").Submit("account", fieldOf(d.at(b, "/account/password/remove").Body, "account"))
		d.is(q, 200, "/account/security")
		d.says(q, "You have none")
	})
}

func TestClosingNeedsTheTypedAddress_AndEndsEverySession(t *testing.T) {
	each(t, func(d *desk) {
		b, other := d.visitor(mia), d.visitor(mia)
		p := d.at(b, "/account/close")
		for _, typed := range []string{"", "close", sam} {
			q := p.Submit("typed_address", typed)
			d.is(q, 422, "/account/close")
			d.says(q, "That is not your address")
		}
		q := p.Submit("typed_address", "  MIA@Example.Test ")
		d.is(q, 200, "/account/closed")
		d.says(q, "Your account is being closed", d.Clock.Now().Add(customer.CloseAfter).Format("2 January 2006"))
		if d.who(mia).State != customer.Closing || len(d.sessionsOf(mia)) != 0 || b.Cookie(d.URL, "session") != "" {
			d.t.Errorf("the account is %s", d.who(mia).State)
		}
		for _, out := range []*servertest.Browser{b, other} {
			if r := d.get(out, "/account"); !strings.HasPrefix(r.URL.Path, "/signin/") {
				d.t.Errorf("still at %s", r.URL)
			}
		}
		forged := d.get(b, "/account/closed?until=AAAAAAAA")
		d.says(forged, "After 14 days")
	})
}
