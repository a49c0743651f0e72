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
	State   ui.Notice
	Checks  ui.Rows
	Ways    []Way // passkeys, the second step, the password
	Devices []Device
	Known   ui.Rows // leads to all browsers that were ever signed in
	Others  bool    // somebody is signed in elsewhere
	Mark    ui.Hidden
}

// Template implements ui.Page.
func (Security) Template() string { return "portal/security" }

// Way is something that somebody signs in with, and how it stands.
type Way struct {
	ID, Icon, Title, Text string
	Badge                 ui.Badge
	Acts                  []ui.Button
}

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

	PasskeysOn, AppsOn bool // passkeys and authenticator apps are used here
	Passkeys, Apps     int
	CodesLeft          int // recovery codes
	Known, Skipping    int // known browsers, and those that are not asked for the second step
}

// guarded reports whether more than a mailbox or a password lets somebody in.
func (c checkup) guarded() bool { return c.Passkeys > 0 || c.Apps > 0 }

// offered reports whether the account could be guarded here.
func (c checkup) offered() bool { return c.PasskeysOn || c.AppsOn }

// fewCodes reports whether it is time for new recovery codes.
func (c checkup) fewCodes() bool { return c.Apps > 0 && c.CodesLeft <= credential.RecoveryFew }

// open is how many things are worth a look.
func (c checkup) open() int {
	n := 0
	for _, worth := range []bool{c.Unproven, c.Verified < 2, c.offered() && !c.guarded(), c.fewCodes()} {
		if worth {
			n++
		}
	}
	return n
}

func (v *visit) checkup(tx *db.Tx) (checkup, error) {
	c := checkup{
		PasswordOn: signin.PolicyOf(v.t).Password, PasskeysOn: !v.t.Settings.Passkeys.Off, AppsOn: !v.t.Settings.SecondFactor.NoTOTP,
	}
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
	if c.Devices = len(all); err != nil {
		return c, err
	}
	return c, v.countFactors(tx, &c)
}

func (v *visit) countFactors(tx *db.Tx, c *checkup) error {
	has, err := credential.FactorsOf(tx, v.t, v.me.CustomerID)
	if err != nil {
		return err
	}
	c.Passkeys, c.Apps, c.CodesLeft = int(has.Passkeys), int(has.TOTPs), int(has.RecoveryCodes)
	known, err := session.Devices(tx, v.t, v.me.CustomerID)
	c.Known, c.Skipping = len(known), skipping(known)
	return err
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
	p.Ways = ways(s, c)
	p.Known = ui.Rows{Items: []ui.Component{ui.LinkRow{
		Href: devicesPath, Icon: "history", Title: s.T("portal.trusted.title"), Text: s.T("portal.trusted.count", "n", c.Known),
	}}}
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
	strong := ui.LinkRow{Href: passkeysPath, Icon: "fingerprint", Kind: "ok", Title: s.T("portal.check.strong"), Badge: good}
	switch {
	case c.Passkeys > 0:
		strong.Text = s.T("portal.passkey.count", "n", c.Passkeys)
	case c.Apps > 0:
		strong.Href, strong.Text = twoStepPath, s.T("portal.app.on")
	default:
		strong.Kind, strong.Text, strong.Badge = "warn", s.T("portal.check.strong_open"), look
		if !c.PasskeysOn {
			strong.Href = twoStepPath
		}
	}
	devices := ui.LinkRow{Href: "#devices", Icon: "laptop", Kind: "ok", Title: s.T("portal.check.devices"), Text: s.T("portal.home.devices", "n", c.Devices), Badge: good}
	list := []ui.Component{address, spare}
	if c.offered() || c.guarded() {
		list = append(list, strong)
	}
	if c.Apps > 0 {
		list = append(list, codesCheck(s, c, good, look))
	}
	return append(list, devices)
}

func codesCheck(s ui.Shell, c checkup, good, look *ui.Badge) ui.LinkRow {
	row := ui.LinkRow{Href: twoStepPath + "#codes", Icon: "life-buoy", Kind: "ok", Title: s.T("portal.codes.title"), Text: s.T("portal.codes.left", "n", c.CodesLeft), Badge: good}
	if c.fewCodes() {
		row.Kind, row.Badge = "warn", look
	}
	return row
}

// ways are what somebody signs in with here, or could.
func ways(s ui.Shell, c checkup) (list []Way) {
	if c.PasskeysOn || c.Passkeys > 0 {
		list = append(list, passkeysWay(s, c))
	}
	if c.AppsOn || c.Apps > 0 {
		list = append(list, twoStepWay(s, c))
	}
	if c.PasswordOn || !c.PasswordSet.IsZero() {
		list = append(list, passwordWay(s, c))
	}
	return list
}

func passkeysWay(s ui.Shell, c checkup) Way {
	w := Way{ID: "passkeys", Icon: "fingerprint", Title: s.T("portal.passkey.title"), Text: s.T("portal.passkey.none_text"), Badge: ui.Badge{Text: s.T("portal.way.unset")}}
	act := ui.Button{Text: s.T("portal.passkey.add"), Small: true, Href: passkeysPath}
	if c.Passkeys > 0 {
		w.Text, w.Badge = s.T("portal.passkey.count", "n", c.Passkeys), ui.Badge{Text: s.T("portal.way.set"), Kind: "ok", Icon: "check"}
		act.Text, act.Label = s.T("portal.app.manage"), s.T("portal.passkey.manage")
	}
	w.Acts = []ui.Button{act}
	return w
}

func twoStepWay(s ui.Shell, c checkup) Way {
	w := Way{ID: "two-step", Icon: "smartphone", Title: s.T("portal.app.title"), Text: s.T("portal.app.off_text"), Badge: ui.Badge{Text: s.T("portal.way.off")}}
	act := ui.Button{Text: s.T("portal.app.set_up"), Label: s.T("portal.app.set_up_it"), Small: true, Href: twoStepPath}
	if c.Apps > 0 {
		w.Text, w.Badge = s.T("portal.app.state", "n", c.Apps), ui.Badge{Text: s.T("portal.way.on"), Kind: "ok", Icon: "check"}
		act.Text, act.Label = s.T("portal.app.manage"), s.T("portal.app.manage_it")
	}
	w.Acts = []ui.Button{act}
	return w
}

func passwordWay(s ui.Shell, c checkup) Way {
	w := Way{ID: "password", Icon: "lock", Title: s.T("portal.password.card"), Text: s.T("portal.password.none"), Badge: ui.Badge{Text: s.T("portal.way.unset")}}
	set := ui.Button{Text: s.T("portal.password.set"), Small: true, Href: passwordPath}
	if !c.PasswordSet.IsZero() {
		w.Text, w.Badge = s.T("portal.password.since", "date", s.Words().Date(c.PasswordSet, s.Zone)), ui.Badge{Text: s.T("portal.way.set"), Kind: "ok", Icon: "check"}
		set.Text = s.T("portal.password.change")
	}
	if c.PasswordOn {
		w.Acts = append(w.Acts, set)
	}
	if !c.PasswordSet.IsZero() {
		w.Acts = append(w.Acts, ui.Button{Text: s.T("portal.password.remove"), Kind: "quiet", Small: true, Href: passwordPath + "/remove"})
	}
	return w
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
