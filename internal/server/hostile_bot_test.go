package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// crowd is a network from which many sign in.
const crowd = "198.51.100.7"

// besiege fills the meter of a network's passwords up to what costs work.
func besiege(t testing.TB, h *servertest.House, network string, tries int) {
	t.Helper()
	for i := range tries {
		if err := risk.Reserve(t.Context(), h.DB, h.Tenant(), risk.PasswordTry(fmt.Sprint("nobody", i), network)...); err != nil {
			t.Fatal(err)
		}
	}
}

func easy(s *tenant.Settings) {
	passwordAlone(s)
	s.Bots.Work = 6
}

var taskOf = regexp.MustCompile(`name="task" value="([A-Za-z0-9_-]+)"`)

func task(p *servertest.Page) string {
	if m := taskOf.FindStringSubmatch(p.Body); m != nil {
		return m[1]
	}
	return ""
}

func besieged(o servertest.Options) servertest.Options {
	o.Settings, o.Config = easy, manyNetworks.Config
	return o
}

// At rest nobody's password costs anything; under load it does, once for each
// try, and a code never does.
func TestRobots_UnderLoadAPasswordCostsWorkAndACodeDoesNot(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		quiet := named(h, from(t, crowd), ann, "password")
		if p := quiet.Submit("password", secure); p.URL.Path != "/account" {
			t.Fatalf("at rest: %d %s\n%s", p.Status, p.URL, p.Text())
		}
		besiege(t, h, crowd, 60)

		b := from(t, crowd)
		front := b.Get(h.URL + "/signin")
		p := front.Submit("identifier", ann, "action", "password")
		if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text(), "Go on with a code instead") {
			t.Fatalf("without work at the front: %d\n%s", p.Status, p.Text())
		}
		p = p.Submit("identifier", ann, "action", "password", "work", coretest.Solve(task(p)))
		if !p.Has("password") {
			t.Fatalf("with work at the front: %d\n%s", p.Status, p.Text())
		}
		if !strings.Contains(p.Body, "<noscript>") || !strings.Contains(p.Header.Get("Content-Security-Policy"), "worker-src 'self'") {
			t.Error("the page does not say what scripts are for, or lets no worker in")
		}
		wrong := p.Submit("password", "a wrong one entirely", "work", coretest.Solve(task(p)))
		if wrong.Status != http.StatusUnprocessableEntity || !strings.Contains(wrong.Text(), "does not match") {
			t.Fatalf("a wrong password with work: %d\n%s", wrong.Status, wrong.Text())
		}
		used := coretest.Solve(task(p))
		for what, work := range map[string]string{"none": "", "made up": strings.Repeat("A", 86), "that of the page before": used} {
			if q := wrong.Submit("password", secure, "work", work); q.URL.Path == "/account" || !strings.Contains(q.Text(), "with a code") {
				t.Errorf("the right password with work that is %s: %d\n%s", what, q.Status, q.Text())
			}
		}
		if q := wrong.Submit("password", secure, "task", task(p), "work", used); q.URL.Path == "/account" || !strings.Contains(q.Text(), "took too long") {
			t.Errorf("work that was used: %d\n%s", q.Status, q.Text())
		}
		if q := wrong.Submit("password", secure, "work", coretest.Solve(task(wrong))); q.URL.Path != "/account" {
			t.Errorf("the right password with work: %d %s\n%s", q.Status, q.URL, q.Text())
		}

		byCode := named(h, from(t, crowd), bob, "continue")
		if !byCode.Has("code") {
			t.Errorf("a code costs work: %d\n%s", byCode.Status, byCode.Text())
		}
		if q := named(h, from(t, "203.0.113.9"), ann, "password").Submit("password", secure); q.URL.Path != "/account" {
			t.Errorf("another network pays for the crowd: %d\n%s", q.Status, q.Text())
		}
	}, besieged(servertest.Options{}))
}

