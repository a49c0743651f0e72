package portal

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// Applications is the connected applications: what each may see, since when,
// when it last did.
type Applications struct {
	ui.Shell
	Cards []ui.Card
	Empty *ui.EmptyState
}

// Template implements ui.Page.
func (Applications) Template() string { return "portal/applications" }

// connection is one application that holds something of the customer's.
type connection struct {
	App     app.Application
	Scopes  []string
	Since   time.Time
	Used    time.Time // zero: allowed and not used since
	Offline bool
}

// connections lists them, the one used last first.
func (v *visit) connections(tx *db.Tx) ([]connection, error) {
	grants, err := grant.List(tx, v.t, v.me.CustomerID)
	if err != nil {
		return nil, err
	}
	agreed, err := consent.Recipients(tx, v.t, v.me.CustomerID)
	if err != nil {
		return nil, err
	}
	found := map[app.ID]*connection{}
	at := func(id app.ID) *connection {
		if found[id] == nil {
			found[id] = &connection{}
		}
		return found[id]
	}
	for _, g := range grants {
		at(g.ApplicationID).add(g.Scopes(), g.CreatedAt, g.UsedAt, g.Offline)
	}
	for _, s := range agreed {
		at(app.ID(s.Recipient)).add([]string{s.Item}, s.MadeAt, time.Time{}, false)
	}
	var out []connection
	for id, c := range found {
		a, known, err := app.Book{}.ByID(tx, v.t, id)
		if err != nil {
			return nil, err
		}
		if known {
			c.App = *a
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b connection) int {
		return cmp.Or(b.Used.Compare(a.Used), strings.Compare(a.App.Name, b.App.Name), strings.Compare(a.App.ClientID(), b.App.ClientID()))
	})
	return out, nil
}

func (c *connection) add(scopes []string, since, used time.Time, offline bool) {
	for _, s := range scopes {
		if !slices.Contains(c.Scopes, s) {
			c.Scopes = append(c.Scopes, s)
		}
	}
	if c.Since.IsZero() || since.Before(c.Since) {
		c.Since = since
	}
	if used.After(c.Used) {
		c.Used = used
	}
	c.Offline = c.Offline || offline
}

// lexicon says what scopes mean, as far as the tenant's own words tell.
type lexicon struct {
	fields *catalog.Catalog
	apps   []app.Application
}

func (v *visit) lexicon(tx *db.Tx) (l lexicon, err error) {
	if l.fields, err = catalog.For(tx, v.t); err != nil {
		return l, err
	}
	l.apps, err = app.List(tx, v.t)
	return l, err
}

