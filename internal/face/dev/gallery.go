package dev

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/words"
)

// Gallery lists every component and page in its states.
type Gallery struct {
	ui.Shell
	Wings   []Shelf
	Locales []Choice
}

// Shelf is one wing of the gallery.
type Shelf struct {
	Name string
	Rows []Frame
}

// Frame is one specimen with the addresses of its states.
type Frame struct {
	Name   string
	States []ui.Link
}

// Choice is a language to look at the gallery in.
type Choice struct {
	Tag  string
	Here bool
}

// Template names the template.
func (Gallery) Template() string { return "dev/gallery" }

// looks are the languages of the gallery, the pseudo-locale last.
var looks = []string{"en", "de", "fr", "es", "ar", string(words.Accented)}

func (d *Dev) gallery(w http.ResponseWriter, r *http.Request) error {
	locale := pick(r.URL.Query().Get("locale"))
	s := d.UI.Shell(r, ui.Visit{Part: "dev"})
	return d.UI.Render(w, r, http.StatusOK, newGallery(s, d.shelves(s.Look, locale), locale))
}

func newGallery(s ui.Shell, wings []Shelf, locale string) Gallery {
	s.Layout, s.Title = ui.Document, s.T("dev.gallery.title")
	g := Gallery{Shell: s, Wings: wings}
	for _, tag := range looks {
		g.Locales = append(g.Locales, Choice{tag, tag == locale})
	}
	return g
}

func pick(locale string) string {
	if slices.Contains(looks, locale) {
		return locale
	}
	return "en"
}

func (d *Dev) shelves(look *ui.Look, locale string) []Shelf {
	var out []Shelf
	for _, wing := range d.Galleries {
		shelf := Shelf{Name: wing.Name}
		for _, sp := range wing.Specimens(d.UI.Sample(words.Locale(locale), look)) {
			i := slices.IndexFunc(shelf.Rows, func(f Frame) bool { return f.Name == sp.Name })
			if i < 0 {
				shelf.Rows, i = append(shelf.Rows, Frame{Name: sp.Name}), len(shelf.Rows)
			}
			q := url.Values{"wing": {wing.Name}, "name": {sp.Name}, "state": {sp.State}, "locale": {locale}}
			shelf.Rows[i].States = append(shelf.Rows[i].States, ui.Link{Href: "/dev/gallery/page?" + q.Encode(), Text: sp.State})
		}
		out = append(out, shelf)
	}
	return out
}

var errNoSpecimen = fault.New(fault.NotFound, "specimen_not_found", "There is no such page in the gallery.")

func (d *Dev) specimen(w http.ResponseWriter, r *http.Request) error {
	q, look := r.URL.Query(), d.UI.Shell(r, ui.Visit{}).Look
	for _, wing := range d.Galleries {
		if wing.Name != q.Get("wing") {
			continue
		}
		for _, sp := range wing.Specimens(d.UI.Sample(words.Locale(pick(q.Get("locale"))), look)) {
			if sp.Name == q.Get("name") && (q.Get("state") == "" || sp.State == q.Get("state")) {
				return d.UI.Render(w, r, http.StatusOK, sp.Page)
			}
		}
	}
	return errNoSpecimen
}
