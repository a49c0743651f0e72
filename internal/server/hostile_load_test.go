package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// Sixty-four passwords at once, most of whose senders hang up: no more is
// hashed at once than the gate says, what does not fit is told when to come
// again, and afterwards the door is open.
func TestH082_TheGateHoldsThoughSendersHangUp(t *testing.T) {
	o := servertest.Options{
		Settings: passwordAlone, Hash: secret.Params{MemoryKiB: 32768, Time: 2, Threads: 1},
		Base: func(o *server.Opening) { o.Gate = secret.Gate{Parallel: 1, Queue: 2, Wait: 100 * time.Millisecond} },
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		var journeys []probe
		for i := range 8 {
			journeys = append(journeys, guesser(t, h, servertest.NewBrowser(t), fmt.Sprintf("nobody%d@example.com", i)))
		}
		var most, busy atomic.Int64
		stop := watch(h, &most)
		together(64, func(i int) {
			p := journeys[i%len(journeys)]
			if i%4 != 0 {
				hangUp(t, h, p)
				return
			}
			r := p.send(t, h)
			if r.Status == http.StatusServiceUnavailable {
				busy.Add(1)
			}
			if r.Status != http.StatusUnprocessableEntity && (r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "") {
				t.Errorf("%v", r)
			}
		})
		stop()
		if most.Load() > 1 || busy.Load() == 0 {
			t.Errorf("%d hashes ran at once, %d were turned away", most.Load(), busy.Load())
		}
		for range 100 { // those who hung up are done with
			if running, waiting := h.Hasher.Load(); running+waiting == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		b := servertest.NewBrowser(t)
		if p := named(h, b, ann, "password").Submit("password", secure); p.URL.Path != "/account" {
			t.Errorf("the door stays shut: %d %s", p.Status, p.Text())
		}
	}, o)
}

func watch(h *servertest.House, most *atomic.Int64) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-end:
				return
			default:
				running, _ := h.Hasher.Load()
				most.Store(max(most.Load(), int64(running)))
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() { close(end); <-done }
}

// hangUp sends a request and does not stay for the answer.
func hangUp(t *testing.T, h *servertest.House, p probe) {
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Error(err)
		return
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, p.text(u)) // the server may have hung up first
	time.Sleep(5 * time.Millisecond)
	_ = conn.Close()
}

// Bodies that grow when they are read, and bodies without an end.
func TestH209_BombsAreRefusedOnEveryForm(t *testing.T) {
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, "f%d=x&", i)
	}
	bombs := map[string]string{
		"many fields": many.String(), "one field often": strings.Repeat("identifier=a&", 50_000), "sparse": "a[999999999]=x&" + strings.Repeat("a[b]", 100_000) + "=x",
		"a megabyte": "identifier=" + strings.Repeat("a", 2<<20), "ampersands": strings.Repeat("&", 1<<20), "percent": "identifier=" + strings.Repeat("%41", 400_000),
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		for _, r := range routes(t, h) {
			if r.Method != http.MethodPost || bodiless(r) {
				continue
			}
			for what, body := range bombs {
				got := in.submits("POST", targets(r, in.flow)[0], body)
				refused := got.Status == 0 || got.Status == http.StatusBadRequest || got.Status == http.StatusRequestEntityTooLarge
				if asksFirst(r) && got.Status == http.StatusUnauthorized {
					continue
				}
				if r.Path == "/dev/clock" && got.Status == http.StatusBadRequest {
					continue
				}
				if !refused {
					t.Errorf("%s with %s: %v", r.Path, what, got)
				}
			}
		}
		endless := probe{Method: "POST", Target: "/signin/" + in.flow + "/identify", Cookies: in.cookies, Header: http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {h.URL}, "Transfer-Encoding": {"chunked"}, "Content-Length": nil,
		}, Body: strings.Repeat("10000\r\n"+strings.Repeat("a", 0x10000)+"\r\n", 64)}
		if got := endless.send(t, h); got.Status == http.StatusOK || got.Status == http.StatusSeeOther || got.Status >= 500 {
			t.Errorf("a body without end: %v", got)
		}
		for what, target := range map[string]string{"query": "/signin?" + strings.Repeat("a=b&", 20_000), "path": "/" + strings.Repeat("a/", 40_000)} {
			if got := (probe{Target: target}).send(t, h); got.Status < 400 && got.Status != 0 || got.Status >= 500 {
				t.Errorf("a long %s: %v", what, got)
			}
		}
		if !in.alive() {
			t.Error("the house does not answer any more")
		}
	})
}

