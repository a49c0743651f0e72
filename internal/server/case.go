package server

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Request is a case as an operator at the machine sees it.
type Request struct {
	ID       string         `json:"id"`
	Customer string         `json:"customer"`
	Kind     string         `json:"kind"`
	Item     string         `json:"about,omitempty"`
	Channel  string         `json:"channel"`
	ByItself bool           `json:"by_itself,omitempty"`
	State    string         `json:"state"`
	Outcome  string         `json:"outcome,omitempty"`
	Identity string         `json:"identity"`
	Level    string         `json:"identity_level,omitempty"`
	OpenedAt time.Time      `json:"opened_at"`
	DueAt    time.Time      `json:"due_at"`
	PausedAt time.Time      `json:"paused_at,omitzero"`
	Extended time.Time      `json:"extended_at,omitzero"`
	ClosedAt time.Time      `json:"closed_at,omitzero"`
	Overdue  bool           `json:"overdue,omitempty"`
	DueSoon  bool           `json:"due_soon,omitempty"`
	History  []RequestEntry `json:"history,omitempty"` // in a single view
}

// RequestEntry is a line of its history.
type RequestEntry struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Act    string    `json:"act"`
	By     string    `json:"by"`
	Told   bool      `json:"told"`
	Words  string    `json:"words,omitempty"`
	DueAt  time.Time `json:"due_at"`
	Digest string    `json:"sha256"`
}

func requestOf(c *privacy.Case, now time.Time) Request {
	return Request{
		ID: c.ID.String(), Customer: c.CustomerID.String(), Kind: string(c.Kind), Item: c.Item, Channel: c.Channel, ByItself: c.ByItself,
		State: string(c.State), Outcome: string(c.Outcome), Identity: c.Identity, Level: c.Level, OpenedAt: c.OpenedAt, DueAt: c.DueAt,
		PausedAt: c.PausedAt, Extended: c.ExtendedAt, ClosedAt: c.ClosedAt, Overdue: c.Overdue(now), DueSoon: c.DueSoon(now),
	}
}

// Requests lists the tenant's cases that fit, those first that are due first.
// Nothing personal is opened.
func (b *Base) Requests(ctx context.Context, t *tenant.Tenant, f privacy.CaseFilter, dueWithin time.Duration) (out []Request, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		if dueWithin >= 0 {
			f.DueBy = tx.Now.Add(dueWithin)
		}
		list, err := privacy.Cases(tx, t, f)
		out = make([]Request, len(list))
		for i := range list {
			out[i] = requestOf(&list[i], tx.Now)
		}
		return err
	})
	return out, err
}

func parseCase(ref string) (id privacy.CaseID, err error) {
	if id.UnmarshalText([]byte(strings.TrimSpace(ref))) != nil {
		return id, privacy.ErrNoCase
	}
	return id, nil
}

// ShowRequest shows one case with every word that was said in it, which the
// record of disclosures keeps with the reason.
func (b *Base) ShowRequest(ctx context.Context, t *tenant.Tenant, ref, reason string) (out Request, err error) {
	id, err := parseCase(ref)
	if err != nil {
		return Request{}, err
	}
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		c, err := privacy.GetCase(tx, t, id)
		if err != nil {
			return err
		}
		out, err = openRequest(tx, t, &c, reason)
		return err
	})
	return out, err
}

// openRequest opens what was said in a case. Of an erased customer nothing is
// left to open.
func openRequest(tx *db.Tx, t *tenant.Tenant, c *privacy.Case, reason string) (Request, error) {
	out := requestOf(c, tx.Now)
	lines, err := privacy.History(tx, c)
	if err != nil {
		return out, err
	}
	var items []customer.Item
	var of []int
	for i := range lines {
		e := &lines[i]
		digest := e.Digest()
		out.History = append(out.History, RequestEntry{
			ID: e.ID.String(), At: e.MadeAt, Act: e.Act, By: e.ActorKind, Told: e.Told, DueAt: e.DueAt, Digest: hex.EncodeToString(digest[:]),
		})
		if e.Sealed != nil {
			items, of = append(items, e.Item()), append(of, i)
		}
	}
	if strings.TrimSpace(reason) == "" {
		return out, account.ErrReason
	}
	if len(items) == 0 {
		return out, nil
	}
	plain, err := release.OpenCasework(tx, t, release.Ask{
		Customer: c.CustomerID, Recipient: release.Recipient{Kind: release.Operator}, Purpose: catalog.PurposePrivacy,
		Fields: []string{"case"}, Reason: reason,
	}, items...)
	for i := range plain {
		out.History[of[i]].Words = string(plain[i])
	}
	return out, err
}

