package grant_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func fakePermit(tx *db.Tx, w *world) permit.Permit {
	p, err := permit.May(tx, w.T(), permit.Ask{
		Purpose: permit.ForToken, Customer: w.cus, Application: w.app, Session: &w.session, Scopes: scopes,
	})
	if err != nil {
		w.t.Error(err)
	}
	return p
}

func TestALostAnswerIsGivenAgainInTheGrace(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		first, g := w.refresh(grant.New{Offline: true})
		second, _, err := w.rotate(first)
		if err != nil || second == first {
			t.Fatal(err)
		}
		h.Wait(grant.Grace)
		again, _, err := w.rotate(first)
		if err != nil || again != second {
			t.Fatalf("in the grace: another successor (%v), %v", again != second, err)
		}
		third, _, err := w.rotate(second)
		if err != nil || third == second || third == first {
			t.Fatal(err)
		}
		// The successor was used: the grace of the first is over, early or late.
		if _, _, err := w.rotate(first); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("the first token after its successor was used: %v", err)
		}
		if w.alive(g) {
			t.Error("the family lives")
		}
		if _, _, err := w.rotate(third); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("the newest token of an ended family: %v", err)
		}
	})
}

func TestH050_AfterTheGraceReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		first, g := w.refresh(grant.New{Offline: true})
		second, _, err := w.rotate(first)
		if err != nil {
			t.Fatal(err)
		}
		h.Wait(grant.Grace + time.Microsecond)
		if _, _, err := w.rotate(first); !errors.Is(err, grant.ErrInvalid) || w.alive(g) {
			t.Errorf("reuse after the grace: %v, alive %v", err, w.alive(g))
		}
		if _, _, err := w.rotate(second); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("the successor: %v", err)
		}
	})
}

// TestH155_WhatStaffShortenIsShorterAtOnce: limits of the application hold for
// refresh tokens that were given before, idle and absolute, and count from the
// customer's proof and not from the application's asking.
func TestH155_WhatStaffShortenIsShorterAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shorten func(*app.Settings)
		over    bool
	}{
		"nothing is shortened": {func(*app.Settings) {}, false},
		"refresh_idle":         {func(s *app.Settings) { s.RefreshIdle = tenant.Duration(time.Hour) }, true},
		"refresh_absolute": {func(s *app.Settings) {
			s.RefreshIdle, s.RefreshAbsolute = tenant.Duration(time.Hour), tenant.Duration(time.Hour)
		}, true},
		"session_idle":                               {func(s *app.Settings) { s.SessionIdle = tenant.Duration(time.Hour) }, true},
		"session_idle that is not over":              {func(s *app.Settings) { s.SessionIdle = tenant.Duration(2 * time.Hour) }, false},
		"session_absolute":                           {func(s *app.Settings) { s.SessionAbsolute = tenant.Duration(time.Hour) }, true},
		"session_absolute counts from the proof":     {func(s *app.Settings) { s.SessionAbsolute = tenant.Duration(100 * time.Minute) }, true},
		"session_absolute counts not from next week": {func(s *app.Settings) { s.SessionAbsolute = tenant.Duration(3 * time.Hour) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				w := newWorld(t, h, true)
				h.Wait(30 * time.Minute) // the sign-in is older than the grant
				token, _ := w.refresh(grant.New{Offline: true})
				h.Wait(90 * time.Minute)
				shorter := *w.app
				c.shorten(&shorter.Settings)
				var known bool
				h.View(func(tx *db.Tx) (err error) {
					_, known, err = grant.FindRefresh(tx, w.T(), token, &shorter)
					return err
				})
				_, _, err := w.rotateAs(token, &shorter)
				if over := errors.Is(err, grant.ErrInvalid); over != c.over || known == c.over {
					t.Errorf("refused %v (%v), known %v", over, err, known)
				}
			})
		})
	}
}

func TestTokensBoundToAKeyHaveNoGrace(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		first, g := w.refresh(grant.New{Offline: true, CNF: []byte("thumbprint")})
		if _, _, err := w.rotate(first); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.rotate(first); !errors.Is(err, grant.ErrInvalid) || w.alive(g) {
			t.Errorf("a bound token twice: %v, alive %v", err, w.alive(g))
		}
	})
}

func TestH050_FiftyRefreshesGiveOneSuccessor(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		first, g := w.refresh(grant.New{Offline: true})
		got := make([]string, 50)
		answered := 0
		for i, err := range coretest.Together(50, func(i int) (err error) { got[i], _, err = w.rotate(first); return err }) {
			if err == nil {
				answered++
			} else if !fault.Is(err, fault.Unavailable) {
				t.Error(i, err)
			}
		}
		successors := map[string]bool{}
		for _, s := range got {
			if s != "" {
				successors[s] = true
			}
		}
		if len(successors) != 1 || answered == 0 {
			t.Errorf("%d answers, %d successors, want one", answered, len(successors))
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int](tx, `SELECT count(*) FROM refresh_token`)
			version, _, err2 := db.Value[int](tx, `SELECT version FROM app_grant WHERE id = $1`, g.ID)
			if n != 2 || version != 2 {
				t.Errorf("%d tokens, grant version %d: want one rotation", n, version)
			}
			return errors.Join(err, err2)
		})
		if !w.alive(g) {
			t.Error("honest repetition ended the family")
		}
	})
}

