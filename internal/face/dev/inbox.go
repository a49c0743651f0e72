package dev

import (
	"net/http"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// Inbox lists what was sent.
type Inbox struct {
	ui.Shell
	To       string
	Search   ui.Field
	Messages []notify.Kept
	Empty    ui.EmptyState
}

// Template names the template.
func (Inbox) Template() string { return "dev/inbox" }

// Message shows one message.
type Message struct {
	ui.Shell
	notify.Kept
	Facts ui.KeyValue
	Copy  *ui.CopyChip // the code
	Ways  []ui.Button  // what to do with the message
}

// Template names the template.
func (Message) Template() string { return "dev/message" }

func (d *Dev) inbox(w http.ResponseWriter, r *http.Request) error {
	to := r.URL.Query().Get("to")
	list, err := d.kept(r, to)
	if err != nil {
		return err
	}
	return d.UI.Render(w, r, http.StatusOK, newInbox(d.UI.Shell(r, ui.Visit{Part: "dev"}), to, list))
}

func newInbox(s ui.Shell, to string, list []notify.Kept) Inbox {
	s.Layout, s.Title = ui.Document, s.T("dev.inbox.title")
	return Inbox{
		Shell: s, To: to, Messages: list,
		Search: ui.Field{Name: "to", Label: s.T("dev.inbox.to"), Value: to, Ltr: true, Optional: true},
		Empty:  ui.EmptyState{Title: s.T("dev.inbox.empty"), Text: s.T("dev.inbox.empty_text"), Action: &ui.Button{Text: s.T("dev.inbox.signin"), Href: "/signin", Kind: "primary"}},
	}
}

var errNoMessage = fault.New(fault.NotFound, "message_not_found", "There is no such message in the inbox.")

func (d *Dev) find(r *http.Request) (notify.Kept, error) {
	list, err := d.kept(r, "")
	if err != nil {
		return notify.Kept{}, err
	}
	for _, k := range list {
		if k.ID == r.PathValue("id") {
			return k, nil
		}
	}
	return notify.Kept{}, errNoMessage
}

func (d *Dev) message(w http.ResponseWriter, r *http.Request) error {
	k, err := d.find(r)
	if err != nil {
		return err
	}
	return d.UI.Render(w, r, http.StatusOK, newMessage(d.UI.Shell(r, ui.Visit{Part: "dev"}), k))
}

func newMessage(s ui.Shell, k notify.Kept) Message {
	s.Layout, s.Title = ui.Document, k.Subject
	if s.Title == "" {
		s.Title = s.T("dev.message.sms")
	}
	s.Back = &ui.Link{Href: "/dev/inbox", Text: s.T("dev.inbox.title")}
	m := Message{Shell: s, Kept: k, Facts: ui.KeyValue{Dense: true, Rows: []ui.Pair{
		{Key: s.T("dev.message.to"), Value: k.To, Ltr: true},
		{Key: s.T("dev.message.at"), HTML: s.DateTime(k.At)},
		{Key: s.T("dev.message.channel"), Value: s.T("dev.message.channel." + string(k.Channel))},
	}}}
	if k.Code != "" {
		m.Copy = &ui.CopyChip{Text: k.Code, Label: s.T("dev.message.copy"), Big: true}
	}
	if k.Link != "" {
		m.Ways = append(m.Ways, ui.Button{Text: s.T("dev.message.link"), Href: k.Link, Icon: "link", Kind: "primary"})
	}
	if k.HTML != "" {
		m.Ways = append(m.Ways, ui.Button{Text: s.T("dev.message.html"), Href: "/dev/inbox/" + k.ID + "/html", Icon: "eye"})
	}
	return m
}

// messageHTML serves a mail as its reader would see it: alone, without
// scripts, in a sandbox.
func (d *Dev) messageHTML(w http.ResponseWriter, r *http.Request) error {
	k, err := d.find(r)
	if err != nil {
		return err
	}
	if k.HTML == "" {
		return errNoMessage
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:")
	_, err = w.Write([]byte(k.HTML))
	return err
}