// While ever new accounts are tried from everywhere, strangers' passwords cost
// work on every network; a browser that the customer has signed in with gets in
// as ever, and a code costs nothing.
func TestRobots_UnderAttackStrangersWorkAndKnownBrowsersDoNot(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		signedUp(t, h, bob)
		givePassword(t, h, ann, secure)
		own := from(t, "203.0.113.9")
		p := own.Get(h.URL+"/signin").Submit("identifier", ann, "action", "password", "remember", "on")
		if p = p.Submit("password", secure); p.URL.Path != "/account" {
			t.Fatalf("at rest: %d\n%s", p.Status, p.Text())
		}
		for i := range 140 {
			tries := risk.PasswordTry(fmt.Sprint("nobody", i), fmt.Sprintf("198.18.0.%d", i))
			if err := risk.Reserve(t.Context(), h.DB, h.Tenant(), tries...); err != nil {
				t.Fatal(err)
			}
		}
		stranger := named(h, from(t, "192.0.2.1"), ann, "password")
		if stranger.Status != http.StatusUnprocessableEntity || !strings.Contains(stranger.Text(), "Go on with a code instead") {
			t.Fatalf("a stranger at the front: %d\n%s", stranger.Status, stranger.Text())
		}
		stranger = stranger.Submit("identifier", ann, "action", "password", "work", coretest.Solve(task(stranger)))
		if q := stranger.Submit("password", secure); q.URL.Path == "/account" {
			t.Error("a stranger gets in without work")
		}
		if q := stranger.Submit("password", secure, "work", coretest.Solve(task(stranger))); q.URL.Path != "/account" {
			t.Errorf("a stranger with work: %d\n%s", q.Status, q.Text())
		}
		if q := named(h, own, ann, "password").Submit("password", secure); q.URL.Path != "/account" {
			t.Errorf("the customer's own browser: %d\n%s", q.Status, q.Text())
		}
		for what, address := range map[string]string{"a customer": bob, "nobody": "nobody@example.com"} {
			if q := named(h, own, address, "password").Submit("password", secure); !strings.Contains(q.Text(), "Go on with a code instead") {
				t.Errorf("the browser of another customer, at the password of %s: %d\n%s", what, q.Status, q.Text())
			}
		}
		if q := named(h, from(t, "192.0.2.2"), "carol@example.com", "continue"); !q.Has("code") {
			t.Errorf("a code: %d\n%s", q.Status, q.Text())
		}
	}, besieged(servertest.Options{}))
}

// Fifty at once with one solution: one try is looked at.
func TestRobots_OneWorkIsOneTry(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := from(t, crowd)
		p := named(h, b, bob, "password")
		besiege(t, h, crowd, 60)
		shot := probe{Method: "POST", Target: p.URL.Path + "/password", Cookies: cookiesOf(b, h), Header: b.Header.Clone(), Form: url.Values{
			"password": {"wrong horse battery staple"}, "action": {"continue"}, "task": {task(p)}, "work": {coretest.Solve(task(p))},
		}}
		var looked atomic.Int64
		together(50, func(int) {
			r := shot.send(t, h)
			if r.Status != http.StatusUnprocessableEntity {
				t.Errorf("%v", r)
			}
			if strings.Contains(r.Body, "does not match") {
				looked.Add(1)
			}
		})
		if n := looked.Load(); n != 1 {
			t.Errorf("%d tries were looked at", n)
		}
	}, besieged(servertest.Options{Base: patient}))
}

// A flood without work fills nobody's meter: the customer whom it is aimed at
// gets in as soon as they bring theirs.
func TestRobots_WhoBringsNoWorkFillsNobodysMeter(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		b := from(t, crowd)
		p := named(h, b, ann, "password")
		besiege(t, h, crowd, 60)
		for range 3 * guesses {
			if q := p.Submit("password", "wrong horse battery staple"); q.Status != http.StatusUnprocessableEntity {
				t.Fatalf("%d\n%s", q.Status, q.Text())
			}
		}
		if q := p.Submit("password", secure, "work", coretest.Solve(task(p))); q.URL.Path != "/account" {
			t.Errorf("%d %s\n%s", q.Status, q.URL, q.Text())
		}
	}, besieged(servertest.Options{}))
}