func TestARefreshAndARevocationCannotBothWin(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		for range 10 {
			token, g := w.refresh(grant.New{Offline: true})
			next := make([]string, 8)
			told := coretest.Together(8, func(i int) (err error) {
				if i == 0 {
					return h.Try(func(tx *db.Tx) error {
						_, err := grant.End(tx, h.T(), w.cus, g.ID, "revoked")
						return err
					})
				}
				next[i], _, err = w.rotate(token)
				return err
			})
			if told[0] != nil {
				t.Fatal(told[0])
			}
			for _, s := range next {
				if s == "" {
					continue
				}
				if _, _, err := w.rotate(s); !errors.Is(err, grant.ErrInvalid) {
					t.Fatalf("a token outlived the revocation: %v", err)
				}
			}
		}
	})
}

// TestNeighboursRefreshWithoutClashing: tokens whose rows lie side by side, each
// rotated ten times over at the same moment as all others.
func TestNeighboursRefreshWithoutClashing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		tokens := make([]string, 32)
		for i := range tokens {
			tokens[i], _ = w.refresh(grant.New{Offline: true})
		}
		for i, err := range coretest.Together(len(tokens), func(i int) (err error) {
			for n := 0; n < 10 && err == nil; n++ {
				tokens[i], _, err = w.rotate(tokens[i])
			}
			return err
		}) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

func TestH037_TokensOfAnotherApplicationAreNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		other, stranger := h.App(true), w.stranger()
		token, g := w.refresh(grant.New{Offline: true})
		second, _, err := w.rotate(token)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{token, second} {
			if _, _, err := w.rotateAs(s, other); !errors.Is(err, grant.ErrInvalid) {
				t.Errorf("another application: %v", err)
			}
		}
		err = h.Try(func(tx *db.Tx) error {
			_, _, err := grant.Rotate(tx, stranger, second, w.app)
			return err
		})
		if !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("another tenant: %v", err)
		}
		if !w.alive(g) {
			t.Error("strangers ended the family")
		}
	})
}

// TestH052_TheWorldIsAskedAtEveryRefresh changes one thing after another was
// signed in.
func TestH052_TheWorldIsAskedAtEveryRefresh(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		offline bool
		spoil   func(w *world)
		good    bool
	}{
		{"nothing", true, func(*world) {}, true},
		{"nothing, in a session", false, func(*world) {}, true},
		{"customer locked", true, func(w *world) { w.setState(customer.Locked) }, false},
		{"locked and unlocked", true, func(w *world) { w.setState(customer.Locked); w.setState(customer.Active) }, true},
		{"account closing", true, func(w *world) { w.setState(customer.Closing) }, false},
		{"account in recovery", true, func(w *world) { w.setState(customer.Recovery) }, false},
		{"consent withdrawn", true, func(w *world) {
			w.Update(func(tx *db.Tx) error {
				return consent.Withdraw(tx, w.T(), w.app.ID, consent.Choice{Customer: w.cus, Surface: "portal"})
			})
		}, false},
		{"application off", true, func(w *world) {
			w.Update(func(tx *db.Tx) error {
				a, err := app.Get(tx, w.T(), w.app.ID)
				if err != nil {
					return err
				}
				a.Enabled = false
				_, err = app.Change(tx, w.T(), a)
				return err
			})
		}, false},
		{"signed out, session-bound", false, (*world).signOut, false},
		{"signed out, offline", true, (*world).signOut, true},
		{"session idle, session-bound", false, func(w *world) { w.Wait(25 * time.Hour) }, false},
		{"session idle, offline", true, func(w *world) { w.Wait(25 * time.Hour) }, true},
		{"signed out everywhere", true, func(w *world) {
			w.Update(func(tx *db.Tx) error { _, err := grant.EndAll(tx, w.T(), w.cus, "reset"); return err })
		}, false},
		{"application revoked", true, func(w *world) {
			w.Update(func(tx *db.Tx) error {
				_, err := grant.EndByApplication(tx, w.T(), w.cus, w.app.ID, "revoked")
				return err
			})
		}, false},
		{"token idle for 30 days", true, func(w *world) { w.Wait(30 * 24 * time.Hour) }, false},
	}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, r := range rows {
			w := newWorldOfThird(t, h)
			token, _ := w.refresh(grant.New{Offline: r.offline})
			r.spoil(w)
			_, _, err := w.rotate(token)
			if r.good && err != nil || !r.good && !errors.Is(err, grant.ErrInvalid) {
				t.Errorf("%s: %v", r.name, err)
			}
		}
	})
}

