package login

import (
	"html/template"
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
)

// askStop answers who follows the link that stops a waiting recovery. It changes
// nothing.
func (l *Login) askStop(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	var ready time.Time
	err = l.db.View(r.Context(), func(tx *db.Tx) error {
		wait, err := account.PeekStop(tx, of(r), token)
		ready = wait.ReadyAt
		return err
	})
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if fault.Is(err, fault.Gone) {
		return l.ui.Render(w, r, http.StatusGone, stopOver(s))
	}
	if err != nil {
		return err
	}
	return l.ui.Render(w, r, http.StatusOK, stopPage(s, token, ready))
}

func stopPage(s ui.Shell, token string, ready time.Time) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "hourglass", Kind: "warn"}}
	p.Title = p.T("login.stop.title")
	p.Rich = []template.HTML{p.Shell.Rich("login.stop.text", "when", p.DateTime(ready))}
	p.Form = &Form{Action: account.StopPath, Hidden: []ui.Hidden{{Name: "t", Value: token}}, Buttons: []ui.Button{
		{Text: p.T("login.stop.do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	p.Links = []ui.Button{{Text: p.T("login.stop.mine"), Href: account.SignInPath, Kind: "quiet", Block: true}}
	return p
}

// stop ends the waiting recovery.
func (l *Login) stop(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	err = l.db.Update(r.Context(), func(tx *db.Tx) error { return l.acts.Stop(tx, of(r), token) })
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if fault.Is(err, fault.Gone) {
		return l.ui.Render(w, r, http.StatusGone, stopOver(s))
	}
	if err != nil {
		return err
	}
	return l.ui.Render(w, r, http.StatusOK, stoppedPage(s))
}

func stoppedPage(s ui.Shell) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "shield-check", Kind: "ok"}}
	p.Title = p.T("login.stopped.title")
	p.Text = []string{p.T("login.stopped.text"), p.T("login.stopped.next")}
	p.Links = []ui.Button{{Text: p.T("login.stopped.signin"), Href: account.SignInPath, Kind: "primary", Block: true}}
	return p
}

func stopOver(s ui.Shell) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "unlink"}}
	p.Title = p.T("login.stop.over.title")
	p.Text = []string{p.T("login.stop.over.text")}
	p.Links = []ui.Button{{Text: p.T("login.alarmed.recover"), Href: account.RecoverPath, Block: true}}
	return p
}
