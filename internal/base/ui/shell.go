package ui

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/base/web"
)

// Layout is what stands round a page's own content.
type Layout string

// The layouts.
const (
	Hosted   Layout = "hosted"   // one panel in the middle; the zero value is the same
	Portal   Layout = "portal"   // bar, list of pages, one column
	Document Layout = "document" // bar and one column
)

// Shell is what every page has. Faces embed it in their pages and get it from
// UI.Shell.
type Shell struct {
	Title    string // the h1 and, with the tenant's name, the title of the window
	Layout   Layout
	Wide     bool      // Hosted: a wider panel, for consent and tables
	Problems []Problem // what is wrong with the input, in the order of the fields
	Flash    string    // what was done, said once on top: "Saved"
	Back     *Link     // where "back" leads, above the heading
	Nav      []NavItem // Portal: the list of pages
	Person   *Person   // Portal: who is signed in
	Refresh  *Refresh  // waiting pages: when to look again
	Scripts  []string  // assets that are modules, besides enhance.js: "login/passkey.js"
	CSP      web.CSP

	Locale words.Locale
	Zone   *time.Location
	Theme  string // "light", "dark", or "" for the system's
	Now    time.Time
	Path   string // of the request, with its query
	Look   *Look

	ui    *UI
	words *words.Words
	part  string
}

// Problem is one thing that is wrong with the input. Field is the name and id
// of the field, or empty if it concerns the whole form.
type Problem struct{ Field, Text string }

// Link is an address with its words.
type Link struct{ Href, Text string }

// NavItem is one entry of the portal's list of pages.
type NavItem struct {
	Href, Text, Icon string
	Current          bool
}

// Person is who is signed in, in the portal's bar. Accounts leads to the
// chooser; SignOut receives a POST.
type Person struct{ Name, Address, Accounts, SignOut string }

// Refresh makes a page load To after some seconds, without a script.
type Refresh struct {
	After int
	To    string
}

// Visit is what a face knows about who looks at a page.
type Visit struct {
	UILocales string // ui_locales of the request in hand
	Account   string // the locale of the customer's account
	Zone      string // the customer's IANA time zone
	Part      string // whose "<part>.fault.<code>" words come first
}

// Shell begins a page for a request: locale, theme, look, zone and now.
func (u *UI) Shell(r *http.Request, v Visit) Shell {
	look := u.look(r)
	locale := u.Locale(r, v)
	s := u.shell(look, locale)
	s.part, s.Path = v.Part, r.URL.RequestURI()
	if zone, err := time.LoadLocation(v.Zone); err == nil && v.Zone != "" && v.Zone != "Local" {
		s.Zone = zone
	}
	if theme := web.ReadCookie(r, "theme"); theme == "light" || theme == "dark" {
		s.Theme = theme
	}
	return s
}

func (u *UI) shell(look *Look, locale words.Locale) Shell {
	return Shell{
		Layout: Hosted, Locale: locale, Zone: look.zone, Now: u.options.Clock(), Path: "/", Look: look,
		ui: u, words: look.words(u.book, locale),
	}
}

// Locale chooses the language of an answer to a request.
func (u *UI) Locale(r *http.Request, v Visit) words.Locale {
	look := u.look(r)
	cookie := web.ReadCookie(r, "locale")
	if look.pseudo && (cookie == string(words.Accented) || cookie == string(words.Mirrored)) {
		return words.Locale(cookie)
	}
	return words.Negotiate(look.Locales, words.Wish{
		UILocales: v.UILocales, Cookie: cookie, Account: v.Account,
		Accept: r.Header.Get("Accept-Language"), Default: look.Locale,
	})
}

func (u *UI) look(r *http.Request) *Look {
	if u.options.Look != nil {
		if l := u.options.Look(r); l != nil {
			return l
		}
	}
	return u.house
}

func (s Shell) base() Shell { return s }

// Words are those that the page speaks with, the tenant's own texts among them.
func (s Shell) Words() *words.Words { return s.words }

// T is the text of a key; arguments are pairs of name and value.
func (s Shell) T(key string, args ...any) string { return s.words.T(key, args...) }

// Has reports whether there is such a key.
func (s Shell) Has(key string) bool { return s.words.Has(key) }

// Rich is the text of a key with markup in its arguments: link, ltr, bdi, strong.
func (s Shell) Rich(key string, args ...any) template.HTML { return s.words.Rich(key, args...) }

// Number writes a whole number.
func (s Shell) Number(n int) string { return s.words.Number(n) }

// List joins names.
func (s Shell) List(items []string) string { return s.words.List(items) }

