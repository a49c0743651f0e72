package ui

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui/brand"
)

func sheetsOf(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(own, "assets/css/*.css")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	all := map[string]string{}
	for _, name := range names {
		raw, err := own.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[path.Base(name)] = comments.ReplaceAllString(string(raw), "")
	}
	return all
}

func TestColoursAndPixelsStandInTokensAlone(t *testing.T) {
	t.Parallel()
	raw := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|\b(rgb|hsl|oklch|lab|lch)a?\(|[^-\w.][\d.]+px|:\s*(white|black|red|green|blue)\b`)
	for name, css := range sheetsOf(t) {
		if name == "tokens.css" {
			continue
		}
		for _, found := range raw.FindAllString(css, -1) {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestStylesKnowNoLeftAndRight(t *testing.T) {
	t.Parallel()
	sided := regexp.MustCompile(`(?:^|[\s;{-])(left|right)\s*:|(?:margin|padding|border|inset)-(?:left|right|top|bottom)|text-align:\s*(?:left|right)|float:|[^-](?:width|height):`)
	for name, css := range sheetsOf(t) {
		for _, found := range sided.FindAllString(strings.ReplaceAll(css, "max-width:", ""), -1) {
			t.Errorf("39: %s: %q", name, found)
		}
	}
}

func TestStylesUseKnownTokensAndLayers(t *testing.T) {
	t.Parallel()
	all, known := sheetsOf(t), map[string]bool{}
	for _, css := range all {
		for _, m := range regexp.MustCompile(`(--[a-z0-9-]+)\s*:`).FindAllStringSubmatch(css, -1) {
			known[m[1]] = true
		}
	}
	for name, css := range all {
		for _, m := range regexp.MustCompile(`var\((--[a-z0-9-]+)`).FindAllStringSubmatch(css, -1) {
			if !known[m[1]] {
				t.Errorf("%s uses %s, which is no token", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`@layer ([a-z]+) \{`).FindAllStringSubmatch(css, -1) {
			if !strings.Contains("reset tokens base layout components utilities", m[1]) {
				t.Errorf("%s has a layer of its own, %s", name, m[1])
			}
		}
		if strings.Count(css, "{") != strings.Count(css, "}") {
			t.Errorf("%s: braces do not match", name)
		}
	}
}

// pairs are texts on grounds, with the least contrast of each.
var pairs = []struct {
	text, ground string
	least        float64
}{
	{"ink", "canvas", 4.5}, {"ink", "surface", 4.5}, {"ink", "sunken", 4.5}, {"ink-2", "surface", 4.5}, {"ink-2", "canvas", 4.5}, {"ink-2", "sunken", 4.5},
	{"ink-3", "surface", 4.5}, {"ink-3", "canvas", 4.5}, {"ink-3", "sunken", 4.5}, {"on-brand", "brand", 4.5}, {"on-brand", "brand-hover", 4.5},
	{"brand-ink", "surface", 4.5}, {"brand-ink", "canvas", 4.5}, {"brand-ink", "brand-soft", 4.5}, {"ink", "brand-soft", 4.5}, {"ink", "accent-soft", 4.5},
	{"danger", "surface", 4.5}, {"danger", "canvas", 4.5}, {"danger", "danger-soft", 4.5}, {"on-danger", "danger", 4.5}, {"warn", "warn-soft", 4.5},
	{"ok", "ok-soft", 4.5}, {"info", "info-soft", 4.5}, {"ink", "danger-soft", 4.5}, {"ink", "warn-soft", 4.5}, {"ink", "ok-soft", 4.5}, {"ink", "info-soft", 4.5},
	{"line-strong", "surface", 3}, {"line-strong", "canvas", 3}, {"brand-line", "surface", 3}, {"brand-line", "canvas", 3}, {"focus", "surface", 3}, {"focus", "canvas", 3},
}

func TestEveryPairOfTokensCanBeRead(t *testing.T) {
	t.Parallel()
	values := map[string][2]brand.Color{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):light-dark\((#[0-9a-f]{3,6}),(#[0-9a-f]{3,6})\)`).FindAllStringSubmatch(sheetsOf(t)["tokens.css"], -1) {
		values[m[1]] = [2]brand.Color{color(t, m[2]), color(t, m[3])}
	}
	for _, p := range pairs {
		a, b := values[p.text], values[p.ground]
		for i, theme := range []string{"light", "dark"} {
			if got := brand.Contrast(a[i], b[i]); got < p.least {
				t.Errorf("32: %s on %s in %s has %.2f", p.text, p.ground, theme, got)
			}
		}
	}
}

func color(t *testing.T, s string) brand.Color {
	t.Helper()
	if len(s) == 4 {
		s = "#" + strings.Repeat(s[1:2], 2) + strings.Repeat(s[2:3], 2) + strings.Repeat(s[3:4], 2)
	}
	c, err := brand.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBrowsersWithoutLightDarkGetTheLightTheme(t *testing.T) {
	t.Parallel()
	got := fallback(tighten(":root {\n --a:light-dark(#fff,#000); --b:1px;\n}"))
	want := ":root{--a:#fff;--b:1px}@supports (color:light-dark(#000,#fff)){:root{--a:light-dark(#fff,#000)}}"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func squeezed(t *testing.T, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// The budget of a hosted page is 12 KB of HTML, CSS and JavaScript, and 30 KB
// with the typeface (checklist 43). 4 KB are the page's own.
func TestHostedPagesStayWithinTheirBudget(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	if err := gather(files, own, "assets", ""); err != nil {
		t.Fatal(err)
	}
	var css []byte
	for _, name := range sheets["css/hosted.css"] {
		css = append(css, files["css/"+name]...)
	}
	code := squeezed(t, css) + squeezed(t, files["js/enhance.js"])
	if code > 8<<10 {
		t.Errorf("CSS and JavaScript are %d bytes", code)
	}
	if all := code + len(files["font/figtree.woff2"]) + len(files["mark.svg"]); all > 26<<10 {
		t.Errorf("with the typeface they are %d bytes", all)
	}
}

func TestPartsKeepToTheirOwnNames(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return SampleTime }
	for name, files := range map[string]fs.FS{
		"template": mapped("locales/%s.json", `{"x.a": "A"}`, "a.html", `{{define "login/a"}}{{end}}`),
		"words":    mapped("locales/%s.json", `{"y.a": "A"}`, "a.html", `a`),
		"syntax":   mapped("locales/%s.json", `{"x.a": "A"}`, "a.html", `{{.Show`),
	} {
		if _, err := New(Options{Clock: clock}, Part{Name: "x", Files: files}); err == nil {
			t.Errorf("%s: a part that takes what is not its own was let in", name)
		}
	}
	if _, err := New(Options{Clock: clock}, Part{Name: "x", Files: mapped("locales/%s.json", `{"x.a": "A"}`, "a.html", ""), Pages: []Page{ErrorPage{}, missing{}}}); err == nil {
		t.Error("a page without a template was let in")
	}
}

type missing struct{ Shell }

func (missing) Template() string { return "x/missing" }
