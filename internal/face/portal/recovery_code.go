package portal

import (
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/credential"
)

// RecoveryCodes shows recovery codes, once.
type RecoveryCodes struct {
	ui.Shell
	Notice ui.Notice
	Codes  []string
	Text   string       // all of them, one a line
	File   template.URL // the same as a file, made in the page alone
	Name   string       // of the file
	Made   time.Time
	Whose  string
	Done   ui.Button
}

// Template implements ui.Page.
func (RecoveryCodes) Template() string { return "portal/recovery_code" }

// codesCard says how many codes are left, and leads to new ones.
func codesCard(s ui.Shell, f twoStep) ui.Card {
	card := ui.Card{ID: "codes", Icon: "life-buoy", Kind: "brand", Title: s.T("portal.codes.title")}
	renew := ui.Button{Text: s.T("portal.codes.renew"), Href: codesPath}
	switch {
	case f.Left == 0:
		card.Kind, card.Text = "warn", s.T("portal.codes.none")
		card.Badge = &ui.Badge{Text: s.T("portal.codes.none_left"), Kind: "warn", Icon: "triangle-alert"}
		renew.Text = s.T("portal.codes.make")
	case f.Left <= credential.RecoveryFew:
		card.Kind, card.Text = "warn", s.T("portal.codes.few", "n", f.Left)
		card.Badge = &ui.Badge{Text: s.T("portal.codes.left", "n", f.Left), Kind: "warn", Icon: "triangle-alert"}
	default:
		card.Text = s.T("portal.codes.since", "date", s.Words().Date(f.IssuedAt, s.Zone))
		card.Badge = &ui.Badge{Text: s.T("portal.codes.left", "n", f.Left), Kind: "ok", Icon: "check"}
	}
	card.Body = []ui.Component{Actions{[]ui.Component{renew}}}
	return card
}

// issue names the codes that there are, so that a form which comes twice does
// not make the codes worthless that somebody has just written down.
func (v *visit) issue(f twoStep) string {
	return v.seal("codes", issueOf(f))
}

func issueOf(f twoStep) []byte {
	at := int64(0)
	if f.Issued > 0 {
		at = f.IssuedAt.UnixMicro()
	}
	return strconv.AppendInt(nil, at, 10)
}

func (v *visit) askCodes() error {
	if err := v.fresh(access.ActFactor); err != nil {
		return err
	}
	var f twoStep
	if err := v.view(func(tx *db.Tx) error { return v.readTwoStep(tx, &f) }); err != nil {
		return err
	}
	if len(f.Apps) == 0 {
		return v.to(twoStepPath)
	}
	p := newAskCodes(v.shell(securityPath), f.Left)
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "issue", Value: v.issue(f)}}
	return v.render(p, p.Shell)
}

func newAskCodes(s ui.Shell, left int) Ask {
	p := ask(s, s.T("portal.codes.renew"), codesPath, twoStepPath)
	p.Lede = s.T("portal.codes.lede")
	p.Consequences = []string{s.T("portal.codes.once"), s.T("portal.codes.keep")}
	if left > 0 {
		p.Consequences = append(p.Consequences, s.T("portal.codes.dead", "n", left))
	}
	p.Consequences = append(p.Consequences, s.T("portal.everywhere.told"))
	p.Submit = ui.Button{Text: s.T("portal.codes.make"), Kind: "primary", Wait: s.T("portal.wait")}
	return p
}

// renewCodes makes new codes in place of those that the form was made for, and
// shows them this once.
func (v *visit) renewCodes() error {
	v.back = codesPath
	raw, err := v.typed("issue")
	if err != nil {
		return err
	}
	var codes []string
	err = v.freshly(access.ActFactor, func(tx *db.Tx) (err error) {
		codes = nil
		var f twoStep
		if err := v.readTwoStep(tx, &f); err != nil || len(f.Apps) == 0 || !v.mine("codes", raw, issueOf(f)) {
			return err
		}
		codes, err = v.p.acts.RenewCodes(tx, v.t, v.me.CustomerID, v.me.ID)
		return err
	})
	switch {
	case err != nil:
		return err
	case len(codes) == 0:
		return v.to(twoStepPath + "?done=codes_made")
	}
	return v.showCodes(codes, "")
}

// showCodes answers with the codes themselves: they rest nowhere, so there is no
// page to lead to that could show them again.
func (v *visit) showCodes(codes []string, done string) error {
	s := v.shell(securityPath)
	if done != "" {
		s.Flash = s.T(done)
	}
	p := newRecoveryCodes(s, codes, v.who.Address)
	return v.render(p, p.Shell)
}

func newRecoveryCodes(s ui.Shell, codes []string, whose string) RecoveryCodes {
	s.Title = s.T("portal.codes.yours")
	s.Scripts = append(s.Scripts, pageScript)
	text := strings.Join(codes, "\n")
	file := s.T("portal.codes.file", "shop", s.Look.Name, "address", whose) + "\n" + s.Words().Date(s.Now, s.Zone) + "\n\n" + text + "\n"
	return RecoveryCodes{
		Shell: s, Codes: codes, Text: text, Name: "recovery-codes.txt", Made: s.Now, Whose: whose,
		File:   template.URL("data:text/plain;charset=utf-8," + url.PathEscape(file)),
		Notice: ui.Notice{Kind: "warn", Title: s.T("portal.codes.once"), Text: s.T("portal.codes.keep")},
		Done:   ui.Button{Text: s.T("portal.codes.done"), Kind: "primary", Href: twoStepPath},
	}
}
