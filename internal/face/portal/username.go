package portal

import (
	"net/url"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/risk"
)

func usernameCard(s ui.Shell, name string) *ui.Card {
	card := &ui.Card{ID: "username", Icon: "id-card", Kind: "brand", Title: s.T("portal.username.card"), Text: s.T("portal.username.none")}
	set := ui.Button{Text: s.T("portal.username.set"), Href: usernamePath}
	if name != "" {
		card.Text = s.T("portal.username.is", "name", name)
		set.Text = s.T("portal.username.change")
	}
	card.Action = &set
	return card
}

// username is the account's own, if it has one.
func (v *visit) username() (i release.OpenIdentifier, found bool, err error) {
	if !v.t.Settings.Identifiers.Username {
		return i, false, errNothing
	}
	var all []release.OpenIdentifier
	err = v.view(func(tx *db.Tx) (err error) { all, err = v.identifiers(tx); return err })
	for _, i := range all {
		if i.Kind == customer.Username {
			return i, true, err
		}
	}
	return i, false, err
}

func (v *visit) askUsername() error {
	i, found, err := v.username()
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActAddress); err != nil {
		return err
	}
	return v.showUsername(i, found, i.Value, nil)
}

func (v *visit) showUsername(i release.OpenIdentifier, found bool, value string, wrong error) error {
	s := v.shell(addressesPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newUsername(s, value)
	p.Fields = append(p.Fields, v.mark())
	if found {
		at := "?address=" + url.QueryEscape(v.seal("address", i.Digest[:]))
		p.Fields = append(p.Fields, ui.Button{Text: s.T("portal.username.remove"), Kind: "quiet", Href: addressesPath + "/remove" + at})
	}
	return v.renderWrong(p, p.Shell, wrong)
}

func newUsername(s ui.Shell, value string) Ask {
	p := ask(s, s.T("portal.username.title"), usernamePath, addressesPath)
	p.Lede = s.T("portal.username.lede")
	p.Fields = []ui.Component{ui.IdentifierField{
		Name: "username", Label: s.T("portal.field.username"), Hint: s.T("portal.username.hint"), Value: value, Kind: "text", Autofocus: true,
	}}
	p.Submit = ui.Button{Text: s.T("portal.save"), Kind: "primary", Wait: s.T("portal.wait")}
	return p
}

// setUsername gives the account a user name in place of the one before. That a
// name is taken is told to somebody who has proven an address; tries are metered.
func (v *visit) setUsername() error {
	i, found, err := v.username()
	if err != nil {
		return err
	}
	raw, err := v.typed("username")
	if err != nil {
		return err
	}
	if err := v.rename(raw); err != nil {
		if correctable(err, customer.Username) {
			return v.showUsername(i, found, raw, err)
		}
		return err
	}
	return v.to(addressesPath + "?done=username")
}

func (v *visit) rename(raw string) error {
	canonical, err := customer.NormalizeFor(v.t, customer.Username, raw)
	if err != nil {
		return err
	}
	if err := risk.Reserve(v.r.Context(), v.p.db, v.t, risk.Lookup(network(v.r))...); err != nil {
		return err
	}
	return v.freshly(access.ActAddress, func(tx *db.Tx) error {
		n := customer.NewIdentifier{Kind: customer.Username, Value: canonical, Verified: true}
		return customer.AddIdentifier(tx, v.t, v.me.CustomerID, n)
	})
}
