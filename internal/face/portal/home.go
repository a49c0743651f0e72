package portal

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/release"
)

// Home is the first page: who is signed in, and how things stand.
type Home struct {
	ui.Shell
	Greeting string
	Account  ui.AccountCard
	Cards    []ui.Card
	Close    ui.LinkRow
}

// Template implements ui.Page.
func (Home) Template() string { return "portal/home" }

// standing is what the first page tells in words.
type standing struct {
	checkup
	Filled, Fields int      // profile fields with a value, and all
	Missing        bool     // a required one has none
	Apps           []string // names of connected applications, the one used last first
}

func (v *visit) home() error {
	var st standing
	err := v.view(func(tx *db.Tx) (err error) {
		if st.checkup, err = v.checkup(tx); err != nil {
			return err
		}
		if err = v.countFields(tx, &st); err != nil {
			return err
		}
		list, err := v.connections(tx)
		st.Apps = nil
		for _, c := range list {
			st.Apps = append(st.Apps, c.App.Name)
		}
		return err
	})
	if err != nil {
		return err
	}
	p := newHome(v.shell(homePath), v.who, st)
	return v.render(p, p.Shell)
}

func (v *visit) countFields(tx *db.Tx, st *standing) error {
	c, err := catalog.For(tx, v.t)
	if err != nil {
		return err
	}
	fields := c.EditableBy(catalog.Customer)
	d, err := release.Disclose(tx, v.t, release.Ask{
		Customer: v.me.CustomerID, Recipient: self(v.me.CustomerID), Purpose: release.SignIn, Fields: names(fields),
	})
	st.Filled, st.Fields, st.Missing = 0, len(fields), false
	for _, f := range fields {
		_, has := d.Values[f.Name]
		if has {
			st.Filled++
		}
		st.Missing = st.Missing || f.Required && !has
	}
	return err
}

func names(fields []catalog.Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

func newHome(s ui.Shell, who person, st standing) Home {
	s.Title = s.T("portal.home.title")
	p := Home{Shell: s, Greeting: s.T("portal.home.hello")}
	if who.Given != "" {
		p.Greeting = s.T("portal.home.greeting", "name", who.Given)
	}
	p.Account = ui.AccountCard{Name: who.Name, Address: who.Address, Change: chooserPath, ChangeText: s.T("portal.home.switch")}
	p.Cards = []ui.Card{securityCard(s, st.checkup), profileCard(s, st), addressCard(s, st.checkup), appsCard(s, st.Apps)}
	p.Close = ui.LinkRow{
		Href: closePath, Title: s.T("portal.close.link"), Text: s.T("portal.close.link_text"), Icon: "trash-2",
	}
	return p
}

func securityCard(s ui.Shell, c checkup) ui.Card {
	card := stateCard("card-security", "shield-check", s.T("portal.home.security"), s.T("portal.home.devices", "n", c.Devices))
	card.Kind = "ok"
	state := ui.Badge{Text: s.T("portal.check.good"), Kind: "ok", Icon: "check"}
	if n := c.open(); n > 0 {
		card.Icon, card.Kind = "shield-alert", "warn"
		state = ui.Badge{Text: s.T("portal.check.open", "n", n), Kind: "warn", Icon: "triangle-alert"}
	}
	card.Body = []ui.Component{Actions{[]ui.Component{ui.Button{Text: s.T("portal.home.security_open"), Href: securityPath}, state}}}
	return card
}

func profileCard(s ui.Shell, st standing) ui.Card {
	card := stateCard("card-profile", "user-round", s.T("portal.home.profile"), s.T("portal.home.profile_state", "n", st.Filled, "all", st.Fields))
	acts := Actions{[]ui.Component{ui.Button{Text: s.T("portal.home.profile_open"), Href: profilePath}}}
	if st.Missing {
		acts.Items = append(acts.Items, ui.Badge{Text: s.T("portal.home.profile_missing"), Kind: "warn", Icon: "triangle-alert"})
	}
	card.Body = []ui.Component{acts}
	return card
}

func addressCard(s ui.Shell, c checkup) ui.Card {
	card := stateCard("card-addresses", "at-sign", s.T("portal.home.addresses"), s.T("portal.home.addresses_state", "n", c.Verified))
	card.Body = []ui.Component{Actions{[]ui.Component{ui.Button{Text: s.T("portal.home.addresses_open"), Href: addressesPath}}}}
	return card
}

func appsCard(s ui.Shell, apps []string) ui.Card {
	text := s.T("portal.home.apps_none")
	if len(apps) > 0 {
		text = s.T("portal.home.apps_state", "n", len(apps), "name", apps[0])
	}
	card := stateCard("card-applications", "app-window", s.T("portal.home.apps"), text)
	card.Body = []ui.Component{Actions{[]ui.Component{ui.Button{Text: s.T("portal.home.apps_open"), Href: applicationsPath}}}}
	return card
}

// stateCard says in words how one thing stands.
func stateCard(id, icon, title, text string) ui.Card {
	return ui.Card{ID: id, Icon: icon, Kind: "brand", Title: title, Text: text}
}
