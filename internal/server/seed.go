package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cardea-id/cardea/examples/shop"
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// demo is what `cardea dev` remembers of its data beside the database, since
// the database keeps no secret in the clear.
type demo struct {
	Shop    devClient   `json:"shop"`
	Clients []devClient `json:"clients"`
	Hook    string      `json:"hook"` // the secret of the shop's webhook
}

const (
	demoFile = "dev.json"
	demoSlug = "fern"
	demoAPI  = "https://api.fernfield.test"
)

// facts are what is told of the demo at this start.
func (d *demo) facts(origin, shop string) devFacts {
	f := devFacts{Issuer: origin, Account: origin + "/account", Shop: shop, Inbox: origin + "/dev/inbox", Clients: d.Clients}
	for _, p := range people {
		f.Customers = append(f.Customers, devCustomer{p.address, DevCode, p.note, p.locked})
	}
	return f
}

// seed makes the demo at the first start and moves it to today's ports at a
// later one.
func seed(ctx context.Context, data, origin, shopOrigin string) (*demo, error) {
	d := &demo{}
	text, err := os.ReadFile(filepath.Join(data, demoFile))
	if errors.Is(err, os.ErrNotExist) {
		return d, d.make(ctx, data, origin, shopOrigin)
	}
	if err == nil {
		err = json.Unmarshal(text, d)
	}
	if err != nil {
		return nil, refused(filepath.Join(data, demoFile)+" cannot be read.", "Delete "+data+" to start over.", err)
	}
	if err := d.move(ctx, data, origin, shopOrigin); err != nil {
		return nil, err
	}
	return d, d.keep(data)
}

// past is a clock that seeding turns by hand from long ago to now.
type past struct{ at atomic.Int64 }

func (p *past) now() time.Time   { return time.UnixMicro(p.at.Load()).UTC() }
func (p *past) set(at time.Time) { p.at.Store(at.UnixMicro()) }

func (d *demo) make(ctx context.Context, data, origin, shopOrigin string) error {
	now, clock := time.Now(), &past{}
	clock.set(now.AddDate(0, -15, 0))
	b, err := Open(ctx, devConfig(data, portOf(origin)), Opening{Setup: true, Dev: true, Alone: true, Clock: clock.now, Log: quiet})
	if err != nil {
		return err
	}
	defer b.Close()
	g := gardener{ctx: ctx, b: b, clock: clock}
	for _, step := range []func() error{
		func() error { return g.tenant(origin) },
		func() error { return g.applications(d, origin, shopOrigin) },
		g.model,
		func() error { return g.people(now) },
		func() error { return g.hook(d) },
		func() error { return d.keep(data) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) keep(data string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, demoFile), append(text, '\n'), 0o600)
}

// move gives the tenant and the shop the addresses of this start.
func (d *demo) move(ctx context.Context, data, origin, shopOrigin string) error {
	b, err := Open(ctx, devConfig(data, portOf(origin)), Opening{Setup: true, Dev: true, Alone: true, Log: quiet})
	if err != nil {
		return err
	}
	defer b.Close()
	t, ok := b.House.BySlug(demoSlug)
	if !ok {
		return refused("The demo tenant is gone.", "Delete "+data+" to start over.", nil)
	}
	return b.DB.Update(ctx, func(tx *db.Tx) error {
		if err := tenant.SetOrigin(tx, t, origin, false); err != nil {
			return err
		}
		settings := t.Settings
		settings.TermsURL, settings.PrivacyURL, settings.SupportURL = origin+"/legal/terms", origin+"/legal/privacy", origin+"/help"
		if err := tenant.SetSettings(tx, t, settings); err != nil {
			return err
		}
		var id app.ID
		if err := id.UnmarshalText([]byte(d.Shop.ClientID)); err != nil {
			return err
		}
		a, err := app.Get(tx, t, id)
		if err != nil {
			return err
		}
		a.Settings = shopSettings(shopOrigin)
		d.Shop.RedirectURIs = a.Settings.RedirectURIs
		_, err = app.Change(tx, t, a)
		if err == nil && d.Hook == "" { // of an earlier release
			d.Hook, err = app.RotateWebhookSecret(tx, t, id)
		}
		return err
	})
}

// gardener plants the demo.
type gardener struct {
	ctx   context.Context
	b     *Base
	clock *past
	t     *tenant.Tenant
	shop  app.Application
}

func (g *gardener) update(fn func(tx *db.Tx) error) error { return g.b.DB.Update(g.ctx, fn) }

