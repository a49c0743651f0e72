package session_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/session"
)

func TestSet_ReadsWhatItWrote_CurrentFirst_AtMostEight(t *testing.T) {
	t.Parallel()
	var set []string
	for _, token := range strings.Split("abcdefghi", "") {
		set = session.ReadSet(session.WriteSet(session.PutFirst(set, token)))
	}
	if got := strings.Join(set, ""); got != "ihgfedcb" {
		t.Errorf("the set is %s", got)
	}
	if got := strings.Join(session.PutFirst(set, "z", "h", "i"), ""); got != "zgfedcb" {
		t.Errorf("replaced tokens stay: %s", got)
	}
	if got := strings.Join(session.PutFirst(set, "d"), ""); got != "dihgfecb" {
		t.Errorf("a token that is there moves to the front: %s", got)
	}
	if len(session.ReadSet("")) != 0 || len(session.ReadSet(strings.Repeat("a", 4001))) != 0 {
		t.Error("an empty or endless cookie holds tokens")
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
		cookie := strings.Join([]string{first, "garbage", "", second, first, second[:60] + "AAAA", third}, ".")
		h.View(func(tx *db.Tx) error {
			held, err := session.FindSet(tx, h.T(), cookie)
			if err != nil {
				return err
			}
			if got := session.SetOf(held); got != first+"."+second+"."+third {
				t.Errorf("held %s", got)
			}
			if list := session.Distinct(held); len(list) != 2 || list[0].ID != held[0].ID || list[1].CustomerID != sam {
				t.Errorf("distinct: %d sessions", len(list))
			}
			if of := session.Of(held, mia); len(of) != 2 {
				t.Errorf("mia holds %d", len(of))
			}
			foreign, err := session.FindSet(tx, other, cookie)
			if len(foreign) != 0 {
				t.Errorf("another tenant's sessions were found")
			}
			return err
		})
	})
}
