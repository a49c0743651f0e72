package portal

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/session"
)

var (
	samplePhone  = session.Place{Network: "2001:db8:17::/48", Browser: "Safari", System: "iOS", Kind: "phone", Agent: "Safari on iOS"}
	sampleLaptop = session.Place{Network: "203.0.113.0/24", Browser: "Firefox", System: "Windows", Kind: "desktop", Agent: "Firefox on Windows"}
)

func samplePasskeys(at time.Time) []heldPasskey {
	key := func(n byte, name string, made session.Place) heldPasskey {
		return heldPasskey{Passkey: credential.Passkey{ID: credential.PasskeyID{n}, CreatedAt: at.AddDate(0, -int(n), 0)}, Name: name, Made: made}
	}
	synced, fresh, bound, old := key(1, "iCloud Keychain", samplePhone), key(2, "", session.Place{}), key(3, "YubiKey 5 NFC", sampleLaptop), key(4, strings.Repeat("A very long name ", 3), sampleLaptop)
	synced.BackupEligible, synced.BackedUp, synced.UsedAt, synced.Used = true, true, at.Add(-3*time.Hour), samplePhone
	fresh.BackupEligible = true
	bound.UsedAt, bound.Used = at.AddDate(0, 0, -20), sampleLaptop
	old.Foreign = true
	return []heldPasskey{synced, fresh, bound, old}
}

func passkeySpecimens(s *ui.Sample) []ui.Specimen {
	all := samplePasskeys(s.Now())
	handle := func(k heldPasskey) string { return "handle-of-" + k.ID.String() }
	facts := func(list ...heldPasskey) passkeyFacts {
		return passkeyFacts{List: list, Handle: handle, Mark: ui.Hidden{Name: "account", Value: "of-this-account"}}
	}
	at := func(who person) ui.Shell { return sampleShell(s, securityPath, who) }
	done, wrong, refused := at(mia), at(mia), at(mia)
	done.Flash = done.T("portal.done.passkey")
	wrong.Fault(credential.ErrPasskeyName.At(labelName))
	refused.FailText("", refused.FaultText(credential.ErrPasskeyWrong))
	edit, bad, off := facts(all[0], all[2]), facts(all[0], all[2]), facts(all[2])
	edit.Edit, bad.Edit, bad.Typed, off.Off = all[0].ID, all[0].ID, "", true
	return []ui.Specimen{
		{Name: "portal/passkey", State: "empty", Page: newPasskeys(at(mia), facts())},
		{Name: "portal/passkey", State: "typical", Page: newPasskeys(done, facts(all[0], all[2]))},
		{Name: "portal/passkey", State: "long", Page: newPasskeys(at(maxi), facts(all...))},
		{Name: "portal/passkey", State: "rename", Page: newPasskeys(at(mia), edit)},
		{Name: "portal/passkey", State: "error", Page: newPasskeys(wrong, bad)},
		{Name: "portal/passkey", State: "off", Page: newPasskeys(at(mia), off)},
		{Name: "portal/passkey_new", State: "typical", Page: newNewPasskey(at(mia), mia)},
		{Name: "portal/passkey_new", State: "long", Page: newNewPasskey(at(maxi), maxi)},
		{Name: "portal/passkey_new", State: "error", Page: newNewPasskey(refused, mia)},
	}
}

// sampleSecret is the key of RFC 6238, appendix B.
const sampleSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func twoStepSpecimens(s *ui.Sample) []ui.Specimen {
	at := s.Now()
	app := func(n byte, name string) heldApp {
		return heldApp{TOTP: credential.TOTP{ID: credential.TOTPID{n}, ConfirmedAt: at.AddDate(0, -int(n), 0)}, Name: name}
	}
	used, named, long := app(1, ""), app(2, "Work phone"), app(3, strings.Repeat("A very long name ", 3))
	used.UsedAt = at.Add(-26 * time.Hour)
	facts := func(left int, apps ...heldApp) twoStep {
		return twoStep{
			Apps: apps, Left: left, Issued: 10, IssuedAt: at.AddDate(0, -1, 0), Trust: 30 * 24 * time.Hour,
			Mark: ui.Hidden{Name: "account", Value: "of-this-account"}, Handle: func(a heldApp) string { return "handle-of-" + a.ID.String() },
		}
	}
	typical, few, none, edit := facts(8, used), facts(2, used, named), facts(0, used, named, long), facts(8, used, named)
	typical.Skipping, typical.Passkeys, few.Skipping, edit.Edit = 1, 1, 2, named.ID
	full := facts(10)
	for n := range byte(mostApps) {
		full.Apps = append(full.Apps, app(n+1, ""))
	}
	page := func(who person) ui.Shell { return sampleShell(s, securityPath, who) }
	wrong, gone, late, done := page(mia), page(mia), page(mia), page(mia)
	wrong.Fault(credential.ErrTOTPLabel.At(labelName))
	gone.Fault(credential.ErrTOTPGone)
	late.Fault(credential.ErrCodeWrong.At("code"))
	done.Flash = done.T("portal.done.app")
	setup := credential.TOTPSetup{Secret: sampleSecret, URI: "otpauth://totp/Fern%20%26%20Field:mia.okafor%40example.test?secret=" + sampleSecret + "&issuer=Fern%20%26%20Field"}
	picture, err := credential.QR(setup.URI)
	if err != nil {
		panic(err)
	}
	return []ui.Specimen{
		{Name: "portal/app", State: "empty", Page: newTwoStep(page(mia), facts(0))},
		{Name: "portal/app", State: "typical", Page: newTwoStep(done, typical)},
		{Name: "portal/app", State: "few_codes", Page: newTwoStep(page(mia), few)},
		{Name: "portal/app", State: "long", Page: newTwoStep(page(maxi), none)},
		{Name: "portal/app", State: "full", Page: newTwoStep(page(mia), full)},
		{Name: "portal/app", State: "rename", Page: newTwoStep(page(mia), edit)},
		{Name: "portal/app", State: "rename_error", Page: newTwoStep(wrong, edit)},
		{Name: "portal/app", State: "error", Page: newTwoStep(gone, facts(0))},
		{Name: "portal/app_new", State: "typical", Page: sampleFields16(newNewApp(page(mia), setup, picture, ""), "app")},
		{Name: "portal/app_new", State: "error", Page: sampleFields16(newNewApp(late, setup, picture, "Work phone"), "app")},
	}
}