// A browser holds eight sessions, a customer a hundred; the oldest make room,
// and none goes on that nobody holds.
func TestH212_SessionsAreBounded(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		for i := range 11 {
			h.Advance(time.Minute)
			h.Prove(b.Get(h.URL+"/signin?login_hint=x").Submit("identifier", fmt.Sprintf("p%d@example.com", i)), fmt.Sprintf("p%d@example.com", i))
		}
		if n := len(session.ReadSet(b.Cookie(h.URL, "session"))); n != 8 {
			t.Errorf("the browser holds %d sessions", n)
		}
		for i := range 3 {
			if n := len(sessionsOf(t, h, fmt.Sprintf("p%d@example.com", i))); n != 0 {
				t.Errorf("p%d has a session that nobody holds", i)
			}
		}
		id := idOf(t, h, "p10@example.com")
		for range session.Most + 5 {
			h.Clock.Advance(time.Second)
			opened(h, h.Tenant(), id)
		}
		if n := len(sessionsOf(t, h, "p10@example.com")); n != session.Most {
			t.Errorf("a customer has %d sessions", n)
		}
	})
}

// Journeys that nobody goes on with are bounded per network and swept away.
func TestH215_AbandonedJourneysAreBoundedAndSwept(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		n, head := map[int]int{}, http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Proto": {"http"}}
		for i := range 330 {
			target := "/signin"
			if i%2 == 1 {
				target = strings.TrimPrefix(h.AuthorizeURL(h.Apps["web"]), h.URL)
			}
			n[probe{Target: target, Header: head}.send(t, h).Status]++
		}
		if n[http.StatusSeeOther] != 300 || n[http.StatusTooManyRequests] != 30 {
			t.Errorf("answers: %v", n)
		}
		if rows := len(dumped(t, h, "flow")); rows != 300 {
			t.Errorf("%d rows", rows)
		}
		h.Update(func(tx *db.Tx) error { // as a server does when it starts
			_, err := journal.Enqueue(tx, journal.Job{Kind: "sweep", Key: "sweep", RunAt: tx.Now})
			return err
		})
		h.Advance(26 * time.Hour)
		h.Advance(2 * time.Minute)
		for _, table := range []string{"flow", "throttle", "one_time"} {
			if rows := len(dumped(t, h, table)); rows != 0 {
				t.Errorf("%d rows of %s are left", rows, table)
			}
		}
	}, manyNetworks)
}

// A clock that jumps makes nothing valid that had ended, and nothing that was
// barred open.
func TestH217_AJumpingClockOpensNothing(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		wrong := guesser(t, h, servertest.NewBrowser(t), ann)
		for range guesses {
			wrong.send(t, h)
		}
		back := func(d time.Duration) { h.Clock.Set(h.Clock.Now().Add(-d)) }
		visitor := servertest.NewBrowser(t)
		p := named(h, visitor, ann, "continue")
		m := newest(t, h, ann, "/signin/link")
		back(time.Hour)
		if r := wrong.send(t, h); r.Status != http.StatusTooManyRequests {
			t.Errorf("an hour back, the guesser guesses on: %v", r)
		}
		if !inside(h, b) {
			t.Error("an hour back, a session is no more")
		}
		h.Clock.Advance(time.Hour + 11*time.Minute)
		if q := visitor.Get(m.Link); q.Status != http.StatusGone {
			t.Errorf("a link outlives its time: %d", q.Status)
		}
		back(10 * time.Minute)
		if q := visitor.Get(m.Link); q.Status != http.StatusGone {
			t.Errorf("ten minutes back, a dead link lives: %d", q.Status)
		}
		if q := p.Submit("code", m.Code); q.URL.Path == "/account" {
			t.Error("ten minutes back, a dead code opens")
		}
		h.Clock.Advance(30*24*time.Hour + time.Hour)
		if inside(h, b) {
			t.Error("thirty days on, the session of the day lives")
		}
		back(30 * 24 * time.Hour)
		if inside(h, b) {
			t.Error("back again, the dead session lives")
		}
	}, servertest.Options{Settings: passwordAlone})
}
