package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/base/web"
)

func mapped(locales, words, page, body string) fs.FS {
	files := fstest.MapFS{page: {Data: []byte(body)}}
	for _, l := range []string{"en", "de", "fr", "es", "ar"} {
		files[fmt.Sprintf(locales, l)] = &fstest.MapFile{Data: []byte(words)}
	}
	return files
}

type form struct {
	Shell
	Email Field
	Extra string
}

func (form) Template() string { return "x/form" }

const formBody = `<h1>{{.Title}}</h1><p>{{.Extra}}</p><p>{{.Rich "x.hello" "name" (bdi .Extra) "link" (link .Extra "here")}}</p><form method="post" action="/x" novalidate>{{.Show .Email}}<button>x</button></form>`

func house(t *testing.T, o Options) (*UI, *web.Mux) {
	t.Helper()
	o.Clock = func() time.Time { return SampleTime }
	u, err := New(o, Part{Name: "x", Files: mapped("locales/%s.json", `{"x.title": "Title", "x.hello": "Hello {name}, {link}", "x.fault.own": "In our own words, wait {wait}"}`, "form.html", formBody), Pages: []Page{form{}}})
	if err != nil {
		t.Fatal(err)
	}
	m := web.NewMux(web.Config{Host: web.OneHost("https://id.example.test", nil), Teller: u.Teller("x")})
	u.Routes(m)
	return u, m
}