// Span writes a length of time: "2 minutes".
func (s Shell) Span(d time.Duration) string { return s.words.Span(d) }

// Term writes how long something is kept: "10 years".
func (s Shell) Term(d time.Duration) string { return s.words.Term(d) }

// Date is a day as a time element.
func (s Shell) Date(t time.Time) template.HTML { return s.when(t, s.words.Date(t, s.Zone)) }

// ShortDate is a day for tables.
func (s Shell) ShortDate(t time.Time) template.HTML { return s.when(t, s.words.ShortDate(t, s.Zone)) }

// DateTime is a day and a time as a time element.
func (s Shell) DateTime(t time.Time) template.HTML { return s.when(t, s.words.DateTime(t, s.Zone)) }

// Clock is a time of day as a time element.
func (s Shell) Clock(t time.Time) template.HTML { return s.when(t, s.words.Clock(t, s.Zone)) }

// Ago is how long ago something was, as a time element.
func (s Shell) Ago(t time.Time) template.HTML { return s.when(t, s.words.Ago(t, s.Now, s.Zone)) }

// when puts the instant for machines and the whole of it, with the zone, beside
// what is shown.
func (s Shell) when(t time.Time, shown string) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.In(s.Zone).Format(time.RFC3339), template.HTMLEscapeString(s.words.Instant(t, s.Zone)), template.HTMLEscapeString(shown)))
}

// Asset is the address of an asset, "js/enhance.js" or "login/passkey.js".
func (s Shell) Asset(name string) string { return s.ui.assets.Path(name) }

// view is what a component's template sees: the shell and the component as C.
type view struct {
	Shell
	C any
}

// Show draws a component.
func (s Shell) Show(c Component) (template.HTML, error) {
	if c == nil {
		return "", nil
	}
	var b bytes.Buffer
	if err := s.ui.templates.ExecuteTemplate(&b, c.Template(), view{s, c}); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}

// Problem is what is wrong with a field, or nothing.
func (s Shell) Problem(field string) string {
	for _, p := range s.Problems {
		if p.Field == field && field != "" {
			return p.Text
		}
	}
	return ""
}

// Describe is the value of aria-describedby for a field with or without a hint.
func (s Shell) Describe(field string, hinted bool) string {
	out := ""
	if s.Problem(field) != "" {
		out = field + "-error"
	}
	if hinted {
		if out != "" {
			out += " "
		}
		out += field + "-hint"
	}
	return out
}

// Fail adds a problem in the words of a key. A field has at most one problem,
// the first one.
func (s *Shell) Fail(field, key string, args ...any) { s.FailText(field, s.T(key, args...)) }

// FailText adds a problem in words of one's own.
func (s *Shell) FailText(field, text string) {
	if s.Problem(field) == "" {
		s.Problems = append(s.Problems, Problem{field, text})
	}
}

// Fault adds what a fault says: in the words of "<part>.fault.<code>", else of
// "fault.<code>", else its own English sentence. Anything that is no fault is
// told as the house's own failure. Joined errors are told one by one.
func (s *Shell) Fault(err error) {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			s.Fault(e)
		}
		return
	}
	if f := fault.Of(err); f != nil {
		s.FailText(f.Field, s.FaultText(f))
	}
}

// FaultText is a fault in the page's language. Its words may use {wait}, which
// is how long to wait.
func (s Shell) FaultText(f *fault.Error) string {
	wait := s.Span(max(f.Retry, time.Minute))
	if f.Retry > 0 {
		wait = s.Span(f.Retry)
	}
	for _, key := range []string{s.part + ".fault." + f.Code, "fault." + f.Code} {
		if s.Has(key) {
			return s.T(key, "wait", wait)
		}
	}
	if f.Kind == fault.Internal {
		return s.T("fault.internal")
	}
	return f.Text
}

// Status is 422 for a page with problems and 200 for any other.
func (s Shell) Status() int {
	if len(s.Problems) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// Lang is the language tag of the page.
func (s Shell) Lang() string { return string(s.Locale) }

// Dir is the direction of writing.
func (s Shell) Dir() string { return s.Locale.Dir() }

// Inside is the shell as the templates of the layout see it; New puts the call
// round every page.
func (s Shell) Inside(part string) Shell {
	s.part = part
	return s
}

// Style is the style sheet that the page's part brought along, if any.
func (s Shell) Style() string {
	if s.ui.styled[s.part] {
		return s.Asset(s.part + "/style.css")
	}
	return ""
}

// Sheet is the style sheet of the layout.
func (s Shell) Sheet() string {
	if s.Layout == Hosted || s.Layout == "" {
		return s.Asset("css/hosted.css")
	}
	return s.Asset("css/portal.css")
}
