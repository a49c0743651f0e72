package login

import (
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// openLink answers who follows the link of a message. It uses nothing up: mail
// programs follow links by themselves. In the browser that began, it asks to go
// on; in any other it says where the code is to be entered (H133).
func (l *Login) openLink(w http.ResponseWriter, r *http.Request) error {
	v, token, err := l.following(w, r)
	if err != nil {
		return l.linkOver(w, r, err)
	}
	err = l.db.View(r.Context(), v.read)
	if err != nil {
		return l.linkOver(w, r, err)
	}
	return l.ui.Render(w, r, http.StatusOK, v.linkPage(token))
}

func (v *visit) linkPage(token string) Message {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "mail"}}
	p.Title = p.T("login.link." + string(v.flow.Kind) + ".title")
	p.Text = []string{p.T("login.link."+string(v.flow.Kind)+".text", "name", first(v.asker(), p.Look.Name))}
	p.Account = v.accountCard(p.Shell)
	if p.Account != nil {
		p.Account.Change = ""
	}
	p.Form = &Form{Action: account.LinkPath, Hidden: []ui.Hidden{{Name: "t", Value: token}}, Buttons: []ui.Button{
		{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	return p
}

// followLink redeems the link, in the browser that began.
func (l *Login) followLink(w http.ResponseWriter, r *http.Request) error {
	v, token, err := l.following(w, r)
	if err == nil {
		err = v.act(func(tx *db.Tx) error {
			if v.proven() {
				return nil
			}
			return v.l.acts.ProveLink(tx, v.t, &v.flow, token)
		})
	}
	if f := fault.Of(err); f != nil && moved(f) {
		return v.to(v.path())
	}
	if err != nil {
		return l.linkOver(w, r, err)
	}
	return nil
}

// following finds the journey that the link in `t` belongs to.
func (l *Login) following(w http.ResponseWriter, r *http.Request) (*visit, string, error) {
	v := &visit{l: l, w: w, r: r, t: of(r)}
	v.browser, _ = browserOf(r)
	form, err := web.Form(r, 0)
	if err != nil {
		return v, "", err
	}
	token, err := web.Single(form, "t")
	if err != nil {
		return v, "", err
	}
	err = l.db.View(r.Context(), func(tx *db.Tx) error {
		o, err := credential.PeekLink(tx, v.t, token)
		v.id = signin.ID(o.Flow)
		return err
	})
	return v, token, err
}

// linkOver says why a link leads nowhere here.
func (l *Login) linkOver(w http.ResponseWriter, r *http.Request, err error) error {
	f := fault.Of(err)
	word := "over"
	if credential.ErrLinkUsed.Is(f) {
		// A second press: whoever it signed in need not read that it is used up.
		list, _, err := l.present(r)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return l.ui.Render(w, r, web.Status(f), overPage(l.ui.Shell(r, ui.Visit{Part: "login"}), "signed_in"))
		}
	}
	switch {
	case signin.ErrElsewhere.Is(f):
		word = "elsewhere"
	case f.Kind != fault.Gone && !account.ErrProof.Is(f):
		return err
	}
	return l.ui.Render(w, r, web.Status(f), lostLink(l.ui.Shell(r, ui.Visit{Part: "login"}), word))
}

func lostLink(s ui.Shell, word string) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: map[string]string{"over": "unlink", "elsewhere": "monitor"}[word]}}
	p.Title = p.T("login.link." + word + ".title")
	p.Text = []string{p.T("login.link." + word + ".text")}
	p.Links = []ui.Button{{Text: p.T("login.link." + word + ".again"), Href: account.SignInPath, Block: true}}
	return p
}