func (v *visit) applications() error {
	var list []connection
	var l lexicon
	err := v.view(func(tx *db.Tx) (err error) {
		if list, err = v.connections(tx); err != nil {
			return err
		}
		l, err = v.lexicon(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := newApplications(v.shell(applicationsPath), list, l)
	return v.render(p, p.Shell)
}

func newApplications(s ui.Shell, list []connection, l lexicon) Applications {
	s.Title = s.T("portal.apps.title")
	p := Applications{Shell: s}
	if len(list) == 0 {
		p.Empty = &ui.EmptyState{Title: s.T("portal.apps.none"), Text: s.T("portal.apps.none_text")}
	}
	for _, c := range list {
		p.Cards = append(p.Cards, appCard(s, c, l))
	}
	return p
}

func appCard(s ui.Shell, c connection, l lexicon) ui.Card {
	card := ui.Card{ID: c.App.ClientID(), Title: c.App.Name, Icon: "app-window", Kind: "brand", Text: s.T("portal.apps.third")}
	if c.App.FirstParty {
		card.Text = s.T("portal.apps.first", "shop", s.Look.Name)
	}
	used := template.HTML(template.HTMLEscapeString(s.T("portal.apps.unused")))
	if !c.Used.IsZero() {
		used = s.Ago(c.Used)
	}
	rows := []ui.Pair{
		{Key: s.T("portal.apps.sees"), HTML: bullets(s, c.Scopes, l)},
		{Key: s.T("portal.apps.since"), HTML: s.Date(c.Since)},
		{Key: s.T("portal.apps.used"), HTML: used},
	}
	if c.Offline {
		rows = append(rows, ui.Pair{Key: s.T("portal.apps.away"), Value: s.T("portal.apps.away_text")})
	}
	card.Body = []ui.Component{ui.KeyValue{Rows: rows}}
	card.Action = &ui.Button{
		Text: s.T("portal.apps.revoke"), Label: s.T("portal.apps.revoke_it", "name", c.App.Name), Small: true,
		Href: applicationsPath + "/revoke?application=" + c.App.ClientID(),
	}
	return card
}

// bullets is what an application may see, in the customer's words.
func bullets(s ui.Shell, scopes []string, l lexicon) template.HTML {
	words := scopeWords(s, scopes, l)
	for i := range words {
		words[i] = template.HTMLEscapeString(words[i])
	}
	return template.HTML(s.List(words))
}

// standard are the scopes that every tenant has, in the order in which they are
// told. "offline_access" has a line of its own.
var standard = []struct{ scope, key string }{
	{"openid", "portal.scope.openid"}, {"profile", "portal.scope.profile"}, {"email", "portal.scope.email"},
	{"phone", "portal.scope.phone"}, {"address", "portal.scope.address"},
}

func scopeWords(s ui.Shell, scopes []string, l lexicon) []string {
	var out []string
	known := []string{"offline_access"}
	for _, w := range standard {
		known = append(known, w.scope)
		if slices.Contains(scopes, w.scope) {
			out = append(out, s.T(w.key))
		}
	}
	for _, scope := range scopes {
		if !slices.Contains(known, scope) {
			out = append(out, l.words(s, scope)...)
		}
	}
	return out
}

// words says what a scope of the tenant's own means: the fields that it
// carries, else what the API says of it, else its name.
func (l lexicon) words(s ui.Shell, scope string) (out []string) {
	if l.fields != nil {
		for _, f := range l.fields.ByScope(scope) {
			out = append(out, label(s, f))
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, a := range l.apps {
		for _, offered := range a.Settings.Scopes {
			if text := inLocale(s, offered.Words); offered.Name == scope && text != "" {
				return []string{text}
			}
		}
	}
	return []string{scope}
}

// inLocale picks the page's language among texts, else its base language, else
// the tenant's, else English.
func inLocale(s ui.Shell, texts map[string]string) string {
	locale := string(s.Locale)
	base, _, _ := strings.Cut(locale, "-")
	return first(texts[locale], texts[base], texts[string(s.Look.Locale)], texts["en"])
}

// named is the connected application that a form or link names. One of another
// tenant is none (H154).
func (v *visit) named(tx *db.Tx) (*app.Application, error) {
	raw, err := v.typed("application")
	if err != nil {
		return nil, err
	}
	var id app.ID
	if raw == "" || id.UnmarshalText([]byte(raw)) != nil {
		return nil, errNothing
	}
	a, found, err := app.Book{}.ByID(tx, v.t, id)
	if err == nil && !found {
		err = errNothing
	}
	return a, err
}

func (v *visit) askRevoke() error {
	var a *app.Application
	connected := false
	err := v.view(func(tx *db.Tx) (err error) {
		if a, err = v.named(tx); err != nil {
			return err
		}
		list, err := v.connections(tx)
		connected = slices.ContainsFunc(list, func(c connection) bool { return c.App.ID == a.ID })
		return err
	})
	if err != nil {
		return err
	}
	if !connected {
		return v.to(applicationsPath)
	}
	p := newRevoke(v.shell(applicationsPath), a.Name, a.FirstParty)
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "application", Value: a.ClientID()}}
	return v.render(p, p.Shell)
}

func newRevoke(s ui.Shell, name string, firstParty bool) Ask {
	p := ask(s, s.T("portal.revoke.title", "name", name), applicationsPath+"/revoke", applicationsPath)
	p.Lede = s.T("portal.revoke.lede", "name", name)
	p.Consequences = []string{s.T("portal.revoke.access"), s.T("portal.revoke.kept", "name", name)}
	if firstParty {
		p.Consequences = append(p.Consequences, s.T("portal.revoke.again_first"))
	} else {
		p.Consequences = append(p.Consequences, s.T("portal.revoke.again"))
	}
	p.Submit = ui.Button{Text: s.T("portal.apps.revoke"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

// revoke takes back what an application was allowed. Once more does nothing.
func (v *visit) revoke() error {
	err := v.update(func(tx *db.Tx) error {
		a, err := v.named(tx)
		if err != nil {
			return err
		}
		return v.p.acts.RevokeApplication(tx, v.t, v.choice(), a.ID)
	})
	if err != nil {
		return err
	}
	return v.to(applicationsPath + "?done=revoked")
}
