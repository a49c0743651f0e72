package portal

import (
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/session"
)

// Devices is the browsers that an account was signed in with, and which of them
// are not asked for the second step.
type Devices struct {
	ui.Shell
	Rows  []KnownDevice
	Asks  bool // the account has a second step
	Empty *ui.EmptyState
	Mark  ui.Hidden
}

// Template implements ui.Page.
func (Devices) Template() string { return "portal/device" }

// KnownDevice is one browser. Until is zero if it is asked every time.
type KnownDevice struct {
	Name, Icon, Near, Handle string
	Since, Seen, Until       time.Time
	This                     bool
	Ask                      *ui.Button // makes it be asked again
	Forget                   ui.Button
}

// knownDevice is a device with its place opened.
type knownDevice struct {
	session.Device
	Place session.Place
	This  bool
}

func (v *visit) knownDevices(tx *db.Tx) ([]knownDevice, error) {
	all, err := session.Devices(tx, v.t, v.me.CustomerID)
	if err != nil {
		return nil, err
	}
	out := make([]knownDevice, len(all))
	var sealed letters
	for i, d := range all {
		o := &out[i]
		*o = knownDevice{Device: d, This: d.ID == v.me.DeviceID}
		sealed.add(session.DevicePlaceField, d.PlaceSealed, func(b []byte) { o.Place = session.OpenPlace(b) })
	}
	return out, sealed.open(tx, v)
}

func (v *visit) devicesPage() error {
	var list []knownDevice
	var has credential.Factors
	err := v.view(func(tx *db.Tx) (err error) {
		if list, err = v.knownDevices(tx); err != nil {
			return err
		}
		has, err = credential.FactorsOf(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	p := newDevices(v.shell(securityPath), list, func(d knownDevice) string { return v.seal("device", d.ID[:]) })
	p.Mark, p.Asks = v.mark(), has.TOTPs > 0
	return v.render(p, p.Shell)
}

func newDevices(s ui.Shell, list []knownDevice, handle func(knownDevice) string) Devices {
	s.Title = s.T("portal.trusted.title")
	s.Back = &ui.Link{Href: securityPath, Text: s.T("portal.security.title")}
	p := Devices{Shell: s}
	if len(list) == 0 {
		p.Empty = &ui.EmptyState{Title: s.T("portal.trusted.none"), Text: s.T("portal.trusted.none_text")}
	}
	for _, this := range []bool{true, false} {
		for _, d := range list {
			if d.This == this {
				p.Rows = append(p.Rows, deviceRow(s, d, handle(d)))
			}
		}
	}
	return p
}

func deviceRow(s ui.Shell, d knownDevice, handle string) KnownDevice {
	row := KnownDevice{
		Name: deviceName(s, d.Place), Icon: deviceIcon(d.Place.Kind), Near: nearby(s, d.Place.Network), Handle: handle,
		Since: d.CreatedAt, Seen: d.SeenAt, Until: d.TrustedUntil, This: d.This,
	}
	row.Forget = ui.Button{
		Text: s.T("portal.trusted.forget"), Label: s.T("portal.trusted.forget_it", "device", row.Name), Small: true, Kind: "quiet",
		Href: devicesPath + "/forget?device=" + url.QueryEscape(handle),
	}
	if !d.TrustedUntil.IsZero() {
		row.Ask = &ui.Button{Text: s.T("portal.trusted.ask"), Label: s.T("portal.trusted.ask_it", "device", row.Name), Small: true, Wait: s.T("portal.wait")}
	}
	return row
}

// distrust makes a browser be asked for the second step again. It makes nothing
// less safe, so no fresh proof is wanted for it.
func (v *visit) distrust() error {
	one, err := v.named16("device")
	if err != nil {
		return err
	}
	err = v.update(func(tx *db.Tx) error { return session.Distrust(tx, v.t, v.me.CustomerID, one) })
	if err != nil && !errors.Is(err, session.ErrNoDevice) {
		return err
	}
	return v.to(devicesPath + "?done=distrusted")
}

func (v *visit) askForget() error {
	one, err := v.named16("device")
	if err != nil {
		return err
	}
	var list []knownDevice
	if err := v.view(func(tx *db.Tx) (err error) { list, err = v.knownDevices(tx); return err }); err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(d knownDevice) bool { return d.ID == one })
	if i < 0 {
		return v.to(devicesPath)
	}
	s := v.shell(securityPath)
	p := newForget(s, deviceName(s, list[i].Place), list[i].This)
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "device", Value: v.seal("device", one[:])}}
	return v.render(p, p.Shell)
}

func newForget(s ui.Shell, name string, this bool) Ask {
	p := ask(s, s.T("portal.trusted.forget_title"), devicesPath+"/forget", devicesPath)
	p.Lede = s.T("portal.trusted.forget_lede", "device", name)
	out := s.T("portal.trusted.forget_out")
	if this {
		out = s.T("portal.trusted.forget_this")
	}
	p.Consequences = []string{out, s.T("portal.trusted.forget_ask"), s.T("portal.trusted.forget_told")}
	p.Submit = ui.Button{Text: s.T("portal.trusted.forget_title"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

// forget makes a browser an unknown one, and signs it out. One that is gone
// already is as good.
func (v *visit) forget() error {
	one, err := v.named16("device")
	if err != nil {
		return err
	}
	err = v.update(func(tx *db.Tx) error {
		if err := session.ForgetDevice(tx, v.t, v.me.CustomerID, one); err != nil && !errors.Is(err, session.ErrNoDevice) {
			return err
		}
		all, err := session.List(tx, v.t, v.me.CustomerID)
		for _, s := range all {
			if err == nil && s.DeviceID == one {
				_, err = v.p.acts.EndSession(tx, v.t, v.me.CustomerID, s.ID, "signed_out")
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.me.DeviceID == one {
		v.leave(v.me.CustomerID)
		return v.to(signedOutPath)
	}
	return v.to(devicesPath + "?done=forgotten")
}
