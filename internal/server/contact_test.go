package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// mailer is the company's own machine that writes to customers.
type mailer struct {
	h     *servertest.House
	t     *testing.T
	token string
}

func newMailer(t *testing.T, h *servertest.House) *mailer {
	t.Helper()
	audience := h.URL + "/v1"
	c := &servertest.Client{}
	h.Update(func(tx *db.Tx) (err error) {
		house := app.New{Kind: app.API, Name: "House", FirstParty: true, Audience: audience, Settings: app.Settings{
			Scopes: []app.Scope{{Name: "contact:check"}, {Name: "preference:write"}, {Name: "other"}}}}
		if _, _, err = app.Register(tx, h.Tenant(), house); err != nil {
			return err
		}
		c.Application, c.Secret, err = app.Register(tx, h.Tenant(), app.New{Kind: app.Service, Name: "Mailer", FirstParty: true, Settings: app.Settings{
			AllowedScopes: []string{"contact:check", "preference:write", "other"}, Resources: []string{audience}}})
		if err != nil {
			return err
		}
		return consent.PutTopic(tx, h.Tenant(), consent.Topic{
			ID: "letter", Words: map[string]consent.TopicWords{"en": {Title: "Garden letter"}},
			Channels: []consent.Channel{consent.ByEmail, consent.BySMS}, DoubleOptIn: true,
		}, 0)
	})
	c.ClientID = c.Application.ClientID()
	m := &mailer{h: h, t: t}
	grant := func(scope string) string {
		return h.Token(c, url.Values{"grant_type": {"client_credentials"}, "resource": {audience}, "scope": {scope}}).AccessToken
	}
	m.token = grant("other")
	if got := m.post("/v1/contact-check", `{"questions":[{"address":"a@b.example","topic":"letter","channel":"email"}]}`); got.Status != http.StatusForbidden {
		t.Errorf("without its scope: %v", got)
	}
	m.token = grant("contact:check preference:write")
	return m
}

func (m *mailer) post(path, body string) reply {
	m.t.Helper()
	head := http.Header{"Content-Type": {"application/json"}}
	if m.token != "" {
		head.Set("Authorization", "Bearer "+m.token)
	}
	return probe{Method: http.MethodPost, Target: path, Header: head, Body: body}.send(m.t, m.h)
}

type told struct {
	Allowed bool              `json:"allowed"`
	Reason  string            `json:"reason"`
	Manage  string            `json:"preferences_url"`
	Headers map[string]string `json:"headers"`
}

func (m *mailer) ask(address string) told {
	m.t.Helper()
	got := m.post("/v1/contact-check", `{"questions":[{"address":"`+address+`","topic":"letter","channel":"email","links":true}]}`)
	var out struct{ Answers []told }
	if err := json.Unmarshal([]byte(got.Body), &out); err != nil || len(out.Answers) != 1 {
		m.t.Fatalf("%v: %v", err, got)
	}
	return out.Answers[0]
}

// path is the address of a link without its origin.
func (m *mailer) path(link string) string { return strings.TrimPrefix(link, m.h.URL) }

