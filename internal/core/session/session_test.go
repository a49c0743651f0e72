package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// admit stands in for a permit, which this room must not know.
type admit struct {
	tx     *db.Tx
	tenant tenant.ID
	cus    customer.ID
}

func (a admit) Admits(tx *db.Tx) (ten, cus [16]byte, ok bool) { return a.tenant, a.cus, tx == a.tx }

var pwd = []session.Proof{{Method: session.Password}}

func start(h *coretest.House, cus customer.ID, n session.New) (token string, s session.Session) {
	if n.Proofs == nil {
		n.Proofs = pwd
	}
	h.Update(func(tx *db.Tx) (err error) {
		token, s, err = session.Start(tx, h.T(), admit{tx, h.T().ID, cus}, n)
		return err
	})
	return token, s
}

func found(h *coretest.House, token string) (s session.Session, ok bool) {
	h.View(func(tx *db.Tx) (err error) { s, ok, err = session.Find(tx, h.T(), token); return err })
	return s, ok
}

func TestSessionIsFoundByItsTokenAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		place := session.NewPlace(netip.MustParseAddr("203.0.113.7"), "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
		token, s := start(h, cus, session.New{Place: place, Remembered: true, Device: [16]byte{5}, CNF: []byte{1}})
		got, ok := found(h, token)
		if !ok || got.ID != s.ID || got.CustomerID != cus || !got.Remembered || got.DeviceID != ([16]byte{5}) ||
			!slices.Equal(got.CNF, []byte{1}) || !got.AuthenticatedAt.Equal(s.CreatedAt) {
			t.Errorf("found %v %+v", ok, got)
		}
		if len(got.PlaceSealed) == 0 {
			t.Error("the place is not kept")
		}
		other := h.Tenant("other", "https://id.other.example")
		h.View(func(tx *db.Tx) error {
			if _, ok, err := session.Find(tx, other, token); ok || err != nil {
				t.Errorf("another tenant finds it: %v", err)
			}
			return nil
		})
	})
}

func TestH046_AlteredSessionTokensFindNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		token, _ := start(h, h.Customer(), session.New{})
		for _, bad := range coretest.Altered(token) {
			if _, ok := found(h, bad); ok {
				t.Fatalf("%q finds the session", bad)
			}
		}
	})
}

func TestSessionNeedsAdmissionOfThisTransaction(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		var stale admit
		h.View(func(tx *db.Tx) error { stale = admit{tx, h.T().ID, cus}; return nil })
		for name, a := range map[string]session.Admission{"none": nil, "an old one": stale} {
			err := h.Try(func(tx *db.Tx) error {
				_, _, err := session.Start(tx, h.T(), a, session.New{Proofs: pwd})
				return err
			})
			if !errors.Is(err, session.ErrNotAdmitted) {
				t.Errorf("%s: %v", name, err)
			}
		}
		err := h.Try(func(tx *db.Tx) error {
			_, _, err := session.Start(tx, h.T(), admit{tx, h.T().ID, cus}, session.New{})
			return err
		})
		if !errors.Is(err, session.ErrNotAdmitted) {
			t.Errorf("without a proof: %v", err)
		}
	})
}

func TestSessionLifetimes(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	rows := []struct {
		remembered     bool
		idle, absolute time.Duration
	}{{false, 24 * time.Hour, 7 * day}, {true, 14 * day, 30 * day}}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, r := range rows {
			token, _ := start(h, h.Customer(), session.New{Remembered: r.remembered})
			h.Wait(r.idle - time.Microsecond)
			s, ok := found(h, token)
			if !ok {
				t.Fatalf("remembered %v: gone before its idle time", r.remembered)
			}
			if err := session.Touch(context.Background(), h.D, h.T(), s); err != nil {
				t.Fatal(err)
			}
			h.Wait(r.idle)
			if _, ok := found(h, token); ok {
				t.Errorf("remembered %v: alive after its idle time", r.remembered)
			}
			token, s = start(h, h.Customer(), session.New{Remembered: r.remembered})
			for h.Clock.Now().Before(s.ExpiresAt) {
				s, ok = found(h, token)
				if !ok {
					t.Fatalf("remembered %v: gone at %v", r.remembered, h.Clock.Now())
				}
				if err := session.Touch(context.Background(), h.D, h.T(), s); err != nil {
					t.Fatal(err)
				}
				h.Wait(6 * time.Hour)
			}
			if _, ok := found(h, token); ok {
				t.Errorf("remembered %v: alive after its absolute time", r.remembered)
			}
		}
	})
}

func TestH155_ShorterSettingsShortenStandingSessions(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		long, _ := start(h, h.Customer(), session.New{Remembered: true})
		short, _ := start(h, h.Customer(), session.New{})
		h.Wait(2 * time.Hour)
		h.Settings(func(s *tenant.Settings) { s.Session.Idle = tenant.Duration(time.Hour) })
		if _, ok := found(h, short); ok {
			t.Error("a shorter idle time does not hold for a standing session")
		}
		if _, ok := found(h, long); !ok {
			t.Error("a remembered session ended with the others")
		}
		h.Settings(func(s *tenant.Settings) { s.Session.NoRemember = true })
		if _, ok := found(h, long); ok {
			t.Error("remembering was switched off and a remembered session lives")
		}
		h.Settings(func(s *tenant.Settings) {
			s.Session.NoRemember = false
			s.Session.Idle = tenant.Duration(48 * time.Hour)
		})
		h.Wait(23 * time.Hour)
		if _, ok := found(h, short); ok {
			t.Error("longer settings lengthen a session beyond what was told when it began")
		}
	})
}

