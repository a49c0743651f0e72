package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// guesses is how many wrong passwords one network may try on one account.
const guesses = 10

// patient is a gate that turns nobody away, so that what a test counts is the
// meters' doing.
func patient(o *server.Opening) {
	o.Gate = secret.Gate{Parallel: 4, Queue: 1000, Wait: time.Minute}
}

// guesser is a journey that stands at the password of an address.
func guesser(t *testing.T, h *servertest.House, b *servertest.Browser, address string) probe {
	t.Helper()
	p := named(h, b, address, "password")
	if !p.Has("password") {
		t.Fatalf("no password is asked: %d %s\n%s", p.Status, p.URL, p.Text())
	}
	return probe{Method: "POST", Target: p.URL.Path + "/password", Cookies: cookiesOf(b, h), Header: b.Header.Clone(),
		Form: url.Values{"password": {"wrong horse battery staple"}, "action": {"continue"}}}
}

// Two hundred guesses at once, in twenty journeys: no more are looked at than
// the limit says, and the right password among the refused ones is none.
func TestH073_OfTwoHundredGuessesAtOnceTenAreLookedAt(t *testing.T) {
	o := servertest.Options{Settings: passwordAlone, Base: patient}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		for what, address := range map[string]string{"known": ann, "unknown": bob} {
			journeys := make([]probe, 20)
			for i := range journeys {
				journeys[i] = guesser(t, h, servertest.NewBrowser(t), address)
			}
			got := make([]reply, 200)
			together(len(got), func(i int) { got[i] = journeys[i%len(journeys)].send(t, h) })
			n := count(got)
			if n[http.StatusUnprocessableEntity] != guesses || n[http.StatusTooManyRequests] != len(got)-guesses {
				t.Errorf("%s: answers by status: %v", what, n)
			}
			journeys[0].Form.Set("password", secure)
			if r := journeys[0].send(t, h); r.Status != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
				t.Errorf("%s: the right password after the limit: %v", what, r)
			}
		}
	}, o)
}

// Nine wrong guesses, a crash, a flood of other names: the tenth is the last.
func TestH074_TheCountOutlivesTheServerAndAFlood(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		wrong := guesser(t, h, servertest.NewBrowser(t), ann)
		for range guesses - 1 {
			if r := wrong.send(t, h); r.Status != http.StatusUnprocessableEntity {
				t.Fatal(r)
			}
		}
		for i := range 2000 {
			for _, m := range risk.PasswordTry(fmt.Sprintf("nobody%d@example.com", i), "198.51.100.1") {
				if err := risk.Reserve(t.Context(), h.DB, h.Tenant(), m); err != nil && i < 100 {
					t.Fatal(err)
				}
			}
		}
		wrong.Port = reopened(t, h)
		if r := wrong.send(t, h); r.Status != http.StatusUnprocessableEntity {
			t.Errorf("the tenth, after the crash: %v", r)
		}
		if r := wrong.send(t, h); r.Status != http.StatusTooManyRequests {
			t.Errorf("the eleventh: %v", r)
		}
	}, servertest.Options{Settings: func(s *tenant.Settings) {
		passwordAlone(s)
		s.Bots.Off = true // the flood is an attack, which would cost work: here it is about the count
	}})
}

