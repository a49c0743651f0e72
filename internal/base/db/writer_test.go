package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

var writerSchema = fstest.MapFS{"0001_test.sql": {Data: []byte(
	"CREATE TABLE n (id BIGINT NOT NULL, body BYTEA NOT NULL DEFAULT '', PRIMARY KEY (id));")}}

func openWriter(t *testing.T, opts Options) *DB {
	t.Helper()
	if opts.URL == "" {
		opts.URL = "sqlite:" + filepath.Join(t.TempDir(), "cardea.db")
	}
	opts.Clock, opts.Migrations, opts.Strict = time.Now, writerSchema, true
	d, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

// hold keeps the writer busy until release is called, so that what is queued
// meanwhile becomes one batch, however slow the machine is.
func hold(t *testing.T, d *DB) (release func()) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	go d.lite.writer.submit(context.Background(), &job{exclusive: func(*liteConn) error {
		d.lite.writer.work = time.Minute
		close(held)
		<-free
		return nil
	}})
	<-held
	return sync.OnceFunc(func() { close(free) })
}

func queued(t *testing.T, d *DB, n int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for len(d.lite.writer.front)+len(d.lite.writer.back) < n {
		if time.Now().After(deadline) {
			t.Fatal("the queue did not fill")
		}
		time.Sleep(time.Millisecond)
	}
}

