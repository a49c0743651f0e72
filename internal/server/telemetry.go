package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// Telemetry is what the house tells of itself: metrics always, traces where a
// collector is configured. Nothing in it names a customer.
type Telemetry struct {
	Registry *prometheus.Registry

	requests *prometheus.CounterVec
	lengths  *prometheus.HistogramVec
	dropped  *prometheus.CounterVec
	verbs    *prometheus.HistogramVec
	failures *prometheus.CounterVec
	retries  *prometheus.CounterVec
	batches  prometheus.Histogram
	commits  prometheus.Histogram
	traces   *sdktrace.TracerProvider
}

var (
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	verbBuckets    = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
)

func newTelemetry(ctx context.Context, c Config, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{Registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	t.requests = counter("cardea_http_requests_total", "Requests by route, method and status.", "route", "method", "status")
	t.dropped = counter("cardea_http_dropped_total", "Connections closed by a cap, by reason.", "reason")
	t.failures = counter("cardea_db_failures_total", "Transactions that failed, by verb and kind of fault.", "verb", "kind")
	t.retries = counter("cardea_db_retries_total", "Runs of a transaction beyond the first, by verb.", "verb")
	t.lengths = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cardea_http_request_seconds", Help: "Length of requests by route and method.", Buckets: requestBuckets}, []string{"route", "method"})
	t.verbs = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cardea_db_transaction_seconds", Help: "Length of transactions by verb, waiting included.", Buckets: verbBuckets}, []string{"verb"})
	t.batches = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "cardea_db_batch_closures", Help: "Transactions in one group commit (SQLite).", Buckets: prometheus.ExponentialBuckets(1, 2, 9)})
	t.commits = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "cardea_db_batch_seconds", Help: "Length of one group commit (SQLite).", Buckets: verbBuckets})
	t.Registry.MustRegister(t.requests, t.dropped, t.failures, t.retries, t.lengths, t.verbs, t.batches, t.commits,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	t.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cardea_build_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": Version().Version},
	}, func() float64 { return 1 }))
	if c.Traces == "" {
		return t, nil
	}
	return t, t.export(ctx, c.Traces, log)
}

// export sends traces to the operator's collector. No proxy stands between: the
// environment's proxies are for programs that surf.
func (t *Telemetry) export(ctx context.Context, endpoint string, log *slog.Logger) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()),
		otlptracehttp.WithProxy(func(*http.Request) (*url.URL, error) { return nil, nil }))
	if err != nil {
		return err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "cause", err.Error()) }))
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "cardea"), attribute.String("service.version", Version().Version))))
	return nil
}

// Tracer makes the spans of requests; nil without a collector.
func (t *Telemetry) Tracer() trace.Tracer {
	if t.traces == nil {
		return nil
	}
	return t.traces.Tracer("github.com/cardea-id/cardea")
}

// Close sends what is still to be sent.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.traces == nil {
		return nil
	}
	return t.traces.Shutdown(ctx)
}

// Observe counts one request; it is web.Config.Observe.
func (t *Telemetry) Observe(route, method string, status int, took time.Duration) {
	t.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	t.lengths.WithLabelValues(route, method).Observe(took.Seconds())
}

// Dropped counts one connection that a cap closed; it is web.Server.Dropped.
func (t *Telemetry) Dropped(reason string) { t.dropped.WithLabelValues(reason).Inc() }

func (t *Telemetry) database() db.Metrics {
	return db.Metrics{Done: t.transaction, Batch: func(closures int, took time.Duration) {
		t.batches.Observe(float64(closures))
		t.commits.Observe(took.Seconds())
	}}
}

func (t *Telemetry) transaction(verb string, took time.Duration, retries int, err error) {
	t.verbs.WithLabelValues(verb).Observe(took.Seconds())
	if retries > 0 {
		t.retries.WithLabelValues(verb).Add(float64(retries))
	}
	// Refusals of every day (a wrong code, a taken name) are no failures.
	if err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)) {
		kind := "internal"
		if fault.Is(err, fault.Unavailable) {
			kind = "unavailable"
		}
		t.failures.WithLabelValues(verb, kind).Inc()
	}
}

func (t *Telemetry) watchHasher(h *secret.Hasher) {
	gauge := func(name, help string, read func() float64) {
		t.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
	gauge("cardea_hash_running", "Password hashes that run now.", func() float64 { n, _ := h.Load(); return float64(n) })
	gauge("cardea_hash_waiting", "Sign-ins that wait for a password hash.", func() float64 { _, n := h.Load(); return float64(n) })
}

// Follow adds how far the background work is behind, read at each scrape.
func (t *Telemetry) Follow(loop *journal.Loop) { t.Registry.MustRegister(&lagCollector{loop}) }

// lagCollector reads the database when it is scraped.
type lagCollector struct{ loop *journal.Loop }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	lagUnchained = describe("cardea_journal_unchained_events", "Events that wait for their link.")
	lagOldest    = describe("cardea_journal_oldest_seconds", "Age of the oldest event that waits for its link.")
	lagReader    = describe("cardea_reader_lag_events", "Events that a reader has not read yet.", "reader")
	lagFailing   = describe("cardea_reader_failing_buckets", "Buckets in which a reader stumbled.", "reader")
	lagDue       = describe("cardea_jobs_due", "Jobs that could run now and do not.")
	lagDead      = describe("cardea_jobs_dead", "Jobs that were given up.")
)

// Describe names the metrics.
func (l *lagCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagUnchained, lagOldest, lagReader, lagFailing, lagDue, lagDead} {
		ch <- d
	}
}

const lagTime = 5 * time.Second

// Collect reads them. A database that does not answer shows by their absence.
func (l *lagCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), lagTime)
	defer stop()
	lag, err := l.loop.Lag(ctx)
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(lagUnchained, float64(lag.Unchained))
	gauge(lagOldest, lag.Oldest.Seconds())
	gauge(lagDue, float64(lag.DueJobs))
	gauge(lagDead, float64(lag.DeadJobs))
	for _, r := range lag.Readers {
		gauge(lagReader, float64(r.Events), r.Name)
		gauge(lagFailing, float64(r.Failing), r.Name)
	}
}
