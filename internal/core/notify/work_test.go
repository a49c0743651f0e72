package notify_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// sender keeps what it is handed, and answers with err.
type sender struct {
	sent []notify.Envelope
	err  error
}

func (s *sender) Send(_ context.Context, e notify.Envelope) error {
	if s.err == nil {
		s.sent = append(s.sent, e)
	}
	return s.err
}

type post struct {
	*coretest.House
	t    *testing.T
	mail *sender
	loop *journal.Loop
	who  customer.ID
}

func office(t *testing.T, h *coretest.House) *post {
	t.Helper()
	p := &post{House: h, t: t, mail: &sender{}, who: h.Customer()}
	p.loop = journal.NewLoop(h.D, "test", notify.Works(notify.Wiring{
		House: h.House, Mail: p.mail,
		Render: func(l notify.Letter) (notify.Rendered, error) {
			return notify.Rendered{Subject: l.Values["code"], Text: l.Locale}, nil
		},
	}), nil, journal.Options{Alone: true})
	return p
}

func (p *post) send(d notify.Draft) {
	p.t.Helper()
	p.Update(func(tx *db.Tx) error { return notify.Send(tx, p.T(), d) })
}

func (p *post) drain() {
	p.t.Helper()
	if err := p.loop.Drain(context.Background()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) state() (list []notify.Message) {
	p.t.Helper()
	p.View(func(tx *db.Tx) (err error) {
		list, err = notify.List(tx, p.T(), p.who, 9)
		return err
	})
	return list
}

func (p *post) address() (i customer.Identifier) {
	p.t.Helper()
	p.View(func(tx *db.Tx) error {
		list, err := customer.Identifiers(tx, p.T(), p.who)
		if err == nil {
			i = list[0]
		}
		return err
	})
	return i
}

func (p *post) code() notify.Draft {
	return notify.Draft{
		Template: notify.CodeSignIn, Channel: notify.Email, Customer: p.who, Target: p.address().Digest,
		Values: map[string]string{"code": "482913"}, Expires: p.Clock.Now().Add(10 * time.Minute),
	}
}

// While it waits, a message lies in the database without a word or an address
// in the clear.
func TestDraftsRestSealed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		p := office(t, h)
		flow := [16]byte{1}
		p.send(p.code())
		p.send(notify.Draft{
			Template: notify.CodeSignUp, Channel: notify.Email, To: "stranger@example.test", Flow: flow,
			Key: customer.NewFlowKey(p.T(), flow), Values: map[string]string{"code": "482913"},
		})
		p.send(notify.Draft{Template: notify.AddressChanged, Channel: notify.Email, Customer: p.who, To: "former@example.test"})
		p.View(func(tx *db.Tx) error {
			for _, kept := range payloads(t, tx) {
				for _, word := range []string{"example", "482913", "stranger", "former"} {
					if bytes.Contains(kept, []byte(word)) {
						t.Errorf("%q stands in %s", word, kept)
					}
				}
			}
			return nil
		})
		p.drain()
		got := map[string]bool{}
		for _, e := range p.mail.sent {
			got[e.To] = true
		}
		if len(got) != 3 || !got["stranger@example.test"] || !got["former@example.test"] {
			t.Errorf("sent to %v", got)
		}
	})
}

func payloads(t *testing.T, tx *db.Tx) (out [][]byte) {
	t.Helper()
	list, err := db.All[payloadRow](tx, `FROM job WHERE kind = 'message'`)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d jobs, %v", len(list), err)
	}
	for _, r := range list {
		out = append(out, r.payload)
	}
	return out
}

type payloadRow struct{ payload []byte }

func (r *payloadRow) Fields() []db.Field { return []db.Field{{Column: "payload", Ptr: &r.payload}} }

