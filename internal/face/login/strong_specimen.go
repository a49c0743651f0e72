package login

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// strong shows second factors, how they are set up, and the offer of a passkey.
func strong(s *ui.Sample) []ui.Specimen {
	return append(seconds(s), setups(s)...)
}

// owing is a journey whose first proof was given and that needs a second factor.
func owing(ways ...session.Method) func(*visit) {
	return func(v *visit) {
		v.step.Name = signin.Second
		v.flow.World.Account = signin.Account{ID: customer.ID{1}, State: customer.Active}
		v.flow.World.Need.ACR, v.flow.World.Ways = session.Multi, ways
		v.flow.Prove(signin.Password, string(session.Password), [16]byte{})
	}
}

func seconds(s *ui.Sample) []ui.Specimen {
	all := []session.Method{session.Passkey, session.TOTP, session.OTPSMS, session.Recovery}
	way := func(m session.Method) func(*visit) { return func(v *visit) { v.flow.Way = m } }
	second := func(change ...func(*visit)) ui.Page {
		v := specimen(s, append([]func(*visit){mia}, change...)...)
		return v.seconding(v.accountCard(v.shell()), "+44 •••• 0123")
	}
	sent := func(v *visit) { v.flow.SecondSentAt = v.flow.World.Now.Add(-8 * time.Second) }
	wished := func(v *visit) { v.flow.World.Need.ACR, v.flow.World.Need.Wish = "", session.Multi }
	hold := specimen(s, mia, func(v *visit) { v.flow.HoldUntil = s.Now().Add(30 * time.Second) })
	return []ui.Specimen{
		{Name: "login/second", State: "typical", Page: second(owing(session.TOTP, session.Recovery))},
		{Name: "login/second", State: "long", Page: second(named(customer.Email, longAddress), owing(all...))},
		{Name: "login/second", State: "error", Page: second(owing(all...), wrong(credential.ErrCodeWrong, "code", "123456"))},
		{Name: "login/second", State: "used", Page: second(owing(session.TOTP), wrong(credential.ErrCodeUsed, "code", "123456"))},
		{Name: "login/second", State: "limited", Page: second(owing(session.TOTP), wrong(risk.ErrTries.In(10*time.Minute), "code", "123456"))},
		{Name: "login/second", State: "sms", Page: second(owing(session.OTPSMS))},
		{Name: "login/second", State: "sms_sent", Page: second(owing(all...), way(session.OTPSMS), sent)},
		{Name: "login/second", State: "recovery", Page: second(owing(all...), way(session.Recovery))},
		{Name: "login/second", State: "recovery_error", Page: second(owing(all...), way(session.Recovery), wrong(credential.ErrRecoveryCode, "recovery_code", "x"))},
		{Name: "login/second", State: "passkey", Page: second(owing(session.Passkey, session.Recovery), way(session.Passkey))},
		{Name: "login/second", State: "passkey_error", Page: second(owing(session.Passkey), wrong(credential.ErrPasskeyWrong.At("credential"), "credential", "{}"))},
		{Name: "login/second", State: "wished", Page: second(owing(session.TOTP), wished)},
		{Name: "login/identify", State: "passkey_unknown", Page: shown(specimen(s, wrong(credential.ErrPasskeyUnknown.At("credential"), "credential", "{}"), func(v *visit) { v.unknown = []byte{1, 2} }).identifyPage(nil))},
		{Name: "login/second", State: "suspicious", Page: second(owing(all...), func(v *visit) {
			v.flow.Verdict, v.flow.Reasons = "step_up", []string{"new_country", "new_device"}
		})},
		{Name: "login/message", State: "hold", Page: shown(hold.holdPage(nil))},
	}
}

func setups(s *ui.Sample) []ui.Specimen {
	lacks := func(grace time.Duration, setups ...session.Method) func(*visit) {
		return func(v *visit) {
			owing()(v)
			v.step.Name, v.flow.World.Setups, v.flow.World.Need.Grace = signin.Enrol, setups, s.Now().Add(grace)
		}
	}
	both := []session.Method{session.Passkey, session.TOTP}
	enrol := func(change ...func(*visit)) ui.Page {
		v := specimen(s, append([]func(*visit){mia}, change...)...)
		return v.enrolling(v.accountCard(v.shell()))
	}
	setup := credential.TOTPSetup{
		Secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
		URI:    "otpauth://totp/Fern%20%26%20Field:mia@example.test?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Fern%20%26%20Field",
	}
	app := func(change ...func(*visit)) ui.Page {
		return shown(specimen(s, append([]func(*visit){mia, lacks(0, session.TOTP)}, change...)...).settingUp(setup))
	}
	codes := []string{
		"k7mq-2xhd-9vtr", "p4wz-8ncf-3bjy", "r9th-6kqm-4xdv", "c2yn-7wpz-8gfs", "h5vb-3jrk-9tmq",
		"x8df-4gcs-2nyw", "m3qk-9zhp-7vbt", "t6jr-5xwd-4kcn", "w9gs-8fmy-3hpz", "b4nv-2tqx-6rjd",
	}
	offer := func(change ...func(*visit)) ui.Page {
		v := specimen(s, append([]func(*visit){mia, func(v *visit) { v.step.Name = signin.Offer }}, change...)...)
		return v.offering(v.accountCard(v.shell()))
	}
	return []ui.Specimen{
		{Name: "login/enrol", State: "typical", Page: enrol(lacks(9*24*time.Hour, both...))},
		{Name: "login/enrol", State: "needed", Page: enrol(lacks(0, session.TOTP))},
		{Name: "login/enrol", State: "long", Page: enrol(named(customer.Email, longAddress), lacks(0, both...), asked)},
		{Name: "login/enrol", State: "error", Page: enrol(lacks(0, both...), wrong(credential.ErrTOTPGone.At("code"), "code", "123456"))},
		{Name: "login/setup", State: "typical", Page: app()},
		{Name: "login/setup", State: "error", Page: app(wrong(credential.ErrCodeWrong, "code", "123456"))},
		{Name: "login/codes", State: "typical", Page: specimen(s, mia).codesPage(codes)},
		{Name: "login/offer", State: "typical", Page: offer()},
		{Name: "login/offer", State: "long", Page: offer(named(customer.Email, longAddress))},
		{Name: "login/offer", State: "error", Page: offer(wrong(credential.ErrPasskeyRefused.At("credential"), "credential", "{}"))},
		{Name: "login/message", State: "passkey_made", Page: specimen(s, mia).madePage()},
	}
}
