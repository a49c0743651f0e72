package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
)

// readiness is what /readyz rests on beside the database.
type readiness struct{ draining, migrated atomic.Bool }

// Draining makes /readyz answer 503, so that load balancers look elsewhere.
func (b *Base) Draining() { b.drains.draining.Store(true) }

var (
	errDraining   = fault.New(fault.Unavailable, "draining", "This node is about to stop.")
	errUnmigrated = fault.New(fault.Unavailable, "not_migrated", "The database waits for a migration.")
	errNoDatabase = fault.New(fault.Unavailable, "no_database", "The database does not answer.")
)

const readyTime = 2 * time.Second

// Ready tells why this node cannot answer requests now, or nil.
func (b *Base) Ready(ctx context.Context) error {
	if b.drains.draining.Load() {
		return errDraining
	}
	ctx, stop := context.WithTimeout(ctx, readyTime)
	defer stop()
	err := b.DB.View(ctx, func(tx *db.Tx) error {
		_, _, err := readFact(tx, factKeyring)
		return err
	})
	if err != nil {
		return errNoDatabase.Because(err)
	}
	if b.drains.migrated.Load() { // a schema never goes back
		return nil
	}
	pending, err := b.DB.Pending(ctx)
	if err != nil {
		return errNoDatabase.Because(err)
	}
	if pending {
		return errUnmigrated
	}
	b.drains.migrated.Store(true)
	return nil
}

// OpsHandler answers /livez, /readyz and /metrics. It belongs on a listener of
// its own that customers cannot reach.
func (b *Base) OpsHandler() http.Handler {
	m := web.NewMux(web.Config{})
	metrics := promhttp.HandlerFor(b.Telemetry.Registry, promhttp.HandlerOpts{Registry: b.Telemetry.Registry})
	m.Handle("GET /livez", nil, func(w http.ResponseWriter, _ *http.Request) error { return plainOK(w) }, web.Public(), web.AnyHost())
	m.Handle("GET /readyz", nil, func(w http.ResponseWriter, r *http.Request) error {
		if err := b.Ready(r.Context()); err != nil {
			return err
		}
		return plainOK(w)
	}, web.Public(), web.AnyHost())
	m.Handle("GET /metrics", nil, func(w http.ResponseWriter, r *http.Request) error {
		metrics.ServeHTTP(w, r)
		return nil
	}, web.Public(), web.AnyHost())
	return m
}

func plainOK(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// ServeOps runs the listener of Config.MetricsListen until ctx ends. It returns
// at once, without an error, if that is "off".
func (b *Base) ServeOps(ctx context.Context) error {
	if b.Config.MetricsListen == "off" {
		return nil
	}
	listeners, err := web.Listen(ctx, b.Config.MetricsListen)
	if err != nil {
		return refused("The listener for health and metrics cannot be opened on "+b.Config.MetricsListen+".", "Choose another address with CARDEA_METRICS_LISTEN, or 'off'.", err)
	}
	s := &web.Server{Handler: b.OpsHandler(), Log: b.Log, Grace: 2 * time.Second}
	return s.Serve(ctx, listeners...)
}
