package login

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Password asks for the password.
type Password struct {
	ui.Shell
	Account  *ui.AccountCard
	Action   string
	Recover  string // address of the form that begins recovery; "" where there is none
	Password ui.PasswordField
	Submit   ui.Button
	Forgot   ui.Button
	Passkey  *PasskeyButton
	Code     ui.Button
	Bot      *Bot
}

// Template names the page's file.
func (Password) Template() string { return "login/password" }

// Reset asks for a new password.
type Reset struct {
	ui.Shell
	Account  *ui.AccountCard
	Action   string
	Password ui.PasswordField
	Submit   ui.Button
}

// Template names the page's file.
func (Reset) Template() string { return "login/reset" }

func (v *visit) passwordPage(tx *db.Tx) (page ui.Page, err error) {
	if v.flow.Identifier == nil {
		return nil, account.ErrStep
	}
	p := Password{Shell: v.shell(), Action: v.path("password")}
	p.Title = p.T("login.password.title")
	if v.flow.Kind == signin.Confirm {
		p.Title = p.T("login.confirm.title")
	}
	v.tellPassword(&p.Shell)
	p.Account = v.accountCard(p.Shell)
	p.Password = ui.PasswordField{
		Name: "password", Label: p.T("login.password.label"), Username: v.flow.Identifier.Value, Autofocus: true,
	}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	if v.flow.Kind == signin.SignIn {
		p.Recover = v.path("recover")
		p.Forgot = ui.Button{Text: p.T("login.password.forgot"), Kind: "quiet", Name: "action", Value: "recover", Block: true}
	}
	p.Code = ui.Button{Text: p.T("login.password.code"), Name: "action", Value: "code", Block: true}
	if p.Passkey = v.passkeyButton(&p.Shell); p.Passkey != nil {
		p.Passkey.Or = false
	}
	p.Bot, err = v.bot(tx, &p.Shell, signin.Password)
	return p, err
}

func (v *visit) tellPassword(s *ui.Shell) {
	if v.wrong != nil && account.ErrPassword.Is(v.wrong) && v.typed("password") == "" {
		s.Fail("password", "login.password.empty")
		return
	}
	tell(s, v.wrong, "password")
}

// password checks the password outside any transaction. Whoever was named, one
// hash is verified (H077), after its budget was reserved (H073).
func (v *visit) password() error {
	if v.typed("action") == "code" {
		return v.byCode()
	}
	try, err := v.passwordTried()
	if err != nil {
		return err
	}
	done, err := v.work(signin.Password, try.load)
	if err != nil {
		return err
	}
	if done {
		try.meters = risk.Worked(try.meters)
	}
	if err := v.standing.Reserve(v.r.Context(), v.l.db, v.t, try.meters...); err != nil {
		return err
	}
	phc, c := try.phc, try.customer
	raw, ok := credential.NormalizePassword(v.typed("password"))
	if !ok {
		raw, phc = "", ""
	}
	right, stale, err := v.l.hasher.Verify(v.r.Context(), raw, phc)
	if err != nil {
		return err
	}
	if !right {
		return account.ErrPassword.At("password")
	}
	if v.breached, err = v.l.passwords.Leaked(raw); err != nil {
		return err
	}
	err = v.act(func(tx *db.Tx) error { return v.l.acts.ProvePassword(tx, v.t, &v.flow, phc) })
	if err == nil && stale {
		v.rehash(c, phc, raw)
	}
	return err
}

// rehash writes the hash anew at today's cost. The sign-in has happened: if this
// fails, the next one tries again.
func (v *visit) rehash(c customer.ID, old, raw string) {
	phc, err := v.l.hasher.Hash(v.r.Context(), raw)
	if err == nil {
		err = v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
			_, err := credential.Rehash(tx, v.t, c, old, phc)
			return err
		})
	}
	if err != nil {
		web.Record(v.r).Add("rehash", err)
	}
}

