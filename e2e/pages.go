package e2e

import (
	"net/url"
	"strings"
)

// specimen is a page of the gallery in one state.
type specimen struct{ Wing, Name, State string }

// at is where the specimen is shown in a language.
func (s specimen) at(h *House, locale string) string {
	q := url.Values{"state": {s.State}, "locale": {locale}}
	return h.URL + "/dev/gallery/" + s.Wing + "/" + s.Name + "?" + q.Encode()
}

func (s specimen) String() string { return s.Wing + "-" + s.Name + "-" + s.State }

// hosted reports whether the page is one of the front door, where everything
// that is pressed is 44 pixels high.
func (s specimen) hosted() bool { return s.Wing == "login" }

// gallery lists every page in every state, as the product itself lists them.
func gallery(t *Tab, h *House) (list []specimen) {
	t.TB.Helper()
	t.Goto(h.URL + "/dev/gallery")
	for _, href := range Ask[[]string](t, `[...document.querySelectorAll('main a[href^="/dev/gallery/"]')].map(a => a.getAttribute('href'))`) {
		u, err := url.Parse(href)
		t.ok(err)
		parts := strings.Split(strings.TrimPrefix(u.Path, "/dev/gallery/"), "/")
		list = append(list, specimen{parts[0], parts[1], u.Query().Get("state")})
	}
	if len(list) < 40 {
		t.TB.Fatalf("the gallery shows %d pages\n%s", len(list), t.sight())
	}
	return list
}

// pick keeps the specimens of some states.
func pick(list []specimen, states ...string) (out []specimen) {
	for _, s := range list {
		if strings.Contains(" "+strings.Join(states, " ")+" ", " "+s.State+" ") {
			out = append(out, s)
		}
	}
	return out
}
