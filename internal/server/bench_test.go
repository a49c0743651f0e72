package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/schema"
)

// The benchmarks drive a server in a process of its own over HTTP and tell
// what that process used: CPU-us/op, with pg-CPU-us/op what PostgreSQL's
// processes used besides, and times-bare, the ratio to the bare answer of the
// same process in the same run. `make bench` makes the table of
// docs/performance.md of them. BENCH_PROFILE names a file for the CPU profile
// of the server.

const (
	benchWorkers  = 32 // callers at once, as the budgets suppose
	hashWorkers   = 4  // of the hash's real cost: more would be sent away by the gate
	benchPassword = "correct horse battery staple"
)

// stage is a running server with its clients, as benchmarks need them.
type stage struct {
	*ground
	child    *child
	workers  []*worker
	backends *backends
	bare     float64 // CPU of a bare answer in microseconds
}

// worker is one client: somebody who is signed in and holds tokens.
type worker struct {
	*visitor
	s       *stage
	address string
	session *visitor // the browser that is signed in
	refresh string
	access  string
	own     string // the service's own token

	networks []string // from which this person comes
	turn     int
}

const knownNetworks = 40 // few enough for an account's meters, enough for a network's

// again is the person in a new browser, somewhere where they were before.
func (w *worker) again() {
	w.afresh()
	w.turn++
	w.network = w.networks[w.turn%knownNetworks]
}

func BenchmarkHouse(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			s := newStage(b, engine, false)
			s.row(b, "bare answer", (*worker).bareAnswer)
			s.row(b, "client_credentials", (*worker).clientCredentials)
			s.row(b, "introspection", (*worker).introspect)
			s.row(b, "refresh with rotation", (*worker).rotate)
			s.row(b, "userinfo", (*worker).person)
			s.row(b, "JWKS", func(w *worker) error { return w.read("/oauth2/jwks") })
			s.row(b, "discovery", func(w *worker) error { return w.read("/.well-known/openid-configuration") })
			s.row(b, "session check", (*worker).check)
			s.row(b, "code and PKCE for who is signed in", (*worker).silent)
			s.row(b, "hosted sign-in by password (hash left out)", (*worker).byPassword)
			s.row(b, "hosted sign-in in a known browser (hash left out)", (*worker).atHome)
			s.row(b, "hosted sign-in by mailed code", (*worker).byCode)
		})
		b.Run(engine+"-hash", func(b *testing.B) {
			s := newStage(b, engine, true)
			s.row(b, "hosted sign-in by password", (*worker).byPassword)
		})
	}
}

// BenchmarkHash is the password hash alone, at the production cost.
func BenchmarkHash(b *testing.B) {
	h := secret.NewHasher(secret.Params{}, secret.Gate{})
	phc, err := h.Hash(b.Context(), benchPassword)
	if err != nil {
		b.Fatal(err)
	}
	before := used()
	for b.Loop() {
		if ok, _, err := h.Verify(b.Context(), benchPassword, phc); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
	b.ReportMetric(micro(used().CPU-before.CPU)/float64(b.N), "CPU-us/op")
}

func newStage(b *testing.B, engine string, cost bool) *stage {
	o := orders{Cost: cost, Bare: freePort(b), Profile: os.Getenv("BENCH_PROFILE")}
	if engine == dbtest.Postgres {
		o.Database, o.Keyring = dbtest.URL(b, schema.Files, engine), secret.NewKeyringText(time.Now())
	}
	s := &stage{ground: newGround(b, o)}
	phc, err := secret.NewHasher(o.opening().Hash, secret.Gate{}).Hash(b.Context(), benchPassword)
	if err != nil {
		b.Fatal(err)
	}
	s.settle(b, phc)
	s.child = start(b, s.orders)
	b.Cleanup(s.child.stop)
	s.backends = watchBackends(b, s.Database)
	callers := benchWorkers
	if cost {
		callers = hashWorkers
	}
	for i := range callers {
		w := &worker{visitor: newVisitor(s.origin(), s.Port), session: newVisitor(s.origin(), s.Port), s: s, address: crowdAddress(i * crowdSize / callers)}
		for range knownNetworks {
			w.networks = append(w.networks, randomNetwork())
		}
		s.workers = append(s.workers, w)
		b.Cleanup(w.away)
		b.Cleanup(w.session.away)
	}
	s.spread(b, len(s.workers), (*worker).signIn)
	s.quiet()
	return s
}

func (w *worker) signIn() error {
	code, err := w.session.authorize(&w.s.web, w.address)
	if err != nil {
		return err
	}
	out, err := w.session.redeem(&w.s.web, code)
	if err := expect(200, out.Status, err); err != nil {
		return err
	}
	w.refresh, w.access = out.RefreshToken, out.AccessToken
	own, err := w.token(&w.s.service, url.Values{"grant_type": {"client_credentials"}, "resource": {groundAPI}})
	w.own = own.AccessToken
	return expect(200, own.Status, err)
}

// quiet waits until the journal's clerk has chained what the crowd left, which
// would be counted among the first rows.
func (s *stage) quiet() {
	for range 60 {
		before := s.child.ask(false).CPU
		time.Sleep(500 * time.Millisecond)
		if s.child.ask(false).CPU-before < 25*time.Millisecond {
			return
		}
	}
}

// row measures one operation.
func (s *stage) row(b *testing.B, name string, op func(*worker) error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		pg := s.backends.cpu()
		before := s.child.ask(false)
		b.ResetTimer()
		s.spread(b, b.N, op)
		b.StopTimer()
		after := s.child.ask(false)
		n := float64(b.N)
		own := micro(after.CPU-before.CPU) / n
		b.ReportMetric(own, "CPU-us/op")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/op")
		b.ReportMetric(float64(after.Bytes-before.Bytes)/n, "B/op")
		if s.backends != nil {
			b.ReportMetric(micro(s.backends.cpu()-pg)/n, "pg-CPU-us/op")
		}
		if name == "bare answer" {
			s.bare = own
		} else if s.bare > 0 {
			b.ReportMetric(own/s.bare, "times-bare")
		}
	})
}

