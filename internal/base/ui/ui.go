package ui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/base/web"
)

//go:embed parts/*.html pages/*.html locales/*.json assets icons/*.svg licences/*.txt
var own embed.FS

// Page is a typed page: a struct that embeds Shell and names its template,
// "login/code" for code.html of the part called login.
type Page interface {
	Template() string
	base() Shell
}

// Component is a typed piece of a page, drawn by Shell.Show.
type Component interface{ Template() string }

// Part is what a face brings along.
type Part struct {
	Name  string // "login": its templates and words begin with it
	Files fs.FS  // *.html, locales/*.json, and assets/* if it has any
	Pages []Page // one of each type; New refuses one whose template is missing
}

// Options are what the server hands in.
type Options struct {
	// Look says how the request's tenant looks; nil, or an answer of nil, is the
	// house's own look.
	Look func(r *http.Request) *Look
	// Clock is the server's clock. Required.
	Clock func() time.Time
}

// UI holds every template, word and asset, parsed once. It does not change.
type UI struct {
	options   Options
	templates *template.Template
	book      *words.Book
	assets    *web.AssetSet
	parts     []Part
	styled    map[string]bool // parts with a style sheet of their own
	looks     sync.Map        // Key of a Brand -> *Look
	house     *Look
}

// New parses everything and tells all that is wrong at once.
func New(o Options, parts ...Part) (*UI, error) {
	if o.Clock == nil {
		return nil, errors.New("ui: a clock is needed")
	}
	u := &UI{options: o, parts: parts, styled: map[string]bool{}}
	var err error
	if u.book, err = words.NewBook(sets(parts)...); err != nil {
		return nil, err
	}
	if err := u.bundle(); err != nil {
		return nil, err
	}
	if err := u.parse(); err != nil {
		return nil, err
	}
	u.house = u.MakeLook(Brand{Key: "house", Name: "Cardea"})
	return u, nil
}

func sets(parts []Part) []words.Set {
	out := []words.Set{Words()}
	for _, p := range parts {
		out = append(out, words.Set{Name: p.Name, Files: p.Files})
	}
	return out
}

// Words is the set of this package's own words, for books that are made without
// a UI.
func Words() words.Set {
	return words.Set{Name: "ui", Files: own, Prefixes: []string{"fault"}}
}

// Book is the words of all parts.
func (u *UI) Book() *words.Book { return u.book }

func (u *UI) parse() error {
	u.templates = template.New("ui").Funcs(funcs())
	errs := []error{u.parseOwn()}
	for _, p := range u.parts {
		errs = append(errs, u.parsePart(p))
	}
	for _, p := range append([]Part{{Pages: ownPages()}}, u.parts...) {
		for _, page := range p.Pages {
			if u.templates.Lookup(page.Template()) == nil {
				errs = append(errs, fmt.Errorf("ui: page %T has no template %s", page, page.Template()))
			}
		}
	}
	return errors.Join(errs...)
}

func (u *UI) parseOwn() error {
	_, err := u.templates.ParseFS(own, "parts/*.html")
	if err != nil {
		return err
	}
	sub, err := fs.Sub(own, "pages")
	if err != nil {
		return err
	}
	return u.parsePart(Part{Name: "ui", Files: sub})
}

// parsePart wraps each file in the shell: a page's template is its file, and
// what it writes stands inside main.
func (u *UI) parsePart(p Part) error {
	files, err := fs.Glob(p.Files, "*.html")
	if err != nil {
		return err
	}
	for _, file := range files {
		body, err := fs.ReadFile(p.Files, file)
		if err != nil {
			return err
		}
		name, text := p.Name+"/"+strings.TrimSuffix(path.Base(file), ".html"), string(body)
		if !strings.HasPrefix(path.Base(file), "_") {
			shell := ` (.Inside "` + p.Name + `")}}`
			text = `{{template "ui/open"` + shell + text + `{{template "ui/close"` + shell
		}
		before := u.templates.Templates()
		if _, err := u.templates.New(name).Parse(text); err != nil {
			return err
		}
		if err := u.named(p.Name, before); err != nil {
			return err
		}
	}
	return nil
}

// named refuses templates that a file defines under the name of another part.
func (u *UI) named(part string, before []*template.Template) error {
	known := map[string]bool{}
	for _, t := range before {
		known[t.Name()] = true
	}
	for _, t := range u.templates.Templates() {
		if !known[t.Name()] && !strings.HasPrefix(t.Name(), part+"/") {
			return fmt.Errorf("ui: template %q does not begin with %q", t.Name(), part+"/")
		}
	}
	return nil
}

// HTML writes a page to memory.
func (u *UI) HTML(p Page) ([]byte, error) {
	s := p.base()
	if s.ui == nil {
		return nil, fmt.Errorf("ui: page %T has a shell that UI.Shell did not make", p)
	}
	var b bytes.Buffer
	err := u.templates.ExecuteTemplate(&b, p.Template(), p)
	return b.Bytes(), err
}

// Render answers with a page. The page is made completely before anything is
// sent, so that a defect becomes an error page and never half a page.
func (u *UI) Render(w http.ResponseWriter, r *http.Request, status int, p Page) error {
	body, err := u.HTML(p)
	if err != nil {
		return err
	}
	s := p.base()
	web.Page(w, r, s.CSP)
	w.Header().Set("Content-Language", string(s.Locale))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
	return nil
}

// Routes serves the assets and the tenants' style sheets and logos.
func (u *UI) Routes(m *web.Mux) {
	m.Handle(u.assets.Pattern(), nil, u.assets.Serve, web.Public(), web.AnyHost())
	m.Handle("GET /_b/{file}", nil, u.serveLook, web.Public())
	m.Handle("GET /favicon.ico", nil, u.favicon, web.Public(), web.AnyHost())
}

func (u *UI) favicon(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Header().Set("Location", u.assets.Path("mark.svg"))
	w.WriteHeader(http.StatusMovedPermanently)
	return nil
}
