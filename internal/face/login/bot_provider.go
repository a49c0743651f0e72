package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What is told of another company's check. Both leave the code as the way on.
var (
	errRobot     = fault.New(fault.Invalid, "robot_check", "Answer the check below, or go on with a code.")
	errUnchecked = fault.New(fault.Unavailable, "robot_unchecked", "The check does not answer at the moment. Go on with a code.")
)

// Widget is another company's check on the password page. It stands there only
// while work is demanded: at rest no browser hears of that company.
type Widget struct {
	Class, SiteKey, Endpoint, Language string
	Script, Integrity                  string
}

// provider is a company whose widget tells people from programs.
type provider struct {
	class     string   // of the element that its script looks for
	script    string   // which makes the widget
	integrity string   // of a script on somebody else's server
	origins   []string // what its script and its frames load from
	field     string   // in which the widget puts its answer
	verify    string   // address that tells whether an answer is good
	ask       func(b tenant.Bots, secret, answer string) (contentType string, body []byte, header http.Header)
}

// Turnstile and hCaptcha load their scripts from servers of their own. Friendly
// Captcha gives its out on a public one, so exactly one file of it is let in,
// whose content is pinned.
var providers = map[string]provider{
	"turnstile": {
		class: "cf-turnstile", field: "cf-turnstile-response", ask: askForm,
		script:  "https://challenges.cloudflare.com/turnstile/v0/api.js",
		origins: []string{"https://challenges.cloudflare.com"},
		verify:  "https://challenges.cloudflare.com/turnstile/v0/siteverify",
	},
	"hcaptcha": {
		class: "h-captcha", field: "h-captcha-response", ask: askForm,
		script:  "https://js.hcaptcha.com/1/api.js",
		origins: []string{"https://hcaptcha.com", "https://*.hcaptcha.com"},
		verify:  "https://api.hcaptcha.com/siteverify",
	},
	"friendlycaptcha": {
		class: "frc-captcha", field: "frc-captcha-response", ask: askJSON,
		script:    "https://cdn.jsdelivr.net/npm/@friendlycaptcha/sdk@1.0.2/site.min.js",
		integrity: "sha384-PlTUwS206S5stm69A6ULL0xNfgrDI6zspceDmfFtJGdNblYUuExQauIm9leAc/Ck",
		origins:   []string{"https://*.frcapi.com"},
		verify:    "https://global.frcapi.com/api/v2/captcha/siteverify",
	},
}

// askForm sends no address of the visitor: none of the companies needs it.
func askForm(b tenant.Bots, secret, answer string) (string, []byte, http.Header) {
	form := url.Values{"secret": {secret}, "response": {answer}, "sitekey": {b.SiteKey}}
	return "application/x-www-form-urlencoded", []byte(form.Encode()), nil
}

func askJSON(b tenant.Bots, secret, answer string) (string, []byte, http.Header) {
	body, _ := json.Marshal(map[string]string{"response": answer, "sitekey": b.SiteKey}) // strings marshal
	return "application/json", body, http.Header{"X-Api-Key": {secret}}
}

// widget puts the company's check on a page, and lets its scripts in there.
func (p provider) widget(s *ui.Shell, b tenant.Bots) *Widget {
	w := &Widget{Class: p.class, SiteKey: b.SiteKey, Script: p.script, Integrity: p.integrity, Language: string(s.Locale)}
	s.CSP.Foreign, s.CSP.ForeignScript = p.origins, p.script
	s.Scripts = append(s.Scripts, "js/widget.js")
	if u, err := url.Parse(b.Endpoint); err == nil && u.Host == "eu.frcapi.com" {
		w.Endpoint = "eu"
	}
	return w
}

// The caps of one question to a company: nobody waits longer than that for it.
const (
	mostAnswer  = 64 << 10
	longestWait = 5 * time.Second
	longestWord = 8 << 10
)

// vouches asks the company whether what its widget answered is good. It fails
// closed: no answer, a slow or an unreadable one is no.
func (p provider) vouches(v *visit) error {
	answer := v.typed(p.field)
	if answer == "" || len(answer) > longestWord {
		return errRobot
	}
	b := v.t.Settings.Bots
	secret, err := b.Secret.Resolve()
	if err != nil {
		return p.silent(v, err)
	}
	to := p.verify
	if b.Endpoint != "" {
		to = b.Endpoint
	}
	contentType, body, header := p.ask(b, secret, answer)
	got, err := v.l.outbound.Limit(mostAnswer, longestWait).Post(v.r.Context(), to, contentType, body, header)
	if err != nil {
		return p.silent(v, err)
	}
	var told struct {
		Success *bool `json:"success"`
	}
	switch {
	case got.Status != http.StatusOK: // of a wrong secret, too: the operator's to see
		return p.silent(v, fmt.Errorf("answered %d", got.Status))
	case json.Unmarshal(got.Body, &told) != nil || told.Success == nil:
		return p.silent(v, errors.New("answered something else"))
	case !*told.Success:
		return errRobot
	}
	return nil
}

// silent tells the operator in the request's record what the visitor need not
// know.
func (p provider) silent(v *visit, err error) error {
	web.Record(v.r).Add("bot_check", err)
	return errUnchecked
}