func (g *gardener) tenant(origin string) error {
	err := g.update(func(tx *db.Tx) error {
		_, err := tenant.Create(tx, g.b.Ring, tenant.New{
			Slug: demoSlug, Name: "Fern & Field", Origin: origin,
			Settings: demoSettings(origin),
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := g.b.House.Load(g.ctx); err != nil {
		return err
	}
	g.t, _ = g.b.House.BySlug(demoSlug)
	return g.documents(origin)
}

func demoSettings(origin string) tenant.Settings {
	return tenant.Settings{
		Tagline: "One address for your orders, wish lists and garden diary.", Locale: "en",
		TermsURL: origin + "/legal/terms", PrivacyURL: origin + "/legal/privacy", SupportURL: origin + "/help",
		Identifiers: tenant.Identifiers{PhoneRegion: "DE"}, Password: tenant.Password{Alone: true},
	}
}

func (g *gardener) documents(origin string) error {
	return g.update(func(tx *db.Tx) error {
		for kind, title := range map[string]string{consent.Terms: "Terms of use", consent.Privacy: "Privacy notice"} {
			d := consent.Document{
				Kind: kind, Version: 1, Locale: "en", Title: title, URL: origin + "/legal/" + kind,
				Digest: sha256.Sum256([]byte("Fern & Field, " + title + ", version 1")), EffectiveAt: tx.Now,
			}
			if err := consent.PutDocument(tx, g.t, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func shopSettings(origin string) app.Settings {
	return app.Settings{
		RedirectURIs: []string{origin + "/callback"}, PostLogoutURIs: []string{origin + "/signed-out"},
		BackchannelLogoutURI: origin + "/backchannel-logout", HomeURL: origin, Webhook: &app.Webhook{URL: origin + "/hooks/cardea"},
		AllowedScopes: []string{"openid", "profile", "email", "garden", "orders:read", "orders:write"}, Resources: []string{demoAPI},
		Purposes: []string{catalog.PurposeAccount, "tips"},
		Asks:     []app.Asked{{Field: "garden", Purpose: "tips"}}, // from the second sign-in on
	}
}

// applications registers the shop and one application of every kind.
func (g *gardener) applications(d *demo, _, shopOrigin string) error {
	scopes := []string{"openid", "profile", "email", "phone", "address", "offline_access", "orders:read", "orders:write"}
	uses := []string{demoAPI}
	browser := func(origin, path string) app.Settings {
		s := app.Settings{RedirectURIs: []string{origin + path}, PostLogoutURIs: []string{origin + path, origin + "/"}, AllowedScopes: scopes, Resources: uses}
		return s
	}
	spa := browser("http://localhost:5173", "/callback")
	spa.Origins = []string{"http://localhost:5173"}
	native := browser("http://127.0.0.1", "/callback")
	native.PostLogoutURIs = nil
	list := []app.New{
		{Kind: app.Web, Name: "Fern & Field shop", Settings: shopSettings(shopOrigin)},
		{Kind: app.API, Name: "Orders API", Audience: demoAPI, Settings: app.Settings{Scopes: []app.Scope{
			{Name: "orders:read", Words: map[string]string{"en": "See your orders", "de": "Ihre Bestellungen sehen"}},
			{Name: "orders:write", Words: map[string]string{"en": "Place and change orders", "de": "Bestellungen aufgeben und ändern"}},
		}}},
		{Kind: app.Web, Name: "Garden diary", Settings: browser("http://localhost:3000", "/callback")},
		{Kind: app.SPA, Name: "Plant finder", Settings: spa},
		{Kind: app.Native, Name: "Fern & Field for phones", Settings: native},
		{Kind: app.Service, Name: "Order import", Settings: app.Settings{AllowedScopes: []string{"orders:read", "orders:write"}, Resources: uses}},
	}
	for i, n := range list {
		n.FirstParty = true
		c, err := g.register(n, i == 0)
		if err != nil {
			return err
		}
		if i == 0 {
			d.Shop = c
			continue
		}
		d.Clients = append(d.Clients, c)
	}
	return nil
}

// hook draws the secret of the shop's webhook, and lets the past be past: what
// the journal has by now is told nobody.
func (g *gardener) hook(d *demo) error {
	err := g.update(func(tx *db.Tx) (err error) {
		d.Hook, err = app.RotateWebhookSecret(tx, g.t, g.shop.ID)
		return err
	})
	if err != nil {
		return err
	}
	return journal.NewLoop(g.b.DB, "seed", nil, nil, journal.Options{Alone: true}).Drain(g.ctx)
}

// model gives the tenant the fields, purposes and topics of the shop's file.
func (g *gardener) model() error {
	_, err := g.b.Apply(g.ctx, "cardea.yaml", shop.Model, Applying{})
	return err
}

func (g *gardener) register(n app.New, shop bool) (devClient, error) {
	var a app.Application
	var secret string
	err := g.update(func(tx *db.Tx) (err error) {
		a, secret, err = app.Register(tx, g.t, n)
		return err
	})
	if shop {
		g.shop = a
	}
	uris := a.Settings.RedirectURIs
	if uris == nil {
		uris = []string{}
	}
	return devClient{a.ClientID(), secret, uris, string(a.Kind), a.Audience}, err
}

// character is a customer of the demo with a past.
type character struct {
	address, note string
	months        int // since when
	profile       map[string]string
	agents        []string
	locked        bool
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)

var people = []character{
	{"mia@example.test", "customer with 14 months of history", 14, map[string]string{"name": "Mia Okafor", "given_name": "Mia", "family_name": "Okafor", "locale": "en", "zoneinfo": "Europe/Berlin", "garden": "balcony"}, []string{firefox, iphone}, false},
	{"sam@example.test", "locked after password spraying", 9, map[string]string{"name": "Sam Ruiz", "given_name": "Sam", "family_name": "Ruiz", "locale": "es"}, []string{chrome}, true},
	{"lena@example.test", "signs in in German", 5, map[string]string{"name": "Lena Brandt", "given_name": "Lena", "family_name": "Brandt", "locale": "de", "zoneinfo": "Europe/Vienna"}, []string{iphone}, false},
	{"nour@example.test", "signs in in Arabic", 2, map[string]string{"name": "نور حداد", "given_name": "نور", "family_name": "حداد", "locale": "ar", "zoneinfo": "Asia/Amman"}, []string{chrome}, false},
}

// people lets the customers live their past, month by month.
func (g *gardener) people(now time.Time) error {
	for _, p := range people {
		g.clock.set(now.AddDate(0, -p.months, 0))
		var c customer.Customer
		err := g.update(func(tx *db.Tx) (err error) {
			c, err = g.join(tx, p)
			return err
		})
		if err != nil {
			return err
		}
		for month := p.months; month >= 0; month -= 2 {
			g.clock.set(now.AddDate(0, -month, 0).Add(-time.Duration(7*(month+1)) * time.Hour))
			if err := g.update(func(tx *db.Tx) error { return g.visit(tx, c.ID, p.agents[month/2%len(p.agents)]) }); err != nil {
				return err
			}
		}
		g.clock.set(now.Add(-3 * time.Hour))
		if p.locked {
			staff := account.Staff{Actor: journal.Actor{Kind: "operator"}, Reason: "312 wrong passwords from many networks within ten minutes"}
			if err := g.update(func(tx *db.Tx) error { return account.Acts{}.Lock(tx, g.t, c.ID, staff) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *gardener) join(tx *db.Tx, p character) (customer.Customer, error) {
	c, err := customer.Register(tx, g.t, customer.New{
		Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: p.address, Verified: true}}, Source: "signup",
	})
	if err != nil {
		return c, err
	}
	for name, value := range p.profile {
		if err := customer.SetField(tx, g.t, c.ID, name, value, "customer"); err != nil {
			return c, err
		}
	}
	if p.profile["garden"] != "" {
		_, err := consent.Decide(tx, g.t, consent.Choice{
			Customer: c.ID, Purpose: "tips", Decision: consent.Given, Version: 1, Locale: "en", Surface: "portal", Method: "button",
			Network: "203.0.113.24", Agent: p.agents[0],
		})
		if err != nil {
			return c, err
		}
	}
	docs, err := consent.Documents(tx, g.t, "en")
	if err != nil {
		return c, err
	}
	for _, d := range docs {
		err := consent.Record(tx, g.t, consent.Decision{
			Customer: c.ID, Purpose: consent.Terms, Item: d.Kind, Given: true, Version: d.Version, TextDigest: d.Digest,
			Locale: d.Locale, Surface: "signup", Method: "button",
		})
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// visit is one sign-in to the shop.
func (g *gardener) visit(tx *db.Tx, c customer.ID, agent string) error {
	pass, err := permit.May(tx, g.t, permit.Ask{Purpose: permit.ForSession, Customer: c})
	if err != nil {
		return err
	}
	_, s, err := session.Start(tx, g.t, pass, session.New{
		Proofs: []session.Proof{{Method: session.OTPEmail, At: tx.Now}}, Remembered: true,
		Place: session.NewPlace(netip.MustParseAddr("203.0.113.24"), agent),
	})
	if err != nil {
		return err
	}
	scopes := []string{"openid", "email", "profile"}
	token, err := permit.May(tx, g.t, permit.Ask{Purpose: permit.ForToken, Customer: c, Application: &g.shop, Session: &s, Scopes: scopes})
	if err != nil {
		return err
	}
	_, err = grant.Issue(tx, g.t, token, grant.New{Scopes: scopes})
	return err
}

func portOf(origin string) string {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(origin, "http://"))
	return port
}

var quiet = slog.New(slog.DiscardHandler)
