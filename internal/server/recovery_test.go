package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// upToSecond proves an address in a new browser and returns the journey's address.
func upToSecond(t *testing.T, h *servertest.House, address string) (b *servertest.Browser, flow string) {
	t.Helper()
	b = servertest.NewBrowser(t)
	h.Clock.Advance(time.Minute)
	p := b.Get(h.URL+"/signin").Submit("identifier", address)
	p = p.Submit("code", newest(t, h, address, "/signin/link").Code)
	if !strings.HasPrefix(p.URL.Path, "/signin/flo_") || inside(h, b) {
		t.Fatalf("not asked for a second factor, but at %s", p.URL)
	}
	return b, p.URL.Scheme + "://" + p.URL.Host + p.URL.Path
}

func stateOf(t *testing.T, h *servertest.House, address string) (s customer.State) {
	t.Helper()
	who := idOf(t, h, address)
	h.View(func(tx *db.Tx) error {
		c, err := customer.Get(tx, h.Tenant(), who)
		s = c.State
		return err
	})
	return s
}

// "This was not me", in any browser, without scripts: looking does nothing, the
// button signs everybody out and leads to recovery, and works once.
func TestThisWasNotMeSecuresTheAccountFromAnyBrowser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		mine := signedUp(t, h, ann)
		h.Clock.Advance(time.Hour)
		thief := signedUp(t, h, ann) // in another browser, which is told of
		link := newest(t, h, ann, "/alarm").Link
		any := servertest.NewBrowser(t)
		for range 3 {
			p := any.Get(link)
			if p.Status != http.StatusOK || !strings.Contains(p.Text(), "device that was not used before") {
				t.Fatalf("%d %s", p.Status, p.Text())
			}
		}
		if !inside(h, thief) || !inside(h, mine) {
			t.Fatal("looking at the page signs out")
		}
		p := any.Get(link).Submit("action", "continue")
		if p.Status != http.StatusOK || !strings.Contains(p.Text(), "Your account is secured") || p.Link("Get back in") == "" {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if inside(h, thief) || inside(h, mine) || stateOf(t, h, ann) != customer.Recovery || inside(h, any) {
			t.Error("somebody is still signed in")
		}
		_, secret, _ := strings.Cut(link, "?t=")
		for _, p := range []*servertest.Page{any.Get(link), any.Post(h.URL+"/alarm", url.Values{"t": {secret}, "action": {"continue"}})} {
			if p.Status != http.StatusGone {
				t.Errorf("again: %d %s", p.Status, p.Text())
			}
		}
		for _, odd := range []string{"", "x", secret + "A"} {
			if p := any.Get(h.URL + "/alarm?t=" + odd); p.Status != http.StatusGone {
				t.Errorf("%q: %d", odd, p.Status)
			}
		}
		p = any.Get(h.URL+"/signin?recover=1").Submit("identifier", ann)
		p = p.Submit("code", newest(t, h, ann, "/signin/link").Code)
		if !p.Has("new_password") || !strings.Contains(p.Text(), "none is trusted any more") {
			t.Errorf("recovery does not say what it ends: %s", p.Text())
		}
	})
}

// A lost second factor: the waiting is begun, told of, and over after three days
// of the hand-turned clock, for who proves the address again.
func TestALostSecondFactorIsWaitedFor(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		mine := signedUp(t, h, ann)
		giveApp(t, h, ann)
		b, flow := upToSecond(t, h, ann)
		p := b.Get(flow+"/lost").Submit("action", "start")
		if !strings.HasSuffix(p.URL.Path, "/lost") || !strings.Contains(p.Text(), "The waiting time runs until") {
			t.Fatalf("%s %s", p.URL, p.Text())
		}
		newest(t, h, ann, "/recovery/stop")
		if p := b.Post(flow+"/lost", url.Values{"action": {"release"}}); inside(h, b) {
			t.Fatalf("not waited at all: %s", p.URL)
		}
		h.Advance(73 * time.Hour)
		b, flow = upToSecond(t, h, ann)
		p = h.Finish(b.Get(flow+"/lost").Submit("action", "release"))
		if !inside(h, b) {
			t.Fatalf("%d %s %s", p.Status, p.URL, p.Text())
		}
		if inside(h, mine) {
			t.Error("another browser is still signed in")
		}
		newest(t, h, ann, "/alarm")
	})
}

// Whoever it is can stop it with one press, and looking stops nothing.
func TestAWaitingRecoveryIsStoppedByOnePress(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		giveApp(t, h, ann)
		b, flow := upToSecond(t, h, ann)
		b.Get(flow+"/lost").Submit("action", "start")
		link := newest(t, h, ann, "/recovery/stop").Link
		any := servertest.NewBrowser(t)
		any.Get(link)
		if p := any.Get(link).Submit("action", "continue"); p.Status != http.StatusOK || !strings.Contains(p.Text(), "It is stopped") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if p := any.Get(link); p.Status != http.StatusGone {
			t.Errorf("again: %d", p.Status)
		}
		h.Advance(73 * time.Hour)
		b, flow = upToSecond(t, h, ann)
		if p := b.Get(flow + "/lost"); strings.Contains(p.Text(), "The waiting time is over") {
			t.Errorf("%s", p.Text())
		}
		b.Post(flow+"/lost", url.Values{"action": {"release"}})
		if inside(h, b) {
			t.Error("stopped, and in all the same")
		}
	})
}
