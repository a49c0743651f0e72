package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the program itself, so that a server runs as
// a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a running program.
type process struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func start(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(context.Background(), self, args...)}
	p.cmd.Env = append(append(os.Environ(), environ...), "BE_THE_PROGRAM=1")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// stop asks it to end and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func ready(t *testing.T, p *process, address string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		r, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatalf("it does not get ready:\n%s", p.said())
}

func TestServeBesideCommandsUntilItIsToldToStop(t *testing.T) {
	t.Parallel()
	metrics := freeAddress(t)
	environ := []string{
		"CARDEA_ORIGIN=https://staff.example.test", "CARDEA_LISTEN=" + freeAddress(t), "CARDEA_METRICS_LISTEN=" + metrics,
	}
	d := &desk{t: t, data: t.TempDir() + "/data", environ: environ}
	p := start(t, environ, "--data", d.data, "serve")
	ready(t, p, metrics)
	if strings.Count(p.said(), "/bootstrap?t=") != 1 {
		t.Errorf("no link for the first operator:\n%s", p.said())
	}
	d.must("tenant", "create", "fern", "--origin", "https://id.fern.example")
	d.must("app", "create", "web", "--name", "Shop", "--redirect", "https://shop.example/cb")
	d.must("backup", t.TempDir()+"/backup")
	d.must("audit", "verify")
	d.fails(3, "runs on", "restore")
	d.fails(3, "runs on", "serve")
	if code := p.stop(t); code != 0 {
		t.Errorf("exit %d\n%s", code, p.said())
	}
	again := start(t, environ, "--data", d.data, "serve")
	ready(t, again, metrics)
	if strings.Contains(again.said(), "/bootstrap?t=") {
		t.Error("a restart printed another link while one is out")
	}
	if code := again.stop(t); code != 0 {
		t.Errorf("exit %d\n%s", code, again.said())
	}
}

func TestServeRefusesDevelopmentDataAndABadConfiguration(t *testing.T) {
	t.Parallel()
	d := &desk{t: t, data: t.TempDir(), environ: []string{"CARDEA_ORIGIN=http://staff.example.test", "CARDEA_LOG_LEVEL=loud"}}
	d.fails(3, "must use https", "serve")
	d.fails(3, "loud", "serve")
	listen := freeAddress(t)
	dev := t.TempDir()
	p := start(t, nil, "--data", dev, "dev", "--no-open", "--json", "--listen", listen, "--shop-listen", freeAddress(t))
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(p.said(), `"issuer"`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("dev does not begin:\n%s", p.said())
		}
	}
	beside := &desk{t: t, data: dev}
	if list := read[[]appView](t, beside.must("app", "list", "--json")); len(list) < 5 {
		t.Errorf("%d applications beside dev", len(list))
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("exit %d\n%s", code, p.said())
	}
	production := &desk{t: t, data: dev, environ: []string{"CARDEA_ORIGIN=https://staff.example.test", "CARDEA_KEYRING_FILE=" + dev + "/../other.keyring", "CARDEA_METRICS_LISTEN=off"}}
	production.fails(3, "cardea dev", "serve")
}

func TestAStartThatCannotListenStillTellsOfTheNewKeyring(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	d := &desk{t: t, data: t.TempDir() + "/data", environ: []string{
		"CARDEA_ORIGIN=https://staff.example.test", "CARDEA_METRICS_LISTEN=off", "CARDEA_LISTEN=" + taken.Addr().String(),
	}}
	_, errs, code := d.do("serve")
	if code != 3 || !strings.Contains(errs, "A new keyring was made: "+d.data+".keyring") || strings.Contains(errs, "/bootstrap?t=") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}
