package e2e

import (
	"net/url"
	"slices"
	"strings"
)

// specimen is a page of the gallery in one state.
type specimen struct{ Wing, Name, State string }

// at is where the specimen is shown in a language.
func (s specimen) at(h *House, locale string) string {
	q := url.Values{"wing": {s.Wing}, "name": {s.Name}, "state": {s.State}, "locale": {locale}}
	return h.URL + "/dev/gallery/page?" + q.Encode()
}

// String is a name for files and for messages.
func (s specimen) String() string { return strings.ReplaceAll(s.Name, "/", "-") + "-" + s.State }

// gallery lists every page in every state, as the product itself lists them.
func gallery(t *Tab, h *House) (list []specimen) {
	t.TB.Helper()
	t.Goto(h.URL + "/dev/gallery")
	for _, href := range Ask[[]string](t, `[...document.querySelectorAll('main a[href^="/dev/gallery/page"]')].map(a => a.getAttribute('href'))`) {
		u, err := url.Parse(href)
		t.ok(err)
		q := u.Query()
		list = append(list, specimen{q.Get("wing"), q.Get("name"), q.Get("state")})
	}
	if len(list) < 100 {
		t.TB.Fatalf("the gallery shows %d pages\n%s", len(list), t.sight())
	}
	return list
}

// one keeps one specimen of every page: the typical one, or the first.
func one(list []specimen) (out []specimen) {
	for _, s := range list {
		i := slices.IndexFunc(out, func(o specimen) bool { return o.Name == s.Name })
		switch {
		case i < 0:
			out = append(out, s)
		case s.State == "typical":
			out[i] = s
		}
	}
	return out
}

// telling leaves out the states of a page that differ in words alone: of the
// error page and of the pages that say one thing, a few speak for all.
func telling(list []specimen) []specimen {
	few := map[string][]string{
		"ui/error_page": {"404", "429"},
		"login/message": {"continue", "reopen", "locked", "undo", "signout_many", "link_elsewhere"},
		"portal/ask":    {"add", "add_error", "change", "everywhere", "close_error"},
	}
	return slices.DeleteFunc(slices.Clone(list), func(s specimen) bool {
		keep, known := few[s.Name]
		return known && !slices.Contains(keep, s.State)
	})
}