func TestRFC8058_3_2_OneClickNeedsNeitherCookieNorPageAndWorksTwice(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const reader = "reader.canary@example.test"
		m := newMailer(t, h)
		wish := `{"address":"` + reader + `","locale":"en","surface":"footer","preferences":[{"topic":"letter","channel":"email","on":true}]}`
		if got := m.post("/v1/preferences", wish); got.Status != http.StatusAccepted || got.Body != "" {
			t.Fatalf("%v", got)
		}
		if a := m.ask(reader); a.Allowed || a.Reason != "pending" || a.Headers != nil {
			t.Errorf("%+v", a)
		}
		kept := h.Inbox(reader)
		if len(kept) != 1 || !strings.Contains(kept[0].Subject, "Garden letter") {
			t.Fatalf("%+v", kept)
		}
		confirm := m.path(kept[0].Link)
		for range 2 {
			if got := (probe{Target: confirm}).send(t, h); got.Status != http.StatusOK || strings.Contains(got.Body, reader) || len(got.Header.Values("Set-Cookie")) > 0 {
				t.Fatalf("%v", got)
			}
		}
		if a := m.ask(reader); a.Reason != "pending" {
			t.Errorf("a look at the link confirmed: %+v", a)
		}
		path, query, _ := strings.Cut(confirm, "?")
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{http.StatusOK, http.StatusGone} {
			if got := (probe{Method: http.MethodPost, Target: path, Form: form}).send(t, h); got.Status != want {
				t.Errorf("press %d: %v", i, got)
			}
		}
		a := m.ask(reader)
		if !a.Allowed || a.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
			t.Fatalf("%+v", a)
		}
		end := m.path(strings.Trim(a.Headers["List-Unsubscribe"], "<>"))
		if got := (probe{Target: end}).send(t, h); got.Status != http.StatusOK || !m.ask(reader).Allowed {
			t.Errorf("a look at the link unsubscribed: %v", got)
		}
		multipart := "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"
		for kind, body := range map[string]string{"application/x-www-form-urlencoded": "List-Unsubscribe=One-Click", "multipart/form-data; boundary=x": multipart} {
			got := probe{Method: http.MethodPost, Target: end, Header: http.Header{"Content-Type": {kind}}, Body: body}.send(t, h)
			if got.Status != http.StatusOK || got.Body != "" || len(got.Header.Values("Set-Cookie")) > 0 || got.Header.Get("Location") != "" {
				t.Errorf("%s: %v", kind, got)
			}
		}
		if a := m.ask(reader); a.Allowed || a.Reason != "suppressed" {
			t.Errorf("%+v", a)
		}
		if got := (probe{Target: m.path(a.Manage)}).send(t, h); got.Status != http.StatusOK || strings.Contains(got.Body, "canary") || strings.Contains(got.Body, "Text message") {
			t.Errorf("%v", got)
		}
		if got := (probe{Target: "/preferences?t=" + form.Get("t")}).send(t, h); got.Status != http.StatusGone {
			t.Errorf("a link to confirm managed: %v", got)
		}
	})
}

func TestContactCheckTakesATokenOfItsOwnAndAThousandQuestions(t *testing.T) {
	t.Parallel()
	h := servertest.Open(t, dbtest.Engines()[0])
	m := newMailer(t, h)
	one := `{"address":"a@b.example","topic":"letter","channel":"email","links":true}`
	batch := func(n int) string {
		return `{"questions":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	}
	if got := m.post("/v1/contact-check", batch(1000)); got.Status != http.StatusOK || strings.Count(got.Body, "no_preference") != 1000 {
		t.Errorf("%d", got.Status)
	}
	for body, field := range map[string]string{
		batch(1001): "questions", `{"questions":[]}`: "questions", `{"questions":[{"topic":"letter","channel":"email"}]}`: "questions[0]",
	} {
		got := m.post("/v1/contact-check", body)
		if got.Status != http.StatusBadRequest || got.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(got.Body, `"`+field+`"`) {
			t.Errorf("%v", got)
		}
	}
	b := servertest.NewBrowser(t)
	h.SignUp(b, "mia@example.test")
	person := h.Redeem(h.Apps["web"], h.Authorize(b, h.Apps["web"], "mia@example.test").Get("code"))
	for name, token := range map[string]string{"a customer's": person.AccessToken, "none": "", "no": "xyz"} {
		m.token = token
		if got := m.post("/v1/contact-check", batch(1)); got.Status != http.StatusUnauthorized || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s token: %v", name, got)
		}
	}
}

func TestThePreferenceCentreSavesAllOfItsFormAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const mia = "mia@example.test"
		m := newMailer(t, h)
		m.post("/v1/preferences", `{"address":"`+mia+`","preferences":[{"topic":"letter","channel":"sms","on":false}]}`)
		b := servertest.NewBrowser(t)
		h.SignUp(b, mia)
		h.View(func(tx *db.Tx) error {
			list, err := consent.Preferences(tx, h.Tenant(), idOf(t, h, mia))
			if len(list) != 1 || list[0].State != consent.Off || list[0].Surface != "api" {
				t.Errorf("what was decided before the account: %+v", list)
			}
			return err
		})
		p := b.Get(h.URL+"/account/preferences").Submit("on", "letter.email", "pause", "3", "quiet_from", "1320", "quiet_until", "420", "zone", "Europe/Berlin")
		if !strings.Contains(p.Text(), "Your choices are saved") || !strings.Contains(p.Text(), "Paused until") {
			t.Errorf("%s", p.Text())
		}
		if a := m.ask(mia); a.Allowed || a.Reason != "paused" {
			t.Errorf("%+v", a)
		}
		b.Get(h.URL+"/account/preferences").Submit("on", "letter.email", "pause", "0")
		if a := m.ask(mia); !a.Allowed {
			t.Errorf("%+v", a)
		}
	})
}
