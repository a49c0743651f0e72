package server_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

func asksAge(a tenant.Age) servertest.Options {
	return servertest.Options{Settings: func(s *tenant.Settings) { s.Registration.Age = a }}
}

// born is the date of birth of somebody who turns so old today, moved by days.
func born(h *servertest.House, years, days int) string {
	return h.Clock.Now().AddDate(-years, 0, days).Format(time.DateOnly)
}

// CO-12: below the age of the country sign-up stops, nothing is kept, and no
// later answer of the same journey changes that.
func TestWhoIsTooYoungGetsNoAccountAndIsForgotten(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const kid = "kid@example.test"
		b, p := arrive(t, h, h.Apps["web"], kid)
		if !p.Has("birthdate") || !p.Has("country") {
			t.Fatalf("not asked:\n%s", p.Text())
		}
		flow := p.URL.String()
		p = p.Submit("country", "DE", "birthdate", born(h, 16, 1))
		refused := func(p *servertest.Page) bool {
			return strings.Contains(p.Text(), "You cannot open an account yet") && !strings.Contains(p.Text(), kid)
		}
		if !refused(p) {
			t.Fatalf("one day too young, and it leads to\n%s", p.Text())
		}
		tries := []struct {
			word   string
			fields url.Values
		}{
			{"age", url.Values{"country": {"DE"}, "birthdate": {"1980-01-01"}}}, {"age", url.Values{"country": {"BE"}, "birthdate": {born(h, 16, 1)}}},
			{"age", url.Values{"action": {"yes"}}}, {"refuse", url.Values{"action": {"another"}}}, {"continue", url.Values{}},
			{"identify", url.Values{"identifier": {kid}, "action": {"continue"}}}, {"identify", url.Values{"identifier": {"another@example.test"}, "action": {"continue"}}},
			{"code", url.Values{"code": {"000000"}}}, {"terms", url.Values{"action": {"continue"}, "documents": {""}}}, {"choose", url.Values{"action": {"another"}}},
		}
		for _, try := range tries {
			if got := b.Post(flow+"/"+try.word, try.fields); !refused(got) {
				t.Fatalf("%v: %d leads to\n%s", try, got.Status, got.Text())
			}
		}
		if got := b.Get(flow); !refused(got) {
			t.Fatalf("looking again leads to\n%s", got.Text())
		}
		if exists(h, kid) || exists(h, "another@example.test") {
			t.Fatal("there is an account")
		}
		if got := b.Post(flow+"/refuse", url.Values{"action": {"deny"}}); !strings.Contains(got.Header.Get("Location"), "error=access_denied") {
			t.Errorf("back to the application leads to %q", got.Header.Get("Location"))
		}
	}, asksAge(tenant.Age{Ask: tenant.AskBirthdate}))
}

// What the journey of somebody too young sent is sealed under a key that is no more.
func TestNothingOfWhoIsTooYoungCanBeOpened(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		_, p := arrive(t, h, h.Apps["web"], "kid@example.test")
		var before, after []byte
		read := func(into *[]byte) {
			h.View(func(tx *db.Tx) (err error) {
				*into, _, err = db.Value[[]byte](tx, `SELECT wrapped FROM flow WHERE tenant_id = $1`, h.Tenant().ID)
				return err
			})
		}
		read(&before)
		p.Submit("country", "DE", "birthdate", born(h, 10, 0))
		read(&after)
		if len(before) == 0 || string(before) == string(after) {
			t.Error("the journey has its key still")
		}
		for _, table := range []string{"customer", "identifier", "session"} {
			h.View(func(tx *db.Tx) error {
				n, _, err := db.Value[int64](tx, "SELECT count(*) FROM "+table+" WHERE tenant_id = $1", h.Tenant().ID)
				if n != 0 {
					t.Errorf("%d rows of %s", n, table)
				}
				return err
			})
		}
	}, asksAge(tenant.Age{Ask: tenant.AskBirthdate}))
}