// OpenRequest opens a case on behalf of a customer who asked by another way than
// the portal.
func (b *Base) OpenRequest(ctx context.Context, t *tenant.Tenant, ref string, o privacy.CaseOpening, reason string) (out Request, err error) {
	if strings.TrimSpace(reason) == "" {
		return Request{}, account.ErrReason
	}
	if o.Identity.Words != "" {
		o.Identity.How = privacy.SeenByStaff
	}
	o.Actor, o.Note = atTheMachine, reason
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		if o.Customer, err = one(tx, t, ref); err != nil {
			return err
		}
		c, err := privacy.OpenCase(tx, t, o)
		out = requestOf(&c, tx.Now)
		return err
	})
	return out, err
}

// RequestAct is what an operator may do in a case; words are told to the
// customer where the act says so.
type RequestAct func(acts account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error)

// The acts.
var (
	PauseRequest RequestAct = func(_ account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error) {
		return privacy.Pause(tx, t, c, atTheMachine, words)
	}
	ResumeRequest RequestAct = func(_ account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error) {
		if strings.TrimSpace(words) == "" {
			return privacy.Case{}, account.ErrReason
		}
		return privacy.Resume(tx, t, c, atTheMachine, words)
	}
	ExtendRequest RequestAct = func(_ account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error) {
		return privacy.Extend(tx, t, c, atTheMachine, words)
	}
	IdentifyRequest RequestAct = func(_ account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error) {
		return privacy.Identify(tx, t, c, atTheMachine, words)
	}
)

// NoteRequest adds a note to a case, which the customer is told or not.
func NoteRequest(told bool) RequestAct {
	return func(_ account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error) {
		return c, privacy.Note(tx, t, c, atTheMachine, words, told)
	}
}

// DecideRequest answers a case and does what the answer says.
func DecideRequest(d privacy.Decision) RequestAct {
	return func(acts account.Acts, tx *db.Tx, t *tenant.Tenant, c privacy.Case, words string) (privacy.Case, error) {
		d.Reason, d.Actor = words, atTheMachine
		return acts.DecideCase(tx, t, c, d)
	}
}

// OnRequest does one act and returns how the case stands afterwards. What it
// sends leaves with the server.
func (b *Base) OnRequest(ctx context.Context, t *tenant.Tenant, ref, words string, act RequestAct) (out Request, err error) {
	id, err := parseCase(ref)
	if err != nil {
		return Request{}, err
	}
	s, err := New(b, Options{Inbox: b.dev})
	if err != nil {
		return Request{}, err
	}
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		c, err := privacy.GetCase(tx, t, id)
		if err != nil {
			return err
		}
		now, err := act(s.acts, tx, t, c, words)
		out = requestOf(&now, tx.Now)
		return err
	})
	return out, err
}

// sweepCases warns of cases that are due soon or overdue, and says so in the log.
func (s *Server) sweepCases(tx *db.Tx, limit int) (int, error) {
	list, err := s.closings().WarnCases(tx, limit)
	now := tx.Now
	tx.After(func() {
		for i := range list {
			c := &list[i]
			text := "case due soon"
			if c.Overdue(now) {
				text = "case overdue"
			}
			s.Log.Warn(text, "case", c.ID.String(), "kind", string(c.Kind), "due", c.DueAt)
		}
	})
	return len(list), err
}

// cases tells the doctor of requests whose time is running out.
func (d *doctor) cases(ctx context.Context, t *tenant.Tenant) {
	list, err := d.base.Requests(ctx, t, privacy.CaseFilter{}, privacy.WarnBefore)
	overdue := 0
	for _, r := range list {
		if r.Overdue {
			overdue++
		}
	}
	name := "requests " + t.Slug
	do := "Look at them with 'cardea case list --due --tenant " + t.Slug + "', and answer or extend them."
	switch {
	case err != nil:
		d.told(name, "", err)
	case overdue > 0:
		d.note(name, Problem, counted(int64(overdue), "request")+" of customers about their data overdue", do)
	case len(list) > 0:
		d.note(name, Warning, counted(int64(len(list)), "request")+" of customers about their data due within a week", do)
	default:
		d.note(name, Fine, "no request of a customer is due within a week", "")
	}
}