// sampleFields16 gives the form what it would carry.
func sampleFields16(p NewApp, label string) NewApp {
	p.Fields = []ui.Component{ui.Hidden{Name: "account", Value: "of-this-account"}, ui.Hidden{Name: label, Value: "handle"}}
	return p
}

func codeSpecimens(s *ui.Sample) []ui.Specimen {
	codes := []string{
		"7kd2m-q9xwz-4tvbn", "h3rpc-82ksd-wmz6x", "p5gvt-bnd93-kqx7c", "2xwmz-6hdqk-tgr48", "vb9sn-c3jkp-75wqd",
		"mz4gk-xt2dh-9pvrs", "qw8nb-kd5c7-z3xjm", "6trhp-gs9vk-2ndxw", "dk7xq-m4zbw-hc85t", "n9pvg-3wskr-jt6dz",
	}
	first := sampleShell(s, securityPath, mia)
	first.Flash = first.T("portal.done.app")
	return []ui.Specimen{
		{Name: "portal/recovery_code", State: "typical", Page: newRecoveryCodes(first, codes, mia.Address)},
		{Name: "portal/recovery_code", State: "long", Page: newRecoveryCodes(sampleShell(s, securityPath, maxi), codes, maxi.Address)},
	}
}

func deviceSpecimens(s *ui.Sample) []ui.Specimen {
	at := s.Now()
	seen := func(n byte, p session.Place) knownDevice {
		return knownDevice{Device: session.Device{ID: [16]byte{n}, CreatedAt: at.AddDate(0, -int(n), 0), SeenAt: at.AddDate(0, 0, -int(n))}, Place: p}
	}
	this, phone, unknown := seen(1, sampleLaptop), seen(2, samplePhone), seen(3, session.Place{})
	this.This, phone.TrustedAt, phone.TrustedUntil = true, at.AddDate(0, 0, -2), at.AddDate(0, 0, 28)
	done := sampleShell(s, securityPath, mia)
	done.Flash = done.T("portal.done.distrusted")
	handle := func(d knownDevice) string { return "handle-of-" + string('a'+rune(d.ID[0])) }
	typical := newDevices(done, []knownDevice{phone, this}, handle)
	typical.Asks = true
	return []ui.Specimen{
		{Name: "portal/device", State: "empty", Page: newDevices(sampleShell(s, securityPath, mia), nil, handle)},
		{Name: "portal/device", State: "typical", Page: typical},
		{Name: "portal/device", State: "long", Page: newDevices(sampleShell(s, securityPath, maxi), []knownDevice{phone, unknown, this}, handle)},
	}
}

func factorAskSpecimens(s *ui.Sample) []ui.Specimen {
	at := func() ui.Shell { return sampleShell(s, securityPath, mia) }
	last := at()
	last.FailText("", last.FaultText(fault.Of(account.ErrLastWay)))
	return []ui.Specimen{
		{Name: "portal/ask", State: "remove_passkey", Page: newRemovePasskey(at(), "iCloud Keychain")},
		{Name: "portal/ask", State: "remove_passkey_last", Page: newRemovePasskey(last, "iCloud Keychain")},
		{Name: "portal/ask", State: "remove_app", Page: newRemoveApp(at(), "Work phone", false)},
		{Name: "portal/ask", State: "remove_app_last", Page: newRemoveApp(at(), "Work phone", true)},
		{Name: "portal/ask", State: "codes", Page: newAskCodes(at(), 7)},
		{Name: "portal/ask", State: "codes_first", Page: newAskCodes(at(), 0)},
		{Name: "portal/ask", State: "forget", Page: newForget(at(), "Safari on iOS", false)},
		{Name: "portal/ask", State: "forget_this", Page: newForget(at(), "Firefox on Windows", true)},
	}
}
