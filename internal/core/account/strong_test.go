package account_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	tenants "github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	noa      = "noa@example.test"
	noasHash = "$argon2id$noa"
)

// strong opens a house whose passwords stand alone, with Noa, who has one.
func strong(t *testing.T, h *coretest.House, change func(*settings)) (*door, customer.ID) {
	t.Helper()
	h.Settings(func(s *settings) {
		s.Password.Alone = true
		if change != nil {
			change(s)
		}
	})
	d := open(t, h)
	w, err := credential.NewWebAuthn(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.acts.WebAuthn = w
	d.acts.Codes.Fixed = func(string) (string, bool) { return aliceCode, true }
	c := d.known(noa)
	d.Update(func(tx *db.Tx) error { return credential.SetPassword(tx, d.T(), c, noasHash) })
	return d, c
}

// byPassword begins a journey of Noa's and proves her password.
func (d *door) byPassword(facts signin.Facts) *visit {
	facts.Method = signin.Password
	v := d.visit(7, facts)
	v.identify(noa)
	v.must(func(tx *db.Tx, f *signin.Flow) error {
		f.Method = signin.Password
		return signin.Save(tx, v.T(), f)
	})
	v.must(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProvePassword(tx, v.T(), f, noasHash) })
	return v
}

func (v *visit) entrance() account.Entrance {
	return account.Entrance{Held: v.held, Policy: v.policy, Device: [16]byte(v.browser[:16])}
}

func (v *visit) second(code string) error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProveSecond(tx, v.T(), f, v.entrance(), code) })
}

func (v *visit) opened() (out account.Opened) {
	v.tb.Helper()
	v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
		f.From = signin.From{Device: [16]byte(v.browser[:16]), Peer: netip.MustParseAddr("198.51.100.7"), Network: "198.51.100.7"}
		out, err = v.acts.SignIn(tx, v.T(), f, v.entrance())
		return err
	})
	return out
}

func (d *door) acr(s session.Session) (a session.Assurance) {
	d.View(func(tx *db.Tx) error {
		proofs, err := session.Proofs(tx, s)
		a = session.Assure(proofs)
		return err
	})
	return a
}

// H086, H088, H091: who has set up an app is asked for it after every first
// proof, and a session is never opened before.
func TestH086_H088_H091_TheFactorIsAskedForOnEveryPath(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		code := d.app(c)
		first := map[string]func() *visit{
			"password": func() *visit { return d.byPassword(signin.Facts{}) },
			"code": func() *visit {
				v := d.visit(8, signin.Facts{})
				v.identify(noa)
				v.send()
				v.must(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProveCode(tx, v.T(), f, aliceCode) })
				return v
			},
		}
		for name, begin := range first {
			v := begin()
			v.expect(signin.Second)
			if err := v.try(func(tx *db.Tx, f *signin.Flow) error {
				_, err := v.acts.SignIn(tx, v.T(), f, v.entrance())
				return err
			}); !errors.Is(err, account.ErrStep) {
				t.Fatalf("%s alone opens a session: %v", name, err)
			}
			if err := v.second("000000"); err == nil {
				t.Fatal("a wrong code is right")
			}
			d.Wait(time.Minute)
			if err := v.second(code(nil)); err != nil {
				t.Fatal(err)
			}
			v.expect(signin.Done)
			if got := d.acr(v.opened().Session); got.ACR != session.Multi {
				t.Fatalf("%s and the app are worth %+v", name, got)
			}
		}
	})
}

// H097: what the browser keeps is nothing without the record of the house.
func TestH097_ATrustedBrowserSkipsTheFactorUntilItsRecordEnds(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		code := d.app(c)
		v := d.byPassword(signin.Facts{})
		v.must(func(tx *db.Tx, f *signin.Flow) error { f.Trust = true; return signin.Save(tx, v.T(), f) })
		d.Wait(time.Minute)
		if err := v.second(code(nil)); err != nil {
			t.Fatal(err)
		}
		token := v.opened().Trust
		if token == "" {
			t.Fatal("the browser is not trusted")
		}
		step := func(browser byte, trust string, facts signin.Facts) signin.Name {
			v := d.byPassword(facts)
			var next signin.Step
			v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
				device := [16]byte{browser}
				f.From = signin.From{Device: device, Trust: trust}
				next, err = account.Survey(tx, v.T(), f, v.policy, nil)
				return err
			})
			return next.Name
		}
		mine := byte(7)
		for name, got := range map[string]signin.Name{
			"another browser":   step(8, token, signin.Facts{}),
			"another token":     step(mine, token[:len(token)-4]+"AAAA", signin.Facts{}),
			"no token":          step(mine, "", signin.Facts{}),
			"essential for app": step(mine, token, signin.Facts{ACR: session.Multi, Essential: true}),
		} {
			if got != signin.Second {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := step(mine, token, signin.Facts{}); got != signin.Done {
			t.Fatalf("the trusted browser is asked: %s", got)
		}
		d.Wait(31 * 24 * time.Hour)
		if got := step(mine, token, signin.Facts{}); got != signin.Second {
			t.Errorf("trust outlives its time: %s", got)
		}
	})
}

