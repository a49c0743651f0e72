package login

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Help answers what people ask at the front door.
type Help struct {
	ui.Shell
	Answers []Answer
	Links   []ui.Button
}

// Template names the page's file.
func (Help) Template() string { return "login/help" }

// Answer is a question with what to do.
type Answer struct {
	Question string
	Text     template.HTML
}

// Legal is where a document is found, for tenants that link none.
type Legal struct {
	ui.Shell
	Text      string
	Documents []ui.Link
}

// Template names the page's file.
func (Legal) Template() string { return "login/legal" }

// Language offers the languages and the themes.
type Language struct {
	ui.Shell
	Languages ui.LanguagePicker
	Themes    ui.ThemePicker
}

// Template names the page's file.
func (Language) Template() string { return "login/language" }

// here is the path of this origin to go back to.
func here(to string) string {
	if web.Local(to) {
		return to
	}
	return account.SignInPath
}

// askLanguage offers the languages as a page, for who has no scripts.
func (l *Login) askLanguage(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r)
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	return l.ui.Render(w, r, http.StatusOK, languagePage(s, here(q.Get("return"))))
}

func languagePage(s ui.Shell, back string) Language {
	p := Language{
		Shell:     s,
		Languages: ui.LanguagePicker{Action: "/language", Return: back}, Themes: ui.ThemePicker{Action: "/theme", Return: back},
	}
	p.Title = p.T("login.language.title")
	p.Back = &ui.Link{Href: back, Text: p.T("login.back")}
	return p
}

// language keeps the language that was chosen: for the browser, and for the
// journey that the visitor is on, whatever its application asked for.
func (l *Login) language(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(r, 0)
	if err != nil {
		return err
	}
	to, locale := here(form.Get("return")), form.Get("locale")
	offered := l.ui.Shell(r, ui.Visit{}).Look.Locales
	pseudo := []words.Locale{words.Accented, words.Mirrored}
	if !slices.Contains(append(pseudo, offered...), words.Locale(locale)) {
		return fault.New(fault.Invalid, "locale_unknown", "This language is not offered here.").At("locale")
	}
	web.SetCookie(w, r, web.Cookie{Name: localeCookie, Value: locale, MaxAge: year})
	if err := l.speak(w, r, to, locale); err != nil {
		return err
	}
	web.Redirect(w, r, to)
	return nil
}

// speak changes the language of a journey that goes on, if the path is one.
func (l *Login) speak(w http.ResponseWriter, r *http.Request, path, locale string) error {
	name, ok := strings.CutPrefix(path, "/signin/")
	if !ok {
		return nil
	}
	name, _, _ = strings.Cut(name, "?")
	name, _, _ = strings.Cut(name, "/")
	var id signin.ID
	if id.UnmarshalText([]byte(name)) != nil {
		return nil
	}
	browser, _ := browserOf(r)
	err := l.db.Update(r.Context(), func(tx *db.Tx) error {
		f, err := signin.Load(tx, of(r), id, browser)
		if err != nil {
			return err
		}
		f.Locale = locale
		return signin.Save(tx, of(r), &f)
	})
	if f := fault.Of(err); f != nil && !over(f) && !moved(f) {
		return err
	}
	return nil
}

// theme keeps light, dark or, for anything else, the system's.
func (l *Login) theme(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(r, 0)
	if err != nil {
		return err
	}
	switch theme := form.Get("theme"); theme {
	case "light", "dark":
		web.SetCookie(w, r, web.Cookie{Name: themeCookie, Value: theme, MaxAge: year})
	default:
		web.DropCookie(w, r, themeCookie)
	}
	web.Redirect(w, r, here(form.Get("return")))
	return nil
}

// helpPath is where tenants without a help page of their own are linked.
const helpPath = "/help"

func (l *Login) help(w http.ResponseWriter, r *http.Request) error {
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	host := strings.TrimPrefix(strings.TrimPrefix(web.Origin(r), "https://"), "http://")
	return l.ui.Render(w, r, http.StatusOK, helpPage(s, host, !of(r).Settings.Password.Off))
}

func helpPage(s ui.Shell, host string, passwords bool) Help {
	s.Layout = ui.Document
	p := Help{Shell: s}
	p.Title = p.T("login.help.title")
	for _, word := range []string{"code", "lost", "password", "real", "unasked"} {
		if word == "password" && !passwords {
			continue
		}
		p.Answers = append(p.Answers, Answer{
			Question: p.T("login.help." + word + ".question"),
			Text: p.Rich("login.help."+word+".answer", "host", ui.Ltr(host), "name", ui.Bdi(p.Look.Name),
				"recover", ui.Anchor(account.RecoverPath, p.T("login.help.recover"))),
		})
	}
	if to := p.Look.Links.Help; to != "" && to != helpPath {
		p.Links = append(p.Links, ui.Button{Text: p.T("login.support", "name", p.Look.Name), Href: to})
	}
	p.Links = append(p.Links, ui.Button{Text: p.T("login.help.signin"), Href: account.SignInPath})
	return p
}

func (l *Login) licences(w http.ResponseWriter, r *http.Request) error { return l.ui.Licences(w, r) }

// legal shows where the tenant's documents are. Tenants that name an address in
// their settings are linked there directly.
func (l *Login) legal(w http.ResponseWriter, r *http.Request) error {
	kind := r.PathValue("kind")
	if kind != consent.Terms && kind != consent.Privacy {
		return web.ErrPath
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	var list []consent.Document
	err := l.db.View(r.Context(), func(tx *db.Tx) (err error) {
		list, err = consent.Documents(tx, of(r), string(s.Locale))
		return err
	})
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(d consent.Document) bool { return d.Kind != kind })
	return l.ui.Render(w, r, http.StatusOK, legalPage(s, kind, list))
}

func legalPage(s ui.Shell, kind string, list []consent.Document) Legal {
	s.Layout = ui.Document
	p := Legal{Shell: s}
	p.Title = p.T("login.legal." + kind)
	p.Text = p.T("login.legal.none", "name", p.Look.Name)
	for _, d := range list {
		p.Text = p.T("login.legal.some", "name", p.Look.Name)
		p.Documents = append(p.Documents, ui.Link{Href: d.URL, Text: d.Title})
	}
	return p
}