func ids(t *testing.T, d *DB) (out []int64) {
	t.Helper()
	err := d.View(context.Background(), func(tx *Tx) error {
		out = nil
		return tx.query(`SELECT id FROM n ORDER BY id`, nil, func() []Field {
			out = append(out, 0)
			return []Field{{Ptr: &out[len(out)-1]}}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func insert(tx *Tx, id int) error {
	_, err := tx.Exec(`INSERT INTO n (id) VALUES ($1)`, id)
	return err
}

// tenInABatch runs ten closures as one batch; the fifth is spoilt. It gives
// back what each was told and how many closures the writer's batches held.
func tenInABatch(t *testing.T, d *DB, batches *[]int, spoil func(tx *Tx) error) (told [10]error) {
	t.Helper()
	release := hold(t, d)
	defer release()
	var wg sync.WaitGroup
	for i := range told {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					told[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			told[i] = d.Update(context.Background(), func(tx *Tx) error {
				if err := insert(tx, i); err != nil || i != 4 {
					return err
				}
				return spoil(tx)
			})
		})
	}
	queued(t, d, 10)
	*batches = nil
	release()
	wg.Wait()
	return told
}

func nineSurvive(t *testing.T, d *DB, told [10]error) {
	t.Helper()
	for i, err := range told {
		if (err != nil) != (i == 4) {
			t.Errorf("closure %d was told %v", i, err)
		}
	}
	if got := fmt.Sprint(ids(t, d)); got != "[0 1 2 3 5 6 7 8 9]" {
		t.Errorf("rows %s", got)
	}
	if err := d.Update(context.Background(), func(tx *Tx) error { return insert(tx, 99) }); err != nil {
		t.Errorf("the writer does not go on: %v", err)
	}
}

func TestABatchOfTenOutlivesAnErrorOfOne(t *testing.T) {
	t.Parallel()
	var batches []int
	d := openWriter(t, Options{Metrics: Metrics{Batch: func(n int, _ time.Duration) { batches = append(batches, n) }}})
	told := tenInABatch(t, d, &batches, func(tx *Tx) error { return errors.New("no") })
	if len(batches) != 1 || batches[0] != 10 {
		t.Errorf("batches %v: the ten were not committed as one", batches)
	}
	nineSurvive(t, d, told)
}

func TestABatchOfTenOutlivesAPanicOfOne(t *testing.T) {
	t.Parallel()
	var batches []int
	d := openWriter(t, Options{})
	told := tenInABatch(t, d, &batches, func(tx *Tx) error { panic("boom") })
	if told[4] == nil || !strings.Contains(told[4].Error(), "boom") || !strings.Contains(told[4].Error(), "writer_test.go") {
		t.Errorf("told %v, without where it was", told[4])
	}
	nineSurvive(t, d, told)
}

// An interrupted INSERT makes SQLite roll the whole transaction back, not the
// savepoint: nine others' work would be gone.
func TestABatchOfTenOutlivesAStatementCancelledMidway(t *testing.T) {
	t.Parallel()
	var batches []int
	d := openWriter(t, Options{Metrics: Metrics{Batch: func(n int, _ time.Duration) { batches = append(batches, n) }}})
	told := tenInABatch(t, d, &batches, func(tx *Tx) error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		s := liteSession{c: tx.s.(liteSession).c, interrupt: true}
		_, err := s.exec(ctx, `INSERT INTO n (id) WITH RECURSIVE c(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c`, nil)
		return tx.fail(err)
	})
	together := 0
	for _, n := range batches {
		together += n
	}
	if together == 10 {
		t.Errorf("batches %v: SQLite did not void the batch, so this test proves nothing", batches)
	}
	nineSurvive(t, d, told)
}

func TestABatchOfTenOutlivesAFullDatabase(t *testing.T) {
	t.Parallel()
	var batches []int
	d := openWriter(t, Options{})
	pages := d.lite.writer.submit(context.Background(), &job{exclusive: func(c *liteConn) error { return c.run("PRAGMA max_page_count = 40") }})
	if pages.err != nil {
		t.Fatal(pages.err)
	}
	told := tenInABatch(t, d, &batches, func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO n (id, body) VALUES (500, $1)`, make([]byte, 1<<20))
		_ = err // swallowed: it must not matter
		_, _ = tx.Exec(`INSERT INTO n (id) VALUES (501)`)
		return nil
	})
	if !fault.Is(told[4], fault.Unavailable) {
		t.Errorf("told %v", told[4])
	}
	nineSurvive(t, d, told)
}

func TestABatchOfTenOutlivesAClosureThatLeaves(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	release := hold(t, d)
	defer release()
	var wg sync.WaitGroup
	var returned atomic.Int64
	for i := range 10 {
		wg.Go(func() {
			_ = d.Update(context.Background(), func(tx *Tx) error {
				if err := insert(tx, i); err != nil {
					return err
				}
				if i == 4 {
					runtime.Goexit()
				}
				return nil
			})
			returned.Add(1)
		})
	}
	queued(t, d, 10)
	release()
	wg.Wait()
	if n := returned.Load(); n != 9 {
		t.Errorf("%d callers returned", n)
	}
	if got := fmt.Sprint(ids(t, d)); got != "[0 1 2 3 5 6 7 8 9]" {
		t.Errorf("rows %s", got)
	}
}

func TestACancelledCallerLeavesTheQueueButNotARunningClosure(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	release := hold(t, d)
	defer release()
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan error)
	go func() { answer <- d.Update(ctx, func(tx *Tx) error { return insert(tx, 1) }) }()
	queued(t, d, 1)
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("told %v", err)
	}
	release()
	ctx, cancel = context.WithCancel(context.Background())
	err := d.Update(ctx, func(tx *Tx) error {
		cancel()
		return errors.Join(tx.Context().Err(), insert(tx, 2))
	})
	if err != nil {
		t.Errorf("a running closure was cancelled: %v", err)
	}
	if got := fmt.Sprint(ids(t, d)); got != "[2]" {
		t.Errorf("rows %s", got)
	}
}

func TestAFullQueueIsUnavailable(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	release := hold(t, d)
	defer release()
	var wg sync.WaitGroup
	for i := range maxQueue {
		wg.Go(func() {
			if err := d.Update(context.Background(), func(tx *Tx) error { return insert(tx, i) }); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, d, maxQueue)
	err := d.Update(context.Background(), func(tx *Tx) error { return insert(tx, -1) })
	if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.Retry == 0 {
		t.Errorf("told %v", err)
	}
	release()
	wg.Wait()
	if n := len(ids(t, d)); n != maxQueue {
		t.Errorf("%d rows", n)
	}
}

func TestBackgroundWorkTakesAQuarterOfABatchAndIsNotStarved(t *testing.T) {
	t.Parallel()
	front, back := make(chan *job, 300), make(chan *job, 300)
	for range 300 {
		front <- &job{}
		back <- &job{background: true}
	}
	lanes := &writer{front: front, back: back}
	background := 0
	for len(lanes.batch) < 100 {
		j := lanes.more(background)
		if j.background {
			background++
		}
		lanes.batch = append(lanes.batch, j)
	}
	if background != 25 {
		t.Errorf("%d of 100 were background work", background)
	}
	lanes = &writer{front: make(chan *job), back: back}
	background = 0
	for j := lanes.more(0); j != nil; j = lanes.more(background) {
		background++
		lanes.batch = append(lanes.batch, j)
	}
	if background != maxBackground {
		t.Errorf("%d background jobs in a batch without others", background)
	}
}

func TestASecondProcessWritesBesideTheFirst(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "cardea.db")
	first, second := openWriter(t, Options{URL: url}), openWriter(t, Options{URL: url})
	var wg sync.WaitGroup
	for i, d := range []*DB{first, second} {
		for g := range 4 {
			wg.Go(func() {
				for n := range 25 {
					if err := d.Update(context.Background(), func(tx *Tx) error { return insert(tx, i*1000+g*100+n) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if n := len(ids(t, first)); n != 200 {
		t.Errorf("%d rows", n)
	}
}

func TestSeveralNodesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "cardea.db")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			d, err := Open(context.Background(), Options{URL: url, Clock: time.Now, Migrations: manySteps()})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if err := d.Migrate(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func manySteps() fstest.MapFS {
	out := fstest.MapFS{}
	for n := 1; n <= 8; n++ {
		out[fmt.Sprintf("%04d_step.sql", n)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"CREATE TABLE t%d (id BIGINT NOT NULL, PRIMARY KEY (id));", n)}
	}
	return out
}

func TestCloseFinishesWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	release := hold(t, d)
	answer := make(chan error)
	go func() { answer <- d.Update(context.Background(), func(tx *Tx) error { return insert(tx, 1) }) }()
	queued(t, d, 1)
	closed := make(chan error)
	go func() { closed <- d.Close() }()
	release()
	if err := errors.Join(<-answer, <-closed); err != nil {
		t.Error(err)
	}
	if err := d.Update(context.Background(), func(tx *Tx) error { return nil }); !fault.Is(err, fault.Unavailable) {
		t.Errorf("told %v", err)
	}
	if err := d.View(context.Background(), func(tx *Tx) error { return nil }); !fault.Is(err, fault.Unavailable) {
		t.Errorf("told %v", err)
	}
}

func TestTheWriterIsDurableAndErasesWhatItDeletes(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "foreign_keys": "1"}
	out := d.lite.writer.submit(context.Background(), &job{exclusive: func(c *liteConn) error {
		for pragma, value := range want {
			got, err := c.word(context.Background(), "SELECT CAST("+pragma+" AS TEXT) FROM pragma_"+pragma)
			if err != nil || got != value {
				t.Errorf("%s is %q, err %v", pragma, got, err)
			}
		}
		return nil
	}})
	if out.err != nil {
		t.Error(out.err)
	}
}

func TestAnOldLibraryIsTooOld(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"3.51.2": false, "3.51.3": true, "3.52.0": true, "4.0.0": true, "3.9.9": false, "3": false, "x": false} {
		if got := atLeast(version, oldest); got != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}

func TestADatabaseNeedsAFile(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"sqlite:", "sqlite::memory:", "mysql://x", ""} {
		if _, err := Open(context.Background(), Options{URL: url, Clock: time.Now}); err == nil {
			t.Errorf("%q was opened", url)
		}
	}
}
