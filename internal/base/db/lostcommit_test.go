package db

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// cut is what the proxy does to the connection on which it sees a COMMIT.
type cut int

const (
	cutNothing   cut = iota
	cutBefore        // COMMIT never reaches the server; both sides are closed
	cutAnswer        // COMMIT reaches the server, its answer is thrown away
	cutSilently      // COMMIT is thrown away and the server hears nothing of it
	cutEverybody     // as cutAnswer, and no new connection is let through
)

// proxy stands between pgx and PostgreSQL and breaks connections around COMMIT.
type proxy struct {
	listener net.Listener
	server   string

	mu      sync.Mutex
	next    cut
	refuse  bool
	commits int
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: server}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) set(c cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.refuse = c, false
}

// A COMMIT on the wire: a simple query, or a prepared statement that is bound.
var (
	plainCommit = []byte("\x0bcommit\x00")
	boundCommit = []byte("\x00" + preparedName("commit") + "\x00")
)

// preparedName is how pgx names a statement that it keeps.
func preparedName(sql string) string {
	digest := sha256.Sum256([]byte(sql))
	return "stmtcache_" + hex.EncodeToString(digest[:24])
}

// decide takes the next cut once, when a COMMIT passes.
func (p *proxy) decide(chunk []byte) cut {
	if !bytes.Contains(chunk, plainCommit) && !bytes.Contains(chunk, boundCommit) {
		return cutNothing
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits++
	c := p.next
	p.next = cutNothing
	p.refuse = p.refuse || c == cutEverybody
	return c
}

func (p *proxy) refusing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	if p.refusing() {
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	keepServer := false
	defer func() {
		if !keepServer {
			server.Close()
		}
	}()
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
		switch p.decide(buf[:n]) {
		case cutBefore:
			return
		case cutSilently:
			keepServer = true
			return
		case cutAnswer, cutEverybody:
			client.Close()
			server.Write(buf[:n])
			time.Sleep(100 * time.Millisecond) // for the server to commit
			return
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// throughProxy opens a fresh PostgreSQL database through a proxy.
func throughProxy(t *testing.T, opts Options) (*DB, *proxy) {
	t.Helper()
	base := os.Getenv("CARDEA_TEST_POSTGRES")
	if base == "" {
		t.Skip("no PostgreSQL: set CARDEA_TEST_POSTGRES")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var random [8]byte
	rand.Read(random[:])
	name := "cardea_proxy_" + hex.EncodeToString(random[:])
	onServer(t, base, "CREATE DATABASE "+name)
	t.Cleanup(func() { onServer(t, base, "DROP DATABASE "+name+" WITH (FORCE)") })
	p := newProxy(t, u.Host)
	u.Host, u.Path = p.listener.Addr().String(), "/"+name
	q := u.Query()
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	opts.URL, opts.Clock, opts.Migrations, opts.Strict = u.String(), time.Now, writerSchema, true
	d, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d, p
}

func put(tx *Tx, id int) error { return tx.Put(`INSERT INTO n (id) VALUES ($1)`, id) }

func onServer(t *testing.T, url, sql string) {
	t.Helper()
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(context.Background(), sql); err != nil {
		t.Error(err)
	}
}

// insertThrough runs one Update whose COMMIT meets c, and counts its runs. The
// second row, if it is asked for, travels with the COMMIT.
func insertThrough(d *DB, p *proxy, c cut, second bool) (runs, after int, err error) {
	if second { // the statement that is sent with a COMMIT is known already
		if err := d.Update(context.Background(), func(tx *Tx) error { return errors.Join(insert(tx, 9), put(tx, 10)) }); err != nil {
			return 0, 0, err
		}
	}
	p.set(c)
	err = d.Update(context.Background(), func(tx *Tx) error {
		runs++
		tx.After(func() { after++ })
		if err := insert(tx, 1); err != nil || !second {
			return err
		}
		return put(tx, 2)
	})
	return runs, after, err
}

func TestAConnectionLostAroundCommit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cut  cut
		runs int
	}{
		{"before the server heard of it: run again", cutBefore, 2},
		{"after it was committed: the answer stands", cutAnswer, 1},
		{"with the server left waiting: it is ended and run again", cutSilently, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for second, rows := range map[bool]string{false: "[1]", true: "[1 2 9 10]"} {
				d, p := throughProxy(t, Options{})
				runs, after, err := insertThrough(d, p, c.cut, second)
				if err != nil || runs != c.runs || after != 1 {
					t.Errorf("%d runs, After ran %d times, told %v", runs, after, err)
				}
				if got := fmt.Sprint(ids(t, d)); got != rows {
					t.Errorf("rows %s", got)
				}
			}
		})
	}
}

func TestAConnectionLostInCommitWithNobodyToAskIsUnavailable(t *testing.T) {
	t.Parallel()
	d, p := throughProxy(t, Options{})
	d.pg.asking = 300 * time.Millisecond
	runs, after, err := insertThrough(d, p, cutEverybody, false)
	if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.Code != "outcome_unknown" || runs != 1 || after != 0 {
		t.Errorf("%d runs, After ran %d times, told %v", runs, after, err)
	}
	p.set(cutNothing)
	if got := fmt.Sprint(ids(t, d)); got != "[1]" {
		t.Errorf("rows %s", got)
	}
}

func TestAConnectionLostBeforeCommitRunsTheClosureAgain(t *testing.T) {
	t.Parallel()
	d, _ := throughProxy(t, Options{})
	runs := 0
	err := d.Update(context.Background(), func(tx *Tx) error {
		runs++
		if err := insert(tx, 1); err != nil {
			return err
		}
		if runs == 1 {
			tx.s.(*pgSession).c.Conn().PgConn().Conn().Close()
		}
		return insert(tx, 2)
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, told %v", runs, err)
	}
	if got := fmt.Sprint(ids(t, d)); got != "[1 2]" {
		t.Errorf("rows %s", got)
	}
}

func TestAPooledConnectionThatDiedUnseenIsReplaced(t *testing.T) {
	t.Parallel()
	d, _ := throughProxy(t, Options{})
	if err := d.Update(context.Background(), func(tx *Tx) error { return insert(tx, 1) }); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := d.pg.pool.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c.Conn().PgConn().Conn().Close()
		c.Release()
		if got := fmt.Sprint(ids(t, d)); got != "[1]" {
			t.Errorf("rows %s", got)
		}
	}
}

func TestAServerThatIsGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	d, p := throughProxy(t, Options{})
	p.listener.Close()
	d.pg.pool.Reset()
	err := d.View(context.Background(), func(tx *Tx) error {
		_, _, err := Value[int64](tx, `SELECT count(*) FROM n`)
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("told %v", err)
	}
	if _, err := d.Bump(context.Background(), `DELETE FROM n`); !fault.Is(err, fault.Unavailable) {
		t.Errorf("told %v", err)
	}
}

func TestTheVerbsWorkWithoutAStatementCache(t *testing.T) {
	t.Parallel()
	d, _ := throughProxy(t, Options{StatementCacheOff: true})
	err := d.Update(context.Background(), func(tx *Tx) error {
		if _, err := tx.Exec(`INSERT INTO n (id, body) VALUES ($1, $2)`, 1, []byte{0, 255}); err != nil {
			return err
		}
		body, _, err := Value[[]byte](tx, `SELECT body FROM n WHERE id = $1`, 1)
		if !bytes.Equal(body, []byte{0, 255}) {
			t.Errorf("body %x", body)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	c, err := d.pg.pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	var prepared int
	if err := c.QueryRow(context.Background(), "SELECT count(*) FROM pg_prepared_statements").Scan(&prepared); err != nil || prepared != 0 {
		t.Errorf("%d prepared statements, err %v", prepared, err)
	}
}

func TestACancelledStatementGivesItsConnectionBack(t *testing.T) {
	t.Parallel()
	d, _ := throughProxy(t, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := d.Update(ctx, func(tx *Tx) error {
		_, err := tx.s.exec(tx.ctx, "SELECT pg_sleep(30)", nil)
		return tx.fail(err)
	})
	if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable {
		t.Errorf("told %v", err)
	}
	if err := d.Update(context.Background(), func(tx *Tx) error { return insert(tx, 1) }); err != nil {
		t.Error(err)
	}
}
