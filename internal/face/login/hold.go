package login

import (
	"math"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
)

// holdPage is shown while risk has the journey wait. The page loads again by
// itself when the wait is over.
func (v *visit) holdPage(*db.Tx) (ui.Page, error) {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "hourglass"}}
	left := v.flow.HoldUntil.Sub(v.flow.World.Now)
	p.Title = p.T("login.hold.title")
	p.Text = []string{p.T("login.hold.text", "name", p.Look.Name), p.T("login.hold.wait", "wait", p.Span(rounded(left)))}
	p.Text = append(p.Text, v.reasons(p.Shell)...)
	p.Refresh = &ui.Refresh{After: max(1, int(math.Ceil(left.Seconds()))), To: v.path()}
	p.Links = []ui.Button{{Text: p.T("login.continue"), Kind: "primary", Href: v.path(), Block: true}}
	return p, nil
}
