package login

import (
	"html/template"
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
)

// askUndo answers who follows the link of a notice that an address was changed.
// It changes nothing.
func (l *Login) askUndo(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	var until time.Time
	var works bool
	err = l.db.View(r.Context(), func(tx *db.Tx) (err error) {
		until, works, err = account.PeekUndo(tx, of(r), token)
		return err
	})
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if !works {
		return l.ui.Render(w, r, http.StatusGone, undoOver(s))
	}
	return l.ui.Render(w, r, http.StatusOK, undoPage(s, token, until))
}

func undoPage(s ui.Shell, token string, until time.Time) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "undo-2", Kind: "warn"}}
	p.Title = p.T("login.undo.title")
	p.Text = []string{p.T("login.undo.text")}
	p.Rich = []template.HTML{p.Shell.Rich("login.undo.until", "when", p.DateTime(until))}
	p.Form = &Form{Action: account.UndoPath, Hidden: []ui.Hidden{{Name: "t", Value: token}}, Buttons: []ui.Button{
		{Text: p.T("login.undo.do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	return p
}

// undo restores the addresses as they were.
func (l *Login) undo(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	err = l.db.Update(r.Context(), func(tx *db.Tx) error { return l.acts.UndoChange(tx, of(r), token) })
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if fault.Is(err, fault.Gone) {
		return l.ui.Render(w, r, http.StatusGone, undoOver(s))
	}
	if err != nil {
		return err
	}
	return l.ui.Render(w, r, http.StatusOK, undonePage(s))
}

func undonePage(s ui.Shell) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "shield-check", Kind: "ok"}}
	p.Title = p.T("login.undone.title")
	p.Text = []string{p.T("login.undone.text")}
	p.Links = []ui.Button{{Text: p.T("login.undone.again"), Href: account.RecoverPath, Kind: "primary", Block: true}}
	return p
}

func undoOver(s ui.Shell) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "unlink"}}
	p.Title = p.T("login.undo.over.title")
	p.Text = []string{p.T("login.undo.over.text", "name", p.Look.Name)}
	p.Links = []ui.Button{{Text: p.T("login.undone.again"), Href: account.RecoverPath, Block: true}}
	return p
}

// tokenOf is the token in the query or the form.
func tokenOf(r *http.Request) (string, error) {
	form, err := web.Form(r, 0)
	if err != nil {
		return "", err
	}
	return web.Single(form, "t")
}
