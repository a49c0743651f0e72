package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// publish gives the tenant a purpose of consent and one of sale.
func (d *desk) publish() {
	d.t.Helper()
	d.Update(func(tx *db.Tx) error {
		err := catalog.Put(tx, d.Tenant(), []catalog.Field{{
			Name: "garden", Type: catalog.Text, Class: catalog.Profile, Purposes: []string{"account", "news"},
			Words: map[string]catalog.Words{"en": {Label: "Garden"}},
		}})
		if err != nil {
			return err
		}
		for id, p := range map[string]consent.Purpose{
			"news": {Basis: consent.ByConsent, Fields: []string{"garden"}, Recipients: []consent.Recipient{{Name: "Post", Country: "DE"}}},
			"ads":  {Basis: consent.ByLegitimateInterest, SaleOrShare: true},
		} {
			p.ID, p.Version = id, 1
			p.Words = map[string]consent.Words{"en": {Title: "About " + id, Text: "We use it for " + id + "."}}
			if _, err := consent.PutPurpose(tx, d.Tenant(), p); err != nil {
				return err
			}
		}
		return nil
	})
	d.Settle()
}

func (d *desk) stands(address, purpose, why string) {
	d.t.Helper()
	c := d.who(address).ID
	d.View(func(tx *db.Tx) error {
		s, _, err := consent.Holds(tx, d.Tenant(), c, purpose, [16]byte{})
		if s.Why != why {
			d.t.Errorf("%s is %s, want %s", purpose, s.Why, why)
		}
		return err
	})
}

// TestH221_WithdrawingIsTwoPressesFromHome_AsGivingIs: with undo, the text that
// was shown, and a receipt that verifies for anybody.
func TestH221_WithdrawingIsTwoPressesFromHome_AsGivingIs(t *testing.T) {
	each(t, func(d *desk) {
		d.publish()
		b := d.visitor(mia)
		p := d.at(b, "/account").Follow("My consents")
		d.is(p, 200, "/account/consents")
		d.says(p, "About news", "You decide", "Not decided", "Garden", "Post (Germany)", "As long as your account")
		press := func(decision string) *servertest.Page {
			d.Advance(time.Second)
			return d.post(b, "/account/consents", "purpose", "news", "version", "1", "decision", decision)
		}
		p = press("given")
		d.is(p, 200, "/account/consents")
		d.says(p, "Noted", "Undo")
		d.stands(mia, "news", consent.WhyGiven)
		p = press("withdrawn")
		d.says(p, "Withdrawn", "Undo")
		d.stands(mia, "news", consent.WhyWithdrawn)
		d.says(p.Follow("Version 1"), "We use it for news.", "SHA-256")

		token := d.download(b, p.Link("Download"))
		stranger := servertest.NewBrowser(d.t)
		d.says(d.post(stranger, "/receipt", "receipt", token), "This receipt is real", "About news", "Withdrawn")
		bad := d.post(stranger, "/receipt", "receipt", token[:len(token)-4]+"AAAA")
		if bad.Status != 422 || !strings.Contains(bad.Text(), "does not verify") {
			d.t.Errorf("%d %s", bad.Status, bad.Text())
		}
		old := d.post(b, "/account/consents", "purpose", "news", "version", "7", "decision", "given")
		if old.Status != 409 {
			d.t.Errorf("another version: %d", old.Status)
		}
		other := d.visitor(sam)
		entry, _ := url.Parse(p.Link("Download"))
		if got := d.get(other, entry.RequestURI()); got.Status != 404 {
			d.t.Errorf("somebody else's receipt: %d", got.Status)
		}
	})
}

// download is the body of a file.
func (d *desk) download(b *servertest.Browser, link string) string {
	d.t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		d.t.Fatal(err)
	}
	p := d.get(b, u.RequestURI())
	if p.Status != 200 || strings.Count(p.Body, ".") != 2 {
		d.t.Fatalf("%d %s", p.Status, p.Body)
	}
	return strings.TrimSpace(p.Body)
}

// TestH224_TheSignalOfABrowserIsHonouredKeptAndConfirmed.
func TestH224_TheSignalOfABrowserIsHonouredKeptAndConfirmed(t *testing.T) {
	each(t, func(d *desk) {
		d.publish()
		b := d.visitor(mia)
		d.stands(mia, "ads", consent.WhyBasis)
		first := d.signal(b, "/account")
		if !strings.Contains(first, "asks not to sell or share your data") {
			d.t.Errorf("nothing is confirmed:\n%s", first)
		}
		d.stands(mia, "ads", consent.WhyObjected)
		d.stands(mia, "news", consent.WhyNever)
		if again := d.signal(b, "/account"); strings.Contains(again, "We have noted it") {
			d.t.Error("told at every page")
		}
		if page := d.signal(b, "/account/consents"); !strings.Contains(page, "We honour this signal") {
			d.t.Error("the page of consents does not tell")
		}
		d.post(b, "/account/consents", "purpose", "ads", "version", "1", "decision", "given")
		d.signal(b, "/account")
		d.stands(mia, "ads", consent.WhyBasis) // allowed by hand after the signal
		status, body := d.Do(request(d.t, d.URL+"/.well-known/gpc.json"))
		if status != 200 || !strings.Contains(string(body), `"gpc":true`) || !strings.Contains(string(body), `"lastUpdate"`) {
			d.t.Errorf("%d %s", status, body)
		}
	})
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signal is a page for a browser that sends Sec-GPC.
func (d *desk) signal(b *servertest.Browser, path string) string {
	d.t.Helper()
	b.Header = http.Header{"Sec-Gpc": {"1"}}
	defer func() { b.Header = nil }()
	return d.at(b, path).Text()
}
