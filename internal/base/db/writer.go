package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Measures of the writer. A batch is whatever is queued, never waited for.
const (
	maxBatch      = 256
	maxBackground = maxBatch / 4
	maxWork       = 2 * time.Millisecond
	maxQueue      = 4096
	maxLockWait   = 10 * time.Second // for another process's transaction
	maxTries      = 12
)

// writer is the one goroutine that writes to SQLite. It commits many closures
// at once, each in a savepoint, and answers when they are durable.
type writer struct {
	h       *house
	path    string
	c       *liteConn
	metric  func(int, time.Duration)
	work    time.Duration // after which a batch takes nobody more
	front   chan *job
	back    chan *job
	stopped chan struct{}

	mu   sync.RWMutex // held for reading while a job is queued
	shut bool
	stop chan struct{}

	// Of the running batch; fields, so that a closure that ends the goroutine
	// does not take the batch with it.
	batch   []*job
	leaving *job
	held    *job // an exclusive job that ended a batch
}

// job is one closure, one statement or one exclusive act, and its answer.
type job struct {
	ctx        context.Context
	background bool
	v          verb
	fn         func(*Tx) error
	sql        string // a Bump's statement
	args       []any
	target     func() []Field
	exclusive  func(*liteConn) error // outside any transaction

	state atomic.Int32
	done  chan struct{}

	out      outcome
	rows     int64
	runs     int
	panicked *Panic
	left     bool // the closure ended its goroutine
}

const (
	waiting int32 = iota
	taken
	abandoned
)

// Panic is what a caller's goroutine panics with after its closure panicked on
// the writer's goroutine.
type Panic struct {
	Value any
	Stack string
}

// Error tells the value and where the closure was.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// Unwrap gives the value, if it was an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

func startWriter(h *house, path string, c *liteConn, metric func(int, time.Duration)) *writer {
	w := &writer{
		h: h, path: path, c: c, metric: metric, work: maxWork,
		front: make(chan *job, maxQueue), back: make(chan *job, maxQueue),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go w.loop()
	return w
}

// submit queues j and waits for its answer. A context that ends takes j out of
// the queue; once j runs it is seen through.
func (w *writer) submit(ctx context.Context, j *job) outcome {
	if err := ctx.Err(); err != nil {
		return outcome{err: err}
	}
	j.ctx, j.done = context.WithoutCancel(ctx), make(chan struct{})
	if err := w.queue(j); err != nil {
		return outcome{err: err}
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return outcome{err: ctx.Err()}
		}
		<-j.done
	}
	if j.panicked != nil {
		panic(j.panicked)
	}
	if j.left {
		runtime.Goexit()
	}
	return j.out
}

func (w *writer) queue(j *job) error {
	lane := w.front
	if j.background {
		lane = w.back
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.shut {
		return errClosed
	}
	if len(w.front)+len(w.back) >= maxQueue {
		return errBusy
	}
	select {
	case lane <- j:
		return nil
	default:
		return errBusy
	}
}

// loop serves until the writer is closed and its queue is empty.
func (w *writer) loop() {
	defer w.depart()
	for {
		j := w.next()
		if j == nil {
			return
		}
		if j.exclusive != nil {
			w.alone(j)
			continue
		}
		w.serve(j)
	}
}

// depart runs as the goroutine ends: for good, or because a closure called
// runtime.Goexit (t.FailNow does), in which case another goroutine takes over.
func (w *writer) depart() {
	if w.leaving == nil {
		close(w.stopped)
		return
	}
	gone := w.leaving
	w.leaving = nil
	go func() {
		gone.left = true
		w.redo()
		w.loop()
	}()
}

// next waits for a job; nil means that there will be none.
func (w *writer) next() *job {
	if j := w.held; j != nil {
		w.held = nil
		return j
	}
	select {
	case j := <-w.front:
		return j
	default:
	}
	select {
	case j := <-w.front:
		return j
	case j := <-w.back:
		return j
	case <-w.stop:
		return w.leftover()
	}
}

func (w *writer) leftover() *job {
	select {
	case j := <-w.front:
		return j
	case j := <-w.back:
		return j
	default:
		return nil
	}
}

// more gives the next job of a running batch without waiting.
func (w *writer) more(background int) *job {
	var j *job
	if background*4 < len(w.batch) {
		j = poll(w.back)
	}
	if j == nil {
		j = poll(w.front)
	}
	if j == nil && background < maxBackground {
		j = poll(w.back)
	}
	if j != nil && j.exclusive != nil {
		w.held = j
		return nil
	}
	return j
}

func poll(lane chan *job) *job {
	select {
	case j := <-lane:
		return j
	default:
		return nil
	}
}

// serve runs a batch that begins with first.
func (w *writer) serve(first *job) {
	if err := w.begin(); err != nil {
		if first.state.CompareAndSwap(waiting, taken) {
			first.answer(err)
		}
		return
	}
	began := time.Now()
	w.batch = w.batch[:0]
	background := 0
	for j := first; j != nil; {
		if j.background {
			background++
		}
		if j.state.CompareAndSwap(waiting, taken) {
			w.batch = append(w.batch, j)
			if !w.savepoint(j) {
				w.redo()
				return
			}
		}
		if len(w.batch) >= maxBatch || time.Since(began) >= w.work {
			break
		}
		j = w.more(background)
	}
	if w.h.hasty != nil {
		w.h.hasty(w.answerBatch)
	}
	if err := w.c.run("COMMIT"); err != nil {
		w.redo()
		return
	}
	if w.metric != nil {
		w.metric(len(w.batch), time.Since(began))
	}
	w.answerBatch()
}

// answerBatch tells those who wait that their work is done.
func (w *writer) answerBatch() {
	for i, j := range w.batch {
		close(j.done)
		w.batch[i] = nil
	}
	w.batch = w.batch[:0]
}

func (j *job) answer(err error) {
	j.out.err = err
	close(j.done)
}

// begin waits for the write lock. It polls at about a millisecond: SQLite's own
// waiting doubles its pauses, and a busy process would hardly ever let go.
func (w *writer) begin() error {
	deadline := time.Now().Add(maxLockWait)
	reopened := false
	for {
		err := w.c.run("BEGIN IMMEDIATE")
		if err == nil {
			return nil
		}
		if liteCode(err)&0xff == sqlite3.SQLITE_BUSY && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond/2 + rand.N(time.Millisecond))
			continue
		}
		if reopened || liteCode(err)&0xff == sqlite3.SQLITE_BUSY {
			return liteFault(err)
		}
		reopened = true
		w.reopen()
	}
}

