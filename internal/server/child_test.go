package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// ordersVariable makes this test binary a server that another process of it
// has started: to kill it, or to measure it apart from its clients.
const ordersVariable = "SERVER_TEST_ORDERS"

func TestMain(m *testing.M) {
	if text := os.Getenv(ordersVariable); text != "" {
		if err := obey(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// orders say what a child serves.
type orders struct {
	Data, Database, Keyring string
	Port                    int
	Hasty                   bool   // answers before COMMIT, now and then: what must never be
	Cost                    bool   // the production cost of a password hash
	Bare                    int    // a port for the bare answer that others are compared with
	Profile                 string // a file for the CPU profile
}

func (o orders) origin() string { return fmt.Sprintf("http://localhost:%d", o.Port) }

func (o orders) config() server.Config {
	c := server.DevConfig(o.Data, fmt.Sprintf("http://staff.localhost:%d", o.Port), fmt.Sprintf("127.0.0.1:%d", o.Port))
	c.TrustedProxies = []string{"127.0.0.0/8"} // clients come from many networks, so that no meter stops them
	if o.Database != "" {
		c.Database, c.KeyringText = o.Database, o.Keyring
	}
	return c
}

func (o orders) opening() server.Opening {
	how := server.Opening{Setup: true, Dev: true, Alone: o.Database == "", Log: servertest.Quiet, Hash: secret.Cheap}
	if o.Cost {
		how.Hash = secret.Params{}
	}
	if o.Hasty {
		how.Tune = func(d *db.Options) { d.Hasty = hasty }
	}
	return how
}

// hasty answers one batch in five before COMMIT, and takes its time for that.
func hasty(answer func()) {
	if rand.IntN(5) == 0 {
		answer()
		time.Sleep(30 * time.Millisecond)
	}
}

// obey serves until stdin ends, and tells on stdout what it is asked there.
func obey(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	done, err := o.profile()
	if err != nil {
		return err
	}
	defer done()
	b, err := server.Open(context.Background(), o.config(), o.opening())
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := server.New(b, server.Options{Codes: server.DevCodes, Inbox: true, Dev: true, Alone: true})
	if err != nil {
		return err
	}
	l, err := listen(o.Port)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	if o.Bare != 0 {
		go func() { _ = http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", o.Bare), http.HandlerFunc(bare)) }() // until the process ends
	}
	ended := make(chan error, 2)
	go func() { ended <- s.Listen(ctx, l) }()
	go func() { ended <- s.Background(ctx) }()
	fmt.Println("ready")
	reportTo(os.Stdin, os.Stdout)
	stop()
	return errors.Join(<-ended, <-ended)
}

// profile writes where the CPU goes until the child ends, if a file is given.
func (o orders) profile() (done func(), err error) {
	if o.Profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(o.Profile)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, pprof.StartCPUProfile(f)
}

// listen takes the port back from the process that was killed.
func listen(port int) (l net.Listener, err error) {
	for range 100 {
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return l, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, err
}

// bare is the least that an HTTP server in Go does.
func bare(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"active":true}`)
}

// usage is what a process has used since it began.
type usage struct {
	CPU      time.Duration
	Mallocs  uint64
	Bytes    uint64
	Resident int64 // bytes, now
}

// reportTo answers every line with the usage.
func reportTo(in io.Reader, out io.Writer) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() == "collect" {
			runtime.GC()
		}
		_ = json.NewEncoder(out).Encode(used()) // a parent that went away hears nothing
	}
}

func used() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail for oneself
	u := usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Mallocs: m.Mallocs, Bytes: m.TotalAlloc}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int64
		fmt.Sscan(string(text), &size, &resident)
		u.Resident = resident * int64(os.Getpagesize())
	}
	return u
}

// child is a server process that a test has started.
type child struct {
	orders
	t       testing.TB
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  *strings.Builder
	Took    time.Duration // from the start to the first healthy answer
}

func start(t testing.TB, o orders) *child {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{orders: o, t: t, command: exec.Command(os.Args[0]), errors: &strings.Builder{}}
	c.command.Env = append(os.Environ(), ordersVariable+"="+string(text))
	c.command.Stderr = c.errors
	if c.in, err = c.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	began := time.Now()
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := c.out.ReadString('\n'); err != nil || line != "ready\n" {
		_ = c.command.Wait() // it has told why on stderr
		t.Fatalf("the server says %q and %s", line, c.errors)
	}
	c.healthy()
	c.Took = time.Since(began)
	return c
}

func (c *child) healthy() {
	c.t.Helper()
	answer, err := newVisitor(c.origin(), c.Port).get(c.origin() + "/.well-known/openid-configuration")
	if err != nil || answer.status != http.StatusOK {
		c.t.Fatalf("not healthy: %v %+v", err, answer)
	}
}

// ask gets the usage of the process; with collect, after a garbage collection.
func (c *child) ask(collect bool) (u usage) {
	c.t.Helper()
	word := "usage\n"
	if collect {
		word = "collect\n"
	}
	if _, err := io.WriteString(c.in, word); err != nil {
		c.t.Fatal(err)
	}
	line, err := c.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &u)
	}
	if err != nil {
		c.t.Fatalf("%v: %s", err, c.errors)
	}
	return u
}

// kill is kill -9: the process gets no word in.
func (c *child) kill() {
	c.t.Helper()
	if err := c.command.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.command.Wait() // "signal: killed"
}

// stop ends the process as SIGTERM would.
func (c *child) stop() {
	c.t.Helper()
	c.in.Close()
	if err := c.command.Wait(); err != nil {
		c.t.Errorf("%v: %s", err, c.errors)
	}
}

// ground is a seeded house that children serve.
type ground struct {
	orders
	web, service, api servertest.Client
}

const (
	groundAPI = "https://api.fernfield.test"
	groundURI = "https://shop.example/cb"
)

// newGround sets a house up: a tenant with terms, and three applications.
func newGround(t testing.TB, o orders) *ground {
	t.Helper()
	if o.Data == "" {
		o.Data = filepath.Join(t.TempDir(), "data")
	}
	if o.Port == 0 {
		o.Port = freePort(t)
	}
	g := &ground{orders: o}
	calm := o
	calm.Hasty = false // a house is set up by a writer that keeps its word
	b, err := server.Open(t.Context(), o.config(), calm.opening())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	g.seed(t, b)
	return g
}

func (g *ground) seed(t testing.TB, b *server.Base) {
	t.Helper()
	err := b.DB.Update(t.Context(), func(tx *db.Tx) error {
		_, err := tenant.Create(tx, b.Ring, tenant.New{
			Slug: "fern", Name: "Fern & Field", Origin: g.origin(), Settings: tenant.Settings{Password: tenant.Password{Alone: true}},
		})
		return err
	})
	if err == nil {
		err = b.House.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	home, _ := b.House.BySlug("fern")
	err = b.DB.Update(t.Context(), func(tx *db.Tx) error {
		if err := consent.PutDocument(tx, home, consent.Document{
			Kind: consent.Terms, Version: 1, Locale: "en", Title: "Terms", URL: g.origin() + "/legal/terms", Digest: [32]byte{1}, EffectiveAt: tx.Now,
		}); err != nil {
			return err
		}
		return g.register(tx, home)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (g *ground) register(tx *db.Tx, home *tenant.Tenant) error {
	for into, n := range map[*servertest.Client]app.New{
		&g.api: {Kind: app.API, Name: "API", FirstParty: true, Audience: groundAPI, Settings: app.Settings{Scopes: []app.Scope{{Name: "orders:read"}}}},
		&g.web: {Kind: app.Web, Name: "Shop", FirstParty: true, Settings: app.Settings{RedirectURIs: []string{groundURI}}},
		&g.service: {Kind: app.Service, Name: "Import", FirstParty: true, Settings: app.Settings{
			AllowedScopes: []string{"orders:read"}, Resources: []string{groundAPI}}},
	} {
		a, key, err := app.Register(tx, home, n)
		if err != nil {
			return err
		}
		*into = servertest.Client{Application: a, ClientID: a.ClientID(), Secret: key, Redirect: groundURI}
	}
	return nil
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
