package login

import (
	"errors"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Username offers a new customer a name to sign in with.
type Username struct {
	ui.Shell
	Action   string
	Username ui.Field
	Submit   ui.Button
	Skip     ui.Button
}

// Template names the page's file.
func (Username) Template() string { return "login/username" }

// Profile asks for the fields that the catalogue requires.
type Profile struct {
	ui.Shell
	Lede   string
	Action string
	Fields []ui.Component
	Submit ui.Button
}

// Template names the page's file.
func (Profile) Template() string { return "login/profile" }

func (v *visit) usernamePage(*db.Tx) (ui.Page, error) {
	p := Username{Shell: v.shell(), Action: v.path("username")}
	p.Title = p.T("login.username.title")
	tell(&p.Shell, v.wrong, "username")
	p.Username = ui.Field{
		Name: "username", Label: p.T("login.username.label"), Hint: p.T("login.username.hint"), Value: v.typed("username"),
		Autocomplete: "nickname", Max: 30, Ltr: true, Autofocus: true,
	}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	p.Skip = ui.Button{Text: p.T("login.skip"), Kind: "quiet", Name: "action", Value: "skip", Block: true}
	return p, nil
}

func (v *visit) username() error {
	return v.act(func(tx *db.Tx) error {
		if v.typed("action") == "skip" {
			v.flow.Skip(signin.Username)
			return signin.Save(tx, v.t, &v.flow)
		}
		return account.Name(tx, v.t, &v.flow, v.typed("username"))
	})
}

func (v *visit) profilePage(tx *db.Tx) (ui.Page, error) {
	list, err := v.missing(tx)
	if err != nil {
		return nil, err
	}
	return v.asking(list), nil
}

func (v *visit) asking(list []catalog.Field) Profile {
	p := Profile{Shell: v.shell(), Action: v.path("profile")}
	p.Title = p.T("login.profile.title")
	p.Lede = p.T("login.profile.text", "name", first(v.asker(), p.Look.Name))
	v.tellFields(&p.Shell)
	for _, f := range list {
		p.Fields = append(p.Fields, fieldOf(p.Shell, f, v.typed(f.Name)))
	}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	return p
}

// tellFields says what is wrong with each field: a joined fault has several.
func (v *visit) tellFields(s *ui.Shell) {
	if v.wrong == nil {
		return
	}
	if many := wrongFields(nil); errors.As(v.wrong.Err, &many) {
		for _, f := range many {
			tell(s, f, f.Field)
		}
		return
	}
	tell(s, v.wrong, v.wrong.Field)
}

// wrongFields are the refusals of several fields at once.
type wrongFields []*fault.Error

func (w wrongFields) Error() string { return "several fields are wrong" }

var (
	errFields = fault.New(fault.Invalid, "fields_wrong", "Some fields need another look.")
	errEmpty  = fault.New(fault.Invalid, "field_empty", "Fill in this field.")
)

// missing are the required fields without a value.
func (v *visit) missing(tx *db.Tx) ([]catalog.Field, error) {
	c, err := catalog.For(tx, v.t)
	if err != nil {
		return nil, err
	}
	var out []catalog.Field
	for _, name := range v.flow.World.Fields {
		if f, ok := c.Field(name); ok {
			out = append(out, f)
		}
	}
	return out, nil
}

// fieldOf is a field of the catalogue as a form shows it.
func fieldOf(s ui.Shell, f catalog.Field, value string) ui.Component {
	label, hint := fieldWords(s, f)
	switch f.Type {
	case catalog.Choice, catalog.Bool:
		sel := ui.Select{Name: f.Name, Label: label, Hint: hint, Value: value, Autocomplete: f.Autocomplete, Options: []ui.Option{{Text: s.T("login.profile.choose")}}}
		choices := f.Choices
		if f.Type == catalog.Bool {
			choices = []string{"true", "false"}
		}
		for _, c := range choices {
			language, _, _ := strings.Cut(string(s.Locale), "-")
			text := f.ChoiceIn(c, string(s.Locale), language, "en")
			if text == c && s.Has("login.choice."+c) {
				text = s.T("login.choice." + c)
			}
			sel.Options = append(sel.Options, ui.Option{Value: c, Text: text})
		}
		return sel
	}
	return ui.Field{
		Name: f.Name, Type: htmlType(f.Type), Label: label, Hint: hint, Value: value,
		Autocomplete: f.Autocomplete, Max: f.Max,
	}
}

func htmlType(t catalog.Type) string {
	switch t {
	case catalog.Mail:
		return "email"
	case catalog.Phone:
		return "tel"
	case catalog.URL:
		return "url"
	case catalog.Date:
		return "date"
	}
	return ""
}

// fieldWords are the tenant's own words for a field, else the house's, else its
// name.
func fieldWords(s ui.Shell, f catalog.Field) (label, hint string) {
	language, _, _ := strings.Cut(string(s.Locale), "-")
	for _, l := range []string{string(s.Locale), language} {
		if w, ok := f.Words[l]; ok && w.Label != "" {
			return w.Label, w.Hint
		}
	}
	if key := "login.field." + f.Name; s.Has(key) {
		return s.T(key), ""
	}
	if w, ok := f.Words["en"]; ok && w.Label != "" {
		return w.Label, w.Hint
	}
	return strings.ReplaceAll(f.Name, "_", " "), ""
}

// profile writes the fields, all or none.
func (v *visit) profile() error {
	return v.act(func(tx *db.Tx) error {
		if v.step.Name != signin.Profile {
			return account.ErrStep
		}
		list, err := v.missing(tx)
		if err != nil {
			return err
		}
		var wrong wrongFields
		for _, f := range list {
			if bad, err := v.set(tx, f.Name); err != nil {
				return err
			} else if bad != nil {
				wrong = append(wrong, bad)
			}
		}
		if len(wrong) > 0 {
			return errFields.Because(wrong)
		}
		return nil
	})
}

func (v *visit) set(tx *db.Tx, name string) (bad *fault.Error, err error) {
	if strings.TrimSpace(v.typed(name)) == "" {
		return errEmpty.At(name), nil
	}
	err = customer.SetField(tx, v.t, v.flow.World.Account.ID, name, v.typed(name), "customer")
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
		return f.At(name), nil
	}
	return nil, err
}
