package server_test

import (
	"context"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// pair is two nodes on one PostgreSQL, which share nothing else.
type pair struct {
	a       *servertest.House
	portA   int
	portB   int
	visitor *visitor
}

func newPair(t *testing.T) *pair {
	t.Helper()
	if !slices.Contains(dbtest.Engines(), dbtest.Postgres) {
		t.Skip("no PostgreSQL: set " + dbtest.Server)
	}
	a := servertest.Open(t, dbtest.Postgres, servertest.Options{Fixed: true})
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{a: a}
	p.portA, err = net.DefaultResolver.LookupPort(t.Context(), "tcp", u.Port())
	if err != nil {
		t.Fatal(err)
	}
	p.portB = secondNode(t, a)
	p.visitor = newVisitor(a.URL, p.portA)
	t.Cleanup(p.visitor.away)
	return p
}

// secondNode opens another server on the database of the first.
func secondNode(t *testing.T, a *servertest.House) (port int) {
	t.Helper()
	how := server.Opening{Setup: true, Dev: true, Clock: a.Clock.Now, Hash: secret.Cheap, Log: servertest.Quiet}
	base, err := server.Open(t.Context(), a.Config, how)
	if err != nil {
		t.Fatal(err)
	}
	b, err := server.New(base, server.Options{Codes: server.DevCodes, Inbox: true, Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- b.Listen(ctx, l) }()
	go func() { ended <- b.Background(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := base.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

// eventually asks until it is so, for a little longer than the second that
// nodes may take to hear of a change.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for range 60 {
		if ask() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("not after three seconds: %s", what)
}

// TestH218_NodesShareEverythingThatCounts signs in on one node, uses the
// session, the code and the tokens on the other, and signs out everywhere on
// the first: no node keeps a session, a code or a revocation to itself.
func TestH218_NodesShareEverythingThatCounts(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	v, web := p.visitor, p.a.Apps["web"]
	code, err := v.authorize(web, "roaming@nodes.test")
	if err != nil {
		t.Fatal(err)
	}
	v.to(p.portB)
	out, err := v.redeem(web, code)
	if err != nil || out.Status != 200 {
		t.Fatalf("B does not know the code of A: %+v, %v", out, err)
	}
	if again, err := v.authorize(web, "", "prompt", "none"); err != nil || again == "" {
		t.Fatalf("B does not know the session of A: %v", err)
	}
	next, err := v.refresh(web, out.RefreshToken)
	if err != nil || next.Status != 200 {
		t.Fatalf("B does not refresh: %+v, %v", next, err)
	}
	v.to(p.portA)
	p.signOutEverywhere(t)
	v.to(p.portB)
	if status, _ := bearer(t, v, next.AccessToken); status != 401 {
		t.Errorf("B takes an access token after sign-out everywhere on A: %d", status)
	}
	if late, err := v.refresh(web, next.RefreshToken); err != nil || late.Error != "invalid_grant" {
		t.Errorf("B refreshes after sign-out everywhere on A: %+v, %v", late, err)
	}
	if _, err := v.authorize(web, "", "prompt", "none"); err == nil {
		t.Error("B knows a session that A has ended")
	}
}

func bearer(t *testing.T, v *visitor, token string) (int, []byte) {
	t.Helper()
	status, body, err := v.userinfo(token)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

// signOutEverywhere presses the button in the portal.
func (p *pair) signOutEverywhere(t *testing.T) {
	t.Helper()
	page, err := p.visitor.get(p.a.URL + "/account/sessions/everywhere")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range formsOf(page) {
		if to, err := url.Parse(f.action); err == nil && to.Path == "/account/sessions/everywhere" {
			if _, err := p.visitor.post(f.fill()); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%d %s has no such form: %s", page.status, page.url, page.body)
}

// TestNodesHearOfChangedSettingsWithinASecond: what is cached is polled.
func TestNodesHearOfChangedSettingsWithinASecond(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	service := p.a.Apps["service"]
	v := newVisitor(p.a.URL, p.portB)
	defer v.away()
	own := func() int {
		out, err := v.token(service, url.Values{"grant_type": {"client_credentials"}, "resource": {p.a.APIURI}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Status
	}
	if status := own(); status != 200 {
		t.Fatalf("told %d", status)
	}
	p.a.Update(func(tx *db.Tx) error {
		changed := service.Application
		changed.Enabled = false
		_, err := app.Change(tx, p.a.Tenant(), changed)
		return err
	})
	eventually(t, "B refuses an application that was switched off on A", func() bool { return own() == 401 })
}
