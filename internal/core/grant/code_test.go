package grant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/session"
)

// TestH017_ExactlyOneCellRedeems goes through every combination of what a
// redemption can get right and wrong.
func TestH017_ExactlyOneCellRedeems(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		other := h.App(true)
		cells, passed := 0, 0
		for _, client := range []bool{true, false} {
			for _, late := range []bool{false, true} {
				for _, uri := range []bool{true, false} {
					for _, v := range []string{verifier, strings.Repeat("w", 43), ""} {
						for _, used := range []bool{false, true} {
							cells++
							w.signIn()
							code, _ := w.code(grant.New{})
							if used {
								if _, err := w.redeem(code); err != nil {
									t.Fatal(err)
								}
							}
							if late {
								h.Wait(grant.CodeLife)
							}
							g, err := w.redeem(code, func(r *grant.Redemption) {
								if !client {
									r.Application = other
								}
								if !uri {
									r.RedirectURI = "https://shop.example/other"
								}
								r.Verifier = v
							})
							good := client && !late && uri && v == verifier && !used
							if (err == nil) != good || err != nil && !errors.Is(err, grant.ErrInvalid) || good && !w.alive(g) {
								t.Errorf("client %v, late %v, redirect %v, verifier %.1q, used %v: %v", client, late, uri, v, used, err)
							}
							if err == nil {
								passed++
							}
						}
					}
				}
			}
		}
		if cells != 48 || passed != 1 {
			t.Errorf("%d of %d cells issue, want 1 of 48", passed, cells)
		}
	})
}

func TestH019_AReusedCodeEndsWhatItGave(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		code, g := w.code(grant.New{Offline: true})
		if _, err := w.redeem(code); err != nil {
			t.Fatal(err)
		}
		var token string
		h.Update(func(tx *db.Tx) (err error) { token, err = grant.NewRefresh(tx, h.T(), g, w.app); return err })
		other := h.App(true)
		if _, err := w.redeem(code, func(r *grant.Redemption) { r.Application = other }); err == nil || !w.alive(g) {
			t.Errorf("another application that shows the code ends the grant: %v", err)
		}
		if _, err := w.redeem(code); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("the second redemption: %v", err)
		}
		if w.alive(g) {
			t.Error("the grant lives on")
		}
		if _, _, err := w.rotate(token); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("the refresh token: %v", err)
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int](tx, `SELECT count(*) FROM event WHERE name = 'grant.ended' AND class = 'security'`)
			if n != 1 {
				t.Errorf("%d events tell of it, want 1", n)
			}
			return err
		})
	})
}

func TestH019_OneOfFiftyRedeems(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		code, g := w.code(grant.New{})
		won := 0
		for _, err := range coretest.Together(50, func(int) error { _, err := w.redeem(code); return err }) {
			switch {
			case err == nil:
				won++
			case fault.Is(err, fault.Internal):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 redeemed the code, want 1", won)
		}
		if w.alive(g) {
			t.Error("a code that was shown fifty times left its grant alive")
		}
	})
}

func TestH020_Verifiers(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		v    string
		ok   bool
	}{
		{"43", strings.Repeat("a", 43), true},
		{"128", strings.Repeat("a", 128), true},
		{"every unreserved character", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", true},
		{"42", strings.Repeat("a", 42), false},
		{"129", strings.Repeat("a", 129), false},
		{"none", "", false},
		{"a plus", strings.Repeat("a", 42) + "+", false},
		{"a slash", strings.Repeat("a", 42) + "/", false},
		{"a space", strings.Repeat("a", 42) + " ", false},
		{"padding", strings.Repeat("a", 42) + "=", false},
		{"a letter of another script", strings.Repeat("a", 42) + "é", false},
		{"NUL", strings.Repeat("a", 42) + "\x00", false},
	}
	for _, r := range rows {
		if got := grant.ValidVerifier(r.v); got != r.ok {
			t.Errorf("%s: %v", r.name, got)
		}
	}
	// plain: the challenge itself is no verifier of itself.
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		code, _ := w.code(grant.New{})
		if _, err := w.redeem(code, func(r *grant.Redemption) { r.Verifier = challenge }); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("plain is taken: %v", err)
		}
		for name, bad := range map[string]string{
			"none": "", "short": challenge[1:], "padded": challenge + "=", "a verifier of 128": strings.Repeat("a", 128),
			"not canonical": strings.Repeat("A", 42) + "B",
		} {
			err := h.Try(func(tx *db.Tx) error {
				g, err := w.issueIn(tx, grant.New{})
				if err != nil {
					return err
				}
				_, err = grant.NewCode(tx, h.T(), g, grant.CodeParams{RedirectURI: redirect, Challenge: bad})
				return err
			})
			if !fault.Is(err, fault.Internal) {
				t.Errorf("a code with the challenge %s: %v", name, err)
			}
		}
	})
}

