package login

import (
	"html/template"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Second asks for a second factor: one at a time, with a list of the others.
type Second struct {
	ui.Shell
	Lede     template.HTML
	Why      string // what is unusual about this sign-in; "" for nothing
	Account  *ui.AccountCard
	Action   string
	Code     *ui.CodeField
	Recovery *ui.Field
	Trust    *ui.Checkbox
	Submit   *ui.Button // nil: only a passkey
	Passkey  *PasskeyButton
	Resend   *ui.Resend
	Others   []ui.Button
	Skip     *ui.Button
	Lost     *ui.Link
}

// Template names the page's file.
func (Second) Template() string { return "login/second" }

const recoveryField = "recovery_code"

// secondWays are the second factors that are chosen by a button, in the order in
// which they are offered, by the words of forms and of keys.
var secondWays = []struct {
	word, icon string
	method     session.Method
}{
	{"app", "smartphone", session.TOTP}, {"sms", "message-square", session.OTPSMS}, {"recovery", "scroll-text", session.Recovery},
}

func (v *visit) secondPage(tx *db.Tx) (ui.Page, error) {
	number := ""
	if v.usable(session.OTPSMS) {
		full, err := account.SecondPhone(tx, v.t, &v.flow)
		if err != nil {
			return nil, err
		}
		number = release.Mask(customer.Phone, full)
	}
	who, err := v.whose(tx)
	return v.seconding(who, number), err
}

// whose is the card of whom the journey is about, by what they typed or else, if
// a passkey or a session named them, as they know themselves.
func (v *visit) whose(tx *db.Tx) (*ui.AccountCard, error) {
	if i := v.flow.Identifier; i != nil {
		return &ui.AccountCard{Address: i.Value}, nil
	}
	who, ok, err := personOf(tx, v.t, v.flow.World.Account.ID)
	if err != nil || !ok || who.Address == "" {
		return nil, err
	}
	return &ui.AccountCard{Name: who.Name, Address: who.Address}, nil
}

// seconding is the page for the way that the journey is at.
func (v *visit) seconding(who *ui.AccountCard, number string) Second {
	p := Second{Shell: v.shell(), Action: v.path("second"), Account: who}
	p.Why = v.why(p.Shell)
	way := account.Way(&v.flow)
	v.tellSecond(&p.Shell, way)
	if v.r.URL.Query().Get("done") == "sent" && v.wrong == nil {
		p.Flash = p.T("login.code.resent")
	}
	p.ask(v, way, number)
	if v.mayTrust() {
		p.Trust = &ui.Checkbox{
			Name: "trust", Label: p.T("login.second.trust", "span", p.Span(v.t.TrustFor())), Hint: p.T("login.second.trust_hint"),
			Checked: v.flow.Trust || v.typed("trust") != "",
		}
	}
	if v.usable(session.Passkey) {
		p.Passkey = v.passkeyButton(&p.Shell)
		if p.Passkey != nil && p.Submit == nil {
			p.Passkey.Or, p.Passkey.Class = false, passkeyButtons+" primary"
		}
	}
	for _, w := range secondWays {
		if w.method != way && v.usable(w.method) {
			text := p.T("login.second.way."+w.word, "number", isolated(number))
			p.Others = append(p.Others, ui.Button{Text: text, Icon: w.icon, Name: "way", Value: w.word, Block: true})
		}
	}
	if v.flow.Met() {
		p.Skip = &ui.Button{Text: p.T("login.skip"), Kind: "quiet", Name: "action", Value: "skip", Block: true}
	} else if v.changeable() {
		p.Lost = &ui.Link{Href: v.path("lost"), Text: p.T("login.second.lost")}
	}
	return p
}

// ask fills in what the way asks for.
func (p *Second) ask(v *visit, way session.Method, number string) {
	send := func(text string, value string) {
		p.Submit = &ui.Button{Text: text, Kind: "primary", Name: "action", Value: value, Block: true}
	}
	word := "passkey"
	switch way {
	case session.TOTP:
		word = "app"
		p.Code = &ui.CodeField{Name: "code", Label: p.T("login.code.label"), Autofocus: true}
		send(p.T("login.continue"), "continue")
	case session.OTPSMS:
		word = "sms"
		if v.flow.SecondSentAt.IsZero() {
			word = "sms_send"
			send(p.T("login.prove.phone"), "send")
			break
		}
		p.Code = &ui.CodeField{Name: "code", Label: p.T("login.code.label"), Autofocus: true}
		p.Resend = &ui.Resend{Text: p.T("login.code.resend"), Name: "action", Value: "send", Until: v.flow.SecondSentAt.Add(account.Cooldown)}
		send(p.T("login.continue"), "continue")
	case session.Recovery:
		word = "recovery"
		p.Recovery = &ui.Field{Name: recoveryField, Label: p.T("login.second.recovery_label"), Max: 40, Ltr: true, Autofocus: true}
		send(p.T("login.continue"), "continue")
	}
	p.Title = p.T("login.second.title." + word)
	p.Lede = p.Rich("login.second.text."+word, "number", ui.Ltr(number), "name", ui.Bdi(p.Look.Name))
}

// isolated keeps a number together in a text that is written from the right.
func isolated(number string) string { return "\u2066" + number + "\u2069" }

// mayTrust reports whether this browser may skip the second factor next time:
// not where the tenant trusts none, nor where a trusted one would not do.
func (v *visit) mayTrust() bool {
	return v.t.TrustFor() > 0 && !v.flow.World.Need.Hard && !v.flow.Met()
}

// tellSecond words what is wrong by the way that was tried.
func (v *visit) tellSecond(s *ui.Shell, way session.Method) {
	if v.wrong == nil {
		return
	}
	field, typed := "code", v.typed("code")
	if way == session.Recovery {
		field, typed = recoveryField, v.typed(recoveryField)
	}
	empty := strings.TrimSpace(typed) == ""
	wrong := credential.ErrCodeWrong.Is(v.wrong)
	switch {
	case wrong && empty:
		s.Fail(field, "login.code.empty")
	case credential.ErrRecoveryCode.Is(v.wrong) && empty:
		s.Fail(field, "login.second.recovery_empty")
	case wrong && way == session.TOTP:
		s.Fail(field, "login.second.wrong_app")
	case wrong:
		s.Fail(field, "login.code.wrong_phone")
	default:
		tell(s, v.wrong, field)
	}
}

// second redeems a second factor, or does what another button asks for.
func (v *visit) second() error {
	if v.form.Has("way") {
		return v.chooseWay()
	}
	switch v.typed("action") {
	case "send":
		return v.sendSecond("?done=sent")
	case "skip":
		return v.act(func(tx *db.Tx) error { return v.l.acts.SkipSecond(tx, v.t, &v.flow, v.entrance()) })
	}
	meters, err := v.secondMeters()
	if err != nil {
		return err
	}
	ctx := v.r.Context()
	if err := risk.Reserve(ctx, v.l.db, v.t, meters...); err != nil {
		return err
	}
	err = v.act(func(tx *db.Tx) error {
		v.trusting()
		return v.l.acts.ProveSecond(tx, v.t, &v.flow, v.entrance(), first(v.typed("code"), v.typed(recoveryField)))
	})
	if err == nil {
		if err := risk.Forgive(ctx, v.l.db, v.t, meters...); err != nil {
			web.Record(v.r).Add("forgive", err) // the answer is on its way: next time they count as they are
		}
	}
	return err
}

// secondMeters are those of one guess at a second factor, by who has given the
// first.
func (v *visit) secondMeters() (meters []risk.Meter, err error) {
	err = v.l.db.View(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		if v.step.Name != signin.Second && v.step.Name != signin.Enrol {
			return account.ErrStep
		}
		meters = v.secondTry(v.flow.World.Account.ID.String(), network(v.r))
		return nil
	})
	return meters, err
}

