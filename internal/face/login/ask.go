package login

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Ask is a page of at most two fields that an application wants, each with what
// for.
type Ask struct {
	ui.Shell
	Lede   string
	Action string
	Parts  []ui.Component
	Submit ui.Button
	Skip   *ui.Button
}

// Template names the page's file.
func (Ask) Template() string { return "login/ask" }

// question is one field that is asked for, with the words of its purpose.
type question struct {
	signin.Wanted
	field catalog.Field
	why   consent.Words
}

func (v *visit) askPage(tx *db.Tx) (ui.Page, error) {
	list, err := v.questions(tx)
	if err != nil {
		return nil, err
	}
	return v.askingFor(list), nil
}

func (v *visit) questions(tx *db.Tx) (out []question, err error) {
	fields, err := catalog.For(tx, v.t)
	if err != nil {
		return nil, err
	}
	for _, w := range v.flow.World.Asks {
		q := question{Wanted: w}
		q.field, _ = fields.Field(w.Field)
		p, err := consent.GetPurpose(tx, v.t, w.Purpose)
		if err != nil {
			return nil, err
		}
		q.why, _ = p.WordsIn(v.locale(), v.t.Locale())
		out = append(out, q)
	}
	return out, nil
}

func (v *visit) askingFor(list []question) Ask {
	p := Ask{Shell: v.shell(), Action: v.path("ask")}
	needed := len(list) > 0 && list[0].Needed
	p.Title = p.T("login.ask.title")
	p.Lede = p.T("login.ask.text", "name", first(v.asker(), p.Look.Name))
	if needed {
		p.Title = p.T("login.profile.title")
		p.Lede = p.T("login.ask.text_needed", "name", first(v.asker(), p.Look.Name))
	}
	v.tellFields(&p.Shell)
	boxes := map[string]bool{}
	for _, q := range list {
		p.Parts = append(p.Parts, optional(fieldOf(p.Shell, q.field, v.typed(q.field.Name)), !q.Needed))
		if q.Consent == nil {
			p.Parts = append(p.Parts, ui.Text{Text: p.T("login.ask.why", "title", q.why.Title, "text", q.why.Text), Kind: "hint"})
			continue
		}
		if !boxes[q.Purpose] {
			p.Parts = append(p.Parts, ui.Checkbox{Name: "agree-" + q.Purpose, Label: p.T("login.ask.agree", "title", q.why.Title), Hint: q.why.Text, Checked: v.typed("agree-"+q.Purpose) != ""})
		}
		boxes[q.Purpose] = true
	}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	if !needed {
		p.Skip = &ui.Button{Text: p.T("login.skip"), Kind: "quiet", Name: "action", Value: "skip", Block: true}
	}
	return p
}

// optional marks a field that may be left empty, beside others that may not.
func optional(c ui.Component, may bool) ui.Component {
	switch f := c.(type) {
	case ui.Field:
		f.Optional = may
		return f
	case ui.Select:
		f.Optional = may
		return f
	}
	return c
}

func (v *visit) ask() error {
	return v.act(func(tx *db.Tx) error {
		if v.step.Name != signin.Ask {
			return account.ErrStep
		}
		in := account.Answers{Values: map[string]string{}, Agreed: map[string]bool{}, Locale: v.locale(), Skip: v.typed("action") == "skip"}
		for _, q := range v.flow.World.Asks {
			in.Values[q.Field] = v.typed(q.Field)
			in.Agreed[q.Purpose] = v.typed("agree-"+q.Purpose) != ""
		}
		wrong, err := v.l.acts.Answer(tx, v.t, &v.flow, v.entrance(), in)
		if err == nil && len(wrong) > 0 {
			err = errFields.Because(wrongFields(wrong))
		}
		return err
	})
}