// reopen replaces a connection that cannot begin, after an input/output error.
func (w *writer) reopen() {
	c, err := openLiteConn(context.Background(), liteDSN(w.path, true))
	if err != nil {
		return
	}
	w.c.close()
	w.c = c
}

// savepoint runs j inside the batch. False: SQLite has rolled the whole batch
// back, or may have, and nothing of it stands.
func (w *writer) savepoint(j *job) bool {
	if j.fn == nil {
		return w.statement(j)
	}
	for {
		if w.c.run("SAVEPOINT closure") != nil {
			return false
		}
		commit, again := w.call(j)
		if !commit || again {
			if w.c.run("ROLLBACK TO closure") != nil {
				return false
			}
		}
		if w.c.run("RELEASE closure") != nil {
			return false
		}
		if !again {
			return true
		}
	}
}

// statement runs a Bump. A constraint undoes the statement alone; after any
// other error one cannot know what became of the transaction.
func (w *writer) statement(j *job) bool {
	j.runs++
	j.out = outcome{err: w.bump(j)}
	return j.out.err == nil || liteCode(j.out.err)&0xff == sqlite3.SQLITE_CONSTRAINT
}

func (w *writer) bump(j *job) (err error) {
	if j.target == nil {
		j.rows, err = w.c.exec(j.ctx, j.sql, j.args)
	} else {
		err = w.c.query(j.ctx, j.ctx, j.sql, j.args, j.target)
	}
	return liteFault(err)
}

// call runs j's closure once and tells whether its work stands, or whether it
// has to be undone and run again (the test modes).
func (w *writer) call(j *job) (commit, again bool) {
	ended := false
	defer func() {
		if ended {
			return
		}
		if v := recover(); v != nil {
			j.panicked = &Panic{Value: v, Stack: string(debug.Stack())}
			return
		}
		w.leaving = j
	}()
	j.runs++
	var tx *Tx
	tx, commit, j.out.err = w.h.attempt(j.ctx, liteSession{c: w.c}, j.v, j.fn)
	ended = true
	j.out.after, j.out.retries = nil, j.runs-1
	if w.h.twice && j.runs == 1 {
		return false, true
	}
	if commit && w.h.injected(j.v) {
		j.out.err = errBusy.Because(errInjected)
		return false, j.runs < maxTries
	}
	if commit {
		j.out.after = tx.after
	}
	return commit, false
}

// redo rolls a void batch back and runs its jobs one by one in transactions of
// their own, so that only those that fail by themselves hear of it.
func (w *writer) redo() {
	for len(w.batch) > 0 {
		// Whether anything is left to roll back depends on what failed.
		_ = w.c.run("ROLLBACK")
		j := w.batch[0]
		w.batch = append(w.batch[:0], w.batch[1:]...)
		if j.panicked == nil && !j.left {
			w.solo(j)
		}
		close(j.done)
	}
}

func (w *writer) solo(j *job) {
	if err := w.begin(); err != nil {
		j.out = outcome{err: err}
		return
	}
	// Until j has ended it stands in the batch, for a closure that leaves.
	w.batch = append([]*job{j}, w.batch...)
	ok := w.savepoint(j)
	w.batch = w.batch[1:]
	if ok {
		if err := w.c.run("COMMIT"); err == nil {
			return
		} else if j.out.err == nil {
			j.out.err = liteFault(err)
		}
	} else if j.out.err == nil && j.panicked == nil {
		j.out.err = errDown.Because(errors.New("db: SQLite rolled the transaction back"))
	}
	j.out.after = nil
	_ = w.c.run("ROLLBACK")
}

// alone runs an exclusive act between batches.
func (w *writer) alone(j *job) {
	if j.state.CompareAndSwap(waiting, taken) {
		j.answer(j.exclusive(w.c))
	}
}

// close lets what is queued finish and closes the connection.
func (w *writer) close() error {
	w.mu.Lock()
	if w.shut {
		w.mu.Unlock()
		return nil
	}
	w.shut = true
	w.mu.Unlock()
	close(w.stop)
	<-w.stopped
	return w.c.close()
}
