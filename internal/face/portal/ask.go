package portal

import "github.com/cardea-id/cardea/internal/base/ui"

// Ask is a page with one form: it says what will happen and is the place to do
// it or to leave it.
type Ask struct {
	ui.Shell
	Lede         string
	Notice       *ui.Notice
	Consequences []string
	Action       string // where the form is sent
	Fields       []ui.Component
	Submit       ui.Button
	Cancel       ui.Button
}

// Template implements ui.Page.
func (Ask) Template() string { return "portal/ask" }

// ask begins such a page that leads back to another one.
func ask(s ui.Shell, title, action, back string) Ask {
	s.Title = title
	return Ask{Shell: s, Action: action, Cancel: ui.Button{Text: s.T("portal.cancel"), Href: back}}
}
