package uitest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/words"
)

// Locales are those in which every page is rendered: all that ship, and the
// pseudo-locale, whose texts are 40 % longer.
func Locales() []words.Locale { return append(words.Shipped(), words.Accented) }

// New makes a UI of parts with the clock of specimens.
func New(t testing.TB, parts ...ui.Part) *ui.UI {
	t.Helper()
	u, err := ui.New(ui.Options{Clock: func() time.Time { return ui.SampleTime }}, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// EveryPage renders every specimen in every locale and lints it, and tells page
// types without a specimen.
func EveryPage(t *testing.T, part ui.Part, specimens func(*ui.Sample) []ui.Specimen) {
	t.Helper()
	var parts []ui.Part
	if part.Name != "" {
		parts = append(parts, part)
	}
	u, seen := New(t, parts...), map[string]bool{}
	for _, locale := range Locales() {
		for _, s := range specimens(u.Sample(locale, nil)) {
			seen[s.Page.Template()] = true
			body, err := u.HTML(s.Page)
			if err != nil {
				t.Errorf("%s, %s, %s: %v", s.Name, s.State, locale, err)
				continue
			}
			for _, told := range Lint(string(body)) {
				t.Errorf("%s, %s, %s: %s", s.Name, s.State, locale, told)
			}
		}
	}
	for _, p := range part.Pages {
		if !seen[p.Template()] {
			t.Errorf("%s has no specimen", p.Template())
		}
	}
}

// Names gives, for each specimen in English, the names of its inputs, for a
// golden file: they are what password managers and people's own scripts know
// the form by (checklist 6).
func Names(t testing.TB, part ui.Part, specimens func(*ui.Sample) []ui.Specimen) map[string][]string {
	t.Helper()
	u, names := New(t, part), map[string]map[string]bool{}
	for _, s := range specimens(u.Sample(words.Source, nil)) {
		body, err := u.HTML(s.Page)
		if err != nil {
			t.Fatal(err)
		}
		if names[s.Name] == nil {
			names[s.Name] = map[string]bool{}
		}
		for _, n := range inputNames(string(body)) {
			names[s.Name][n] = true
		}
	}
	out := map[string][]string{}
	for page, set := range names {
		out[page] = slices.Sorted(maps.Keys(set))
	}
	return out
}

var literal = regexp.MustCompile("[\"`]([a-z]+(?:\\.[a-z0-9_]+)+)[\"`]")

// Keys checks the words of a part against its sources: every key that stands in
// its templates exists. dir is the folder of the package on disk, usually
// os.DirFS("."). Keys that code puts together are for EveryPage to find.
func Keys(t testing.TB, part ui.Part, dir fs.FS) {
	t.Helper()
	w := New(t, part).Words(words.Source, nil)
	var errs []error
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".html") && !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		raw, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		for _, m := range literal.FindAllStringSubmatch(string(raw), -1) {
			if key := m[1]; strings.HasPrefix(key, part.Name+".") && !w.Has(key) && len(w.Under(key+".")) == 0 {
				errs = append(errs, fmt.Errorf("%s says %q, which is no key", name, key))
			}
		}
		return nil
	})
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Error(err)
	}
}