// The policy asks for more at one application, and what is owed may be put off
// as long as its grace runs from the first time, not from each.
func TestEnrolmentCanBePutOffWithinItsGrace(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) {
			s.Assurance = tenants.Assurance{
				Rules: []tenants.AssuranceRule{{Action: "signin", Need: "multi"}}, Grace: tenants.Duration(14 * 24 * time.Hour),
			}
		})
		skip := func(v *visit) error {
			return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.SkipEnrol(tx, v.T(), f, v.entrance()) })
		}
		v := d.byPassword(signin.Facts{})
		v.expect(signin.Enrol)
		if err := skip(v); err != nil {
			t.Fatal(err)
		}
		v.opened()
		d.Wait(15 * 24 * time.Hour)
		v = d.byPassword(signin.Facts{})
		if err := skip(v); !errors.Is(err, account.ErrStep) {
			t.Fatalf("the grace does not end: %v", err)
		}
		var setup credential.TOTPSetup
		v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
			setup, err = v.acts.EnrolApp(tx, v.T(), f, v.entrance())
			return err
		})
		var codes []string
		v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
			codes, err = v.acts.EnrolledApp(tx, v.T(), f, v.entrance(), appCode(setup.Secret, d.Clock.Now()))
			return err
		})
		if len(codes) != 10 {
			t.Fatalf("%d recovery codes", len(codes))
		}
		v.expect(signin.Done)
		if got := d.acr(v.opened().Session); got.ACR != session.Multi {
			t.Errorf("the app that was set up is worth %+v", got)
		}
		if n := len(d.subjects(noa)); n == 0 {
			t.Error("nobody was told")
		}
		v = d.byPassword(signin.Facts{})
		v.expect(signin.Second)
		if err := v.second(codes[0]); err == nil {
			t.Error("a recovery code was taken for the app's")
		}
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			return v.acts.ChooseWay(tx, v.T(), f, v.entrance(), session.Recovery)
		})
		if err := v.second(codes[0]); err != nil {
			t.Fatal(err)
		}
		v.expect(signin.Done)
		_ = c
	})
}

// A session that is worth too little for an application is raised, not replaced:
// its id stays, its old token is dead.
func TestASessionIsRaisedByTheFactorAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		mine := d.byPassword(signin.Facts{}).opened()
		code := d.app(c)
		v := d.visit(7, signin.Facts{ACR: session.Multi, Essential: true}, mine.Session)
		v.policy.Silent = true
		v.expect(signin.Second)
		d.Wait(time.Minute)
		if err := v.second(code(nil)); err != nil {
			t.Fatal(err)
		}
		out := v.opened()
		if out.ID != mine.ID || out.Token == "" || out.Token == mine.Token {
			t.Fatalf("another session, or the same token: %v", out.ID == mine.ID)
		}
		if got := d.acr(out.Session); got.ACR != session.Multi {
			t.Errorf("raised to %+v", got)
		}
	})
}

// key is an authenticator with one passkey.
type key struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

// wellFormed draws again if a coordinate begins with a zero byte, which the
// library leaves out (RFC 9053 section 7.1.1 wants all 32).
func wellFormed() virtualwebauthn.Credential {
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == 77 {
			return c
		}
	}
}

// passkey gives the customer a passkey, as their own page would.
func (d *door) passkey(c customer.ID) key {
	d.tb.Helper()
	k := key{
		rp:   virtualwebauthn.RelyingParty{ID: d.T().RPID, Name: d.T().Name, Origin: d.T().Origin},
		auth: virtualwebauthn.NewAuthenticator(), cred: wellFormed(),
	}
	var raw json.RawMessage
	d.Update(func(tx *db.Tx) (err error) {
		raw, err = d.acts.PasskeyOptions(tx, d.T(), c, [16]byte{5}, false)
		return err
	})
	asked, err := virtualwebauthn.ParseAttestationOptions(string(raw))
	if err != nil {
		d.tb.Fatal(err)
	}
	handle := credential.UserHandle(d.T(), c)
	k.auth.Options.UserHandle = handle[:]
	made, err := d.acts.WebAuthn.ParseCreate(d.T(), []byte(virtualwebauthn.CreateAttestationResponse(k.rp, k.auth, k.cred, *asked)))
	if err != nil {
		d.tb.Fatal(err)
	}
	d.Update(func(tx *db.Tx) error {
		_, err := d.acts.AddPasskey(tx, d.T(), c, session.ID{}, [16]byte{5}, made, session.Place{Agent: "Firefox on Linux"})
		return err
	})
	return k
}

