package login

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
)

// Consent asks whether an application may have what it asks for.
type Consent struct {
	ui.Shell
	Asker   ui.AccountCard // who asks, and the host that its answer goes to
	Account *ui.AccountCard
	Groups  []Scopes
	Links   []ui.Link // what the application says of itself
	Action  string
	Allow   ui.Button
	Deny    ui.Button
}

// Template names the page's file.
func (Consent) Template() string { return "login/consent" }

// Scopes are what is asked for of one kind.
type Scopes struct {
	Title, Icon string
	Items       []ScopeItem
}

// ScopeItem is one thing that is asked for.
type ScopeItem struct{ Text, Detail string }

// groups are the kinds of scopes, in the order of the page.
var groups = []struct{ word, icon string }{
	{"identity", "user-round"}, {"contact", "mail"}, {"data", "file-text"}, {"act", "app-window"},
}

func (v *visit) consentPage(tx *db.Tx) (ui.Page, error) {
	if v.app == nil {
		return nil, account.ErrStep
	}
	who, _, err := personOf(tx, v.t, v.flow.World.Account.ID)
	if err != nil {
		return nil, err
	}
	p := v.asksFor(who)
	p.Groups, err = v.scopes(tx, p.Shell)
	return p, err
}

func (v *visit) asksFor(who person) Consent {
	p := Consent{Shell: v.shell(), Action: v.path("consent")}
	p.Title = p.T("login.consent.title", "name", v.app.Name)
	tell(&p.Shell, v.wrong, "")
	p.Asker = ui.AccountCard{Name: v.app.Name, Address: hostOf(v.flow.Request.FormAction)}
	p.Account = &ui.AccountCard{Name: who.Name, Address: who.Address, Change: v.path("identify"), ChangeText: p.T("login.not_you")}
	if u := v.app.Settings.PolicyURL; u != "" {
		p.Links = append(p.Links, ui.Link{Href: u, Text: p.T("login.consent.policy", "name", v.app.Name)})
	}
	if u := v.app.Settings.TermsURL; u != "" {
		p.Links = append(p.Links, ui.Link{Href: u, Text: p.T("login.consent.terms", "name", v.app.Name)})
	}
	p.Allow = ui.Button{Text: p.T("login.consent.allow"), Name: "action", Value: "allow", Block: true}
	p.Deny = ui.Button{Text: p.T("login.consent.deny"), Name: "action", Value: "deny", Block: true}
	return p
}

// hostOf is where the answer goes: what the house has verified of an
// application is that address, which was registered and matched exactly.
func hostOf(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Host == "" {
		return redirect
	}
	return u.Host
}

// scopes are the scopes asked for, grouped and in plain words.
func (v *visit) scopes(tx *db.Tx, s ui.Shell) ([]Scopes, error) {
	fields, err := catalog.For(tx, v.t)
	if err != nil {
		return nil, err
	}
	apis, err := v.apis(tx)
	if err != nil {
		return nil, err
	}
	return v.group(s, fields, apis), nil
}

func (v *visit) group(s ui.Shell, fields *catalog.Catalog, apis []app.Scope) []Scopes {
	asked := v.flow.World.Scopes
	if len(asked) == 0 { // prompt=consent: everything is asked once more
		asked = v.flow.Request.Scopes
	}
	found := map[string][]ScopeItem{}
	for _, scope := range asked {
		group, item := describe(s, fields, apis, scope)
		found[group] = append(found[group], item)
	}
	var out []Scopes
	for _, g := range groups {
		if items := found[g.word]; len(items) > 0 {
			out = append(out, Scopes{Title: s.T("login.consent." + g.word), Icon: g.icon, Items: items})
		}
	}
	return out
}

// shown is what the page says of each scope, as the ledger keeps it.
func (v *visit) shown(tx *db.Tx) (map[string]consent.Words, error) {
	fields, err := catalog.For(tx, v.t)
	if err != nil {
		return nil, err
	}
	apis, err := v.apis(tx)
	if err != nil {
		return nil, err
	}
	s, out := v.shell(), map[string]consent.Words{}
	asks := s.T("login.consent.title", "name", v.app.Name)
	for _, scope := range v.flow.World.Scopes {
		_, item := describe(s, fields, apis, scope)
		out[scope] = consent.Words{Title: item.Text, Text: strings.TrimSpace(asks + "\n" + item.Detail)}
	}
	return out, nil
}

// describe says what one scope means.
func describe(s ui.Shell, fields *catalog.Catalog, apis []app.Scope, scope string) (group string, item ScopeItem) {
	var names []string
	for _, f := range fields.ByScope(scope) {
		if f.Source != catalog.Derived {
			label, _ := fieldWords(s, f)
			names = append(names, label)
		}
	}
	group = "data"
	switch scope {
	case "openid", "profile":
		group = "identity"
	case "email", "phone", "address":
		group, names = "contact", nil
	case "offline_access":
		group = "act"
	}
	if key := "login.scope." + scope; s.Has(key) {
		return group, ScopeItem{Text: s.T(key), Detail: s.List(names)}
	}
	if len(names) > 0 {
		return group, ScopeItem{Text: s.List(names)}
	}
	return "act", ScopeItem{Text: apiWords(string(s.Locale), apis, scope)}
}

// apiWords are the words that an API gave its scope, else the scope itself.
func apiWords(locale string, apis []app.Scope, scope string) string {
	i := slices.IndexFunc(apis, func(s app.Scope) bool { return s.Name == scope })
	if i < 0 {
		return scope
	}
	language, _, _ := strings.Cut(locale, "-")
	w := apis[i].Words
	return first(w[locale], w[language], w["en"], scope)
}

// apis are the scopes of the APIs that the application may ask for.
func (v *visit) apis(tx *db.Tx) ([]app.Scope, error) {
	var out []app.Scope
	for _, audience := range v.app.Settings.Resources {
		api, found, err := app.Book{}.ByAudience(tx, v.t, audience)
		if err != nil {
			return nil, err
		}
		if found {
			out = append(out, api.Settings.Scopes...)
		}
	}
	return out, nil
}

func (v *visit) consent() error {
	switch v.typed("action") {
	case "allow":
		return v.act(func(tx *db.Tx) error {
			v.flow.Locale = v.locale()
			e := v.entrance()
			var err error
			if e.Shown, err = v.shown(tx); err != nil {
				return err
			}
			return account.Agree(tx, v.t, &v.flow, e)
		})
	case "deny":
		return v.cancel()
	}
	return account.ErrStep
}