// The lure changes nothing that its finder could see.
func TestRobots_TheLureAnswersLikeAnyForm(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		var told []string
		for _, topic := range []string{"", "cheap watches"} {
			b := servertest.NewBrowser(t)
			all := ""
			look := func(p *servertest.Page) *servertest.Page { all += fmt.Sprintln(p.Status, p.Text()); return p }
			p := look(b.Get(h.URL+"/signin").Submit("identifier", ann, "action", "password", "topic", topic))
			p = look(p.Submit("password", "wrong horse battery staple", "topic", topic))
			if p = p.Submit("password", secure, "topic", topic); p.URL.Path != "/account" {
				t.Errorf("%q keeps a customer out: %d\n%s", topic, p.Status, p.Text())
			}
			told = append(told, all)
		}
		if told[0] != told[1] {
			t.Errorf("the lure tells:\n%s\nand\n%s", told[0], told[1])
		}
	}, servertest.Options{Settings: passwordAlone})
}

// company is the other side of a widget.
type company struct {
	*httptest.Server
	status int
	answer string
	asked  atomic.Pointer[question]
}

type question struct{ kind, body, key string }

func newCompany(t *testing.T) *company {
	c := &company{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.asked.Store(&question{r.Header.Get("Content-Type"), string(body), r.Header.Get("X-Api-Key")})
		w.WriteHeader(c.status)
		_, _ = io.WriteString(w, c.answer)
	}))
	t.Cleanup(c.Close)
	return c
}

func TestRobots_AnotherCompanysCheckFailsClosedWithAWayOn(t *testing.T) {
	t.Setenv("CARDEA_TEST_BOT_SECRET", "hush")
	for provider, field := range map[string]string{
		"turnstile": "cf-turnstile-response", "hcaptcha": "h-captcha-response", "friendlycaptcha": "frc-captcha-response",
	} {
		t.Run(provider, func(t *testing.T) {
			c := newCompany(t)
			h := servertest.Open(t, dbtest.SQLite, servertest.Options{Config: manyNetworks.Config, Settings: func(s *tenant.Settings) {
				passwordAlone(s)
				s.Bots = tenant.Bots{Provider: provider, SiteKey: "site", Secret: "env:CARDEA_TEST_BOT_SECRET", Endpoint: c.URL}
			}})
			signedUp(t, h, ann)
			givePassword(t, h, ann, secure)
			rest := named(h, from(t, "203.0.113.9"), ann, "password")
			if policy := rest.Header.Get("Content-Security-Policy"); strings.Contains(policy, "https://") || strings.Contains(rest.Body, "data-widget") {
				t.Errorf("at rest the page knows the company: %s", policy)
			}
			besiege(t, h, crowd, 60)
			p := named(h, from(t, crowd), ann, "password")
			policy := p.Header.Get("Content-Security-Policy")
			if !strings.Contains(p.Body, "data-widget") || !strings.Contains(policy, "frame-src https://") || strings.Contains(policy, "unsafe") {
				t.Fatalf("under load: %s\n%s", policy, p.Text())
			}
			for what, a := range map[string]struct {
				status int
				answer string
				token  string
				says   string
			}{
				"no answer of the widget":      {200, `{"success":true}`, "", "Answer the check on this page"},
				"a bad one":                    {200, `{"success":false,"error-codes":["invalid-input-response"]}`, "tok", "Answer the check on this page"},
				"a failing company":            {500, `{"success":true}`, "tok", "does not answer"},
				"a wrong secret":               {401, `{"success":true}`, "tok", "does not answer"},
				"a page in place of JSON":      {200, `<html>`, "tok", "does not answer"},
				"an answer that says nothing":  {200, `{}`, "tok", "does not answer"},
				"an answer that says it oddly": {200, `{"success":"true"}`, "tok", "does not answer"},
				"a giant":                      {200, `{"success":true,"x":"` + strings.Repeat("x", 1<<20) + `"}`, "tok", "does not answer"},
				"a redirect":                   {302, ``, "tok", "does not answer"},
			} {
				c.status, c.answer = a.status, a.answer
				q := p.Submit("password", secure, field, a.token)
				if q.URL.Path == "/account" || !strings.Contains(q.Text(), a.says) || !strings.Contains(q.Text(), "Get a code instead") {
					t.Errorf("%s: %d %s\n%s", what, q.Status, q.URL, q.Text())
				}
			}
			c.status, c.answer = 200, `{"success":true}`
			if q := p.Submit("password", secure, field, "tok"); q.URL.Path != "/account" {
				t.Errorf("a good one: %d %s\n%s", q.Status, q.URL, q.Text())
			}
			checkQuestion(t, provider, *c.asked.Load())
			c.Close()
			if q := named(h, from(t, crowd), ann, "password").Submit("password", secure, field, "tok"); !strings.Contains(q.Text(), "does not answer") {
				t.Errorf("a company that is gone: %d\n%s", q.Status, q.Text())
			}
		})
	}
}

