package session_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/session"
)

func TestSet_ReadsWhatItWrote_AndLeavesOutWhatIsEmptyTwiceOrTooMuch(t *testing.T) {
	t.Parallel()
	for cookie, want := range map[string]string{
		"": "", ".": "", "a": "a", "a.b": "a.b", "a..b.": "a.b", "a.b.a": "a.b",
		"1.2.3.4.5.6.7.8.9": "1.2.3.4.5.6.7.8",
	} {
		if got := session.ParseSet(cookie).String(); got != want {
			t.Errorf("ParseSet(%q) = %q, want %q", cookie, got, want)
		}
	}
}

func TestSet_NewTokenStandsFirst_AndTheEighthOlderOneIsDisplaced(t *testing.T) {
	t.Parallel()
	var s, out session.Set
	for i := range session.MostHeld {
		s, out = s.With(strconv.Itoa(i))
		if len(out) != 0 {
			t.Fatalf("the %dth token displaced %v", i, out)
		}
	}
	if s.String() != "7.6.5.4.3.2.1.0" {
		t.Fatalf("order is %s", s)
	}
	before := s.String()
	more, out := s.With("8")
	if len(more) != session.MostHeld || more[0] != "8" || !slices.Equal(out, session.Set{"0"}) {
		t.Errorf("set %v, displaced %v", more, out)
	}
	again, out := s.With("3")
	if again.String() != "3.7.6.5.4.2.1.0" || len(out) != 0 {
		t.Errorf("a token that is there moves to the front: %v, displaced %v", again, out)
	}
	if s.String() != before {
		t.Errorf("With changed the set that it was asked of")
	}
	if got := s.Without("7", "0").String(); got != "6.5.4.3.2.1" {
		t.Errorf("Without: %s", got)
	}
}

func TestSet_KeepsTheSetOnlyIfEverySessionIsRemembered(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	week := session.Held{Session: session.Session{Remembered: true, ExpiresAt: now.Add(7 * 24 * time.Hour)}}
	day := session.Held{Session: session.Session{Remembered: true, ExpiresAt: now.Add(24 * time.Hour)}}
	once := session.Held{Session: session.Session{ExpiresAt: now.Add(48 * time.Hour)}}
	for _, c := range []struct {
		held []session.Held
		want time.Duration
	}{
		{nil, 0}, {[]session.Held{once}, 0}, {[]session.Held{day, week}, 7 * 24 * time.Hour}, {[]session.Held{week, once}, 0},
	} {
		if got := session.KeepFor(c.held, now); got != c.want {
			t.Errorf("KeepFor(%d sessions) = %v, want %v", len(c.held), got, c.want)
		}
	}
}

func TestH151_FindSet_DropsWhatLeadsNowhere_AndOneCustomerCountsOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, sam := h.Customer(), h.Customer()
		first, _ := start(h, mia, session.New{})
		second, _ := start(h, sam, session.New{})
		third, _ := start(h, mia, session.New{})
		other := h.Tenant("other", "https://other.example")
		cookie := strings.Join([]string{first, "garbage", second, second[:60] + "AAAA", third}, ".")
		h.View(func(tx *db.Tx) error {
			held, err := session.FindSet(tx, h.T(), session.ParseSet(cookie))
			if err != nil {
				return err
			}
			if got := session.SetOf(held).String(); got != first+"."+second+"."+third {
				t.Errorf("held %s", got)
			}
			if list := session.Distinct(held); len(list) != 2 || list[0].ID != held[0].ID || list[1].CustomerID != sam {
				t.Errorf("distinct: %d sessions", len(list))
			}
			if of := session.Of(held, mia); len(of) != 2 {
				t.Errorf("mia holds %d", len(of))
			}
			foreign, err := session.FindSet(tx, other, session.ParseSet(cookie))
			if len(foreign) != 0 {
				t.Errorf("another tenant's sessions were found")
			}
			return err
		})
	})
}
