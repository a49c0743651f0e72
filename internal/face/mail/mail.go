package mail

import (
	"embed"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui/brand"
	"github.com/cardea-id/cardea/internal/base/ui/mail"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

//go:embed locales/*.json
var files embed.FS

// Mail words messages. It is safe for use by many goroutines.
type Mail struct{ book *words.Book }

// New parses all texts.
func New() (*Mail, error) {
	book, err := words.NewBook(words.Set{Name: "mail", Files: files})
	if err != nil {
		return nil, err
	}
	return &Mail{book: book}, nil
}

// Render words a letter; hand it to notify.Wiring. Values that a template
// counts ("minutes", "hours") are numbers, "date" (a day) and "time" are RFC 3339
// instants.
func (m *Mail) Render(l notify.Letter) (notify.Rendered, error) {
	s := m.speaker(l)
	if l.Channel == notify.Text {
		return notify.Rendered{Text: s.short()}, nil
	}
	return s.long()
}

// speaker says the texts of one letter.
type speaker struct {
	notify.Letter
	w    *words.Words
	args []any
}

func (m *Mail) speaker(l notify.Letter) *speaker {
	offered := m.book.Locales()
	if own := l.Tenant.Settings.Locales; len(own) > 0 {
		offered = among(offered, own)
	}
	locale := words.Negotiate(offered, words.Wish{Account: l.Locale, Default: words.Locale(l.Tenant.Locale())})
	w, _ := m.book.In(locale).With(l.Tenant.Brand.Words[string(locale)])
	return &speaker{Letter: l, w: w, args: arguments(l, w)}
}

func among(offered []words.Locale, own []string) []words.Locale {
	var out []words.Locale
	for _, l := range offered {
		for _, o := range own {
			if string(l) == o {
				out = append(out, l)
			}
		}
	}
	return out
}

// arguments are the letter's values as texts name them.
// apart keeps what somebody wrote from turning the words around it: in a sentence
// from right to left, a Latin word would else take brackets and full stops along.
func apart(l notify.Letter, w *words.Words, value string) string {
	if l.Channel == notify.Text || w.Locale.Dir() != "rtl" {
		return value
	}
	return "\u2068" + value + "\u2069" // first strong isolate
}

func arguments(l notify.Letter, w *words.Words) []any {
	args := []any{"tenant", l.Tenant.Name, "device", device(l.Values, w)}
	for name, value := range l.Values {
		switch name {
		case "minutes", "hours":
			n, err := strconv.Atoi(value)
			if err == nil {
				args = append(args, name, n)
			}
		case "date":
			args = append(args, name, when(value, l.Tenant, w.Date))
		case "time":
			args = append(args, name, when(value, l.Tenant, w.Instant))
		case "code":
			args = append(args, name, spaced(value))
		case "kind":
			args = append(args, name, w.T("mail.case_kind."+value))
		case "address", "topic", "reference", "reason":
			args = append(args, name, apart(l, w, value))
		default:
			args = append(args, name, value)
		}
	}
	return args
}

// when writes an instant as the customer's language does, in the tenant's zone.
func when(value string, t *tenant.Tenant, write func(time.Time, *time.Location) string) string {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return value
	}
	zone, err := time.LoadLocation(t.Zone())
	if err != nil {
		zone = time.UTC
	}
	return write(at, zone)
}

// device says on what somebody signed in. What a browser calls itself is its own
// word: one that could be read as a link or as a sentence is not repeated (H136).
func device(values map[string]string, w *words.Words) string {
	browser, system := values["browser"], values["system"]
	switch {
	case !plain(browser) || !plain(system) || browser == "" && system == "":
		return w.T("mail.device.unknown")
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return w.T("mail.device.browser_on", "browser", browser, "system", system)
}

func plain(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789 "
	return len(name) <= 24 && !strings.ContainsFunc(strings.ToLower(name), func(r rune) bool { return !strings.ContainsRune(letters, r) })
}

// spaced writes a code in two halves, as people read it: "482 913".
func spaced(code string) string {
	if len(code) != 6 {
		return code
	}
	return code[:3] + " " + code[3:]
}

// t is the text of a part of the letter's own template.
func (s *speaker) t(part string) string {
	return s.w.T("mail."+string(s.Template)+"."+part, s.args...)
}

func (s *speaker) has(part string) bool { return s.w.Has("mail." + string(s.Template) + "." + part) }

// common is a text that all letters share.
func (s *speaker) common(key string, more ...any) string {
	return s.w.T("mail."+key, append(more, s.args...)...)
}

func (s *speaker) subject() string {
	if s.Template.HasCode() {
		return s.common("code.subject")
	}
	return s.t("subject")
}

// short is the text message. The last line of one with a code lets a browser
// offer the code on the tenant's own pages alone (WICG, Origin-bound one-time
// codes delivered via SMS).
func (s *speaker) short() string {
	if !s.Template.HasCode() {
		return s.t("sms")
	}
	text := s.common("code.sms")
	if host := s.host(); host != "" {
		text += "\n\n@" + host + " #" + s.Values["code"]
	}
	return text
}

func (s *speaker) host() string {
	u, err := url.Parse(s.Tenant.Origin)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return ""
	}
	return u.Hostname()
}

func (s *speaker) long() (notify.Rendered, error) {
	p := mail.Message{
		Locale: s.w.Locale, Brand: look(s.Tenant), Heading: s.t("title"),
		Preheader: s.t("body"), Paragraphs: []string{s.t("body")},
	}
	if s.Template.HasCode() {
		p.Preheader, p.Code, p.CodeLabel = s.t("title"), spaced(s.Values["code"]), s.common("code.expires")
		if s.Values["link"] != "" {
			p.After = append(p.After, s.common("code.link"))
		}
	}
	if link := s.Values["link"]; link != "" && s.has("action") {
		if !strings.HasPrefix(link, s.Tenant.Origin+"/") {
			return notify.Rendered{}, fmt.Errorf("mail: a link leads away from %s", s.Tenant.Origin)
		}
		p.Button = &mail.Button{Text: s.t("action"), Href: link}
	}
	if s.has("note") {
		p.After = append(p.After, s.t("note"))
	}
	if s.Template.HasCode() {
		p.After = append(p.After, s.common("code.never"))
	}
	p.Footer = append(p.Footer, s.common("footer"))
	if help := s.Tenant.Settings.SupportURL; help != "" {
		p.Footer = append(p.Footer, s.common("support", "url", strings.TrimPrefix(help, "mailto:")))
	}
	html, text := mail.Render(p)
	return notify.Rendered{Subject: s.subject(), HTML: html, Text: text}, nil
}

// look is the tenant's brand as mails show it. A colour that cannot be read is
// left to the house.
func look(t *tenant.Tenant) mail.Brand {
	b := mail.Brand{Name: t.Name}
	if p, err := brand.Derive(t.Brand.Color, t.Brand.Accent); err == nil && t.Brand.Color != "" {
		b.Color, b.OnColor = p.Light.Brand.String(), p.Light.On.String()
	}
	return b
}