// spread runs an operation n times on all workers together, each as often.
func (s *stage) spread(b *testing.B, n int, op func(*worker) error) {
	var workers sync.WaitGroup
	for i, w := range s.workers {
		workers.Go(func() {
			for turn := i; turn < n; turn += len(s.workers) {
				if err := op(w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// The operations.

func (w *worker) bareAnswer() error {
	return fetch(w.s.plain(), fmt.Sprintf("http://127.0.0.1:%d/", w.s.Bare))
}

var plainClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchWorkers}}

func (s *stage) plain() *http.Client { return plainClient }

func fetch(c *http.Client, address string) error {
	answer, err := c.Get(address)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func (w *worker) read(path string) error {
	r, err := http.NewRequest(http.MethodGet, w.origin+path, nil)
	if err != nil {
		return err
	}
	status, _, _, err := w.send(r)
	return expect(200, status, err)
}

func expect(want, got int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("answered by %d", got)
	}
	return err
}

func (w *worker) clientCredentials() error {
	out, err := w.token(&w.s.service, url.Values{"grant_type": {"client_credentials"}, "resource": {groundAPI}})
	return expect(200, out.Status, err)
}

func (w *worker) introspect() error {
	status, body, err := w.call(&w.s.api, "/oauth2/introspect", url.Values{"token": {w.own}})
	if err == nil && !strings.Contains(string(body), `"active":true`) {
		err = fmt.Errorf("told %s", body)
	}
	return expect(200, status, err)
}

func (w *worker) rotate() error {
	out, err := w.visitor.refresh(&w.s.web, w.refresh)
	if out.Status == 200 {
		w.refresh, w.access = out.RefreshToken, out.AccessToken
	}
	return expect(200, out.Status, err)
}

func (w *worker) person() error {
	status, _, err := w.userinfo(w.access)
	return expect(200, status, err)
}

// check asks for the front page, which goes to the account of who is signed in.
func (w *worker) check() error {
	r, err := http.NewRequest(http.MethodGet, w.origin+"/", nil)
	if err != nil {
		return err
	}
	status, header, _, err := w.session.send(r)
	if err == nil && header.Get("Location") != "/account" {
		err = fmt.Errorf("sent to %s", header.Get("Location"))
	}
	return expect(303, status, err)
}

// silent is single sign-on: a code without a page, and its tokens.
func (w *worker) silent() error {
	code, err := w.session.authorize(&w.s.web, "", "prompt", "none")
	if err != nil {
		return err
	}
	out, err := w.redeem(&w.s.web, code)
	return expect(200, out.Status, err)
}

func (w *worker) byPassword() error {
	w.again()
	code, err := w.authorizeBy(&w.s.web, w.address, benchPassword)
	if err != nil {
		return err
	}
	out, err := w.redeem(&w.s.web, code)
	return expect(200, out.Status, err)
}

// atHome is byPassword in the browser in which the person signed in before and
// has closed since: nobody is told of a new one.
func (w *worker) atHome() error {
	at := &url.URL{Scheme: "http", Host: strings.TrimPrefix(w.origin, "http://"), Path: "/"}
	var kept []*http.Cookie
	for _, c := range w.jar.Cookies(at) {
		if strings.HasSuffix(c.Name, "browser") {
			kept = append(kept, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/"})
		}
	}
	w.afresh()
	w.network = w.networks[0]
	w.client.Jar.SetCookies(at, kept)
	w.jar = w.client.Jar
	code, err := w.authorizeBy(&w.s.web, w.address, benchPassword)
	if err != nil {
		return err
	}
	out, err := w.redeem(&w.s.web, code)
	return expect(200, out.Status, err)
}

func (w *worker) byCode() error {
	w.again()
	code, err := w.authorize(&w.s.web, w.address)
	if err != nil {
		return err
	}
	out, err := w.redeem(&w.s.web, code)
	return expect(200, out.Status, err)
}

// backends are PostgreSQL's processes that work on one database.
type backends struct {
	b    *testing.B
	url  string
	name string
}

// watchBackends finds PostgreSQL's processes, if they run on this machine.
func watchBackends(b *testing.B, database string) *backends {
	u, err := url.Parse(database)
	if database == "" || err != nil {
		return nil
	}
	w := &backends{b: b, url: os.Getenv(dbtest.Server), name: strings.TrimPrefix(u.Path, "/")}
	for _, pid := range w.pids() {
		if _, err := onCPU(pid); err != nil {
			b.Log("PostgreSQL runs elsewhere: its share is not measured")
			return nil
		}
	}
	return w
}

func (w *backends) pids() (list []int32) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, w.url)
	if err != nil {
		w.b.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE datname = $1", w.name)
	if err != nil {
		w.b.Fatal(err)
	}
	list, err = pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		w.b.Fatal(err)
	}
	return list
}

// cpu is what the processes that are there now have used.
func (w *backends) cpu() (sum time.Duration) {
	if w == nil {
		return 0
	}
	for _, pid := range w.pids() {
		d, err := onCPU(pid)
		if err != nil {
			w.b.Fatal(err)
		}
		sum += d
	}
	return sum
}

func onCPU(pid int32) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	var ns int64
	if err == nil {
		_, err = fmt.Sscan(string(text), &ns)
	}
	return time.Duration(ns), err
}

// BenchmarkStart builds the program as it is released and starts it on data
// that is there: the time to the first healthy answer, what it holds in memory
// when nobody asks anything, and its size.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "cardea")
	build := exec.Command("go", "build", "-C", "../..", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/cardea")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	file, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	served(b, program, dir) // makes keyring, database and the staff's tenant
	var took time.Duration
	var resident int64
	b.ResetTimer()
	for range b.N {
		t, r := served(b, program, dir)
		took, resident = took+t, resident+r
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "ms-to-healthy")
	b.ReportMetric(float64(resident)/float64(b.N)/1e6, "MB-resident")
	b.ReportMetric(float64(file.Size())/1e6, "MB-program")
}

// served starts the program, waits for a healthy answer, leaves it alone for a
// second and ends it.
func served(b *testing.B, program, dir string) (took time.Duration, resident int64) {
	front, ops := freePort(b), freePort(b)
	c := exec.Command(program, "serve")
	c.Env = append(environ(), fmt.Sprintf("CARDEA_ORIGIN=http://staff.localhost:%d", front), fmt.Sprintf("CARDEA_LISTEN=127.0.0.1:%d", front),
		fmt.Sprintf("CARDEA_METRICS_LISTEN=127.0.0.1:%d", ops), "CARDEA_DATA="+filepath.Join(dir, "data"))
	began := time.Now()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	for time.Since(began) < 10*time.Second {
		if fetch(plainClient, fmt.Sprintf("http://127.0.0.1:%d/readyz", ops)) == nil && fetch(plainClient, fmt.Sprintf("http://127.0.0.1:%d/", front)) == nil {
			break
		}
		time.Sleep(200 * time.Microsecond)
	}
	took = time.Since(began)
	time.Sleep(time.Second)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.Process.Pid))
	if err != nil {
		b.Skip("there is no /proc here")
	}
	var size int64
	fmt.Sscan(string(text), &size, &resident)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		b.Fatal(err)
	}
	return took, resident * int64(os.Getpagesize())
}

// environ is the environment without variables that the program would read.
func environ() (list []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CARDEA_") {
			list = append(list, v)
		}
	}
	return list
}
