package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui/brand"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/base/web"
)

// Brand is what a tenant chose, for MakeLook. Everything but Key and Name may
// be empty.
type Brand struct {
	Key                         string // whose brand it is: the tenant's id
	Version                     int64  // grows with each change of it
	Name, Tagline               string
	Color, Accent, Radius, Font string
	Logo, LogoDark              []byte // PNG
	Words                       map[string]map[string]string
	Locale                      string
	Locales                     []string
	Zone                        string
	Links                       Links
	Pseudo                      bool // development: the pseudo-locales can be chosen
}

// Links are the tenant's own pages; empty ones are not linked.
type Links struct{ Terms, Privacy, Help string }

// Look is a tenant's look, made once.
type Look struct {
	Name, Tagline       string
	CSS, Logo, LogoDark string // addresses, "" without one
	Locale              words.Locale
	Locales             []words.Locale
	Links               Links
	SystemFont          bool
	zone                *time.Location
	pseudo              bool
	version             int64
	texts               map[string]map[string]string
	own                 sync.Map // Locale -> *words.Words
	files               map[string]lookFile
}

type lookFile struct {
	kind string
	body []byte
}

// MakeLook makes a tenant's look, or gives the one that was made for the same
// Key and Version. What is wrong in a brand falls back to the house's own; it was refused
// when it was written.
func (u *UI) MakeLook(b Brand) *Look {
	if l, ok := u.looks.Load(b.Key); ok && b.Key != "" && l.(*Look).version == b.Version {
		return l.(*Look)
	}
	l := &Look{
		Name: b.Name, Tagline: b.Tagline, Links: b.Links, SystemFont: b.Font == "system",
		pseudo: b.Pseudo, version: b.Version, texts: b.Words, zone: time.UTC, files: map[string]lookFile{},
	}
	if zone, err := time.LoadLocation(b.Zone); err == nil && b.Zone != "Local" {
		l.zone = zone
	}
	l.Locales = u.offered(b.Locales)
	l.Locale = l.Locales[0]
	if slices.Contains(l.Locales, words.Locale(b.Locale)) {
		l.Locale = words.Locale(b.Locale)
	}
	if css, err := brand.CSS(brand.Choice{Color: b.Color, Accent: b.Accent, Radius: b.Radius, Font: b.Font}); err == nil && css != "" {
		l.CSS = l.add([]byte(fallback(css)), "text/css; charset=utf-8", ".css")
	}
	l.Logo = l.add(b.Logo, "image/png", "-logo.png")
	l.LogoDark = l.add(b.LogoDark, "image/png", "-logo.png")
	if b.Key != "" {
		u.looks.Store(b.Key, l)
	}
	return l
}

func (u *UI) offered(wanted []string) []words.Locale {
	all := u.book.Locales()
	kept := slices.DeleteFunc(slices.Clone(all), func(l words.Locale) bool { return !slices.Contains(wanted, string(l)) })
	if len(kept) == 0 {
		return all
	}
	return kept
}

func (l *Look) add(body []byte, kind, ending string) string {
	if len(body) == 0 {
		return ""
	}
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:10]) + ending
	l.files[name] = lookFile{kind, body}
	return "/_b/" + name
}

// words are the book's with the tenant's own texts in place.
func (l *Look) words(b *words.Book, locale words.Locale) *words.Words {
	w := b.In(locale)
	texts := l.texts[string(locale)]
	if len(texts) == 0 {
		return w
	}
	if own, ok := l.own.Load(locale); ok {
		return own.(*words.Words)
	}
	own, _ := w.With(texts)
	l.own.Store(locale, own)
	return own
}

// Words are those of a look in a locale, for what is said outside of pages.
func (u *UI) Words(locale words.Locale, look *Look) *words.Words {
	if look == nil {
		look = u.house
	}
	return look.words(u.book, locale)
}

// serveLook answers with a file of the look of the request's tenant. Its name is
// the digest of what it holds, so that it may be kept for good (H160: never as
// anything but the kind that we made it).
func (u *UI) serveLook(w http.ResponseWriter, r *http.Request) error {
	f, ok := u.look(r).files[r.PathValue("file")]
	if !ok {
		return web.ErrPath
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if strings.HasPrefix(f.kind, "image/") {
		// Mails show the logo from other origins.
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body)
	}
	return nil
}
