package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/examples/api"
	"github.com/cardea-id/cardea/examples/shop"
	"github.com/cardea-id/cardea/internal/base/web"
)

// DevOptions are the flags of `cardea dev`.
type DevOptions struct {
	Listen     string // 127.0.0.1:8080 if empty; then a taken port gives way to the next one
	ShopListen string // 127.0.0.1:8090 if empty, likewise
	Data       string // ./.dev if empty
	NoOpen     bool
	JSON       bool // one line for programs on Out, and nothing else
	Out        io.Writer
}

const (
	devListen  = "127.0.0.1:8080"
	shopListen = "127.0.0.1:8090"
	devTries   = 20 // ports to try from the default one on
)

// devFacts is what `cardea dev --json` prints.
type devFacts struct {
	Issuer    string        `json:"issuer"`
	Account   string        `json:"account"`
	Shop      string        `json:"shop"`
	Inbox     string        `json:"inbox"`
	Clients   []devClient   `json:"clients"`
	Customers []devCustomer `json:"customers"`
}

type devClient struct {
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
	Type         string   `json:"type"`
	Audience     string   `json:"audience,omitempty"` // of an API
}

type devCustomer struct {
	Email  string `json:"email"`
	Code   string `json:"code"`
	Note   string `json:"-"`
	Locked bool   `json:"-"`
}

// Dev runs the product for developers until ctx ends: a tenant, the demo shop
// and a few customers with a past, messages in an inbox, a clock to turn.
func Dev(ctx context.Context, o DevOptions) error {
	began := time.Now()
	if o.Data == "" {
		o.Data = ".dev"
	}
	front, port, err := devListeners(ctx, o.Listen, devListen)
	if err != nil {
		return err
	}
	counter, shopPort, err := devListeners(ctx, o.ShopListen, shopListen)
	if err != nil {
		return errors.Join(err, closeAll(front))
	}
	origin, shopOrigin := "http://localhost:"+port, "http://localhost:"+shopPort
	demo, err := seed(ctx, o.Data, origin, shopOrigin)
	if err != nil {
		return errors.Join(err, closeAll(front), closeAll(counter))
	}
	log, done, err := devLog(o.Data)
	if err != nil {
		return errors.Join(err, closeAll(front), closeAll(counter))
	}
	defer done()
	b, err := Open(ctx, devConfig(o.Data, port), Opening{Setup: true, Dev: true, Alone: true, Log: log})
	if err != nil {
		return errors.Join(err, closeAll(front), closeAll(counter))
	}
	defer b.Close()
	s, err := New(b, Options{Codes: DevCodes, Inbox: true, Dev: true, Alone: true})
	if err != nil {
		return errors.Join(err, closeAll(front), closeAll(counter))
	}
	stall := shop.New(shop.Config{
		Issuer: origin, ClientID: demo.Shop.ClientID, ClientSecret: demo.Shop.ClientSecret, BaseURL: shopOrigin, AccountURL: origin + "/account",
		HookSecret: demo.Hook, Tips: true, Resource: demoAPI, Change: api.Need{MaxAge: 5 * time.Minute},
	})
	sales := stall.Server("")
	for _, l := range counter {
		go func() { _ = sales.Serve(l) }() // ends with Close below
	}
	defer sales.Close()
	go func() {
		if answers(ctx, origin+"/.well-known/openid-configuration") && answers(ctx, shopOrigin+"/") {
			o.tell(demo.facts(origin, shopOrigin), time.Since(began))
		}
	}()
	return s.run(ctx, front)
}

func devConfig(data, port string) Config {
	return DevConfig(data, "http://staff.localhost:"+port, "127.0.0.1:"+port)
}

// devListeners listens on both loopback addresses. An address that was asked
// for must be free; from the default one on the next free port is taken.
func devListeners(ctx context.Context, asked, standard string) ([]net.Listener, string, error) {
	address := asked
	if address == "" {
		address = standard
	}
	_, first, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", refused(address+" is not host:port.", "Write it like 127.0.0.1:8080.", err)
	}
	n, err := strconv.Atoi(first)
	if err != nil {
		return nil, "", refused(address+" has no port.", "Write it like 127.0.0.1:8080.", err)
	}
	for try := range devTries {
		list, err := web.Listen(ctx, net.JoinHostPort("localhost", strconv.Itoa(n+try)))
		if err == nil {
			_, port, _ := net.SplitHostPort(list[0].Addr().String())
			return list, port, nil
		}
		if asked != "" {
			return nil, "", refused("Nothing can listen on "+address+".", "Free the port, or give another one.", err)
		}
	}
	return nil, "", refused("No port is free near "+standard+".", "Name one with --listen and --shop-listen.", nil)
}

// devLog keeps the terminal for the greeting: requests are told in a file
// beside the data.
func devLog(data string) (*slog.Logger, func() error, error) {
	f, err := os.OpenFile(filepath.Join(data, "dev.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, refused("The log cannot be written.", "Give --data a directory that you may write to.", err)
	}
	return NewLog(f, "info"), f.Close, nil
}

func closeAll(list []net.Listener) error {
	var errs []error
	for _, l := range list {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// answers waits until an address answers, or ctx ends.
func answers(ctx context.Context, address string) bool {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close() // only the status counts
			if answer.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (o DevOptions) tell(f devFacts, took time.Duration) {
	if o.JSON {
		f.Customers = slices.DeleteFunc(f.Customers, func(c devCustomer) bool { return c.Locked }) // programs sign them in
		_ = json.NewEncoder(o.Out).Encode(f)                                                       // a closed pipe is the reader's wish
		return
	}
	fmt.Fprint(o.Out, f.greeting(o.Data, took))
	if !o.NoOpen {
		openBrowser(f.Shop)
	}
}

func (f devFacts) greeting(data string, took time.Duration) string {
	var b strings.Builder
	line := func(name, value, note string) { fmt.Fprintf(&b, "  %-14s %-34s %s\n", name, value, note) }
	fmt.Fprintf(&b, "\n  cardea %s  dev mode: data in %s, delete it to start over      ready in %.1f s\n\n", Version().Version, data, took.Seconds())
	line("Demo shop", f.Shop, "Fern & Field: buy a fern and sign in")
	line("Sign-in page", f.Issuer+"/signin", "")
	line("My account", f.Account, "")
	line("Mail & SMS", f.Inbox, "every message we would send lands here")
	line("Gallery", f.Issuer+"/dev/gallery", "every component and page")
	b.WriteString("\n")
	for i, c := range f.Customers {
		label := ""
		if i == 0 {
			label = "Try"
		}
		line(label, c.Email+"  code "+c.Code, c.Note)
	}
	b.WriteString("\n  Any new address ending in .test takes the code " + DevCode + " too.\n")
	fmt.Fprintf(&b, "  Next    go run ./cmd/cardea app create web --data %s --name \"My app\" --redirect http://localhost:3000/cb\n  Ctrl-C to stop\n\n", data)
	return b.String()
}

// openBrowser shows an address to whoever sits at the machine; where nobody
// does, nothing happens.
func openBrowser(address string) {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		_ = exec.Command(path, args...).Start() // a courtesy, not a need
	}
}
