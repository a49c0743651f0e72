package login

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
)

// holdPage is shown while risk has the journey wait. It says for how long and
// does not load again by itself: nobody is hurried or interrupted by a page
// (WCAG 2.2, 2.2.1). Whoever goes on too early sees what is left.
func (v *visit) holdPage(*db.Tx) (ui.Page, error) {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "hourglass"}, Form: v.onward(v.shell())}
	left := v.flow.HoldUntil.Sub(v.flow.World.Now)
	p.Title = p.T("login.hold.title")
	p.Text = []string{p.T("login.hold.text", "name", p.Look.Name), p.T("login.hold.wait", "wait", p.Span(rounded(left)))}
	return p, nil
}