// tried is what a try at a password needs to know, read in one snapshot. The
// hash is worth nothing before the try is reserved, and is compared once more in
// the transaction that believes it.
type tried struct {
	meters   []risk.Meter
	load     risk.Load
	phc      string // "": nothing to verify against, which takes as long
	customer customer.ID
}

func (v *visit) passwordTried() (out tried, err error) {
	err = v.l.db.View(v.r.Context(), func(tx *db.Tx) (err error) {
		if out.meters, err = v.metersIn(tx, v.passwordTry); err != nil {
			return err
		}
		if v.step.Name != signin.Password {
			return account.ErrStep
		}
		if out.load, err = v.load(tx, signin.Password); err != nil {
			return err
		}
		out.phc, out.customer, err = v.l.acts.PasswordOf(tx, v.t, &v.flow)
		return err
	})
	return out, err
}

// byCode goes on with a code in place of the password.
func (v *visit) byCode() error {
	return v.act(func(tx *db.Tx) error {
		v.flow.Method = signin.Code
		return signin.Save(tx, v.t, &v.flow)
	})
}

// recover turns the journey into one of somebody who has lost the way in: an
// address is proven, then a new password chosen. The application is kept.
func (v *visit) recover() error {
	return v.act(func(tx *db.Tx) error {
		f := &v.flow.Facts
		if f.Kind != signin.SignIn && f.Kind != signin.Recover || v.t.Settings.Password.Off {
			return account.ErrStep
		}
		f.Kind, f.Method, f.Proofs = signin.Recover, "", nil
		f.SentAt = time.Time{} // a code for signing in is none for recovery
		return signin.Save(tx, v.t, &v.flow)
	})
}

func (v *visit) resetPage(*db.Tx) (ui.Page, error) {
	p := Reset{Shell: v.shell(), Action: v.path("reset"), Account: v.accountCard(v.shell())}
	p.Title = p.T("login.reset.title")
	min := credential.MinPassword(v.t, false)
	v.tellNew(&p.Shell, min)
	p.Password = ui.PasswordField{
		Name: "new_password", Label: p.T("login.reset.label"), Hint: p.T("login.reset.hint", "min", min),
		New: true, Min: min, Autofocus: true,
	}
	if i := v.flow.Identifier; i != nil {
		p.Password.Username = i.Value
	}
	p.Submit = ui.Button{Text: p.T("login.reset.submit"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	return p, nil
}

func (v *visit) tellNew(s *ui.Shell, min int) {
	tellNew(s, v.wrong, v.typed("new_password"), min)
}

// tellNew says what is wrong with a new password.
func tellNew(s *ui.Shell, err *fault.Error, typed string, min int) {
	switch {
	case err == nil:
	case err.Code == "short_password" && strings.TrimSpace(typed) == "":
		s.Fail("new_password", "login.reset.empty")
	case err.Code == "short_password":
		s.Fail("new_password", "login.reset.short", "min", min)
	default:
		tell(s, err, "new_password")
	}
}

// reset sets the new password of somebody who has proven an address.
func (v *visit) reset() error {
	var mine credential.PasswordContext
	err := v.l.db.View(v.r.Context(), func(tx *db.Tx) (err error) {
		if err = v.read(tx); err != nil {
			return err
		}
		if v.step.Name != signin.Reset {
			return account.ErrStep
		}
		mine, err = account.PasswordContext(tx, v.t, v.flow.World.Account.ID)
		return err
	})
	if err != nil {
		return err
	}
	phc, err := v.l.hash(v, mine, v.typed("new_password"))
	if err != nil {
		return err
	}
	return v.act(func(tx *db.Tx) error { return v.l.acts.Reset(tx, v.t, &v.flow, phc) })
}

// hash checks a new password against the policy and hashes it, outside any
// transaction.
func (l *Login) hash(v *visit, mine credential.PasswordContext, typed string) (phc string, err error) {
	nfc, _, err := l.passwords.Check(v.t, mine, typed)
	if err != nil {
		return "", err
	}
	return l.hasher.Hash(v.r.Context(), nfc)
}