func TestTouchNeverWakesASession(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		token, s := start(h, cus, session.New{})
		h.Wait(6 * time.Minute)
		h.Update(func(tx *db.Tx) error { _, err := session.End(tx, h.T(), cus, s.ID, "signed_out"); return err })
		if err := session.Touch(context.Background(), h.D, h.T(), s); err != nil {
			t.Fatal(err)
		}
		if _, ok := found(h, token); ok {
			t.Error("a touch woke an ended session")
		}
		token, s = start(h, cus, session.New{})
		h.Wait(25 * time.Hour)
		if err := session.Touch(context.Background(), h.D, h.T(), s); err != nil {
			t.Fatal(err)
		}
		if _, ok := found(h, token); ok {
			t.Error("a touch woke an idle session")
		}
	})
}

func TestRiseOfAssuranceGivesANewToken(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		old, s := start(h, cus, session.New{})
		h.Wait(time.Minute)
		var token string
		var risen session.Session
		prove := func() error {
			return h.Try(func(tx *db.Tx) (err error) {
				token, risen, err = session.Prove(tx, h.T(), admit{tx, h.T().ID, cus}, s, session.Proof{Method: session.TOTP})
				return err
			})
		}
		if err := prove(); err != nil {
			t.Fatal(err)
		}
		if _, ok := found(h, old); ok {
			t.Error("the old token works")
		}
		got, ok := found(h, token)
		if !ok || got.ID != s.ID || !got.AuthenticatedAt.Equal(h.Clock.Now()) || !risen.AuthenticatedAt.Equal(h.Clock.Now()) {
			t.Errorf("the new token finds %v %+v", ok, got)
		}
		if err := prove(); !errors.Is(err, session.ErrEnded) {
			t.Errorf("the old session can be raised again: %v", err)
		}
		h.View(func(tx *db.Tx) error {
			proofs, err := session.Proofs(tx, got)
			if a := session.Assure(proofs); len(proofs) != 2 || a.ACR != session.Multi || !slices.Equal(a.AMR, []string{"pwd", "otp", "mfa"}) {
				t.Errorf("%+v are worth %+v", proofs, a)
			}
			return err
		})
	})
}

func TestOneOfFiftyRotatesASession(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		_, s := start(h, cus, session.New{})
		won := 0
		for _, err := range coretest.Together(50, func(int) error {
			return h.Try(func(tx *db.Tx) error {
				_, _, err := session.Rotate(tx, h.T(), admit{tx, h.T().ID, cus}, s)
				return err
			})
		}) {
			if err == nil {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 rotated the token, want 1", won)
		}
	})
}

func TestH154_SessionsOfOthersCannotBeEnded(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, mallory := h.Customer(), h.Customer()
		token, s := start(h, ada, session.New{})
		other := h.Tenant("other", "https://id.other.example")
		h.Update(func(tx *db.Tx) error {
			for name, try := range map[string]func() (bool, error){
				"another customer": func() (bool, error) { return session.End(tx, h.T(), mallory, s.ID, "x") },
				"another tenant":   func() (bool, error) { return session.End(tx, other, ada, s.ID, "x") },
			} {
				if ended, err := try(); ended || err != nil {
					t.Errorf("%s ended it: %v", name, err)
				}
			}
			_, err := session.EndAll(tx, h.T(), mallory, session.ID{}, "x")
			return err
		})
		if _, ok := found(h, token); !ok {
			t.Error("the session is gone")
		}
	})
}

func TestEndAllKeepsOneAndListShowsTheRest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		var all []session.Session
		for range 3 {
			_, s := start(h, cus, session.New{})
			all = append(all, s)
			h.Wait(time.Minute)
		}
		list := func() (l []session.Session) {
			h.View(func(tx *db.Tx) (err error) { l, err = session.List(tx, h.T(), cus); return err })
			return l
		}
		if l := list(); len(l) != 3 || l[0].ID != all[2].ID {
			t.Errorf("the list is %+v", l)
		}
		var ended []session.ID
		h.Update(func(tx *db.Tx) (err error) {
			ended, err = session.EndAll(tx, h.T(), cus, all[1].ID, "signed_out_everywhere")
			return err
		})
		if l := list(); len(l) != 1 || l[0].ID != all[1].ID || len(ended) != 2 {
			t.Errorf("%d ended, left is %+v", len(ended), l)
		}
	})
}

