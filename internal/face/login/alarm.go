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

// askAlarm answers who follows "this was not me" of a notice: it says what will
// happen, and changes nothing. It works in any browser.
func (l *Login) askAlarm(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	var cause string
	var until time.Time
	var works bool
	err = l.db.View(r.Context(), func(tx *db.Tx) (err error) {
		cause, until, works, err = account.PeekAlarm(tx, of(r), token)
		return err
	})
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if !works {
		return l.ui.Render(w, r, http.StatusGone, alarmOver(s))
	}
	return l.ui.Render(w, r, http.StatusOK, alarmPage(s, token, cause, until))
}

func alarmPage(s ui.Shell, token, cause string, until time.Time) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "shield-alert", Kind: "warn"}}
	p.Title = p.T("login.alarm.title")
	p.Text = []string{p.T("login.alarm.about", "cause", cause), p.T("login.alarm.text")}
	p.Rich = []template.HTML{p.Shell.Rich("login.alarm.until", "when", p.DateTime(until))}
	p.Form = &Form{Action: account.AlarmPath, Hidden: []ui.Hidden{{Name: "t", Value: token}}, Buttons: []ui.Button{
		{Text: p.T("login.alarm.do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	p.Links = []ui.Button{{Text: p.T("login.alarm.mine"), Href: account.SignInPath, Kind: "quiet", Block: true}}
	return p
}

// alarm secures the account.
func (l *Login) alarm(w http.ResponseWriter, r *http.Request) error {
	token, err := tokenOf(r)
	if err != nil {
		return err
	}
	var done account.Raised
	err = l.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		done, err = l.acts.Alarm(tx, of(r), token)
		return err
	})
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if fault.Is(err, fault.Gone) {
		return l.ui.Render(w, r, http.StatusGone, alarmOver(s))
	}
	if err != nil {
		return err
	}
	return l.ui.Render(w, r, http.StatusOK, alarmedPage(s, done))
}

// alarmedPage says what was ended and taken back, and leads to recovery.
func alarmedPage(s ui.Shell, done account.Raised) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "shield-check", Kind: "ok"}}
	p.Title = p.T("login.alarmed.title")
	p.Text = []string{p.T("login.alarmed.text")}
	for _, what := range done.Back {
		p.Text = append(p.Text, p.T("login.alarmed.back", "what", what))
	}
	if done.Stays {
		p.Text = append(p.Text, p.T("login.alarmed.stays"))
	}
	p.Text = append(p.Text, p.T("login.alarmed.next"))
	p.Links = []ui.Button{{Text: p.T("login.alarmed.recover"), Href: account.RecoverPath, Kind: "primary", Block: true}}
	return p
}

func alarmOver(s ui.Shell) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "unlink"}}
	p.Title = p.T("login.alarm.over.title")
	p.Text = []string{p.T("login.alarm.over.text", "name", p.Look.Name)}
	p.Links = []ui.Button{{Text: p.T("login.alarmed.recover"), Href: account.RecoverPath, Block: true}}
	return p
}

// alarms hangs the pages of the links that notices carry on the router.
func (l *Login) alarms(page func(pattern string, h web.Handler)) {
	page("GET "+account.AlarmPath, l.askAlarm)
	page("POST "+account.AlarmPath, l.alarm)
	page("GET "+account.StopPath, l.askStop)
	page("POST "+account.StopPath, l.stop)
}
