package portal

import (
	"errors"
	"net/url"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Addresses is the e-mail addresses, phone numbers and the user name of an
// account, with what can be done with each.
type Addresses struct {
	ui.Shell
	Groups   []AddressGroup
	Username *ui.Card // nil: user names are not used here
	Signal   *Signal  // after a change of the address
	Mark     ui.Hidden
}

// Template implements ui.Page.
func (Addresses) Template() string { return "portal/addresses" }

// AddressGroup is the addresses of one kind.
type AddressGroup struct {
	ID, Title, Text, Empty string
	Rows                   []AddressRow
	Add                    ui.Button
}

// AddressRow is one address. Handle names it in forms, to this customer alone.
type AddressRow struct {
	Value, Handle, Icon string
	Badges              []ui.Badge
	Verify, Primary     *ui.Button // send the form of the row
	Change, Remove      *ui.Button // lead to a page
}

// addressFacts is what the page shows.
type addressFacts struct {
	List     []release.OpenIdentifier
	Handle   func(release.OpenIdentifier) string
	Phones   bool // the tenant uses phone numbers
	Username bool // and user names
}

func (v *visit) addresses() error {
	f := v.addressFacts()
	if err := v.view(func(tx *db.Tx) (err error) { f.List, err = v.identifiers(tx); return err }); err != nil {
		return err
	}
	p := newAddresses(v.shell(addressesPath), f)
	p.Mark, p.Signal = v.mark(), v.renamed(&p.Shell)
	return v.render(p, p.Shell)
}

func (v *visit) addressFacts() addressFacts {
	use := v.t.Settings.Identifiers
	return addressFacts{
		Phones: use.Phone, Username: use.Username,
		Handle: func(i release.OpenIdentifier) string { return v.seal("address", i.Digest[:]) },
	}
}

func newAddresses(s ui.Shell, f addressFacts) Addresses {
	s.Title = s.T("portal.addresses.title")
	p := Addresses{Shell: s}
	emails := AddressGroup{
		ID: "emails", Title: s.T("portal.addresses.emails"), Text: s.T("portal.addresses.emails_text"), Empty: s.T("portal.addresses.emails_none"),
		Add: ui.Button{Text: s.T("portal.addresses.add_email"), Icon: "plus", Href: addressesPath + "/add?kind=email"},
	}
	phones := AddressGroup{
		ID: "phones", Title: s.T("portal.addresses.phones"), Text: s.T("portal.addresses.phones_text"), Empty: s.T("portal.addresses.phones_none"),
		Add: ui.Button{Text: s.T("portal.addresses.add_phone"), Icon: "plus", Href: addressesPath + "/add?kind=phone"},
	}
	name := ""
	for _, i := range f.List {
		switch i.Kind {
		case customer.Email:
			emails.Rows = append(emails.Rows, addressRow(s, i, f))
		case customer.Phone:
			phones.Rows = append(phones.Rows, addressRow(s, i, f))
		case customer.Username:
			name = i.Value
		}
	}
	p.Groups = append(p.Groups, emails)
	if f.Phones || len(phones.Rows) > 0 {
		p.Groups = append(p.Groups, phones)
	}
	if f.Username {
		p.Username = usernameCard(s, name)
	}
	return p
}

func addressRow(s ui.Shell, i release.OpenIdentifier, f addressFacts) AddressRow {
	handle := f.Handle(i)
	row := AddressRow{Value: i.Value, Handle: handle, Icon: "mail"}
	if i.Kind == customer.Phone {
		row.Icon = "smartphone"
	}
	if i.Primary {
		row.Badges = append(row.Badges, ui.Badge{Text: s.T("portal.addresses.primary"), Kind: "info"})
	}
	if i.Verified() {
		row.Badges = append(row.Badges, ui.Badge{Text: s.T("portal.addresses.verified"), Kind: "ok", Icon: "check"})
	} else {
		row.Badges = append(row.Badges, ui.Badge{Text: s.T("portal.addresses.unverified"), Kind: "warn", Icon: "triangle-alert"})
		row.Verify = &ui.Button{Text: s.T("portal.addresses.verify"), Label: s.T("portal.addresses.verify_it", "address", i.Value), Small: true, Wait: s.T("portal.wait")}
	}
	if i.Verified() && !i.Primary {
		row.Primary = &ui.Button{Text: s.T("portal.addresses.make_primary"), Label: s.T("portal.addresses.make_primary_it", "address", i.Value), Small: true, Wait: s.T("portal.wait")}
	}
	at := "?address=" + url.QueryEscape(handle)
	if i.Kind == customer.Email || f.Phones {
		row.Change = &ui.Button{Text: s.T("portal.addresses.change"), Label: s.T("portal.addresses.change_it", "address", i.Value), Small: true, Href: addressesPath + "/change" + at}
	}
	if removable(f.List, i) {
		row.Remove = &ui.Button{Text: s.T("portal.addresses.remove"), Label: s.T("portal.addresses.remove_it", "address", i.Value), Small: true, Kind: "quiet", Href: addressesPath + "/remove" + at}
	}
	return row
}

// removable mirrors customer.RemoveIdentifier: an address must remain through
// which the customer is reached, a confirmed one if this one is.
func removable(all []release.OpenIdentifier, gone release.OpenIdentifier) bool {
	for _, i := range all {
		if i.Digest != gone.Digest && i.Kind != customer.Username && (i.Verified() || !gone.Verified()) {
			return true
		}
	}
	return gone.Kind == customer.Username
}

// find is the customer's address that a form or link names. What was not handed
// to this customer names none (H154); gone tells that it was theirs.
func (v *visit) find(name string) (i release.OpenIdentifier, gone bool, err error) {
	raw, err := v.typed(name)
	if err != nil {
		return i, false, err
	}
	digest, ok := v.unseal("address", raw)
	if !ok || len(digest) != len(i.Digest) {
		return i, false, errNothing
	}
	var all []release.OpenIdentifier
	if err := v.view(func(tx *db.Tx) (err error) { all, err = v.identifiers(tx); return err }); err != nil {
		return i, false, err
	}
	for _, i := range all {
		if i.Digest == [32]byte(digest) {
			return i, false, nil
		}
	}
	return i, true, nil
}

// kind is which kind of address is to be added: one that the tenant uses.
func (v *visit) kind() (string, error) {
	kind, err := v.typed("kind")
	switch {
	case err != nil:
		return "", err
	case kind == customer.Email, kind == customer.Phone && v.t.Settings.Identifiers.Phone:
		return kind, nil
	}
	return "", errNothing
}

func (v *visit) askAddress() error {
	kind, err := v.kind()
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActAddress); err != nil {
		return err
	}
	return v.showAdd(kind, "", nil)
}