func TestH046_AlteredCodesAndTokensAreInvalid(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		code, _ := w.code(grant.New{})
		token, _ := w.refresh(grant.New{Offline: true})
		for _, bad := range append(coretest.Altered(code), token) {
			if _, err := w.redeem(bad); !errors.Is(err, grant.ErrInvalid) {
				t.Fatalf("the code %q: %v", bad, err)
			}
		}
		for _, bad := range append(coretest.Altered(token), code) {
			if _, _, err := w.rotate(bad); !errors.Is(err, grant.ErrInvalid) {
				t.Fatalf("the token %q: %v", bad, err)
			}
		}
		if _, err := w.redeem(code); err != nil {
			t.Errorf("the true code: %v", err)
		}
		if _, _, err := w.rotate(token); err != nil {
			t.Errorf("the true token: %v", err)
		}
	})
}

// TestH067_LockBetweenCodeAndRedemption spoils the customer's or the
// application's standing between the two.
func TestH067_LockBetweenCodeAndRedemption(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, to := range []customer.State{customer.Locked, customer.Closing, customer.Recovery} {
			w := newWorld(t, h, true)
			code, _ := w.code(grant.New{Offline: true})
			w.setState(to)
			if _, err := w.redeem(code); !errors.Is(err, grant.ErrInvalid) {
				t.Errorf("%s: %v", to, err)
			}
		}
		w := newWorld(t, h, true)
		code, _ := w.code(grant.New{})
		h.Update(func(tx *db.Tx) error {
			_, err := session.End(tx, h.T(), w.cus, w.session.ID, "signed_out")
			return err
		})
		if _, err := w.redeem(code); !errors.Is(err, grant.ErrInvalid) {
			t.Errorf("signed out: %v", err)
		}
	})
}

func TestGrantNeedsAPermitForThoseScopes(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		g := w.issue(grant.New{Nonce: "n", Resource: "https://api.example", Claims: `{"id_token":{}}`, CNF: []byte{1}})
		if g.ACR != session.Single || g.AMR != "pwd" || !g.AuthenticatedAt.Equal(w.session.AuthenticatedAt) ||
			g.SessionID != w.session.ID || !g.ExpiresAt.Equal(w.session.ExpiresAt) || strings.Join(g.Scopes(), ",") != "openid,email" {
			t.Errorf("the grant is %+v", g)
		}
		err := h.Try(func(tx *db.Tx) error {
			_, err := grant.Issue(tx, h.T(), fakePermit(tx, w), grant.New{Scopes: []string{"openid", "admin"}})
			return err
		})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("a scope that was not asked about: %v", err)
		}
	})
}

func TestH212_TooManyGrantsEndTheOldest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		first := w.issue(grant.New{})
		for range grant.Most {
			h.Wait(time.Second)
			w.issue(grant.New{})
		}
		if w.alive(first) {
			t.Error("the first grant lives")
		}
		h.View(func(tx *db.Tx) error {
			l, err := grant.List(tx, h.T(), w.cus)
			if len(l) != grant.Most {
				t.Errorf("%d grants, want %d", len(l), grant.Most)
			}
			return err
		})
	})
}

func TestHandleLeadsToItsGrantAtItsTenantOnly(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h, true)
		g := w.issue(grant.New{})
		a, b := grant.Handle(h.T(), g), grant.Handle(h.T(), g)
		if a == b {
			t.Error("two handles are alike")
		}
		if cus, gid, ok := grant.ReadHandle(h.T(), a); !ok || cus != w.cus || gid != g.ID {
			t.Errorf("it leads to %v %v %v", cus, gid, ok)
		}
		if _, _, ok := grant.ReadHandle(w.stranger(), a); ok {
			t.Error("another tenant reads it")
		}
		for _, bad := range coretest.Altered(a) {
			if _, _, ok := grant.ReadHandle(h.T(), bad); ok {
				t.Fatalf("%q is read", bad)
			}
		}
	})
}

func TestOnceAndRevokedTokens(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		firsts := 0
		exp := h.Clock.Now().Add(time.Minute)
		for _, err := range coretest.Together(50, func(int) error {
			return h.Try(func(tx *db.Tx) error {
				first, err := grant.Once(tx, h.T(), "assertion", "client|jti", exp)
				if err == nil && !first {
					err = fmt.Errorf("again")
				}
				return err
			})
		}) {
			if err == nil {
				firsts++
			}
		}
		if firsts != 1 {
			t.Errorf("%d of 50 were first, want 1", firsts)
		}
		h.Update(func(tx *db.Tx) error {
			if first, err := grant.Once(tx, h.T(), "proof", "client|jti", exp); !first || err != nil {
				t.Errorf("another purpose: %v %v", first, err)
			}
			if err := grant.RevokeAccess(tx, h.T(), "j1", exp); err != nil {
				return err
			}
			return grant.RevokeAccess(tx, h.T(), "j1", exp)
		})
		h.View(func(tx *db.Tx) error {
			yes, err := grant.Revoked(tx, h.T(), "j1")
			no, err2 := grant.Revoked(tx, h.T(), "j2")
			if !yes || no {
				t.Errorf("revoked: %v %v", yes, no)
			}
			return errors.Join(err, err2)
		})
		h.Wait(2 * time.Minute)
		n := 0
		h.Update(func(tx *db.Tx) (err error) { n, err = grant.Sweep(tx, 100); return err })
		if n != 3 {
			t.Errorf("%d rows were swept, want 3", n)
		}
	})
}