// chooseWay goes on with another second factor. A text message is sent at once:
// the button said so.
func (v *visit) chooseWay() error {
	var way session.Method
	for _, w := range secondWays {
		if w.word == v.typed("way") {
			way = w.method
		}
	}
	choose := func(tx *db.Tx) error { return v.l.acts.ChooseWay(tx, v.t, &v.flow, v.entrance(), way) }
	if way != session.OTPSMS {
		return v.act(choose)
	}
	if err := v.update(choose); err != nil {
		return err
	}
	if f := v.flow; !f.SecondSentAt.IsZero() && v.l.db.Now().Before(f.SecondSentAt.Add(codeLife)) {
		return v.to(v.path())
	}
	return v.sendSecond("")
}

// sendSecond reserves the budget of one text message and drafts it.
func (v *visit) sendSecond(query string) error {
	var last time.Time
	err := v.l.db.View(v.r.Context(), func(tx *db.Tx) (err error) {
		if err = v.read(tx); err != nil {
			return err
		}
		if v.step.Name != signin.Second || account.Way(&v.flow) != session.OTPSMS {
			return account.ErrStep
		}
		last = v.flow.SecondSentAt
		return nil
	})
	if err != nil {
		return err
	}
	if wait := last.Add(account.Cooldown).Sub(v.l.db.Now()); !last.IsZero() && wait > 0 {
		return account.ErrTooSoon.In(wait)
	}
	if err := risk.Reserve(v.r.Context(), v.l.db, v.t, risk.SMSSecond(v.flow.World.Account.ID.String(), network(v.r))...); err != nil {
		return err
	}
	err = v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		return v.l.acts.SendSecond(tx, v.t, &v.flow, v.entrance())
	})
	if err != nil {
		return err
	}
	if last.IsZero() {
		query = ""
	}
	return v.to(v.path() + query)
}
