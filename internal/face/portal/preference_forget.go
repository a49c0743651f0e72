package portal

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/consent"
)

// forgettable leads from the preferences of a link's address to forgetting it.
func (p Preferences) forgettable(token string) Preferences {
	p.Forget = &ui.Button{Text: p.T("portal.preference.forget.open"), Href: consent.ForgetPath + "?t=" + url.QueryEscape(token), Kind: "quiet"}
	return p
}

// newForgetAddress asks once more before an address is forgotten.
func newForgetAddress(s ui.Shell, token string) Told {
	p := newTold(s, "forget", "").asking("forget", consent.ForgetPath, token)
	p.Never = &ui.Checkbox{Name: "never", Value: "1", Label: s.T("portal.preference.forget.never"), Hint: s.T("portal.preference.forget.never_hint")}
	p.Submit.Kind = "danger"
	return p
}

// newOfAccount shows the way to the erasure of an account.
func newOfAccount(s ui.Shell) Told {
	p := newTold(s, "of_account", "")
	p.Leads = &ui.Button{Text: s.T("portal.privacy.erase_open"), Href: privacyPath, Block: true}
	return p
}

// askForget changes nothing: mail programs follow links by themselves.
func (v *linkVisit) askForget() error {
	err := v.p.db.View(v.r.Context(), func(tx *db.Tx) error {
		_, _, err := consent.Forgettable(tx, v.t, v.link)
		return err
	})
	if err != nil {
		return v.notForgotten(err)
	}
	return v.tell(http.StatusOK, newForgetAddress(v.shell(), v.token))
}

func (v *linkVisit) forget() error {
	never := first(v.form["never"]...) == "1"
	err := v.p.db.Update(v.r.Context(), func(tx *db.Tx) error { return consent.Forget(tx, v.t, v.link, never) })
	if err != nil {
		return v.notForgotten(err)
	}
	what := "done_forget"
	if never {
		what = "done_never"
	}
	return v.tell(http.StatusOK, newTold(v.shell(), what, ""))
}

func (v *linkVisit) notForgotten(err error) error {
	if errors.Is(err, consent.ErrOfAccount) {
		return v.tell(http.StatusConflict, newOfAccount(v.shell()))
	}
	return err
}
