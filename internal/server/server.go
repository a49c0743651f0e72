package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

// Options are what differs between serve, dev and tests.
type Options struct {
	Codes credential.Codes // dev: a fixed code for .test addresses
	Inbox bool             // dev and tests: messages rest in the development inbox and are not sent
	Dev   bool             // hang the /dev pages on the router
	Alone bool             // no other process works on this database
}

// Server is the whole house with its doors: a router and a background loop.
type Server struct {
	*Base
	UI   *ui.UI
	Mux  *web.Mux
	Loop *journal.Loop

	options  Options
	acts     account.Acts
	provider *oidc.Provider
	releases *release.Counter
	tally    *journal.Tally
	works    []journal.Work
}

// New wires the house. It opens no listener and starts nothing.
func New(b *Base, o Options) (*Server, error) {
	s := &Server{Base: b, options: o, releases: release.NewCounter(), tally: journal.NewTally(b.Clock.Now)}
	if err := s.wire(); err != nil {
		return nil, err
	}
	s.Loop = journal.NewLoop(b.DB, nodeName(), s.works, s.readers(), journal.Options{
		Sign: b.SignCheckpoint, Sink: b.KeepCheckpoint, Tally: s.tally, Log: b.Log, Alone: o.Alone,
	})
	b.Telemetry.Follow(s.Loop)
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.Mux.ServeHTTP(w, r) }

// Background does what needs no request, until ctx ends: the loop, the tenant
// poll, the keyring's reload, the counters, the daily look after keys.
func (s *Server) Background(ctx context.Context) error {
	if err := s.scheduleSweep(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Loop.Run(ctx) })
	g.Go(func() error { return s.House.Run(ctx) })
	g.Go(func() error { return s.releases.Run(ctx, s.DB, s.Clock.Now) })
	g.Go(func() error { return every(ctx, time.Second, s.reloadKeyring) })
	g.Go(func() error { return every(ctx, 24*time.Hour, s.tendKeys) })
	g.Go(func() error {
		if err := pause(ctx, settledAfter); err != nil {
			return err
		}
		debug.FreeOSMemory() // what the start needed and nothing will again
		return nil
	})
	g.Go(func() error {
		if err := pause(ctx, completeAfter); err != nil {
			return err
		}
		return every(ctx, time.Minute, s.completeKeys)
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// completeAfter keeps the drawing of RSA keys out of the way of a start.
const completeAfter = 2 * time.Second

// settledAfter is when a start is over for good.
const settledAfter = 500 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// every calls act at once and then again after each pause, until ctx ends.
func every(ctx context.Context, pause time.Duration, act func(context.Context)) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		act(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *Server) reloadKeyring(context.Context) {
	if err := s.Ring.Reload(); err != nil {
		s.Log.Error("keyring", "error", err)
	}
}

func (s *Server) tendKeys(ctx context.Context) {
	if err := s.TendKeys(ctx); err != nil && ctx.Err() == nil {
		s.Log.Error("keys", "error", err)
	}
}

// completeKeys gives tenants that were made since the last look what they lack.
func (s *Server) completeKeys(ctx context.Context) {
	if err := s.CompleteKeys(ctx); err != nil && ctx.Err() == nil {
		s.Log.Error("keys", "error", err)
	}
}

// Listen serves the listeners until ctx ends, then drains.
func (s *Server) Listen(ctx context.Context, listeners ...net.Listener) error {
	proxies, err := prefixes(s.Config.TrustedProxies)
	if err != nil {
		return err
	}
	certs, err := s.certificate()
	if err != nil {
		return err
	}
	front := web.Server{Handler: s, TLS: certs, Log: s.Log, Proxies: proxies, Dropped: s.Telemetry.Dropped}
	return front.Serve(ctx, listeners...)
}

// certificate reads the TLS files, and again when they were renewed.
func (s *Server) certificate() (*tls.Config, error) {
	if s.Config.TLSCert == "" {
		return nil, nil
	}
	c, err := newCertificate(s.Config.TLSCert, s.Config.TLSKey)
	if err != nil {
		return nil, refused("The TLS certificate cannot be read.", "Give tls_cert and tls_key as PEM files that belong together.", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

// hostOf finds the tenant of a request by its host alone.
func (s *Server) hostOf(host string) (string, any, bool) {
	t, ok := s.House.ByHost(host)
	if !ok || !t.Enabled {
		return "", nil, false
	}
	return t.OriginOf(host), t, true
}

// Serve runs a production server until ctx ends.
func Serve(ctx context.Context, c Config, out io.Writer) error {
	b, err := Open(ctx, c, Opening{Setup: true, Alone: true})
	if err != nil {
		return err
	}
	defer b.Close()
	b.tellKeyringMade(out) // before anything else may fail: a second start would not know
	s, err := New(b, Options{Alone: !c.Postgres()})
	if err != nil {
		return err
	}
	listeners, err := web.Listen(ctx, c.Listen)
	if err != nil {
		return refused("Nothing can listen on "+c.Listen+".", "Free the port, or set CARDEA_LISTEN to another address.", err)
	}
	if err := b.greet(ctx, out); err != nil {
		return err
	}
	return s.run(ctx, listeners)
}

// tellKeyringMade tells the operator of a keyring that this start has made.
func (b *Base) tellKeyringMade(out io.Writer) {
	if b.KeyringMade {
		fmt.Fprintf(out, "\nA new keyring was made: %s\nWithout it nothing in the database can be read. Keep a copy in a safe place, apart from the backups of the data.\n\n", b.Config.Keyring)
	}
}

// greet gives the operator the link that works once.
func (b *Base) greet(ctx context.Context, out io.Writer) error {
	link, err := b.BootstrapLink(ctx)
	if err != nil || link == "" {
		return err
	}
	_, err = fmt.Fprintf(out, "The first operator is made with this link. It works once, for a day:\n\n  %s\n\n", link)
	return err
}

// run serves until ctx ends: first the listeners drain, then the loop ends.
func (s *Server) run(ctx context.Context, listeners []net.Listener) error {
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Background(behind) }()
	go func() {
		if err := s.ServeOps(behind); err != nil {
			s.Log.Error("metrics listener", "error", err)
		}
	}()
	front, failed := context.WithCancel(ctx)
	defer failed()
	go func() { <-front.Done(); s.Draining() }()
	var loop error
	go func() {
		loop = <-ended
		failed() // without its background work a server must not go on
		close(ended)
	}()
	err := s.Listen(front, listeners...)
	stop()
	<-ended
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, loop, s.releases.Flush(flush, s.DB, s.Clock.Now()), s.Telemetry.Close(flush))
}

// of is the tenant that the request's host names.
func of(r *http.Request) *tenant.Tenant {
	t, _ := web.Tenant(r).(*tenant.Tenant)
	return t
}
