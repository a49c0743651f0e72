package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// shoes is the value that must not leave without consent, petname the one that
// leaves on a contract, secretWord one that no purpose of an application names.
const (
	shoes      = "Seidenreiher38"
	petname    = "Rohrdommel77"
	secretWord = "Zwergtaucher99"
)

// gated is a house whose shops use data for purposes of their own.
type gated struct {
	*servertest.House
	t *testing.T
}

func newGated(t *testing.T, h *servertest.House) *gated {
	g := &gated{h, t}
	own := func(name string, purposes ...string) catalog.Field {
		return catalog.Field{
			Name: name, Type: catalog.Text, Class: catalog.Profile, Scope: "profile", Purposes: purposes,
			Viewers: []string{"customer", "application", "staff:operator", "staff:support:masked"}, Words: map[string]catalog.Words{"en": {Label: name}},
		}
	}
	h.Update(func(tx *db.Tx) error {
		return catalog.Put(tx, h.Tenant(), []catalog.Field{own("shoes", "fitting"), own("petname", "care"), own("secret_word", "research")})
	})
	partner := []consent.Recipient{{Application: h.Apps["partner"].ClientID}}
	for id, p := range map[string]consent.Purpose{
		"fitting":  {Basis: consent.ByConsent, Recipients: partner},
		"care":     {Basis: consent.ByContract},
		"research": {Basis: consent.ByLegitimateInterest},
	} {
		p.ID, p.Version, p.Words = id, 1, map[string]consent.Words{"en": {Title: id, Text: "For " + id + "."}}
		h.Update(func(tx *db.Tx) error { _, err := consent.PutPurpose(tx, h.Tenant(), p); return err })
	}
	for _, name := range []string{"web", "partner"} {
		h.Update(func(tx *db.Tx) error {
			a := h.Apps[name].Application
			a.Settings.Purposes = []string{"account", "fitting", "care"}
			_, err := app.Change(tx, h.Tenant(), a)
			return err
		})
	}
	if err := h.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// person finds who signed up, and fills in the profile.
func (g *gated) person(address string) (id customer.ID) {
	g.Update(func(tx *db.Tx) error {
		list, err := customer.Search(tx, g.Tenant(), address, 1)
		if err != nil || len(list) != 1 {
			return fmt.Errorf("%v %w", list, err)
		}
		id = list[0]
		for name, v := range map[string]string{"shoes": shoes, "petname": petname, "secret_word": secretWord, "given_name": "Mia"} {
			if err := customer.SetField(tx, g.Tenant(), id, name, v, customer.SourceImport); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}

func (g *gated) decide(id customer.ID, decision string) {
	g.Update(func(tx *db.Tx) error {
		_, err := consent.Decide(tx, g.Tenant(), consent.Choice{Customer: id, Purpose: "fitting", Decision: decision, Version: 1, Surface: "api", Method: "button"})
		return err
	})
}

// asking wants every claim in the ID token too.
const asking = `{"id_token":{"shoes":null,"petname":null,"secret_word":null,"given_name":null},"userinfo":{"shoes":null}}`

// payload is what a JWT says.
func payload(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exits are all that an application gets to read.
type exits struct{ userinfo, idToken, access, introspected string }

// leave takes the customer's data by every exit of the protocol.
func (g *gated) leave(c *servertest.Client, tokens servertest.Tokens) exits {
	g.t.Helper()
	status, info := g.Bearer("/oauth2/userinfo", tokens.AccessToken)
	if status != 200 {
		g.t.Fatalf("userinfo answers %d", status)
	}
	said, err := json.Marshal([]any{g.Introspect(c, tokens.AccessToken), g.Introspect(c, tokens.RefreshToken)})
	if err != nil {
		g.t.Fatal(err)
	}
	return exits{string(info), payload(g.t, tokens.IDToken), payload(g.t, tokens.AccessToken), string(said)}
}

// TestAClaimComesAndGoesWithItsPurpose signs in once, and never again: what is
// granted and withdrawn afterwards is felt at userinfo and at the next refresh,
// by the house's own application and by somebody else's that the purpose names.
func TestAClaimComesAndGoesWithItsPurpose(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		g := newGated(t, h)
		b := servertest.NewBrowser(t)
		h.SignUp(b, ann)
		id := g.person(ann)
		for _, name := range []string{"web", "partner"} {
			g.follow(b, h.Apps[name], id, name == "web")
		}
	})
}

func (g *gated) follow(b *servertest.Browser, c *servertest.Client, id customer.ID, own bool) {
	t := g.t
	code := g.Authorize(b, c, ann, "scope", "openid profile offline_access", "claims", asking).Get("code")
	tokens := g.Redeem(c, code)
	restrict := func(do func(*db.Tx) error) func() { return func() { g.Update(do) } }
	who := consent.Choice{Customer: id, Surface: "case"}
	for _, step := range []struct {
		name        string
		do          func()
		shoes, pets bool // pets go to the house's own alone: "care" names no partner
	}{
		{"before anything was decided", func() {}, false, own},
		{"given", func() { g.decide(id, consent.Given) }, true, own},
		{"withdrawn", func() { g.decide(id, consent.Withdrawn) }, false, own},
		{"given again", func() { g.decide(id, consent.Given) }, true, own},
		{"restricted", restrict(func(tx *db.Tx) error { return consent.Restrict(tx, g.Tenant(), who) }), true, false},
		{"the restriction lifted", restrict(func(tx *db.Tx) error { return consent.Lift(tx, g.Tenant(), who) }), true, own},
		{"objected", func() { g.decide(id, consent.Withdrawn) }, false, own},
	} {
		step.do()
		if tokens = g.Refresh(c, tokens.RefreshToken); tokens.Status != 200 {
			t.Fatalf("%s: refresh answers %d %s", step.name, tokens.Status, tokens.Error)
		}
		out := g.leave(c, tokens)
		for place, text := range map[string]string{"userinfo": out.userinfo, "the ID token": out.idToken} {
			if got := strings.Contains(text, shoes); got != step.shoes {
				t.Errorf("%s, %s: %s holds the shoes: %v", c.Name, step.name, place, got)
			}
			if got := strings.Contains(text, petname); got != step.pets {
				t.Errorf("%s, %s: %s holds the pet's name: %v", c.Name, step.name, place, got)
			}
			if strings.Contains(text, secretWord) || !strings.Contains(text, "Mia") {
				t.Errorf("%s, %s: %s says %s", c.Name, step.name, place, text)
			}
		}
		found := canaries{"shoes": shoes, "pet": petname, "secret": secretWord, "address": ann, "name": `"Mia"`}.in(out.access + out.introspected)
		if out.access == "" || len(found) > 0 {
			t.Errorf("%s, %s: the access token or its introspection holds %v", c.Name, step.name, found)
		}
	}
	g.recordHas(id, c, own)
}

// recordHas looks whether each purpose has a line of its own, and how the
// customer reads it.
func (g *gated) recordHas(id customer.ID, c *servertest.Client, own bool) {
	seen := map[string]bool{}
	_, err := g.BlastRadius(g.t.Context(), g.Tenant(), c.ClientID, release.Span{}, func(s server.Seen) error {
		if s.Customer == id.String() {
			for p := range s.Purposes {
				seen[p] = true
			}
		}
		return nil
	})
	want := map[string]bool{"account": true, "fitting": true}
	if own {
		want["care"] = true
	}
	if err != nil || fmt.Sprint(seen) != fmt.Sprint(want) {
		g.t.Errorf("%s: on record are %v, %v", c.Name, seen, err)
	}
}

// TestNothingPersonalStandsInAnAccessToken walks every kind of token that a rich
// house mints: for itself and for an API, by code and by refresh, of a customer
// whose every field is filled.
func TestNothingPersonalStandsInAnAccessToken(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		g := newGated(t, h)
		b := servertest.NewBrowser(t)
		h.SignUp(b, ann)
		id := g.person(ann)
		g.decide(id, consent.Given)
		all := canaries{"shoes": shoes, "pet": petname, "secret": secretWord, "address": ann}
		claims := map[string]bool{}
		for _, name := range []string{"web", "spa", "partner"} {
			for _, extra := range [][]string{{}, {"resource", h.APIURI}} {
				c := h.Apps[name]
				ask := append([]string{"scope", "openid profile email phone address offline_access orders:read", "claims", asking}, extra...)
				if len(extra) == 0 {
					ask[1] = "openid profile email phone address offline_access"
				}
				tokens := h.Redeem(c, h.Authorize(b, c, ann, ask...).Get("code"))
				for _, token := range []string{tokens.AccessToken, h.Refresh(c, tokens.RefreshToken).AccessToken} {
					text := payload(t, token)
					var said map[string]any
					if err := json.Unmarshal([]byte(text), &said); err != nil {
						t.Fatalf("%s %v: %s %v", name, extra, text, err)
					}
					for k := range said {
						claims[k] = true
					}
					if found := all.in(text); len(found) > 0 {
						t.Errorf("%s: an access token holds the %v: %s", name, found, text)
					}
				}
			}
		}
		var fields *catalog.Catalog
		h.View(func(tx *db.Tx) (err error) { fields, err = catalog.For(tx, h.Tenant()); return err })
		for _, f := range fields.Fields() {
			if claims[f.Claim] {
				t.Errorf("access tokens have the claim %s", f.Claim)
			}
		}
	})
}

// hammer asks for the field on one node again and again, by userinfo and by
// refresh in turn. over is set once a withdrawal was acknowledged: what is sent
// after that must not bring the field.
type hammer struct {
	*visitor
	tokens servertest.Tokens
	seen   atomic.Int64 // answers with the field
	after  atomic.Int64 // answers to what was sent after the acknowledgement
}

func (k *hammer) hit(c *servertest.Client, over *atomic.Bool) error {
	late := over.Load()
	status, info, err := k.userinfo(k.tokens.AccessToken)
	if err != nil || status != 200 {
		return fmt.Errorf("userinfo: %d %w", status, err)
	}
	if err := k.note("userinfo", string(info), late); err != nil {
		return err
	}
	late = over.Load()
	next, err := k.refresh(c, k.tokens.RefreshToken)
	if err != nil || next.Status != 200 {
		return fmt.Errorf("refresh: %d %s %w", next.Status, next.Error, err)
	}
	k.tokens = next
	part := strings.Split(next.IDToken, ".")[1]
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return k.note("an ID token", string(text), late)
}

func (k *hammer) note(what, text string, late bool) error {
	has := strings.Contains(text, shoes)
	switch {
	case late && has:
		return fmt.Errorf("%s, asked for after the withdrawal was acknowledged, holds the field: %s", what, text)
	case late:
		k.after.Add(1)
	case has:
		k.seen.Add(1)
	}
	return nil
}

// TestNoRequestAfterAWithdrawalGetsTheField hammers userinfo and refresh on both
// sides of a withdrawal: on SQLite one node, on PostgreSQL two. The customer
// withdraws in the portal, on each node in turn. Nothing is timed: each stretch
// goes on until every hammer has been answered often enough.
func TestNoRequestAfterAWithdrawalGetsTheField(t *testing.T) {
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			h := servertest.Open(t, engine, servertest.Options{Fixed: true, Config: manyNetworks.Config})
			g := newGated(t, h)
			u, err := url.Parse(h.URL)
			if err != nil {
				t.Fatal(err)
			}
			port, err := strconv.Atoi(u.Port())
			if err != nil {
				t.Fatal(err)
			}
			ports := []int{port}
			if engine == dbtest.Postgres {
				ports = append(ports, secondNode(t, h))
			}
			g.race(ports)
		})
	}
}

