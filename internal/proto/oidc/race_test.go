package oidc_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// together asks fifty times at once and sorts the answers by what they gave:
// the word, or "" for a refusal. Nothing but 200 and refused is allowed.
func together(d *desk, ask func() *answer, word, refusal string) map[string]int {
	d.t.Helper()
	var mu sync.Mutex
	got := map[string]int{}
	coretest.Together(50, func(int) error {
		a := ask()
		mu.Lock()
		defer mu.Unlock()
		switch {
		case a.status == http.StatusOK:
			got[a.text(word)]++
		case a.text("error") == refusal:
			got[""]++
		default:
			d.t.Errorf("%d %s", a.status, a.raw)
		}
		return nil
	})
	return got
}

// TestH019_OneOfFiftyRedemptionsAnswers: the forty-nine others are replays of a
// used code like any other, for nothing tells a thief from a client that
// repeats itself. So what the winner got ends with the first of them.
func TestH019_OneOfFiftyRedemptionsAnswers(t *testing.T) {
	race(t, func(d *desk) {
		for _, name := range []string{"web", "spa"} {
			c := d.apps[name]
			code := d.authorize(c, "scope", "openid offline_access")
			got := together(d, func() *answer { return d.redeem(c, code) }, "access_token", "invalid_grant")
			if len(got) != 2 || got[""] != 49 {
				d.t.Errorf("%s: %v", name, got)
			}
			for token := range got {
				if token != "" && d.userinfo(token).status != http.StatusUnauthorized {
					d.t.Errorf("%s: the code was shown fifty times, and its token lives", name)
				}
			}
		}
	})
}

// TestH050_FiftyRefreshesGiveOneSuccessor: a client that repeats itself within
// the grace gets the same token each time, and the family lives.
func TestH050_FiftyRefreshesGiveOneSuccessor(t *testing.T) {
	race(t, func(d *desk) {
		for _, name := range []string{"web", "spa"} {
			c := d.apps[name]
			token := d.tokens(c, "scope", "openid offline_access").text("refresh_token")
			got := together(d, func() *answer { return d.refresh(c, token) }, "refresh_token", "invalid_grant")
			if len(got) != 1 || got[""] != 0 {
				d.t.Fatalf("%s: %d successors, %d refusals", name, len(got), got[""])
			}
			for successor := range got {
				if a := d.refresh(c, successor); a.status != http.StatusOK {
					d.t.Errorf("%s: the one successor: %d %s", name, a.status, a.raw)
				}
			}
			d.wait(grant.Grace)
			refused(d.t, "the old token afterwards", d.refresh(c, token), http.StatusBadRequest, "invalid_grant")
		}
	})
}

// TestAReturnIsTakenOnce: fifty tabs come back from the pages with one journey.
func TestAReturnIsTakenOnce(t *testing.T) {
	race(t, func(d *desk) {
		b := d.browser()
		resumed := b.pause(authorizeURL(d.apps["web"]))
		var mu sync.Mutex
		codes := 0
		coretest.Together(50, func(int) error {
			p := b.get(resumed)
			mu.Lock()
			defer mu.Unlock()
			if p.to().Has("code") {
				codes++
			} else if p.status != http.StatusGone {
				d.t.Errorf("%d %s", p.status, p.body)
			}
			return nil
		})
		if codes != 1 {
			d.t.Errorf("%d codes for one journey", codes)
		}
	})
}