func (v *visit) showAdd(kind, value string, wrong error) error {
	s := v.shell(addressesPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newAdd(s, kind, value)
	p.Fields = append(p.Fields, v.mark())
	return v.renderWrong(p, p.Shell, wrong)
}

func newAdd(s ui.Shell, kind, value string) Ask {
	p := ask(s, s.T("portal.add.email"), addressesPath+"/add", addressesPath)
	p.Lede = s.T("portal.add.email_lede")
	if kind == customer.Phone {
		p.Title, p.Lede = s.T("portal.add.phone"), s.T("portal.add.phone_lede")
	}
	p.Fields = []ui.Component{addressField(s, kind, value), ui.Hidden{Name: "kind", Value: kind}}
	p.Submit = ui.Button{Text: s.T("portal.add.submit"), Kind: "primary", Wait: s.T("portal.wait")}
	return p
}

// addressField is where an address is typed; its name is its kind.
func addressField(s ui.Shell, kind, value string) ui.Field {
	if kind == customer.Phone {
		return ui.Field{Name: kind, Type: "tel", Label: s.T("portal.field.phone"), Hint: s.T("portal.field.phone_hint"), Value: value, Autocomplete: "tel", Max: 40, Autofocus: true}
	}
	return ui.Field{Name: kind, Type: "email", Label: s.T("portal.field.email"), Hint: s.T("portal.field.email_hint"), Value: value, Autocomplete: "email", Max: 254, Autofocus: true}
}

func (v *visit) addAddress() error {
	kind, err := v.kind()
	if err != nil {
		return err
	}
	v.back = addressesPath + "/add?kind=" + kind
	raw, err := v.typed(kind)
	if err != nil {
		return err
	}
	err = v.prove(account.NewAddress{Kind: kind, Value: raw})
	if correctable(err, kind) {
		return v.showAdd(kind, raw, err)
	}
	return err
}

func (v *visit) askChange() error {
	i, gone, err := v.find("address")
	if err != nil {
		return err
	}
	if gone || i.Kind == customer.Username {
		return v.to(addressesPath)
	}
	if err := v.fresh(access.ActAddress); err != nil {
		return err
	}
	return v.showChange(i, "", nil)
}

func (v *visit) showChange(i release.OpenIdentifier, value string, wrong error) error {
	s := v.shell(addressesPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newChange(s, i, value)
	p.Fields = append(p.Fields, v.mark(), ui.Hidden{Name: "address", Value: v.seal("address", i.Digest[:])})
	return v.renderWrong(p, p.Shell, wrong)
}

func newChange(s ui.Shell, i release.OpenIdentifier, value string) Ask {
	p := ask(s, s.T("portal.change.email"), addressesPath+"/change", addressesPath)
	if i.Kind == customer.Phone {
		p.Title = s.T("portal.change.phone")
	}
	p.Lede = s.T("portal.change.lede", "address", i.Value)
	p.Consequences = []string{s.T("portal.change.code"), s.T("portal.change.told"), s.T("portal.change.undo", "hours", int(account.Undo.Hours()))}
	p.Fields = []ui.Component{addressField(s, i.Kind, value)}
	p.Submit = ui.Button{Text: s.T("portal.add.submit"), Kind: "primary", Wait: s.T("portal.wait")}
	return p
}

func (v *visit) changeAddress() error {
	i, gone, err := v.find("address")
	if err != nil {
		return err
	}
	if gone || i.Kind == customer.Username {
		return v.to(addressesPath)
	}
	v.back = addressesPath + "/change?address=" + url.QueryEscape(v.form.Get("address"))
	raw, err := v.typed(i.Kind)
	if err != nil {
		return err
	}
	err = v.prove(account.NewAddress{Kind: i.Kind, Value: raw, Replaces: i.Digest})
	if correctable(err, i.Kind) {
		return v.showChange(i, raw, err)
	}
	return err
}

// verifyAddress proves an address that is there and was never confirmed.
func (v *visit) verifyAddress() error {
	i, gone, err := v.find("address")
	if err != nil {
		return err
	}
	if gone || i.Verified() {
		return v.to(addressesPath)
	}
	return v.prove(account.NewAddress{Kind: i.Kind, Value: i.Value})
}

// errOwn is told for an address that the account has confirmed already.
var errOwn = fault.New(fault.Conflict, "address_own", "This address is confirmed in your account already.")

// prove begins the proof of an address, sends the code there and leads to where
// it is typed. Whose the address is, is not told before it is proven.
func (v *visit) prove(n account.NewAddress) error {
	canonical, err := customer.NormalizeFor(v.t, n.Kind, n.Value)
	if err != nil {
		return err
	}
	if err := customer.Reachable(v.t, n.Kind, canonical); err != nil {
		return err
	}
	if err := v.settle(&n, canonical); err != nil {
		return err
	}
	meters := risk.Mail(canonical, network(v.r))
	if n.Kind == customer.Phone {
		meters = risk.SMS(canonical, network(v.r))
	}
	if err := risk.Reserve(v.r.Context(), v.p.db, v.t, meters...); err != nil {
		return err
	}
	browser := bindBrowser(v.w, v.r)
	var f signin.Flow
	err = v.freshly(access.ActAddress, func(tx *db.Tx) (err error) {
		if f, err = v.p.acts.BeginAddress(tx, v.t, v.me, browser, n); err != nil {
			return err
		}
		return v.p.acts.SendCode(tx, v.t, &f)
	})
	if err != nil {
		return err
	}
	return v.to(signInPath + "/" + f.ID.String())
}

// settle refuses what is confirmed already, and what would take the place of
// itself is only confirmed.
func (v *visit) settle(n *account.NewAddress, canonical string) error {
	digest := customer.Digest(v.t, n.Kind, canonical)
	if n.Replaces == digest {
		n.Replaces = [32]byte{}
	}
	return v.view(func(tx *db.Tx) error {
		if err := v.assured(tx, access.ActAddress); err != nil {
			return err
		}
		all, err := customer.Identifiers(tx, v.t, v.me.CustomerID)
		for _, i := range all {
			if i.Digest == digest && i.Verified() {
				return errOwn.At(n.Kind)
			}
		}
		return err
	})
}

func (v *visit) makePrimary() error {
	i, gone, err := v.find("address")
	if err != nil {
		return err
	}
	if gone || i.Primary {
		return v.to(addressesPath)
	}
	if !i.Verified() {
		return customer.ErrNotVerified
	}
	if err := v.freshly(access.ActAddress, func(tx *db.Tx) error { return v.p.acts.MakePrimary(tx, v.t, v.me.CustomerID, i.Digest) }); err != nil {
		return err
	}
	return v.to(addressesPath + "?done=primary")
}

func (v *visit) askRemove() error {
	i, gone, err := v.find("address")
	if err != nil {
		return err
	}
	if gone {
		return v.to(addressesPath)
	}
	if err := v.fresh(access.ActAddress); err != nil {
		return err
	}
	p := newRemove(v.shell(addressesPath), i)
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "address", Value: v.seal("address", i.Digest[:])}}
	return v.render(p, p.Shell)
}

