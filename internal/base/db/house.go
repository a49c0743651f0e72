package db

import (
	"context"
	"runtime"
	"strings"
	"sync"
)

// house is what both engines share: the clock, the test modes and the rule that
// transactions never nest.
type house struct {
	owner    *DB
	clock    clock
	texts    texts
	twice    bool
	strict   bool
	failures func() bool
	hasty    func(answer func())
	inside   sync.Map // goroutine -> true while a closure runs on it; strict mode only
}

type insideMark struct{ d *DB }

// refuseNesting panics when a verb is called from within a closure of the same
// database: on SQLite it would wait for itself, on PostgreSQL it could.
func (h *house) refuseNesting(ctx context.Context, verb string) {
	if ctx.Value(insideMark{h.owner}) != nil {
		panic("db: " + verb + " inside another transaction")
	}
	if h.strict {
		if _, in := h.inside.Load(goroutine()); in {
			panic("db: " + verb + " inside another transaction")
		}
	}
}

// goroutine gives the running goroutine's number as the runtime prints it. It
// costs a microsecond and serves tests only.
func goroutine() string {
	var buf [40]byte
	head := buf[:runtime.Stack(buf[:], false)]
	return strings.Fields(string(head))[1]
}

// attempt runs fn once on s. It tells whether the transaction is to be
// committed and what the caller hears then; the Tx holds what failed.
func (h *house) attempt(ctx context.Context, s session, v verb, fn func(*Tx) error) (tx *Tx, commit bool, told error) {
	tx = &Tx{
		Now:      h.clock.now(),
		ctx:      context.WithValue(ctx, insideMark{h.owner}, true),
		s:        s,
		texts:    &h.texts,
		writable: !v.reads(),
		single:   v == look,
	}
	if (v == view || v == update) && !isBackground(ctx) {
		tx.memo = &memo{strict: h.strict}
	}
	if h.strict {
		g := goroutine()
		h.inside.Store(g, true)
		defer h.inside.Delete(g)
	}
	defer func() { tx.over = true }()
	err := fn(tx)
	if tx.failed != nil {
		if err == nil {
			err = tx.failed
		}
		_, told = verdict(err)
		return tx, false, told
	}
	commit, told = verdict(err)
	return tx, commit, told
}

// injected tells whether this transaction is to fail to serialize, for tests.
func (h *house) injected(v verb) bool {
	return (v == update || v == redeem) && h.failures != nil && h.failures()
}
