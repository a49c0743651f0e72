package login

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/session"
)

// Terms asks to accept the documents that are new to the customer. The button
// that goes on is the acceptance: docs/decisions/0007.
type Terms struct {
	ui.Shell
	Lede   string
	Action string
	Shown  ui.Hidden // which versions the page showed
	Agree  template.HTML
	Submit ui.Button
	Later  *ui.Button    // where the new versions may wait
	Until  template.HTML // until when
	Leave  ui.Button
}

// Template names the page's file.
func (Terms) Template() string { return "login/terms" }

func (v *visit) termsPage(tx *db.Tx) (ui.Page, error) {
	list, err := v.documents(tx)
	if err != nil {
		return nil, err
	}
	return v.agreeing(list), nil
}

func (v *visit) agreeing(list []consent.Document) Terms {
	p := Terms{Shell: v.shell(), Action: v.path("terms"), Shown: ui.Hidden{Name: "documents", Value: versions(list)}}
	p.Title, p.Lede = p.T("login.terms.title"), p.T("login.terms.text", "name", p.Look.Name)
	submit := p.T("login.terms.create")
	if !v.flow.World.Account.ID.IsZero() {
		p.Title, p.Lede = p.T("login.terms.title_changed"), p.T("login.terms.text_changed", "name", p.Look.Name)
		submit = p.T("login.terms.agree")
	}
	if v.flow.World.Later {
		p.Later = &ui.Button{Text: p.T("login.terms.later"), Kind: "secondary", Name: "action", Value: "later", Block: true}
		p.Until = p.Rich("login.terms.until", "date", p.Date(soonest(list)))
	}
	tell(&p.Shell, v.wrong, "documents")
	p.Agree = agreement(p.Shell, list)
	p.Submit = ui.Button{Text: submit, Kind: "primary", Name: "action", Value: "continue", Block: true}
	p.Leave = ui.Button{Text: p.T("login.terms.leave"), Kind: "quiet", Name: "action", Value: "deny", Block: true}
	return p
}

// soonest is when the first of the texts cannot be put off any more.
func soonest(list []consent.Document) time.Time {
	at := list[0].EffectiveAt.Add(list[0].Grace)
	for _, d := range list {
		if until := d.EffectiveAt.Add(d.Grace); until.Before(at) {
			at = until
		}
	}
	return at
}

// documents are the texts to accept, in the language of the page.
func (v *visit) documents(tx *db.Tx) ([]consent.Document, error) {
	return account.Documents(tx, v.t, v.flow.World.Account.ID, v.locale())
}

// agreement is the sentence above the button, with links to the very texts.
func agreement(s ui.Shell, list []consent.Document) template.HTML {
	links := map[string]template.HTML{}
	for _, d := range list {
		links[d.Kind] = ui.Anchor(d.URL, d.Title)
	}
	terms, privacy := links[consent.Terms], links[consent.Privacy]
	switch {
	case privacy == "":
		return s.Rich("login.terms.accept", "terms", terms)
	case terms == "":
		return s.Rich("login.terms.read", "privacy", privacy)
	}
	return s.Rich("login.terms.both", "terms", terms, "privacy", privacy)
}

// versions names what a page showed, so that nobody accepts what they did not see.
func versions(list []consent.Document) string {
	var out []string
	for _, d := range list {
		out = append(out, d.Kind+":"+strconv.FormatInt(d.Version, 10))
	}
	return strings.Join(out, " ")
}

func (v *visit) terms() error {
	if v.typed("action") == "deny" {
		return v.cancel()
	}
	if v.typed("action") == "later" {
		return v.act(func(tx *db.Tx) error { return account.AcceptLater(tx, v.t, &v.flow, session.Distinct(v.held)) })
	}
	return v.act(func(tx *db.Tx) error {
		list, err := v.documents(tx)
		if err != nil {
			return err
		}
		if versions(list) != v.typed("documents") {
			return account.ErrStep
		}
		v.flow.Locale = v.locale()
		return account.Accept(tx, v.t, &v.flow, session.Distinct(v.held))
	})
}
