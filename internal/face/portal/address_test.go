package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

func cookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/"}
}

// fieldOf is the value of the first hidden field of a name.
func fieldOf(body, name string) string {
	_, rest, _ := strings.Cut(body, `type="hidden" name="`+name+`" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestAddressIsAddedWhenItsCodeIsTyped_MadeMain_AndRemoved(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p := d.at(b, "/account/addresses/add?kind=email").Submit("email", " Mia.Two@Example.test ")
		if !p.Has("code") || strings.Contains(d.at(b, "/account/addresses").Body, "mia.two") {
			d.t.Fatalf("added before it was proven, or no code is asked: %s", p.Text())
		}
		d.says(p.Submit("code", d.Code("mia.two@example.test")), "The address is confirmed", "mia.two@example.test")
		p = d.at(b, "/account/addresses")
		p = d.post(b, "/account/addresses/primary", "address", d.handle(p, "/account/addresses/primary"))
		d.says(p, "Messages go to this address from now on")
		if d.field("mia.two@example.test", "email") != "mia.two@example.test" {
			d.t.Error("the main address is another")
		}
		if !slices.ContainsFunc(d.Inbox(mia), func(k notify.Kept) bool { return strings.Contains(k.Link, "/undo?t=") }) {
			d.t.Error("the former main address was not told")
		}
		p = p.Follow("/account/addresses/remove")
		d.is(p, 200, "/account/addresses/remove")
		gone := p.Submit("address", fieldOf(p.Body, "address"))
		d.says(gone, "It is removed")
		d.is(p.Submit("address", fieldOf(p.Body, "address")), 200, "/account/addresses") // a second press
		d.silent(gone, "/account/addresses/remove")
	})
}

// handle is the handle in the first form with the action.
func (d *desk) handle(p *servertest.Page, action string) string {
	d.t.Helper()
	_, rest, found := strings.Cut(p.Body, `action="`+action+`"`)
	if !found {
		d.t.Fatalf("no form for %s: %s", action, p.Text())
	}
	return fieldOf(rest, "address")
}

func TestLastAddressStays(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p := d.at(b, "/account/addresses")
		d.silent(p, "/account/addresses/remove")
		if q := d.post(b, "/account/addresses/remove", "address", handleOf(p.Body)); q.Status != 409 {
			d.t.Errorf("the last address: %d %s", q.Status, q.Text())
		}
		if d.who(mia).State != customer.Active {
			d.t.Error("gone")
		}
	})
}

func TestChangeTakesThePlaceOfTheAddress_AndCanBeUndone(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p := d.at(b, "/account/addresses").Follow("/account/addresses/change")
		d.says(p.Submit("email", mia), "confirmed in your account already")
		d.is(p.Submit("email", "mia(at)new"), 422, "/account/addresses/change")
		p = p.Submit("email", "mia.new@example.test")
		d.says(p.Submit("code", d.Code("mia.new@example.test")), "mia.new@example.test")
		if d.field("mia.new@example.test", "email") != "mia.new@example.test" {
			d.t.Error("not changed")
		}
		d.Advance(71 * time.Hour)
		link := d.Inbox(mia)[0].Link
		servertest.NewBrowser(d.t).Get(link).Submit("action", "continue")
		if q := d.get(b, "/account"); !strings.HasPrefix(q.URL.Path, "/signin/") {
			d.t.Errorf("who changed it is still at %s", q.URL)
		}
		if d.who(mia).State != customer.Recovery {
			d.t.Errorf("the account is %s", d.who(mia).State)
		}
	})
}

func TestWhoseAnAddressIs_IsNotToldBeforeItIsProven(t *testing.T) {
	each(t, func(d *desk) {
		d.visitor(sam)
		b := d.visitor(mia)
		shape := func(address string) string {
			p := d.at(b, "/account/addresses/add?kind=email").Submit("email", address)
			return strings.ReplaceAll(p.Title()+p.Text(), address, "X")
		}
		if taken, free := shape(sam), shape("new@example.test"); taken != free {
			d.t.Errorf("an address that somebody has shows\n%s\nand one that is free\n%s", taken, free)
		}
	})
}

func TestH127_OneFieldHoldsOneAddress(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p := d.at(b, "/account/addresses/add?kind=email")
		for _, typed := range []string{"a@example.test,b@example.test", "a@example.test;b@example.test", "a@example.test b@example.test", `["a@example.test"]`, "a@example.test\r\nBcc: b@example.test", "", "@", "a@@example.test"} {
			if q := p.Submit("email", typed); q.Status != 422 {
				d.t.Errorf("%q: %d %s", typed, q.Status, q.URL)
			}
		}
		twice := url.Values{"kind": {"email"}, "email": {"a@example.test", "b@example.test"}}
		if q := b.Post(d.URL+"/account/addresses/add", twice); q.Status != 400 {
			d.t.Errorf("repeated: %d", q.Status)
		}
		for _, to := range []string{"a@example.test", "b@example.test"} {
			if n := len(d.Inbox(to)); n != 0 {
				d.t.Errorf("%d messages went to %s", n, to)
			}
		}
	})
}

func TestMessagesToOneAddressAreBudgeted(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		limited := false
		for range 12 {
			p := d.at(b, "/account/addresses/add?kind=email").Submit("email", "bombed@example.test")
			if p.Status != 200 {
				limited = p.Status == 429 && p.Header.Get("Retry-After") != ""
				d.says(p, "Too many messages")
				break
			}
		}
		if !limited || len(d.Inbox("bombed@example.test")) > 6 {
			d.t.Errorf("%d messages were sent", len(d.Inbox("bombed@example.test")))
		}
	})
}

func TestUsernameIsChosenChangedAndRemoved(t *testing.T) {
	names := func(s *tenant.Settings) { s.Identifiers.Username = true }
	each(t, func(d *desk) {
		other := d.visitor(sam)
		d.is(d.chooses(other, "the-gardener"), 200, "/account/addresses")
		b := d.visitor(mia)
		d.is(d.chooses(b, "1"), 422, "/account/username")
		taken := d.chooses(b, "The-Gardener")
		d.is(taken, 422, "/account/username")
		d.says(taken, "This is taken already")
		d.says(d.chooses(b, "Mia.Okafor"), "Your username is saved", "mia.okafor")
		d.says(d.chooses(b, "mia-o"), "mia-o")
		p := d.at(b, "/account/username").Follow("/account/addresses/remove")
		d.says(p.Submit("address", fieldOf(p.Body, "address")), "It is removed", "You have none")
		d.View(func(tx *db.Tx) error {
			free, err := customer.Free(tx, d.Tenant(), customer.Username, "mia-o")
			if !free {
				d.t.Error("the name is not free again")
			}
			return err
		})
	}, servertest.Options{Settings: names})
}

// chooses answers the page on which a user name is chosen; a signing up that
// asked for one was answered with "not now".
func (d *desk) chooses(b *servertest.Browser, name string) *servertest.Page {
	d.t.Helper()
	return d.at(b, "/account/username").Submit("username", name)
}
