package ui

import (
	"net/http"
	"strconv"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
)

// ErrorPage says that something did not work and what to do next. Its text never
// holds a number or a code; the reference by which the log line is found stands
// under "Details".
type ErrorPage struct {
	Shell
	Text      string
	Icon      string
	Next      *Button
	Reference string
}

// Template implements Page.
func (ErrorPage) Template() string { return "ui/error_page" }

// pictured gives each status with words of its own an icon.
var pictured = map[int]string{
	400: "circle-alert", 401: "lock", 403: "shield-alert", 404: "compass", 405: "circle-alert", 409: "refresh-cw", 410: "hourglass",
	413: "circle-alert", 415: "circle-alert", 421: "compass", 429: "hourglass", 500: "wrench", 503: "hourglass",
}

// Teller renders faults as pages of a face.
func (u *UI) Teller(part string) web.Teller {
	return func(w http.ResponseWriter, r *http.Request, f *fault.Error) {
		s := u.Shell(r, Visit{Part: part})
		p := s.ErrorPage(web.Status(f), f, web.Reference(r))
		if u.Render(w, r, web.Status(f), p) != nil {
			web.Plain(w, r, f)
		}
	}
}

// ErrorPage makes the page of a fault with a status. Faces may set Next and
// Layout to lead on to a better place.
func (s Shell) ErrorPage(status int, f *fault.Error, reference string) ErrorPage {
	if pictured[status] == "" {
		status = http.StatusInternalServerError
		if f.Kind == fault.Invalid {
			status = http.StatusBadRequest
		}
	}
	key := "ui.error." + strconv.Itoa(status)
	p := ErrorPage{Shell: s, Icon: pictured[status], Reference: reference}
	p.Title = s.T(key + ".title")
	p.Text = s.T(key + ".text")
	if said := s.FaultText(f); f.Kind != fault.Internal && said != s.T("fault.not_found") && f.Code != "" {
		p.Text = said
	}
	if next := s.T("ui.error.next"); status != http.StatusMisdirectedRequest {
		p.Next = &Button{Text: next, Href: "/", Kind: "primary", Block: true}
	}
	return p
}
