package login

import (
	"net/http"
	"net/url"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const longAddress = "maximiliane.von-und-zu-hohenstein.garden-orders+newsletter@department.subsidiary.example-company.test"

// Specimens shows every page in its states, for the gallery and for tests.
func Specimens(s *ui.Sample) []ui.Specimen {
	var out []ui.Specimen
	for _, list := range [][]ui.Specimen{doors(s), codes(s), passwords(s), agreements(s), messages(s), recoveries(s), strong(s), around(s), receiptSpecimens(s), asks(s)} {
		out = append(out, list...)
	}
	return out
}

// specimen is a journey that nobody walks. change sets its state.
func specimen(s *ui.Sample, change ...func(*visit)) *visit {
	v := &visit{
		sample: s, t: &tenant.Tenant{Name: "Fern & Field"}, id: signin.ID{15: 1},
		r: &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/signin"}, Header: http.Header{}},
	}
	v.flow.Kind = signin.SignIn
	v.flow.World.Now = s.Now()
	for _, c := range change {
		c(v)
	}
	return v
}

func named(kind, value string) func(*visit) {
	return func(v *visit) {
		v.step.Name = signin.Code
		v.flow.Identifier = &signin.Identifier{Kind: kind, Value: value}
		v.flow.SentAt = v.flow.World.Now.Add(-8 * time.Second)
	}
}

var mia = named(customer.Email, "mia@example.test")

func kind(k signin.Kind) func(*visit) { return func(v *visit) { v.flow.Kind = k } }

func wrong(err *fault.Error, typed ...string) func(*visit) {
	return func(v *visit) {
		v.wrong, v.form = err, url.Values{}
		for i := 0; i+1 < len(typed); i += 2 {
			v.form.Set(typed[i], typed[i+1])
		}
	}
}

func asked(v *visit) {
	v.app = &app.Application{Name: "Garden Planner"}
	v.app.Settings.PolicyURL = "https://planner.example/privacy"
	v.flow.Request.FormAction = "https://planner.example/callback"
}

// shown takes a page out of a builder that needs no transaction for it.
func shown(p ui.Page, err error) ui.Page {
	if err != nil {
		panic(err)
	}
	return p
}

func doors(s *ui.Sample) []ui.Specimen {
	all := func(v *visit) { v.t.Settings.Identifiers = tenant.Identifiers{Phone: true, Username: true} }
	choose := func(long bool) Choose {
		p := specimen(s, asked).chooser()
		p.add(person{"Mia Moss", "mia@example.test"}, customer.ID{1}, "login.choose.signed_in")
		p.add(person{"", "sam@example.test"}, customer.ID{2}, "login.choose.signed_out")
		if long {
			p.add(person{"Maximiliane Freifrau von und zu Hohenstein-Wachtelberg", longAddress}, customer.ID{3}, "login.choose.signed_out")
		}
		return p
	}
	identify := func(change ...func(*visit)) ui.Page { return shown(specimen(s, change...).identifyPage(nil)) }
	return []ui.Specimen{
		{Name: "login/choose", State: "typical", Page: choose(false)},
		{Name: "login/choose", State: "long", Page: choose(true)},
		{Name: "login/identify", State: "empty", Page: identify()},
		{Name: "login/identify", State: "typical", Page: identify(asked, func(v *visit) { v.flow.Hint = "mia@example.test" })},
		{Name: "login/identify", State: "long", Page: identify(all)},
		{Name: "login/identify", State: "error", Page: identify(wrong(catalog.ErrBadEmail.At("email"), "identifier", "mia@"))},
		{Name: "login/identify", State: "limited", Page: identify(wrong(risk.ErrTries.In(2*time.Minute), "identifier", "mia@example.test"))},
		{Name: "login/identify", State: "recover", Page: identify(kind(signin.Recover))},
	}
}

func codes(s *ui.Sample) []ui.Specimen {
	code := func(change ...func(*visit)) ui.Page { return shown(specimen(s, change...).codePage(nil)) }
	unsent := func(v *visit) { v.flow.SentAt = time.Time{} }
	return []ui.Specimen{
		{Name: "login/prove", State: "typical", Page: code(mia, unsent)},
		{Name: "login/prove", State: "long", Page: code(named(customer.Email, longAddress), kind(signin.Confirm), unsent)},
		{Name: "login/prove", State: "error", Page: code(mia, unsent, wrong(risk.ErrMessages.In(40*time.Minute)))},
		{Name: "login/code", State: "empty", Page: code(mia)},
		{Name: "login/code", State: "typical", Page: code(mia, func(v *visit) { v.r.URL.RawQuery = "done=sent" })},
		{Name: "login/code", State: "long", Page: code(named(customer.Email, longAddress))},
		{Name: "login/code", State: "error", Page: code(mia, wrong(credential.ErrCodeWrong, "code", "123456"))},
		{Name: "login/code", State: "expired", Page: code(mia, wrong(errResent, "code", "123456"))},
		{Name: "login/code", State: "phone", Page: code(named(customer.Phone, "+447700900123"))},
		{Name: "login/code", State: "username", Page: code(named(customer.Username, "mia.moss"))},
		{Name: "login/code", State: "address", Page: code(mia, kind(signin.Address))},
		{Name: "login/nothing", State: "typical", Page: shown(specimen(s, mia).nothingPage(nil))},
		{Name: "login/nothing", State: "long", Page: shown(specimen(s, named(customer.Email, longAddress)).nothingPage(nil))},
	}
}

func passwords(s *ui.Sample) []ui.Specimen {
	step := func(v *visit) { v.step.Name = signin.Password }
	password := func(change ...func(*visit)) ui.Page {
		return shown(specimen(s, append(change, step)...).passwordPage(nil))
	}
	reset := func(change ...func(*visit)) ui.Page {
		return shown(specimen(s, append(change, func(v *visit) { v.step.Name = signin.Reset })...).resetPage(nil))
	}
	return []ui.Specimen{
		{Name: "login/password", State: "typical", Page: password(mia)},
		{Name: "login/password", State: "long", Page: password(named(customer.Email, longAddress))},
		{Name: "login/password", State: "error", Page: password(mia, wrong(account.ErrPassword.At("password"), "password", "x"))},
		{Name: "login/password", State: "busy", Page: busy(password(mia, wrong(risk.ErrWork, "password", "x")))},
		{Name: "login/reset", State: "typical", Page: reset(mia)},
		{Name: "login/reset", State: "error", Page: reset(mia, wrong(fault.New(fault.Invalid, "leaked_password", ""), "new_password", "password"))},
		{Name: "login/bootstrapping", State: "typical", Page: bootstrapPage(s.Shell(), "token", "", 15)},
	}
}

// busy is the page of the password as a network meets it from which very many
// sign in.
func busy(p ui.Page) ui.Page {
	page := p.(Password)
	page.Scripts = nil
	page.Bot = botOf(&page.Shell, &tenant.Tenant{}, signin.Password, risk.Load{Network: 1}, "specimen")
	return page
}

func agreements(s *ui.Sample) []ui.Specimen {
	documents := []consent.Document{
		{Kind: consent.Terms, Version: 3, Title: "Terms of use", URL: "https://fernfield.test/terms"},
		{Kind: consent.Privacy, Version: 2, Title: "Privacy notice", URL: "https://fernfield.test/privacy"},
	}
	returning := func(v *visit) { v.flow.World.Account.ID = customer.ID{1} }
	later := func(v *visit) { v.flow.World.Later = true }
	fields := []catalog.Field{
		{Name: "given_name", Type: catalog.Text, Autocomplete: "given-name"}, {Name: "birthdate", Type: catalog.Date, Autocomplete: "bday"},
		{Name: "garden", Type: catalog.Choice, Choices: []string{"balcony", "allotment"}, Words: map[string]catalog.Words{"en": {Label: "Your garden", Hint: "So that we show plants that fit"}}},
	}
	return []ui.Specimen{
		{Name: "login/terms", State: "typical", Page: specimen(s, mia).agreeing(documents)},
		{Name: "login/terms", State: "changed", Page: specimen(s, mia, returning).agreeing(documents[:1])},
		{Name: "login/terms", State: "later", Page: specimen(s, mia, returning, later).agreeing([]consent.Document{
			{Kind: consent.Terms, Version: 4, Title: "Terms of use", URL: "https://fernfield.test/terms", EffectiveAt: s.Now(), Grace: 14 * 24 * time.Hour},
		})},
		{Name: "login/username", State: "empty", Page: shown(specimen(s, mia).usernamePage(nil))},
		{Name: "login/username", State: "error", Page: shown(specimen(s, mia, wrong(customer.ErrTaken.At("username"), "username", "mia")).usernamePage(nil))},
		{Name: "login/profile", State: "typical", Page: specimen(s, mia).asking(fields[:2])},
		{Name: "login/profile", State: "long", Page: specimen(s, mia, asked).asking(fields)},
		{Name: "login/profile", State: "error", Page: specimen(s, mia, wrong(errFields.Because(wrongFields{errEmpty.At("given_name")}))).asking(fields)},
		{Name: "login/consent", State: "typical", Page: consentSpecimen(s, person{"Mia Moss", "mia@example.test"}, "openid", "email")},
		{Name: "login/consent", State: "long", Page: consentSpecimen(s, person{"", longAddress}, "openid", "profile", "email", "phone", "address", "offline_access", "plants:write")},
	}
}

func consentSpecimen(s *ui.Sample, who person, scopes ...string) Consent {
	v := specimen(s, asked)
	v.flow.World.Scopes = scopes
	p := v.asksFor(who)
	apis := []app.Scope{{Name: "plants:write", Words: map[string]string{"en": "Add plants to your garden"}}}
	p.Groups = v.group(p.Shell, &catalog.Catalog{}, apis)
	return p
}

func messages(s *ui.Sample) []ui.Specimen {
	one := func(state string, p Message) ui.Specimen {
		return ui.Specimen{Name: "login/message", State: state, Page: p}
	}
	refused := func(why signin.Reason, change ...func(*visit)) Message {
		v := specimen(s, append(change, mia, func(v *visit) { v.step = signin.Step{Name: signin.Refuse, Reason: why} })...)
		return shown(v.refusePage(nil)).(Message)
	}
	who := person{"Mia Moss", "mia@example.test"}
	out := []ui.Specimen{
		one("continue", shown(specimen(s, asked).continuePage(nil)).(Message)),
		one("continue_home", shown(specimen(s).continuePage(nil)).(Message)),
		one("reopen", specimen(s, mia).reopening(s.Now().Add(9*24*time.Hour))),
		one("locked", refused(signin.CustomerLocked)), one("closed", refused(signin.RegistrationClosed)),
		one("refused", refused(signin.AddressRefused)), one("other", refused(signin.OtherAccount, asked)),
		one("denied", refused(signin.AccessDenied)), one("stopped_risk", refused(signin.RiskDenied)), one("unmet", refused(signin.Unmet)),
		one("link_elsewhere", lostLink(s.Shell(), "elsewhere")), one("link_over", lostLink(s.Shell(), "over")),
		one("undo", undoPage(s.Shell(), "token", s.Now().Add(70*time.Hour))),
		one("undone", undonePage(s.Shell())), one("undo_over", undoOver(s.Shell())),
		one("signout", signOutPage(s.Shell(), who, false, 1)), one("signout_many", signOutPage(s.Shell(), who, false, 3)),
		one("signout_everywhere", signOutPage(s.Shell(), who, true, 1)),
		one("signout_asked", endSessionPage(s.Shell(), who, "Garden Planner", "sealed")),
		one("signout_nobody", endSessionPage(s.Shell(), who, "", "sealed")),
		one("signed_out", signedOutPage(s.Shell(), false)), one("signed_out_others", signedOutPage(s.Shell(), true)),
		one("promote", promotePage(s.Shell(), who, "token")), one("bootstrap_over", bootstrapOver(s.Shell())),
	}
	for _, k := range []signin.Kind{signin.SignIn, signin.Recover, signin.Confirm, signin.Address} {
		out = append(out, one("link_"+string(k), specimen(s, mia, kind(k)).linkPage("token")))
	}
	for _, word := range []string{"expired", "elsewhere", "cookies", "signed_in"} {
		out = append(out, one("over_"+word, overPage(s.Shell(), word)))
	}
	return out
}

func around(s *ui.Sample) []ui.Specimen {
	return []ui.Specimen{
		{Name: "login/help", State: "typical", Page: helpPage(s.Shell(), "id.fernfield.test", true)},
		{Name: "login/legal", State: "empty", Page: legalPage(s.Shell(), consent.Privacy, nil)},
		{Name: "login/legal", State: "typical", Page: legalPage(s.Shell(), consent.Terms, []consent.Document{
			{Kind: consent.Terms, Version: 3, Title: "Terms of use", URL: "https://fernfield.test/terms"},
		})},
		{Name: "login/language", State: "typical", Page: languagePage(s.Shell(), "/signin")},
	}
}
