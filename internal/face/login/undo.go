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
	p := Message{Shell: l.ui.Shell(r, ui.Visit{Part: "login"}), Icon: "undo-2"}
	if !works {
		return l.undoOver(w, r, p)
	}
	p.Title = p.T("login.undo.title")
	p.Text = []string{p.T("login.undo.text")}
	p.Rich = []template.HTML{p.Shell.Rich("login.undo.until", "when", p.DateTime(until))}
	p.Form = &Form{Action: account.UndoPath, Hidden: []ui.Hidden{{Name: "t", Value: token}}, Buttons: []ui.Button{
		{Text: p.T("login.undo.do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	return l.ui.Render(w, r, http.StatusOK, p)
}

// undo restores the addresses as they were.
func (l *Login) undo(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	err = l.db.Update(r.Context(), func(tx *db.Tx) error { return l.acts.UndoChange(tx, of(r), token) })
	p := Message{Shell: l.ui.Shell(r, ui.Visit{Part: "login"}), Icon: "shield-check"}
	if fault.Is(err, fault.Gone) {
		return l.undoOver(w, r, p)
	}
	if err != nil {
		return err
	}
	p.Title = p.T("login.undone.title")
	p.Text = []string{p.T("login.undone.text")}
	p.Links = []ui.Button{{Text: p.T("login.undone.again"), Href: account.RecoverPath, Kind: "primary", Block: true}}
	return l.ui.Render(w, r, http.StatusOK, p)
}

func (l *Login) undoOver(w http.ResponseWriter, r *http.Request, p Message) error {
	p.Icon = "unlink"
	p.Title = p.T("login.undo.over.title")
	p.Text = []string{p.T("login.undo.over.text", "name", p.Look.Name)}
	p.Links = []ui.Button{{Text: p.T("login.undone.again"), Href: account.RecoverPath, Block: true}}
	return l.ui.Render(w, r, http.StatusGone, p)
}

// tokenOf is the token in the query or the form.
func tokenOf(r *http.Request) (string, error) {
	form, err := web.Form(r, 0)
	if err != nil {
		return "", err
	}
	return web.Single(form, "t")
}