func (g *gated) race(ports []int) {
	t, web := g.t, g.Apps["web"]
	hand := newVisitor(g.URL, ports[0])
	defer hand.away()
	var hammers []*hammer
	var id customer.ID
	for i := range 4 {
		k := &hammer{visitor: newVisitor(g.URL, ports[0])}
		defer k.away()
		code, err := hand.authorize(web, "race@nodes.test", "scope", "openid profile offline_access", "claims", asking)
		if err != nil {
			t.Fatal(err)
		}
		if k.tokens, err = k.redeem(web, code); err != nil {
			t.Fatal(err)
		}
		k.to(ports[i%len(ports)])
		hammers = append(hammers, k)
	}
	id = g.person("race@nodes.test")
	for round := range 4 {
		g.decide(id, consent.Given)
		hand.to(ports[round%len(ports)])
		g.stretch(hammers, func() error { return press(hand, g.URL, consent.Withdrawn) })
	}
}

// stretch hammers before, while and after the customer withdraws.
func (g *gated) stretch(hammers []*hammer, withdraw func() error) {
	var over atomic.Bool
	var all sync.WaitGroup
	warm := make(chan struct{}, len(hammers))
	for _, k := range hammers {
		k.seen.Store(0)
		k.after.Store(0)
		all.Go(func() {
			told := sync.OnceFunc(func() { warm <- struct{}{} })
			defer told()
			for k.after.Load() < 6 {
				if err := k.hit(g.Apps["web"], &over); err != nil {
					g.t.Error(err)
					return
				}
				if k.seen.Load() > 2 {
					told()
				}
			}
		})
	}
	for range hammers {
		<-warm
	}
	err := withdraw()
	over.Store(true)
	all.Wait()
	if err != nil {
		g.t.Fatal(err)
	}
	for i, k := range hammers {
		if k.seen.Load() == 0 {
			g.t.Errorf("hammer %d never saw the field: the race was none", i)
		}
	}
}

// press decides on the purpose "fitting" in the portal.
func press(v *visitor, origin, decision string) error {
	page, err := v.get(origin + "/account/consents")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(formsOf(page), func(f *pageForm) bool { return f.values.Get("purpose") == "fitting" })
	if i < 0 {
		return fmt.Errorf("%d %s has no such form: %s", page.status, page.url, words(page.body))
	}
	done, err := v.post(formsOf(page)[i].fill("decision", decision))
	if err == nil && done.status != http.StatusOK {
		err = fmt.Errorf("%d %s", done.status, words(done.body))
	}
	return err
}