func TestH212_TooManySessionsEndTheOldest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		first, _ := start(h, cus, session.New{})
		var last string
		for range session.Most {
			h.Wait(time.Second)
			last, _ = start(h, cus, session.New{})
		}
		if _, ok := found(h, first); ok {
			t.Error("the first session lives")
		}
		if _, ok := found(h, last); !ok {
			t.Error("the last session is gone")
		}
		h.View(func(tx *db.Tx) error {
			l, err := session.List(tx, h.T(), cus)
			if len(l) != session.Most {
				t.Errorf("%d sessions, want %d", len(l), session.Most)
			}
			return err
		})
	})
}

func TestSweepOfSessions(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		_, s := start(h, cus, session.New{Remembered: true})
		start(h, cus, session.New{})
		h.Update(func(tx *db.Tx) error { _, err := session.End(tx, h.T(), cus, s.ID, "x"); return err })
		sweep := func() (n int) {
			h.Update(func(tx *db.Tx) (err error) { n, err = session.Sweep(tx, 10); return err })
			return n
		}
		if n := sweep(); n != 0 {
			t.Errorf("%d were swept at once", n)
		}
		h.Wait(session.Kept + time.Hour)
		if n := sweep(); n != 1 {
			t.Errorf("%d were swept after an end, want 1", n)
		}
		h.Wait(7 * 24 * time.Hour)
		if n := sweep(); n != 1 {
			t.Errorf("%d were swept after their time, want 1", n)
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int](tx, `SELECT count(*) FROM session_proof`)
			if n != 0 {
				t.Errorf("%d proofs are left", n)
			}
			return err
		})
	})
}

func TestPlaceIsNoFinerThanNeeded(t *testing.T) {
	t.Parallel()
	rows := []struct{ addr, agent, network, words, kind string }{
		{"203.0.113.77", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "203.0.113.0/24", "Firefox on Windows", "desktop"},
		{"::ffff:203.0.113.77", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "203.0.113.0/24", "Safari on macOS", "desktop"},
		{"2001:db8:1:2:3:4:5:6", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "2001:db8:1::/48", "Safari on iOS", "phone"},
		{"fe80::1%eth0", "", "fe80::/48", "", ""},
	}
	for _, r := range rows {
		p := session.NewPlace(netip.MustParseAddr(r.addr), r.agent)
		if p.Network != r.network || p.Agent != r.words || p.Kind != r.kind {
			t.Errorf("%s, %s: %+v", r.addr, r.agent, p)
		}
	}
	if p := session.NewPlace(netip.Addr{}, ""); p != (session.Place{}) {
		t.Errorf("nothing is known and the place is %+v", p)
	}
}

func TestAssurance(t *testing.T) {
	t.Parallel()
	rows := []struct {
		methods []session.Method
		acr     string
		amr     []string
	}{
		{nil, "", nil},
		{[]session.Method{"invented"}, "", nil},
		{[]session.Method{session.Password}, session.Single, []string{"pwd"}},
		{[]session.Method{session.OTPEmail}, session.Single, []string{"otp"}},
		{[]session.Method{session.OTPEmail, session.LinkEmail}, session.Single, []string{"otp"}},
		{[]session.Method{session.Password, session.OTPEmail}, session.Single, []string{"pwd", "otp"}},
		{[]session.Method{session.OTPSMS}, session.Single, []string{"sms"}},
		{[]session.Method{session.OTPSMS, session.TOTP}, session.Single, []string{"sms", "otp"}},
		{[]session.Method{session.Password, session.OTPSMS}, session.Multi, []string{"pwd", "sms", "mfa"}},
		{[]session.Method{session.Password, session.TOTP}, session.Multi, []string{"pwd", "otp", "mfa"}},
		{[]session.Method{session.Password, session.Recovery}, session.Multi, []string{"pwd", "otp", "mfa"}},
		{[]session.Method{session.Passkey}, session.Resistant, []string{"hwk", "user", "mfa"}},
		{[]session.Method{session.Upstream}, session.Single, []string{"fed"}},
	}
	for _, r := range rows {
		var proofs []session.Proof
		for _, m := range r.methods {
			proofs = append(proofs, session.Proof{Method: m})
		}
		if a := session.Assure(proofs); a.ACR != r.acr || !slices.Equal(a.AMR, r.amr) {
			t.Errorf("%v are worth %+v, want %s %v", r.methods, a, r.acr, r.amr)
		}
	}
}

func TestMeets(t *testing.T) {
	t.Parallel()
	order := append([]string{""}, session.Levels()...)
	for i, acr := range order {
		for j, wanted := range order {
			if got := session.Meets(acr, wanted); got != (i >= j) {
				t.Errorf("%q meets %q: %v", acr, wanted, got)
			}
		}
		if session.Meets(acr, "urn:unknown") {
			t.Errorf("%q meets what nobody knows", acr)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			h := coretest.Open(b, engine, false)
			var token string
			for range 20 {
				cus := h.Customer()
				for range 5 {
					token, _ = start(h, cus, session.New{})
				}
			}
			t := h.T()
			for b.Loop() {
				err := h.D.View(context.Background(), func(tx *db.Tx) error {
					_, ok, err := session.Find(tx, t, token)
					if err == nil && !ok {
						err = fmt.Errorf("lost")
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
