package login

import (
	"strconv"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Choices asks for consent to purposes and topics: one question has an answer of
// each kind, of the same weight; of several each has a box that nobody ticked.
type Choices struct {
	ui.Shell
	Lede   string
	Action string
	Shown  ui.Hidden // what the page showed
	Boxes  []ui.Component
	Submit []ui.Button
	Later  *ui.Button
}

// Template names the page's file.
func (Choices) Template() string { return "login/choices" }

// choiceWords are one thing to choose, as the page says it.
type choiceWords struct {
	choice      signin.Choice
	title, text string
}

func (v *visit) choicesPage(tx *db.Tx) (ui.Page, error) {
	list, err := v.offers(tx)
	if err != nil {
		return nil, err
	}
	return v.choosing(list), nil
}

// offers reads the words of what may be consented to.
func (v *visit) offers(tx *db.Tx) (out []choiceWords, err error) {
	topics, err := consent.Topics(tx, v.t)
	if err != nil {
		return nil, err
	}
	for _, c := range v.flow.World.Choices {
		one := choiceWords{choice: c}
		if c.Purpose != "" {
			p, err := consent.GetPurpose(tx, v.t, c.Purpose)
			if err != nil {
				return nil, err
			}
			w, _ := p.WordsIn(v.locale(), v.t.Locale())
			one.title, one.text = w.Title, w.Text
		}
		for i := range topics {
			if c.Topic == topics[i].ID {
				w := topics[i].In(v.locale(), v.t.Locale())
				one.title, one.text = w.Title, w.Text
			}
		}
		out = append(out, one)
	}
	return out, nil
}

func (v *visit) choosing(list []choiceWords) Choices {
	p := Choices{Shell: v.shell(), Action: v.path("choices"), Shown: ui.Hidden{Name: "shown", Value: shownChoices(v.flow.World.Choices)}}
	newcomer := v.flow.World.Account.ID.IsZero()
	tell(&p.Shell, v.wrong, "")
	if len(list) == 1 {
		p.Title, p.Lede = list[0].title, list[0].text
		p.Boxes = []ui.Component{ui.Text{Text: p.T("login.choices.free", "name", p.Look.Name), Kind: "hint"}}
		p.Submit = []ui.Button{
			{Text: p.T("login.choices.allow"), Name: "action", Value: "allow", Block: true},
			{Text: p.T("login.choices.deny"), Name: "action", Value: "deny", Block: true},
		}
	} else {
		p.Title, p.Lede = p.T("login.choices.title"), p.T("login.choices.free", "name", p.Look.Name)
		for _, one := range list {
			p.Boxes = append(p.Boxes, ui.Checkbox{Name: "give-" + boxName(one.choice), Label: v.boxLabel(p.Shell, one), Hint: one.text})
		}
		p.Submit = []ui.Button{{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}}
	}
	if !newcomer {
		p.Later = &ui.Button{Text: p.T("login.skip"), Kind: "quiet", Name: "action", Value: "skip", Block: true}
	}
	return p
}

// boxLabel names the channel beside a topic: each channel is a choice of its own.
func (v *visit) boxLabel(s ui.Shell, one choiceWords) string {
	if one.choice.Topic == "" {
		return one.title
	}
	return s.T("login.choices.by."+one.choice.Channel, "title", one.title)
}

// boxName is the name of a choice in the form.
func boxName(c signin.Choice) string {
	if c.Topic != "" {
		return "topic-" + c.Topic + "-" + c.Channel
	}
	return "purpose-" + c.Purpose
}

// shownChoices names what a page showed, so that nobody consents to what they
// did not see.
func shownChoices(list []signin.Choice) string {
	var out []string
	for _, c := range list {
		out = append(out, boxName(c)+":"+strconv.FormatInt(c.Version, 10))
	}
	return strings.Join(out, " ")
}

func (v *visit) choices() error {
	return v.act(func(tx *db.Tx) error {
		shown := v.flow.World.Choices
		if v.step.Name != signin.Choices || v.typed("shown") != shownChoices(shown) {
			return account.ErrStep
		}
		in := account.Chosen{Shown: shown, Locale: v.locale(), Method: "checkbox"}
		single := len(shown) == 1
		switch action := v.typed("action"); {
		case action == "skip":
		case single:
			in.Method, in.Denied = "button", action == "deny"
			if action == "allow" {
				in.Given = shown
			}
		default:
			for _, c := range shown {
				if v.typed("give-"+boxName(c)) != "" {
					in.Given = append(in.Given, c)
				}
			}
		}
		if single && in.Method == "button" && !in.Denied && in.Given == nil {
			return account.ErrStep // no answer is no answer
		}
		return v.l.acts.Choose(tx, v.t, &v.flow, v.entrance(), in)
	})
}