func get(m http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "id.example.test"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

func TestAPageIsAnsweredInTheVisitorsLanguageAndTheme(t *testing.T) {
	t.Parallel()
	u, m := house(t, Options{})
	m.Handle("GET /form", u.Teller("x"), func(w http.ResponseWriter, r *http.Request) error {
		p := form{Shell: u.Shell(r, Visit{})}
		p.Title = p.T("x.title")
		return u.Render(w, r, 200, p)
	}, web.Public())
	w := get(m, "/form", "Accept-Language", "ar-EG,de;q=0.5", "Cookie", "__Host-theme=dark")
	body := w.Body.String()
	if w.Code != 200 || w.Header().Get("Content-Language") != "ar" || !strings.Contains(body, `<html lang="ar" dir="rtl" data-theme="dark">`) {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), body)
	}
	if strings.Contains(body, "preload") {
		t.Error("an Arabic page preloads a Latin typeface")
	}
	if w = get(m, "/form", "Cookie", "__Host-locale=de; __Host-theme=neon"); !strings.Contains(w.Body.String(), `<html lang="de" dir="ltr">`) {
		t.Error("the cookie did not choose the language, or an unknown theme came through")
	}
	if w = get(m, "/nowhere", "Accept-Language", "fr"); w.Code != 404 || !strings.Contains(w.Body.String(), "Il n’y a rien ici") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAFieldSaysWhatTheSummarySays(t *testing.T) {
	t.Parallel()
	u, _ := house(t, Options{})
	s := u.Sample("en", nil)
	p := form{Shell: s.Shell(), Email: Field{Name: "email", Label: "Email", Type: "email", Autocomplete: "email", Hint: "A hint", Value: "mia@"}}
	p.part = "x"
	p.Fault(errors.Join(fault.New(fault.Invalid, "own", "English.").At("email").In(90*time.Second), fault.New(fault.Invalid, "unheard", "Only English.").At("other"), errors.New("secret cause")))
	p.Fail("email", "x.title")
	if len(p.Problems) != 3 || p.Status() != 422 {
		t.Fatalf("%d: %+v", p.Status(), p.Problems)
	}
	body, err := u.HTML(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"In our own words, wait 2 minutes", "Only English.", `aria-describedby="email-error email-hint"`, `href="#email"`, "Something went wrong on our side", `value="mia@"`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(string(body), "secret cause") {
		t.Error("a private cause came out")
	}
}

func TestH160_WhatPeopleTypeStaysText(t *testing.T) {
	t.Parallel()
	u, _ := house(t, Options{})
	for _, evil := range []string{`"><script>alert(1)</script>`, `javascript:alert(1)`, `' onfocus=alert(1) x='`, `{{.}}`, "\u202e</bdi><img src=x onerror=alert(1)>"} {
		s := u.Sample("en", u.MakeLook(Brand{Name: evil, Tagline: evil, Links: Links{Help: evil, Terms: "javascript:alert(2)"}, Color: evil, Words: map[string]map[string]string{"en": {"x.hello": "<b>{name}</b> {link}"}}}))
		p := form{Shell: s.Shell(), Extra: evil, Email: Field{Name: "email", Label: evil, Value: evil, Hint: evil}}
		p.Title, p.Flash = evil, evil
		p.FailText("email", evil)
		body, err := u.HTML(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", `href="javascript`, "<b>", " onfocus=alert(1) x='\""} {
			if strings.Contains(string(body), bad) {
				t.Errorf("%q gave %s", evil, bad)
			}
		}
	}
}

func TestATenantsLookIsServedUnderItsDigest(t *testing.T) {
	t.Parallel()
	var look *Look
	u, m := house(t, Options{Look: func(*http.Request) *Look { return look }})
	png := []byte("\x89PNG\r\n\x1a\nrest")
	look = u.MakeLook(Brand{Key: "t1", Version: 1, Name: "Fern", Color: "#ffd400", Logo: png, Locale: "de", Locales: []string{"de", "en", "xx"}})
	w := get(m, look.CSS)
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "@layer brand{") || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = get(m, look.Logo); w.Header().Get("Content-Type") != "image/png" || w.Body.String() != string(png) {
		t.Errorf("%v", w.Header())
	}
	if w = get(m, "/_b/0000.css"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	if got := u.Locale(httptest.NewRequest("GET", "/", nil), Visit{}); got != "de" {
		t.Errorf("the tenant's language is %s", got)
	}
	if again := u.MakeLook(Brand{Key: "t1", Version: 1}); again != look {
		t.Error("the same look was made twice")
	}
	if next := u.MakeLook(Brand{Key: "t1", Version: 2, Name: "New"}); next == look || next.Name != "New" {
		t.Error("a changed brand keeps its former look")
	}
}

func TestTenantsReplaceSingleTexts(t *testing.T) {
	t.Parallel()
	u, _ := house(t, Options{})
	look := u.MakeLook(Brand{Name: "Fern", Words: map[string]map[string]string{"en": {"x.title": "Our title", "ui.help": "{evil}"}}})
	w := u.Words("en", look)
	if w.T("x.title") != "Our title" || w.T("ui.help") != "Help" {
		t.Errorf("%s, %s", w.T("x.title"), w.T("ui.help"))
	}
	if u.Words("de", look).T("x.title") != "Title" {
		t.Error("another language was replaced too")
	}
}

func TestPseudoLocalesAreForDevelopment(t *testing.T) {
	t.Parallel()
	var look *Look
	u, _ := house(t, Options{Look: func(*http.Request) *Look { return look }})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "locale=en-XA")
	for dev, want := range map[bool]words.Locale{true: words.Accented, false: "en"} {
		look = u.MakeLook(Brand{Name: "x", Pseudo: dev})
		if got := u.Locale(r, Visit{}); got != want {
			t.Errorf("development %v: %s", dev, got)
		}
	}
}

func TestTimesCarryTheInstantAndTheZone(t *testing.T) {
	t.Parallel()
	u, _ := house(t, Options{})
	s := u.Sample("en", nil).Shell()
	got := string(s.Ago(SampleTime.Add(-5 * time.Minute)))
	if !strings.Contains(got, `datetime="2026-11-22T10:07:00+01:00"`) || !strings.Contains(got, "(Europe/Berlin)") || !strings.Contains(got, ">5 minutes ago<") {
		t.Errorf("%s", got)
	}
}

// Checklist 46: a page in at most 5 ms.
func BenchmarkPage(b *testing.B) {
	u, err := New(Options{Clock: func() time.Time { return SampleTime }})
	if err != nil {
		b.Fatal(err)
	}
	p := u.Sample("en", nil).gallery(true)
	for b.Loop() {
		if _, err := u.HTML(p); err != nil {
			b.Fatal(err)
		}
	}
}