// use shows the passkey in the journey.
func (v *visit) use(k key) error {
	v.tb.Helper()
	var raw json.RawMessage
	if err := v.try(func(tx *db.Tx, f *signin.Flow) (err error) {
		raw, err = v.acts.BeginPasskey(tx, v.T(), f, v.entrance())
		return err
	}); err != nil {
		return err
	}
	asked, err := virtualwebauthn.ParseAssertionOptions(string(raw))
	if err != nil {
		return err
	}
	by, err := v.acts.WebAuthn.ParseGet(v.T(), []byte(virtualwebauthn.CreateAssertionResponse(k.rp, k.auth, k.cred, *asked)))
	if err != nil {
		return err
	}
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProvePasskey(tx, v.T(), f, v.entrance(), by) })
}

// One passkey is both factors, needs no name, and wins over a name that was
// typed. It opens nothing that is locked (H112), is no proof of an address, and
// only that of the same customer is a second factor.
func TestH112_APasskeyDecidesWhoSignsIn(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		k := d.passkey(c)
		other := d.known("noah@example.test")
		others := d.passkey(other)
		v := d.visit(7, signin.Facts{})
		if err := v.use(k); err != nil {
			t.Fatal(err)
		}
		v.expect(signin.Done)
		out := v.opened()
		if got := d.acr(out.Session); out.CustomerID != c || got.ACR != session.Resistant {
			t.Fatalf("%v with %+v", out.CustomerID == c, got)
		}
		v = d.visit(7, signin.Facts{})
		v.identify("noah@example.test")
		if err := v.use(k); err != nil {
			t.Fatal(err)
		}
		if out := v.opened(); out.CustomerID != c {
			t.Error("the name that was typed won")
		}
		code := d.app(c)
		v = d.byPassword(signin.Facts{})
		v.expect(signin.Second)
		if err := v.use(others); err == nil {
			t.Error("somebody else's passkey is a second factor")
		}
		v.expect(signin.Second)
		if err := v.use(k); err != nil {
			t.Error(err)
		}
		v.expect(signin.Done)
		_ = code
		d.Update(func(tx *db.Tx) error { return d.acts.Lock(tx, d.T(), c, account.Staff{Reason: "test"}) })
		v = d.visit(7, signin.Facts{})
		if err := v.use(k); err != nil {
			t.Fatal(err)
		}
		if got := v.next(); got.Name != signin.Refuse || got.Reason != signin.CustomerLocked {
			t.Errorf("a locked customer's passkey leads to %+v", got)
		}
	})
}

// H113, H115: whoever put a passkey, an app or trust into an account whose
// address they never proved loses them to who proves it.
func TestH115_FactorsOfAnUnprovenAccountGo(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, _ := strong(t, h, nil)
		var c customer.Customer
		d.Update(func(tx *db.Tx) (err error) {
			c, err = customer.Register(tx, d.T(), customer.New{
				Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: "eve@example.test"}}, Source: "test",
			})
			return err
		})
		d.passkey(c.ID)
		d.app(c.ID)
		v := d.visit(7, signin.Facts{})
		v.identify("eve@example.test")
		v.send()
		v.must(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProveCode(tx, v.T(), f, aliceCode) })
		v.expect(signin.Done)
		if b := d.belongings(c.ID); b.Passkeys != 0 || len(b.Apps) != 0 || b.Codes != 0 {
			t.Errorf("left behind: %+v", b)
		}
	})
}

// A verdict is kept with its reasons; it changes something only where the tenant
// enforces it.
func TestAVerdictIsKeptAndActedOnWhereEnforced(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) { s.Risk.Block = []string{"203.0.113.0/24"} })
		prove := func(peer string, marks ...string) signin.Step {
			v := d.visit(9, signin.Facts{Method: signin.Password})
			v.identify(noa)
			v.must(func(tx *db.Tx, f *signin.Flow) error {
				f.Method = signin.Password
				return signin.Save(tx, v.T(), f)
			})
			v.must(func(tx *db.Tx, f *signin.Flow) error {
				f.From = signin.From{Device: [16]byte{9}, Peer: netip.MustParseAddr(peer), Network: peer, Marks: marks}
				return v.acts.ProvePassword(tx, v.T(), f, noasHash)
			})
			return v.next()
		}
		bad := "203.0.113.9"
		if got := prove(bad); got.Name != signin.Done {
			t.Fatalf("monitoring changes something: %+v", got)
		}
		var kept []risk.Kept
		d.View(func(tx *db.Tx) (err error) {
			kept, err = risk.Verdicts(tx, d.T(), c, 10)
			return err
		})
		if len(kept) != 1 || kept[0].Verdict.Action != risk.Deny || len(kept[0].Verdict.Reasons) == 0 {
			t.Fatalf("kept %+v", kept)
		}
		d.Settings(func(s *settings) { s.Risk.Mode = "enforce" })
		if got := prove(bad); got.Name != signin.Refuse || got.Reason != signin.RiskDenied {
			t.Errorf("denied leads to %+v", got)
		}
		if got := prove("198.51.100.7"); got.Name != signin.Done {
			t.Errorf("an ordinary attempt leads to %+v", got)
		}
		if got := prove("198.51.100.7", risk.Robot, risk.Hasty, risk.Lured); got.Name == signin.Done {
			t.Errorf("a program's attempt leads to %+v", got)
		}
	})
}
