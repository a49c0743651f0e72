package portal

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// wish is a request as it is typed.
type wish struct {
	kind        privacy.CaseKind
	item, words string
}

func (v *visit) wish() (w wish, err error) {
	kind, err := v.typed("kind")
	if err != nil {
		return w, err
	}
	if w.kind, err = privacy.ParseCaseKind(kind); err != nil {
		return w, err
	}
	if w.item, err = v.typed("item"); err != nil {
		return w, err
	}
	w.words, err = v.typed("words")
	return w, err
}

// chances are what a form of a kind lets the customer choose.
type chances struct {
	words      requestWords
	purposes   []consent.Purpose
	restricted bool
	who        tenant.Privacy
}

func (v *visit) chances() (c chances, err error) {
	c.who = v.t.Settings.Privacy
	err = v.view(func(tx *db.Tx) (err error) {
		if c.words, err = v.requestWords(tx); err != nil {
			return err
		}
		if c.purposes, err = privacy.Objectionable(tx, v.t); err != nil {
			return err
		}
		c.restricted, _, err = consent.Restricted(tx, v.t, v.me.CustomerID)
		return err
	})
	return c, err
}

// askRequest shows the form of a kind. Without one it leads to the list of them.
func (v *visit) askRequest() error {
	w, err := v.wish()
	if err != nil {
		return v.to(requestsPath)
	}
	w.words = ""
	return v.showWish(w, nil)
}

func (v *visit) showWish(w wish, wrong error) error {
	c, err := v.chances()
	if err != nil {
		return err
	}
	s := v.shell(privacyPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newWish(s, w, c)
	p.Fields = append(p.Fields, v.mark())
	return v.renderWrong(p, p.Shell, wrong)
}

func newWish(s ui.Shell, w wish, c chances) Ask {
	p := ask(s, kindTitle(s, w.kind), newRequestPath, requestsPath)
	p.Lede = s.T("portal.request.what." + string(w.kind))
	p.Notice = faster(s, w.kind)
	p.Fields = []ui.Component{ui.Hidden{Name: "kind", Value: string(w.kind)}}
	switch w.kind {
	case privacy.Rectification:
		p.Fields = append(p.Fields, c.fields(s, w.item))
	case privacy.Objection:
		p.Fields = append(p.Fields, c.uses(s, w.item))
	case privacy.Restriction:
		if c.restricted {
			p.Notice = &ui.Notice{Kind: "info", Title: s.T("portal.request.restricted"), Text: s.T("portal.request.restricted_text")}
			p.Fields = append(p.Fields, ui.Checkbox{Name: "item", Value: privacy.Lift, Label: s.T("portal.request.lift"), Checked: w.item == privacy.Lift})
		}
	case privacy.Complaint:
		p.Consequences = turnTo(s, c.who)
	}
	optional := w.kind != privacy.Rectification && w.kind != privacy.Complaint
	p.Fields = append(p.Fields, ui.Textarea{
		Name: "words", Label: s.T("portal.request.words"), Hint: s.T("portal.request.words_hint." + string(w.kind)), Value: w.words,
		Max: 4000, Rows: 6, Optional: optional,
	})
	p.Submit = ui.Button{Text: s.T("portal.request.submit"), Kind: "primary", Wait: s.T("portal.wait")}
	return p
}

// faster shows the way on which the customer needs nobody.
func faster(s ui.Shell, kind privacy.CaseKind) *ui.Notice {
	for _, k := range requestKinds {
		if k.kind == kind && k.faster != "" {
			return &ui.Notice{
				Kind: "info", Title: s.T("portal.request.faster"), Text: s.T("portal.request.faster_text." + string(kind)),
				Action: &ui.Button{Text: s.T("portal.request.faster_open." + string(kind)), Href: k.faster, Small: true},
			}
		}
	}
	return nil
}

// turnTo names who else there is to turn to.
func turnTo(s ui.Shell, who tenant.Privacy) []string {
	var out []string
	if name := first(who.Officer.Name, who.Officer.Mail, who.Officer.URL); name != "" {
		out = append(out, s.T("portal.request.officer_is", "name", name))
	}
	return append(out, s.T("portal.request.authority_any"))
}

// fields offers the fields of the profile, and what is none of them.
func (c chances) fields(s ui.Shell, chosen string) ui.Select {
	out := ui.Select{Name: "item", Label: s.T("portal.request.which_field"), Value: chosen, Options: []ui.Option{{Text: s.T("portal.request.other_field")}}}
	for _, f := range c.words.fields {
		out.Options = append(out.Options, ui.Option{Value: f.Name, Text: label(s, f)})
	}
	return out
}

func (c chances) uses(s ui.Shell, chosen string) ui.Component {
	if len(c.purposes) == 0 {
		return ui.Notice{Kind: "info", Title: s.T("portal.request.no_purpose"), Text: s.T("portal.request.no_purpose_text")}
	}
	out := ui.Select{Name: "item", Label: s.T("portal.request.which_purpose"), Value: chosen}
	for i := range c.purposes {
		out.Options = append(out.Options, ui.Option{Value: c.purposes[i].ID, Text: c.words.purpose(s, &c.purposes[i])})
	}
	return out
}

// makeRequest opens a case.
func (v *visit) makeRequest() error {
	w, err := v.wish()
	if err != nil {
		return err
	}
	var made privacy.Case
	err = v.update(func(tx *db.Tx) error {
		level, err := v.level(tx)
		if err != nil {
			return err
		}
		made, err = privacy.OpenCase(tx, v.t, privacy.CaseOpening{
			Customer: v.me.CustomerID, Kind: w.kind, Item: w.item, Channel: privacy.ByPortal, Words: w.words,
			Identity: privacy.Identity{How: privacy.SignedIn, Level: level},
		})
		return err
	})
	if correctable(err, "words", "item") {
		return v.showWish(w, err)
	}
	if err != nil {
		return err
	}
	return v.to(requestPath + "?case=" + made.ID.String() + "&done=request_made")
}

func (v *visit) askWithdrawRequest() error {
	id, err := v.theCase()
	if err != nil {
		return err
	}
	st, words, err := v.story(id)
	if err != nil {
		return err
	}
	p := newWithdrawRequest(v.shell(privacyPath), st.Case, words)
	p.Fields = append(p.Fields, v.mark())
	return v.render(p, p.Shell)
}

func newWithdrawRequest(s ui.Shell, c privacy.Case, w requestWords) Ask {
	p := ask(s, s.T("portal.request.withdraw_title"), withdrawRequestPath, requestPath+"?case="+c.ID.String())
	p.Lede = first(w.about(s, &c), kindTitle(s, c.Kind))
	p.Consequences = []string{s.T("portal.request.withdraw_ends"), s.T("portal.request.withdraw_again"), s.T("portal.request.withdraw_kept")}
	p.Fields = []ui.Component{ui.Hidden{Name: "case", Value: c.ID.String()}}
	p.Submit = ui.Button{Text: s.T("portal.request.withdraw"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

func (v *visit) withdrawRequest() error {
	id, err := v.theCase()
	if err != nil {
		return err
	}
	err = v.update(func(tx *db.Tx) error {
		_, err := privacy.WithdrawCase(tx, v.t, v.me.CustomerID, id)
		return err
	})
	if err != nil {
		return err
	}
	return v.to(requestPath + "?case=" + id.String() + "&done=request_withdrawn")
}