// Many answers at once: as soon as one of them is too young, no other one
// leads to an account any more.
func TestUnderAgeAnswersInParallel(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const kid = "kid@example.test"
		b, p := arrive(t, h, h.Apps["web"], kid)
		flow := p.URL.String()
		p.Submit("country", "DE", "birthdate", born(h, 12, 0))
		together(8, func(i int) {
			b.Tab().Post(flow+"/age", url.Values{"country": {"DE"}, "birthdate": {born(h, 15+i, 0)}})
		})
		if exists(h, kid) {
			t.Error("somebody got through")
		}
	}, asksAge(tenant.Age{Ask: tenant.AskBirthdate}))
}

// Who is old enough gets an account; that they were, the country and the day are
// kept, and the date of birth only where the catalogue requires it.
func TestOfTheAgeNoMoreIsKeptThanIsNeeded(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for _, required := range []bool{false, true} {
			address := map[bool]string{false: "one@example.test", true: "two@example.test"}[required]
			if required {
				h.Update(func(tx *db.Tx) error {
					return catalog.Put(tx, h.Tenant(), []catalog.Field{{Name: "birthdate", Required: true}})
				})
			}
			_, p := arrive(t, h, h.Apps["web"], address)
			for _, bad := range []string{"", "1990", "0000-04-27", "1990-02-30", "2100-01-01", "1850-01-01", born(h, 0, 3)} {
				if p = p.Submit("country", "AT", "birthdate", bad); p.Status != 422 || !p.Has("birthdate") {
					t.Fatalf("%q: %d\n%s", bad, p.Status, p.Text())
				}
			}
			if got := p.Submit("country", "", "birthdate", "1990-04-27"); got.Status != 422 {
				t.Fatal("no country will do")
			}
			if p = p.Submit("country", "AT", "birthdate", born(h, 14, 0)); !lands(p) {
				t.Fatalf("fourteen today, and it leads to\n%s", p.Text())
			}
			id := idOf(t, h, address)
			if _, kept := filled(h, id)["birthdate"]; kept != required {
				t.Errorf("required %v, kept %v", required, kept)
			}
			if list := ledger(h, id, consent.OfAge, "AT/14"); len(list) != 1 || list[0].Method != tenant.AskBirthdate || list[0].Surface != "signup" {
				t.Errorf("the ledger says %+v", list)
			}
			if _, p = arrive(t, h, h.Apps["web"], address); !lands(p) {
				t.Errorf("who has an account is asked for their age:\n%s", p.Text())
			}
		}
	}, asksAge(tenant.Age{Ask: tenant.AskBirthdate}))
}

// A statement asks for no date, and both answers weigh the same.
func TestAStatementOfAge(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		_, p := arrive(t, h, h.Apps["web"], "mia@example.test")
		if p.Has("birthdate") || !strings.Contains(p.Text(), "I am 18 years old or older") || strings.Contains(string(p.Body), `class="btn primary`) {
			t.Fatalf("asked wrongly:\n%s", p.Text())
		}
		if p = p.Submit("action", "yes"); !lands(p) {
			t.Fatalf("yes leads to\n%s", p.Text())
		}
		if list := ledger(h, idOf(t, h, "mia@example.test"), consent.OfAge, "DE/18"); len(list) != 1 || list[0].Method != tenant.AskStatement {
			t.Errorf("the ledger says %+v", list)
		}
		b, p := arrive(t, h, h.Apps["web"], "kid@example.test")
		flow := p.URL.String()
		p.Submit("action", "no")
		if p = b.Post(flow+"/age", url.Values{"action": {"yes"}}); lands(p) || exists(h, "kid@example.test") {
			t.Error("no, then yes")
		}
	}, asksAge(tenant.Age{Ask: tenant.AskStatement, Country: "DE", Minimum: map[string]int{"DE": 18}}))
}