// reopened is the port of another server on the same data, which knows nothing
// but what the database holds.
func reopened(t *testing.T, h *servertest.House) string {
	t.Helper()
	base, err := server.Open(t.Context(), h.Config, server.Opening{Dev: true, Clock: h.Clock.Now, Hash: secret.Cheap, Log: servertest.Quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := base.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := server.New(base, server.Options{Inbox: true, Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	return answers(t, s)
}

// One line is one guesser, however it spells itself, and nobody is somebody
// else because a header says so.
func TestH076_AddressesOfOneLineShareItsGuesses(t *testing.T) {
	t.Run("one /64", func(t *testing.T) {
		servertest.Each(t, func(t *testing.T, h *servertest.House) {
			spell := func(i int) string {
				return []string{
					fmt.Sprintf("2001:db8:1:2::%x", i+1),
					fmt.Sprintf("2001:0DB8:0001:0002:%04X:0000:0000:0001", i),
					fmt.Sprintf("2001:db8:1:2:%x::1", 4096+i),
				}[i%3]
			}
			if n := lookedAt(t, h, spell); n != guesses {
				t.Errorf("%d guesses from one line were looked at", n)
			}
		}, manyNetworks)
	})
	t.Run("IPv4 in IPv6", func(t *testing.T) {
		servertest.Each(t, func(t *testing.T, h *servertest.House) {
			spell := func(i int) string { return []string{"192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:207"}[i%3] }
			if n := lookedAt(t, h, spell); n != guesses {
				t.Errorf("%d guesses from one address were looked at", n)
			}
		}, manyNetworks)
	})
	t.Run("no proxy is trusted", func(t *testing.T) {
		servertest.Each(t, func(t *testing.T, h *servertest.House) {
			if n := lookedAt(t, h, func(i int) string { return fmt.Sprintf("198.51.100.%d", i+1) }); n != guesses {
				t.Errorf("%d guesses with made-up addresses were looked at", n)
			}
		})
	})
	t.Run("others are others", func(t *testing.T) {
		servertest.Each(t, func(t *testing.T, h *servertest.House) {
			if n := lookedAt(t, h, func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) }); n != 3*guesses {
				t.Errorf("of guesses from thirty lines %d were looked at", n)
			}
		}, manyNetworks)
	})
}

// lookedAt guesses thirty times, each from another spelling, and counts.
func lookedAt(t *testing.T, h *servertest.House, spell func(i int) string) (n int) {
	t.Helper()
	b := servertest.NewBrowser(t)
	wrong := guesser(t, h, b, ann)
	for i := range 3 * guesses {
		wrong.Header = http.Header{
			"X-Forwarded-For": {spell(i)}, "X-Real-Ip": {spell(i)}, "Client-Ip": {spell(i)}, "True-Client-Ip": {spell(i)},
			"X-Forwarded-Proto": {"http"}, "Forwarded": {`for="[` + spell(i) + `]"`},
		}
		if r := wrong.send(t, h); r.Status == http.StatusUnprocessableEntity {
			n++
		} else if r.Status != http.StatusTooManyRequests {
			t.Fatal(r)
		}
	}
	return n
}

// Every door that looks at a password has the same meter: the fresh proof of
// somebody who is signed in, too.
func TestH085_GuessesAtTheStepUpAreTheSameGuesses(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		h.Advance(11 * time.Minute)
		p := b.Get(h.URL+"/account/close").Submit("action", "password")
		if !p.Has("password") {
			t.Fatalf("%d %s\n%s", p.Status, p.URL, p.Text())
		}
		for i := range guesses {
			if q := p.Submit("password", fmt.Sprintf("guess %d", i)); q.Status != http.StatusUnprocessableEntity {
				t.Fatalf("guess %d: %d", i, q.Status)
			}
		}
		if q := p.Submit("password", secure); q.Status != http.StatusTooManyRequests {
			t.Errorf("the step-up looks on: %d\n%s", q.Status, q.Text())
		}
		front := guesser(t, h, servertest.NewBrowser(t), ann)
		if r := front.send(t, h); r.Status != http.StatusTooManyRequests {
			t.Errorf("the front door looks on: %v", r)
		}
	}, servertest.Options{Settings: passwordAlone})
}

// Codes too: after five tries the right one is none, and whoever asks for more
// codes meets the meter of guesses.
func TestH085_CodesAreBoundedAcrossJourneys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		for range 4 {
			h.Advance(5 * time.Hour) // the budget of messages is another matter
			p := named(h, servertest.NewBrowser(t), ann, "continue")
			code := newest(t, h, ann, "/signin/link").Code
			for i := range 5 {
				if q := p.Submit("code", wrongly(code)); q.Status != http.StatusUnprocessableEntity && q.Status != http.StatusGone {
					t.Fatalf("try %d: %d\n%s", i, q.Status, q.Text())
				}
			}
			if q := p.Submit("code", code); q.URL.Path == "/account" || q.Status == http.StatusOK {
				t.Fatalf("the right code after five wrong ones: %d %s\n%s", q.Status, q.URL, q.Text())
			}
		}
		p := named(h, servertest.NewBrowser(t), bob, "continue")
		for range 19 {
			p.Submit("code", "000000")
		}
		if q := p.Submit("code", "000000"); q.Status != http.StatusUnprocessableEntity {
			t.Errorf("the twentieth guess: %d", q.Status)
		}
		if q := p.Submit("code", "000000"); q.Status != http.StatusTooManyRequests {
			t.Errorf("the guess after the twentieth: %d\n%s", q.Status, q.Text())
		}
	})
}

// wrongly is another code.
func wrongly(code string) string {
	b := []byte(code)
	b[len(b)-1] = '0' + (b[len(b)-1]-'0'+1)%10
	return string(b)
}