func newWorldOfThird(t testing.TB, h *coretest.House) *world {
	w := newWorld(t, h, false)
	h.Update(func(tx *db.Tx) error {
		for _, scope := range scopes {
			d := consent.Decision{
				Customer: w.cus, Purpose: consent.Scope, Recipient: w.app.ID, Item: scope, Given: true,
				Version: 1, Locale: "en", Surface: "signin", Method: "button",
			}
			if err := consent.Record(tx, h.T(), d); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) signOut() {
	w.Update(func(tx *db.Tx) error {
		_, err := session.End(tx, w.T(), w.cus, w.session.ID, "signed_out")
		return err
	})
}

func TestEndOfASessionEndsItsOwnGrantsOnly(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		bound, offline := w.issue(grant.New{}), w.issue(grant.New{Offline: true})
		old := w.session
		w.signIn()
		elsewhere := w.issue(grant.New{})
		var told, ended []grant.Grant
		h.Update(func(tx *db.Tx) (err error) {
			if told, err = grant.BySession(tx, h.T(), w.cus, old.ID); err != nil {
				return err
			}
			ended, err = grant.EndBySession(tx, h.T(), w.cus, old.ID, "signed_out")
			return err
		})
		if len(told) != 2 || len(ended) != 1 || ended[0].ID != bound.ID {
			t.Errorf("%d to tell, %d ended", len(told), len(ended))
		}
		if w.alive(bound) || !w.alive(offline) || !w.alive(elsewhere) {
			t.Errorf("alive: %v %v %v", w.alive(bound), w.alive(offline), w.alive(elsewhere))
		}
	})
}

func TestRefreshLifetimesAreTheApplications(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		w.app = h.App(true, func(n *app.New) {
			n.Settings.RefreshIdle, n.Settings.RefreshAbsolute = tenant.Duration(2*day), tenant.Duration(5*day)
		})
		token, _ := w.refresh(grant.New{Offline: true})
		began := h.Clock.Now()
		for h.Clock.Now().Sub(began) < 5*day {
			next, _, err := w.rotate(token)
			if err != nil {
				t.Fatalf("after %v: %v", h.Clock.Now().Sub(began), err)
			}
			token = next
			h.Wait(2*day - time.Second)
		}
		if _, _, err := w.rotate(token); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("after the absolute time: %v", err)
		}
		w.signIn()
		token, _ = w.refresh(grant.New{Offline: true})
		h.Wait(2 * day)
		if _, _, err := w.rotate(token); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("after the idle time: %v", err)
		}
	})
}

func TestFindRefreshAndOwner(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		other := h.App(true)
		first, g := w.refresh(grant.New{Offline: true})
		second, _, err := w.rotate(first)
		if err != nil {
			t.Fatal(err)
		}
		h.View(func(tx *db.Tx) error {
			for _, r := range []struct {
				token        string
				a            *app.Application
				found, owned bool
			}{{first, w.app, false, true}, {second, w.app, true, true}, {second, other, false, false}, {"x", w.app, false, false}} {
				_, found, err := grant.FindRefresh(tx, h.T(), r.token, r.a)
				got, owned, err2 := grant.OwnerOf(tx, h.T(), r.token, r.a)
				if err != nil || err2 != nil || found != r.found || owned != r.owned || owned && got.ID != g.ID {
					t.Errorf("%.8s: %v %v, %v %v", r.token, found, owned, err, err2)
				}
			}
			return nil
		})
	})
}

func TestOnlyDigestsRest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		first, _ := w.refresh(grant.New{Offline: true})
		second, _, err := w.rotate(first)
		if err != nil {
			t.Fatal(err)
		}
		h.View(func(tx *db.Tx) error {
			for _, col := range []string{"digest", "nonce", "successor"} {
				b, _, err := db.Value[[]byte](tx, `SELECT `+col+` FROM refresh_token WHERE rotated_at IS NOT NULL`)
				if err != nil {
					return err
				}
				for _, token := range []string{first, second} {
					if len(b) == 0 || strings.Contains(token, string(b)) {
						t.Errorf("%s holds the token", col)
					}
				}
			}
			return nil
		})
	})
}

func TestSweepOfGrants(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		w.refresh(grant.New{Offline: true})
		w.code(grant.New{})
		sweep := func() (n int) {
			h.Update(func(tx *db.Tx) (err error) { n, err = grant.Sweep(tx, 100); return err })
			return n
		}
		h.Wait(2 * time.Hour)
		if n := sweep(); n != 0 {
			t.Errorf("%d rows were swept while they serve", n)
		}
		h.Wait(40 * 24 * time.Hour)
		if n := sweep(); n != 3 { // the code, the token and the grant of the session
			t.Errorf("%d rows were swept, want 3", n)
		}
	})
}

func BenchmarkRotate(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			w := newWorld(b, coretest.Open(b, engine, false), true)
			token, _ := w.refresh(grant.New{Offline: true})
			for b.Loop() {
				next, _, err := w.rotate(token)
				if err != nil {
					b.Fatal(err)
				}
				token = next
			}
		})
	}
}
