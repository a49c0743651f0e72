package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/examples/shop"
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// House is the whole product with two shops beside it: Fern & Field, which
// belongs to the tenant, and one of a third party, which has to ask.
type House struct {
	*servertest.House
	Shop    string // Fern & Field
	Partner string // the third party's
}

// Hosts are the names under which a browser knows the house and its shop.
type Hosts struct{ Issuer, Shop string }

// Build sets up a house whose clock runs from now, since the shops have clocks
// of their own; Advance turns it forward.
func Build(tb testing.TB, change ...func(*tenant.Settings)) *House {
	tb.Helper()
	return BuildAt(tb, Hosts{"localhost", "localhost"}, change...)
}

// BuildAt sets up a house under other names.
func BuildAt(tb testing.TB, hosts Hosts, change ...func(*tenant.Settings)) *House {
	tb.Helper()
	browser(tb) // where there is none, nothing needs to be built
	began, clock := time.Now(), dbtest.NewClock()
	clock.Set(began)
	h := &House{House: servertest.Open(tb, "sqlite", servertest.Options{
		Host: hosts.Issuer,
		Settings: func(s *tenant.Settings) {
			s.Tagline = "One address for your orders, wish lists and garden diary."
			s.Identifiers.PhoneRegion, s.Password.Alone = "DE", true
			for _, c := range change {
				c(s)
			}
		},
		Base: func(o *server.Opening) { o.Clock = func() time.Time { return clock.Now().Add(time.Since(began)) } },
	})}
	h.Clock = clock
	h.documents()
	h.Shop = h.open(hosts.Shop, "Fern & Field shop", true)
	h.Partner = h.open(hosts.Shop, "Bee Calendar", false)
	return h
}

func (h *House) documents() {
	h.Update(func(tx *db.Tx) error {
		for kind, title := range map[string]string{consent.Terms: "Terms of use", consent.Privacy: "Privacy notice"} {
			d := consent.Document{
				Kind: kind, Version: 1, Locale: "en", Title: title, URL: h.URL + "/legal/" + kind,
				Digest: sha256.Sum256([]byte(title)), EffectiveAt: tx.Now,
			}
			if err := consent.PutDocument(tx, h.Tenant(), d); err != nil {
				return err
			}
		}
		return nil
	})
}

// open opens a shop and registers it.
func (h *House) open(host, name string, ours bool) (address string) {
	h.TB.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.TB.Fatal(err)
	}
	address = fmt.Sprintf("http://%s:%d", host, l.Addr().(*net.TCPAddr).Port)
	var a app.Application
	var key string
	h.Update(func(tx *db.Tx) (err error) {
		a, key, err = app.Register(tx, h.Tenant(), app.New{Kind: app.Web, Name: name, FirstParty: ours, Settings: app.Settings{
			RedirectURIs: []string{address + "/callback"}, PostLogoutURIs: []string{address + "/signed-out"}, HomeURL: address,
			BackchannelLogoutURI: strings.Replace(address, host, "localhost", 1) + "/backchannel-logout",
		}})
		return err
	})
	stall := shop.New(shop.Config{
		Issuer: h.URL, ClientID: a.ClientID(), ClientSecret: key, BaseURL: address, AccountURL: h.URL + "/account", Client: near,
	}).Server("")
	go func() { _ = stall.Serve(l) }() // ends with Close below
	h.TB.Cleanup(func() { _ = stall.Close() })
	return address
}

// near finds every name on this machine, as browsers find *.localhost.
var near = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}}}

// Message is the newest message to an address with such a link.
func (h *House) Message(to, link string) notify.Kept {
	h.TB.Helper()
	for _, m := range h.Inbox(to) {
		if strings.Contains(m.Link, link) {
			return m
		}
	}
	h.TB.Fatalf("no message with %s was sent to %s", link, to)
	return notify.Kept{}
}

// Code is the newest code that was sent to an address.
func (h *House) Code(to string) string {
	h.TB.Helper()
	for _, m := range h.Inbox(to) {
		if m.Code != "" {
			return m.Code
		}
	}
	h.TB.Fatalf("no code was sent to %s", to)
	return ""
}

// Enter types who it is and the code that came, and accepts what a new
// customer has to accept. It ends wherever the journey leads.
func (h *House) Enter(t *Tab, address string) {
	t.TB.Helper()
	t.Fill("identifier", address)
	t.Send("identifier")
	h.Prove(t, address)
}

// Prove types the code that was sent to an address, and goes on to the end.
func (h *House) Prove(t *Tab, address string) {
	t.TB.Helper()
	t.Fill("code", h.Code(address))
	t.Send("code")
	for t.Sees(`form[action$="/terms"]`) {
		t.Act("action", "continue")
	}
}

// Customer registers an address by a browser of its own and lets that go.
func (h *House) Customer(address string) {
	h.TB.Helper()
	b := servertest.NewBrowser(h.TB)
	h.SignUp(b, address)
}

// Password gives a customer a password, by the portal's own form.
func (h *House) Password(address, password string) {
	h.TB.Helper()
	b := servertest.NewBrowser(h.TB)
	h.SignUp(b, address)
	p := b.Get(h.URL + "/account/password")
	if p.Has("code") || p.Has("identifier") {
		p = h.House.Prove(p, address)
	}
	if p = p.Submit("new_password", password); p.Status >= 400 {
		h.TB.Fatalf("no password was set: %s", p.Text())
	}
}
