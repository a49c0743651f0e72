package portal

import (
	"net/netip"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Security is the check-up, the password, and where somebody is signed in.
type Security struct {
	ui.Shell
	State    ui.Notice
	Checks   ui.Rows
	Password *ui.Card
	Devices  []Device
	Others   bool // somebody is signed in elsewhere
	Mark     ui.Hidden
}

// Template implements ui.Page.
func (Security) Template() string { return "portal/security" }

// Device is one session in the list. Session is its id, "" for this browser's
// own, which has another button.
type Device struct {
	Name, Icon, Near, Session string
	Since, Seen               time.Time
	This                      bool
	End                       ui.Button
}

// checkup is what can be said about how safe an account is.
type checkup struct {
	Primary     string    // outline of the address that messages go to
	Unproven    bool      // some address was never confirmed
	Verified    int       // confirmed addresses
	PasswordOn  bool      // passwords are used here
	PasswordSet time.Time // zero: there is none
	Devices     int       // living sessions
}

// open is how many things are worth a look.
func (c checkup) open() int {
	n := 0
	if c.Unproven {
		n++
	}
	if c.Verified < 2 {
		n++
	}
	return n
}

func (v *visit) checkup(tx *db.Tx) (checkup, error) {
	c := checkup{PasswordOn: signin.PolicyOf(v.t).Password}
	list, err := v.identifiers(tx)
	if err != nil {
		return c, err
	}
	for _, i := range list {
		if i.Kind == customer.Username {
			continue
		}
		if i.Verified() {
			c.Verified++
		} else {
			c.Unproven = true
		}
		if i.Primary && (c.Primary == "" || i.Kind == customer.Email) {
			c.Primary = i.Masked
		}
	}
	if c.PasswordSet, err = credential.PasswordChanged(tx, v.t, v.me.CustomerID); err != nil {
		return c, err
	}
	all, err := session.List(tx, v.t, v.me.CustomerID)
	c.Devices = len(all)
	return c, err
}

// identifiers opens the customer's own addresses and name.
func (v *visit) identifiers(tx *db.Tx) ([]release.OpenIdentifier, error) {
	return release.Identifiers(tx, v.t, release.Ask{
		Customer: v.me.CustomerID, Recipient: self(v.me.CustomerID), Purpose: release.SignIn,
	})
}

func (v *visit) security() error {
	var c checkup
	var list []signedIn
	err := v.view(func(tx *db.Tx) (err error) {
		if c, err = v.checkup(tx); err != nil {
			return err
		}
		list, err = v.devices(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := newSecurity(v.shell(securityPath), c, list)
	p.Mark = v.mark()
	return v.render(p, p.Shell)
}

// signedIn is a session with its place opened.
type signedIn struct {
	ID    session.ID
	Place session.Place
	Since time.Time
	Seen  time.Time
	This  bool
}

func (v *visit) devices(tx *db.Tx) ([]signedIn, error) {
	all, err := session.List(tx, v.t, v.me.CustomerID)
	if err != nil {
		return nil, err
	}
	items := make([]customer.Item, 0, len(all))
	for _, s := range all {
		if len(s.PlaceSealed) > 0 {
			items = append(items, customer.Item{Field: session.PlaceField, Sealed: s.PlaceSealed})
		}
	}
	plain, err := release.OpenAll(tx, v.t, self(v.me.CustomerID), v.me.CustomerID, items...)
	if err != nil {
		return nil, err
	}
	out := make([]signedIn, len(all))
	for i, s := range all {
		out[i] = signedIn{ID: s.ID, Since: s.CreatedAt, Seen: s.SeenAt, This: s.ID == v.me.ID}
		if len(s.PlaceSealed) > 0 {
			out[i].Place, plain = session.OpenPlace(plain[0]), plain[1:]
		}
	}
	return thisFirst(out), nil
}

func thisFirst(list []signedIn) []signedIn {
	out := make([]signedIn, 0, len(list))
	for _, want := range []bool{true, false} {
		for _, s := range list {
			if s.This == want {
				out = append(out, s)
			}
		}
	}
	return out
}

func newSecurity(s ui.Shell, c checkup, list []signedIn) Security {
	s.Title = s.T("portal.security.title")
	p := Security{Shell: s, Checks: ui.Rows{Label: s.T("portal.check.label"), Items: checks(s, c)}}
	p.State = ui.Notice{Kind: "ok", Title: s.T("portal.check.good"), Text: s.T("portal.check.good_text")}
	if n := c.open(); n > 0 {
		p.State = ui.Notice{Kind: "warn", Title: s.T("portal.check.open", "n", n), Text: s.T("portal.check.open_text")}
	}
	if c.PasswordOn || !c.PasswordSet.IsZero() {
		p.Password = passwordCard(s, c)
	}
	for _, d := range list {
		p.Devices = append(p.Devices, device(s, d))
		p.Others = p.Others || !d.This
	}
	return p
}

// checks are the lines of the check-up: each says how one thing stands and
// leads to where it is changed.
func checks(s ui.Shell, c checkup) []ui.Component {
	good, look := &ui.Badge{Text: s.T("portal.check.ok"), Kind: "ok", Icon: "check"}, &ui.Badge{Text: s.T("portal.check.look"), Kind: "warn", Icon: "triangle-alert"}
	address := ui.LinkRow{Href: addressesPath, Icon: "mail", Kind: "ok", Title: s.T("portal.check.address"), Text: s.T("portal.check.address_ok", "address", c.Primary), Badge: good}
	if c.Unproven {
		address.Kind, address.Text, address.Badge = "warn", s.T("portal.check.address_open"), look
	}
	spare := ui.LinkRow{Href: addressesPath, Icon: "life-buoy", Kind: "ok", Title: s.T("portal.check.spare"), Text: s.T("portal.check.spare_ok", "n", c.Verified), Badge: good}
	if c.Verified < 2 {
		spare.Kind, spare.Text, spare.Badge = "warn", s.T("portal.check.spare_open"), look
	}
	devices := ui.LinkRow{Href: "#devices", Icon: "laptop", Kind: "ok", Title: s.T("portal.check.devices"), Text: s.T("portal.home.devices", "n", c.Devices), Badge: good}
	return []ui.Component{address, spare, devices}
}

func passwordCard(s ui.Shell, c checkup) *ui.Card {
	card := &ui.Card{ID: "password", Icon: "lock", Kind: "brand", Title: s.T("portal.password.card"), Text: s.T("portal.password.none")}
	set := ui.Button{Text: s.T("portal.password.set"), Href: passwordPath}
	if !c.PasswordSet.IsZero() {
		card.Text = s.T("portal.password.since", "date", s.Words().Date(c.PasswordSet, s.Zone))
		set.Text = s.T("portal.password.change")
	}
	var acts []ui.Component
	if c.PasswordOn {
		acts = append(acts, set)
	}
	if !c.PasswordSet.IsZero() {
		acts = append(acts, ui.Button{Text: s.T("portal.password.remove"), Href: passwordPath + "/remove", Kind: "quiet"})
	}
	card.Body = []ui.Component{Actions{acts}}
	return card
}

func device(s ui.Shell, d signedIn) Device {
	out := Device{
		Name: deviceName(s, d.Place), Icon: deviceIcon(d.Place.Kind), Near: nearby(s, d.Place.Network),
		Since: d.Since, Seen: d.Seen, This: d.This,
	}
	if !d.This {
		out.Session = d.ID.String()
		out.End = ui.Button{Text: s.T("portal.session.end"), Label: s.T("portal.session.end_on", "device", out.Name), Small: true, Wait: s.T("portal.wait")}
	}
	return out
}

// deviceName says in words what somebody signed in with.
func deviceName(s ui.Shell, p session.Place) string {
	switch {
	case p.Browser != "" && p.System != "":
		return s.T("portal.session.browser_on", "browser", p.Browser, "system", p.System)
	case p.Agent != "":
		return p.Agent
	}
	return s.T("portal.session.unknown")
}

func deviceIcon(kind string) string {
	switch kind {
	case "phone":
		return "smartphone"
	case "tablet":
		return "tablet"
	case "desktop":
		return "laptop"
	}
	return "monitor"
}

// nearby says in words where a network is, as far as its address tells.
func nearby(s ui.Shell, network string) string {
	p, err := netip.ParsePrefix(network)
	switch {
	case err != nil:
		return ""
	case p.Addr().IsLoopback():
		return s.T("portal.session.here")
	case p.Addr().IsPrivate() || p.Addr().IsLinkLocalUnicast():
		return s.T("portal.session.local")
	}
	known := p.Addr().String()
	if p.Addr().Is4() {
		known = strings.TrimSuffix(known, ".0") + ".x"
	}
	if s.Dir() == "rtl" {
		known = "\u2066" + known + "\u2069" // isolated: digits and colons would change places
	}
	return s.T("portal.session.network", "network", known)
}

// Actions is a row of buttons.
type Actions struct{ Items []ui.Component }

// Template implements ui.Component.
func (Actions) Template() string { return "portal/_actions" }

// EndOthers signs every other device out.
func (p Security) EndOthers() ui.Button {
	return ui.Button{Text: p.T("portal.session.others"), Wait: p.T("portal.wait")}
}

// Everywhere leads to the page that signs everything out.
func (p Security) Everywhere() ui.Button {
	return ui.Button{Text: p.T("portal.session.everywhere"), Kind: "danger", Href: everywherePath}
}
