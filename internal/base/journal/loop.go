package journal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// Options of a Loop. The zero value is usable: nothing is signed, nothing is
// logged, nothing is counted.
type Options struct {
	Sign  Signer                                  // nil: no checkpoints
	Sink  func(context.Context, Checkpoint) error // hears each checkpoint after it is kept; optional
	Tally *Tally                                  // its counts are written by Run and Drain; optional
	Log   *slog.Logger                            // one record per attempt of a job and per failure; optional

	// Alone says that no other process works on this database: what a former
	// process held is taken over at once instead of when its leases run out.
	Alone bool

	Poll            time.Duration // how often to look for what other processes committed; 0: 1 s, the clerk looks twice as often
	Lease           time.Duration // after how long without a sign of life others take over buckets; 0: 15 s
	JobLease        time.Duration // the same for a claimed job; 0: 1 minute
	CheckpointEvery time.Duration // 0: 1 minute
	DrainFor        time.Duration // how long running jobs may go on when Run is to end; 0: 20 s
}

func (o *Options) fill() {
	preset := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	preset(&o.Poll, time.Second)
	preset(&o.Lease, 15*time.Second)
	preset(&o.JobLease, time.Minute)
	preset(&o.CheckpointEvery, time.Minute)
	preset(&o.DrainFor, 20*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Loop does the background work of one node: the clerk, readers, jobs and
// checkpoints. Several nodes on one database share the work by leases.
type Loop struct {
	d       *db.DB
	node    string
	works   []*Work
	readers []Reader
	o       Options
	leases  *leases

	clerkBell, jobBell chan struct{}
	readerBells        []chan struct{}
	ended              chan struct{} // nudged when a job ended, for Drain
	draining           sync.Mutex
	preparing          sync.Mutex
	prepared           bool

	mu      sync.Mutex
	running map[[16]byte]*run
	perKind map[string]int
	turn    int // at which bucket the next search for jobs begins
	stopped bool
}

// run is a job that this node has claimed and not ended.
type run struct {
	row    jobRow
	cancel context.CancelCauseFunc
}

// NewLoop makes the loop of a node. The name of the node is for people; a
// random part makes it differ from every other node and from its own former
// life. Two works of one kind or two readers of one name are a defect: it
// panics.
func NewLoop(d *db.DB, node string, works []Work, readers []Reader, o Options) *Loop {
	o.fill()
	l := &Loop{
		d: d, node: node + "-" + secret.Token()[:8], readers: readers, o: o,
		clerkBell: make(chan struct{}, 1), jobBell: make(chan struct{}, 1), ended: make(chan struct{}, 1),
		running: map[[16]byte]*run{}, perKind: map[string]int{},
	}
	wants := []want{{clerkName, Buckets}, {jobName, Buckets}, {checkpointName, 1}}
	names := map[string]bool{checkpointName: true}
	for _, r := range readers {
		once(names, r.Name)
		wants = append(wants, want{leaseOf(r.Name), Buckets})
		l.readerBells = append(l.readerBells, make(chan struct{}, 1))
	}
	kinds := map[string]bool{}
	for i := range works {
		once(kinds, works[i].Kind)
		l.works = append(l.works, &works[i])
	}
	l.leases = &leases{d: d, node: l.node, wants: wants, term: o.Lease, alone: o.Alone}
	return l
}

func once(seen map[string]bool, name string) {
	if name == "" || seen[name] {
		panic("journal: the name " + name + " is empty or taken")
	}
	seen[name] = true
}

// Node is the full name of this node, as it stands in leases.
func (l *Loop) Node() string { return l.node }

// prepare takes leases and, the first time, makes the cursors of new readers.
func (l *Loop) prepare(ctx context.Context) error {
	l.preparing.Lock()
	defer l.preparing.Unlock()
	if err := l.leases.tend(ctx); err != nil || l.prepared {
		return err
	}
	err := l.d.Claim(ctx, func(tx *db.Tx) error {
		for _, r := range append([]Reader{{Name: checkpointName}}, l.readers...) {
			if err := seedReader(tx, r); err != nil {
				return err
			}
		}
		if !l.o.Alone {
			return nil
		}
		_, err := tx.Exec(`UPDATE job SET node = '', lease_until = 0 WHERE node <> '' AND node <> $1`, l.node)
		return err
	})
	l.prepared = err == nil
	return err
}

// lost forgets a lease that another node has taken, which is no error.
func (l *Loop) lost(err error, name string, bucket int64) error {
	if errors.Is(err, errFenced) {
		l.leases.lose(name, bucket)
		return nil
	}
	return err
}

// pulse is one thing that is done again and again.
type pulse struct {
	what   string
	every  time.Duration
	bell   chan struct{} // rings between; may be nil
	gather time.Duration // how long more rings are gathered after one
	act    func(context.Context) error
}

// What a busy moment brings is gathered, so that it costs few transactions: the
// clerk promises a second, and a message that waited a moment is no later.
const (
	clerkGather = 200 * time.Millisecond
	jobGather   = 10 * time.Millisecond
)

func (l *Loop) pulses() []pulse {
	list := []pulse{
		{what: "leases", every: l.o.Lease / 3, act: l.prepare},
		{what: "clerk", every: l.o.Poll / 2, bell: l.clerkBell, gather: clerkGather,
			act: func(ctx context.Context) error { _, err := l.chain(ctx); return err }},
		{what: "jobs", every: l.o.Poll, bell: l.jobBell, gather: jobGather,
			act: func(ctx context.Context) error { _, err := l.dispatch(ctx, context.WithoutCancel(ctx)); return err }},
		{what: "job leases", every: l.o.JobLease / 3, act: l.renew},
		{what: "checkpoint", every: l.o.CheckpointEvery, act: l.Checkpoint},
	}
	for i, r := range l.readers {
		list = append(list, pulse{what: "reader", every: l.o.Poll, bell: l.readerBells[i],
			act: func(ctx context.Context) error { _, err := l.follow(ctx, r); return err }})
	}
	if l.o.Tally != nil {
		list = append(list, pulse{what: "tally", every: tallyEvery,
			act: func(ctx context.Context) error { return l.o.Tally.Flush(ctx, l.d) }})
	}
	return list
}

// Run works until ctx ends; then it claims nothing more, lets running jobs
// finish for DrainFor, interrupts what is left, and gives its leases back. It
// fails only if it cannot begin. A loop runs once.
func (l *Loop) Run(ctx context.Context) error {
	ctx = l.d.Background(ctx)
	if err := l.prepare(ctx); err != nil {
		return err
	}
	hang(l)
	var beats sync.WaitGroup
	beat := func(ctx context.Context, p pulse) { beats.Go(func() { l.beat(ctx, p) }) }
	late, stopLate := context.WithCancel(context.WithoutCancel(ctx))
	for _, p := range l.pulses() {
		if p.what == "job leases" || p.what == "leases" {
			beat(late, p) // running jobs keep their claims while the node drains
		} else {
			beat(ctx, p)
		}
	}
	<-ctx.Done()
	unhang(l)
	l.stop()
	stopLate()
	beats.Wait()
	return l.close(context.WithoutCancel(ctx))
}

// beat acts at every turn and ring until ctx ends.
func (l *Loop) beat(ctx context.Context, p pulse) {
	timer := time.NewTimer(p.every)
	defer timer.Stop()
	for {
		if err := guard(func() error { return p.act(ctx) }); err != nil && ctx.Err() == nil {
			l.o.Log.LogAttrs(ctx, slog.LevelError, "background work failed",
				slog.String("work", p.what), slog.String("node", l.node), slog.Any("error", err))
		}
		timer.Reset(p.every)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.bell:
			rest(ctx, p.gather)
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// afterInterrupt is how long interrupted jobs have to give themselves back.
const afterInterrupt = 5 * time.Second

// stop waits for running jobs, interrupts them when they take too long, and in
// the end leaves alone what does not listen: its claim runs out.
func (l *Loop) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	if !l.quiet(l.o.DrainFor) {
		l.interrupt()
		l.quiet(afterInterrupt)
	}
}

// quiet waits until no job runs, but not longer than d.
func (l *Loop) quiet(d time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for l.busy() && ctx.Err() == nil {
		l.awaitEnd(ctx)
	}
	return !l.busy()
}

// awaitEnd returns when a job may have ended. Two may wait at once and only one
// hears the nudge, so it returns now and then without one.
func (l *Loop) awaitEnd(ctx context.Context) {
	select {
	case <-l.ended:
	case <-time.After(200 * time.Millisecond):
	case <-ctx.Done():
	}
}

// interrupt has every running job give itself back as soon as its Do returns.
func (l *Loop) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.running {
		r.cancel(errStopping)
	}
}

func (l *Loop) close(ctx context.Context) error {
	var err error
	if l.o.Tally != nil {
		err = l.o.Tally.Flush(ctx, l.d)
	}
	return errors.Join(err, l.leases.release(ctx))
}

// Drain does everything that is due by now: it links what is committed, brings
// readers to the end, runs due jobs and what they enqueue, and writes counts.
// It returns when nothing is due and nothing runs, with what readers failed of;
// a job that failed waits for its next turn. For the development clock and for
// tests, with or without a Run beside it.
func (l *Loop) Drain(ctx context.Context) error {
	ctx = l.d.Background(ctx)
	l.draining.Lock()
	defer l.draining.Unlock()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	var stumbles error
	for {
		busy := l.busy() // what ends during the round may leave more to do
		did, stumbled, err := l.round(ctx)
		stumbles = errors.Join(stumbles, stumbled)
		switch {
		case err != nil:
			return errors.Join(stumbles, err)
		case did > 0:
		case !busy:
			return errors.Join(stumbles, l.flush(ctx))
		case l.busy():
			l.awaitEnd(ctx)
		}
	}
}

func (l *Loop) flush(ctx context.Context) error {
	if l.o.Tally == nil {
		return nil
	}
	return l.o.Tally.Flush(ctx, l.d)
}

// round does each kind of work once and tells how much there was.
func (l *Loop) round(ctx context.Context) (did int, stumbled, err error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	if did, err = l.chain(ctx); err != nil {
		return did, nil, err
	}
	for _, r := range l.readers {
		n, failed := l.follow(ctx, r)
		did += n
		stumbled = errors.Join(stumbled, failed)
	}
	n, err := l.dispatch(ctx, ctx)
	return did + n, stumbled, err
}

func (l *Loop) nudgeReaders() {
	for _, bell := range l.readerBells {
		nudge(bell)
	}
}
