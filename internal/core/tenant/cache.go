package tenant

import (
	"sync"
	"sync/atomic"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Cache names one kind of configuration that is kept in memory beside a
// tenant's snapshot. Its entries hang on the snapshot itself: a new config
// version begins with none, and nothing has to be thrown away one by one.
type Cache[K comparable, V any] struct{ size int64 }

// NewCache makes a cache of at most size entries per tenant. When it is full
// it begins anew, which costs a few reads and keeps every bound.
func NewCache[K comparable, V any](size int) *Cache[K, V] { return &Cache[K, V]{size: int64(size)} }

type entries struct {
	of    sync.Map
	count atomic.Int64
}

// Get returns the entry of key, or loads it. What is loaded in a transaction
// that writes is kept only once that has committed, since until then it may be
// what nobody ever sees. An error of load is not kept.
func (c *Cache[K, V]) Get(tx *db.Tx, t *Tenant, key K, load func() (V, error)) (V, error) {
	e := c.entries(t)
	if v, ok := e.of.Load(key); ok {
		return v.(V), nil
	}
	v, err := load()
	if err != nil {
		return v, err
	}
	if tx.Writable() {
		tx.After(func() { c.keep(t, key, v) })
	} else {
		c.keep(t, key, v)
	}
	return v, nil
}

// Peek returns the entry of key if it is in memory.
func (c *Cache[K, V]) Peek(t *Tenant, key K) (v V, ok bool) {
	kept, ok := c.entries(t).of.Load(key)
	if ok {
		v = kept.(V)
	}
	return v, ok
}

func (c *Cache[K, V]) entries(t *Tenant) *entries {
	if e, ok := t.memo.Load(c); ok {
		return e.(*entries)
	}
	e, _ := t.memo.LoadOrStore(c, &entries{})
	return e.(*entries)
}

func (c *Cache[K, V]) keep(t *Tenant, key K, v V) {
	e := c.entries(t)
	if e.count.Add(1) > c.size {
		e = &entries{}
		e.count.Store(1)
		t.memo.Store(c, e)
	}
	e.of.Store(key, v)
}