func TestUnreachableRelayIsTriedAgainUntilTheCodeHasExpired(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		p := office(t, h)
		p.mail.err = notify.ErrRelay
		p.send(p.code())
		p.drain()
		if s := p.state(); len(s) != 1 || s[0].State != notify.Queued {
			t.Fatalf("%+v", s)
		}
		p.mail.err = nil
		p.Wait(time.Minute)
		p.drain()
		if s := p.state(); s[0].State != notify.Sent || len(p.mail.sent) != 1 {
			t.Errorf("%+v", s)
		}
		p.mail.err = notify.ErrRelay
		p.send(p.code())
		p.drain()
		p.Wait(time.Hour)
		p.mail.err = nil
		p.drain()
		if s := p.state(); s[0].State != notify.Expired || len(p.mail.sent) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRefusedMessageIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		p := office(t, h)
		p.mail.err = notify.ErrRefused
		p.send(p.code())
		p.drain()
		if s := p.state(); len(s) != 1 || s[0].State != notify.Failed || s[0].Reason != "message_refused" {
			t.Errorf("%+v", s)
		}
	})
}

// Mail goes only to the stored address (H127), in the customer's language, and
// none goes to somebody who is erased or has given the address up meanwhile.
func TestH127_MessageGoesToTheStoredAddressAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		p := office(t, h)
		p.Update(func(tx *db.Tx) error { return customer.SetField(tx, p.T(), p.who, "locale", "de", "customer") })
		p.send(p.code())
		p.drain()
		if len(p.mail.sent) != 1 || p.mail.sent[0].To != "customer-1@example.com" || p.mail.sent[0].Text != "de" {
			t.Fatalf("%+v", p.mail.sent)
		}
		first := p.address().Digest
		p.send(p.code())
		p.Update(func(tx *db.Tx) error {
			n := customer.NewIdentifier{Kind: customer.Email, Value: "other@example.com", Verified: true}
			if err := customer.AddIdentifier(tx, p.T(), p.who, n); err != nil {
				return err
			}
			return customer.RemoveIdentifier(tx, p.T(), p.who, first)
		})
		p.drain()
		p.send(notify.Draft{Template: notify.Test, Channel: notify.Email, Customer: p.who, To: "kept@example.com"})
		p.Update(func(tx *db.Tx) error { _, err := customer.Destroy(tx, p.T(), p.who); return err })
		p.drain()
		if len(p.mail.sent) != 1 {
			t.Errorf("%+v", p.mail.sent[1:])
		}
	})
}

func TestDraftsThatNameNobodyAreRefused(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		p := office(t, h)
		for _, d := range []notify.Draft{
			{Template: "nonsense", To: "a@example.com", Customer: p.who},
			{Template: notify.Test, Customer: p.who},
			{Template: notify.Test, Target: [32]byte{1}},
			{Template: notify.Test, To: "a@example.com"},
		} {
			if err := p.Try(func(tx *db.Tx) error { return notify.Send(tx, p.T(), d) }); !errors.Is(err, notify.ErrBadDraft) {
				t.Errorf("%+v: %v", d, err)
			}
		}
	})
}

func TestH103_AMessageToACountryThatIsNotServedIsNotSent(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		texts := &sender{}
		p := office(t, h)
		p.loop = journal.NewLoop(h.D, "test", notify.Works(notify.Wiring{
			House: h.House, SMS: texts, Render: func(notify.Letter) (notify.Rendered, error) { return notify.Rendered{}, nil },
		}), nil, journal.Options{Alone: true})
		h.Settings(func(s *tenant.Settings) { s.SMS.Countries = []string{"GB"} })
		for _, number := range []string{"+447400123456", "+88213000001"} {
			p.send(notify.Draft{Template: notify.AccountErased, Channel: notify.Text, To: number, Customer: p.who})
		}
		p.drain()
		if len(texts.sent) != 1 || texts.sent[0].To != "+447400123456" {
			t.Errorf("%v were sent: %v", texts.sent, p.state())
		}
		reasons := map[notify.State]string{}
		for _, m := range p.state() {
			reasons[m.State] = m.Reason
		}
		if reasons[notify.Sent] != "" || reasons[notify.Failed] != "country_refused" {
			t.Errorf("the messages ended as %v", reasons)
		}
	})
}
