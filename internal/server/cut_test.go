package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// wire stands between the server and PostgreSQL and cuts a connection on which
// a COMMIT goes out.
type wire struct {
	listener net.Listener
	to       string

	mu     sync.Mutex
	armed  bool
	closed bool // nobody gets through for the time being
	cuts   int
}

func newWire(t *testing.T) *wire {
	t.Helper()
	u, err := url.Parse(os.Getenv(dbtest.Server))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: u.Host}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	return w
}

// through is the database behind the wire.
func (w *wire) through(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = w.listener.Addr().String()
	q := u.Query()
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return u.String()
}

// arm cuts the connection that commits next; with everybody, no other
// connection is let through either, until mend.
func (w *wire) arm(everybody bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.closed = true, everybody
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.closed = false, false
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts
}

// A COMMIT on the wire: a simple query, or a prepared statement that is bound,
// by the name under which pgx keeps it.
var (
	commitText  = sha256.Sum256([]byte("commit"))
	plainCommit = []byte("\x0bcommit\x00")
	boundCommit = []byte("\x00stmtcache_" + hex.EncodeToString(commitText[:24]) + "\x00")
)

// cuts reports whether the chunk is the COMMIT that is waited for.
func (w *wire) cutting(chunk []byte) bool {
	if !bytes.Contains(chunk, plainCommit) && !bytes.Contains(chunk, boundCommit) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	armed := w.armed
	if armed {
		w.armed = false
		w.cuts++
	}
	return armed
}

// shut reports whether new connections are refused: once the cut was made.
func (w *wire) shut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed && !w.armed
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	if w.shut() {
		return
	}
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(client, server)
		client.Close()
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		cut := w.cutting(buf[:n])
		if cut {
			client.Close() // the server will commit, and nobody hears of it
		}
		if _, err := server.Write(buf[:n]); err != nil || cut {
			time.Sleep(100 * time.Millisecond) // it commits before it notices
			return
		}
	}
}

// family is somebody's chain of refresh tokens, held by an honest client.
type family struct {
	h     *servertest.House
	w     *wire
	web   *servertest.Client
	token string
}

func newFamily(t *testing.T) *family {
	t.Helper()
	if !slices.Contains(dbtest.Engines(), dbtest.Postgres) {
		t.Skip("no PostgreSQL: set " + dbtest.Server)
	}
	w := newWire(t)
	h := servertest.Open(t, dbtest.Postgres, servertest.Options{Config: func(c *server.Config) { c.Database = w.through(t, c.Database) }})
	web := h.Apps["web"]
	code := h.Authorize(servertest.NewBrowser(t), web, "honest@cut.test", "scope", "openid offline_access").Get("code")
	out := h.Redeem(web, code)
	if out.Status != 200 || out.RefreshToken == "" {
		t.Fatalf("told %+v", out)
	}
	return &family{h, w, web, out.RefreshToken}
}

// rotate refreshes and goes on with the successor.
func (f *family) rotate(t *testing.T) {
	t.Helper()
	out := f.h.Refresh(f.web, f.token)
	if out.Status != 200 {
		t.Fatalf("the family was ended: %d %s", out.Status, out.Error)
	}
	f.token = out.RefreshToken
}

func TestAConnectionCutAfterCommitEndsNoHonestFamily(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	for range 3 {
		f.w.arm(false)
		f.rotate(t)
	}
	if f.w.count() != 3 {
		t.Errorf("%d connections were cut", f.w.count())
	}
	f.rotate(t)
}

// TestADatabaseThatIsGoneAfterCommitEndsNoHonestFamily: the server cannot find
// out what became of the rotation and says so; the client tries again with the
// token it has and gets the successor that the lost answer held.
func TestADatabaseThatIsGoneAfterCommitEndsNoHonestFamily(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	f.w.arm(true)
	lost := f.h.Refresh(f.web, f.token)
	if lost.Status != 503 || f.w.count() != 1 {
		t.Fatalf("told %d %s after %d cuts", lost.Status, lost.Error, f.w.count())
	}
	f.w.mend()
	again, once := f.h.Refresh(f.web, f.token), f.h.Refresh(f.web, f.token)
	if again.Status != 200 || once.Status != 200 || again.RefreshToken != once.RefreshToken {
		t.Fatalf("told %d %s, then %d %s", again.Status, again.Error, once.Status, once.Error)
	}
	f.token = again.RefreshToken
	f.rotate(t)
	f.rotate(t)
}

// TestAClientThatHeardNothingGetsTheSameSuccessor: the client's own connection
// is what broke. Without the grace, its second try would look like a theft.
func TestAClientThatHeardNothingGetsTheSameSuccessor(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	unheard := f.h.Refresh(f.web, f.token)
	f.h.Clock.Advance(9 * time.Second)
	heard := f.h.Refresh(f.web, f.token)
	if heard.Status != 200 || heard.RefreshToken != unheard.RefreshToken {
		t.Fatalf("told %d %s; the same successor: %v", heard.Status, heard.Error, heard.RefreshToken == unheard.RefreshToken)
	}
	f.token = heard.RefreshToken
	f.rotate(t)
}