func newRemove(s ui.Shell, i release.OpenIdentifier) Ask {
	p := ask(s, s.T("portal.remove.title"), addressesPath+"/remove", addressesPath)
	p.Lede = s.T("portal.remove.lede", "address", i.Value)
	p.Consequences = []string{s.T("portal.remove.signin"), s.T("portal.remove.messages"), s.T("portal.change.undo", "hours", int(account.Undo.Hours()))}
	if i.Kind == customer.Username {
		p.Title = s.T("portal.username.remove")
		p.Consequences = []string{s.T("portal.username.removed"), s.T("portal.change.undo", "hours", int(account.Undo.Hours()))}
	}
	p.Submit = ui.Button{Text: s.T("portal.addresses.remove"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

func (v *visit) removeAddress() error {
	i, gone, err := v.find("address")
	if err != nil {
		return err
	}
	if gone {
		return v.to(addressesPath + "?done=removed")
	}
	v.back = addressesPath + "/remove?address=" + url.QueryEscape(v.form.Get("address"))
	err = v.freshly(access.ActAddress, func(tx *db.Tx) error { return v.p.acts.RemoveAddress(tx, v.t, v.me.CustomerID, i.Digest) })
	if err != nil && !errors.Is(err, customer.ErrNoIdentifier) {
		return err
	}
	return v.to(addressesPath + "?done=removed")
}