// checkQuestion checks what a company is asked: the secret and the answer, and
// nothing about the customer.
func checkQuestion(t *testing.T, provider string, q question) {
	t.Helper()
	got := map[string]string{}
	if provider == "friendlycaptcha" {
		if err := json.Unmarshal([]byte(q.body), &got); err != nil || q.key != "hush" || q.kind != "application/json" {
			t.Errorf("%+v", q)
		}
		got["secret"] = q.key
	} else {
		form, err := url.ParseQuery(q.body)
		if err != nil || q.kind != "application/x-www-form-urlencoded" {
			t.Errorf("%+v", q)
		}
		for name := range form {
			got[name] = form.Get(name)
		}
	}
	if len(got) != 3 || got["secret"] != "hush" || got["response"] != "tok" || got["sitekey"] != "site" {
		t.Errorf("%s is asked %v", provider, got)
	}
}

// sized is how often something is done: the whole number of the case only where
// tests are to be hard.
func sized(usual, whole int) int {
	if os.Getenv(dbtest.Hard) == "" {
		return usual
	}
	return whole
}

// A thousand numbers of a premium block, and one number fifty times a minute:
// what is sent is bounded, and the answers tell nothing.
func TestH103_PumpingTextMessagesIsBoundedEverywhere(t *testing.T) {
	phones := func(s *tenant.Settings) {
		s.Identifiers.Phone = true
		s.SMS.Countries = []string{"GB"}
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for i := range sized(40, 1000) {
			network := fmt.Sprintf("198.18.%d.%d", i/250, 1+i%250)
			p := named(h, from(t, network), fmt.Sprintf("+4474001%05d", i), "continue")
			if p.Status >= 500 || !p.Has("code") && !strings.Contains(p.Text(), "Too many messages") {
				t.Fatalf("number %d: %d\n%s", i, p.Status, p.Text())
			}
		}
		if n := len(dumped(t, h, "message")); n > 10 {
			t.Errorf("%d messages to one block", n)
		}
		before := len(dumped(t, h, "message"))
		for i := range sized(12, 50) {
			named(h, from(t, fmt.Sprintf("203.0.113.%d", 1+i)), "+447400223456", "continue")
		}
		if n := len(dumped(t, h, "message")) - before; n != 3 {
			t.Errorf("%d messages to one number within a minute", n)
		}
		before = len(dumped(t, h, "message"))
		for _, number := range []string{"+88213000001", "+4915123456789", "+18765550123"} {
			if p := named(h, from(t, "203.0.113.200"), number, "continue"); p.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d\n%s", number, p.Status, p.Text())
			}
		}
		if n := len(dumped(t, h, "message")) - before; n != 0 {
			t.Errorf("%d messages to countries that are not served", n)
		}
	}, servertest.Options{Settings: phones, Config: manyNetworks.Config})
}

// A thousand messages to a victim, asked for from a hundred networks: three in
// an hour, and the answers are those that an unknown address gets.
func TestH137_BombingAMailboxSendsThreeAnHour(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		h.Advance(25 * time.Hour)
		before := len(h.Inbox(ann))
		answers := map[string]map[string]int{ann: {}, bob: {}}
		for i := range sized(15, 500) {
			for address, said := range answers {
				p := from(t, fmt.Sprintf("198.51.100.%d", 1+i%100)).Get(h.URL+"/signin?recover").Submit("identifier", address, "action", "continue")
				said[fmt.Sprint(p.Status, p.Has("code"))]++
			}
		}
		h.Settle()
		if n := len(h.Inbox(ann)) - before; n != 3 {
			t.Errorf("%d mails", n)
		}
		if a, b := fmt.Sprint(answers[ann]), fmt.Sprint(answers[bob]); a != b {
			t.Errorf("a customer's address answers %s, a stranger's %s", a, b)
		}
	}, manyNetworks)
}
