package tenant

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// House keeps every tenant's snapshot in memory. Its readers never wait.
type House struct {
	db    *db.DB
	ring  *secret.Keyring
	board atomic.Pointer[board]
	mu    sync.Mutex // one writer of the board at a time
	polls int
}

// board is what the House knows at one moment; it is replaced, never changed.
type board struct {
	byID    map[ID]*Tenant
	byHost  map[string]*Tenant
	bySlug  map[string]*Tenant
	builtIn *Tenant
	seen    time.Time // the latest change that is in it
}

const (
	pollEvery = time.Second
	// pollOverlap allows for clocks of nodes that disagree, and pollWhole for
	// those that disagree more: every so many polls all versions are compared.
	pollOverlap = time.Minute
	pollWhole   = 30
	refreshTime = 5 * time.Second
)

// NewHouse makes an empty House; Load fills it.
func NewHouse(d *db.DB, ring *secret.Keyring) *House {
	h := &House{db: d, ring: ring}
	h.board.Store(newBoard(nil, time.Time{}))
	return h
}

// Load reads every tenant anew.
func (h *House) Load(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.poll(ctx, true)
}

// Run keeps the House up to date until ctx ends, looking every second. A
// database that does not answer is asked again; what is known stays in use.
func (h *House) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_ = h.Poll(ctx) // the next tick tries again
	}
}

// Poll looks once for tenants that changed.
func (h *House) Poll(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.polls++
	return h.poll(ctx, h.polls%pollWhole == 0)
}

// ByHost finds the tenant that answers at a request's host, as in "Host:".
func (h *House) ByHost(host string) (*Tenant, bool) {
	t, ok := h.board.Load().byHost[strings.ToLower(host)]
	return t, ok
}

// ByID finds a tenant.
func (h *House) ByID(id ID) (*Tenant, bool) {
	t, ok := h.board.Load().byID[id]
	return t, ok
}

// BySlug finds a tenant by its short name.
func (h *House) BySlug(slug string) (*Tenant, bool) {
	t, ok := h.board.Load().bySlug[slug]
	return t, ok
}

// All are the tenants, by short name.
func (h *House) All() []*Tenant {
	return slices.SortedFunc(maps.Values(h.board.Load().byID), func(a, b *Tenant) int { return strings.Compare(a.Slug, b.Slug) })
}

// BuiltIn is the staff's tenant, nil before the house was set up.
func (h *House) BuiltIn() *Tenant { return h.board.Load().builtIn }

func newBoard(tenants []*Tenant, seen time.Time) *board {
	b := &board{byID: map[ID]*Tenant{}, byHost: map[string]*Tenant{}, bySlug: map[string]*Tenant{}, seen: seen}
	for _, t := range tenants {
		b.byID[t.ID], b.bySlug[t.Slug] = t, t
		if t.BuiltIn {
			b.builtIn = t
		}
		for _, origin := range t.Origins {
			_, host, _ := strings.Cut(origin, "://")
			b.byHost[host] = t
		}
	}
	return b
}

// refresh reads one tenant anew, after a change was committed. If that fails
// the next poll does it.
func (h *House) refresh(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx, stop := context.WithTimeout(context.Background(), refreshTime)
	defer stop()
	_ = h.db.View(ctx, func(tx *db.Tx) error { return h.replace(tx, []ID{id}) })
}

type stamp struct {
	id        ID
	version   int64
	changedAt time.Time
}

func (s *stamp) Fields() []db.Field {
	return []db.Field{{Column: "id", Ptr: &s.id}, {Column: "version", Ptr: &s.version}, {Column: "changed_at", Ptr: &s.changedAt}}
}

func (h *House) poll(ctx context.Context, whole bool) error {
	return h.db.View(ctx, func(tx *db.Tx) error {
		since := h.board.Load().seen.Add(-pollOverlap)
		if whole || h.board.Load().seen.IsZero() {
			since = time.UnixMicro(0)
		}
		stamps, err := db.All[stamp](tx, `FROM tenant WHERE changed_at >= $1`, since)
		if err != nil {
			return err
		}
		return h.replace(tx, h.stale(stamps, tx.Now))
	})
}

// stale names the tenants whose snapshot is of another version, or in which
// another key is due to sign.
func (h *House) stale(stamps []stamp, now time.Time) []ID {
	b := h.board.Load()
	due := map[ID]bool{}
	for _, s := range stamps {
		if t := b.byID[s.id]; t == nil || t.Version != s.version {
			due[s.id] = true
		}
	}
	for id, t := range b.byID {
		if !t.signing.ripe.IsZero() && !t.signing.ripe.After(now) {
			due[id] = true
		}
	}
	return slices.Collect(maps.Keys(due))
}

// replace puts fresh snapshots of the named tenants on the board.
func (h *House) replace(tx *db.Tx, ids []ID) error {
	if len(ids) == 0 {
		return nil
	}
	old := h.board.Load()
	all, seen := maps.Clone(old.byID), old.seen
	for _, id := range ids {
		t, changed, err := h.read(tx, id)
		if err != nil {
			return err
		}
		all[id] = t
		if changed.After(seen) {
			seen = changed
		}
	}
	h.board.Store(newBoard(slices.Collect(maps.Values(all)), seen))
	return nil
}

// Read gives a tenant as this transaction sees it, with what it has changed
// itself. The snapshot is for the transaction alone: the board gets its own.
func (h *House) Read(tx *db.Tx, id ID) (*Tenant, error) {
	t, _, err := h.read(tx, id)
	return t, err
}

func (h *House) read(tx *db.Tx, id ID) (*Tenant, time.Time, error) {
	r, err := db.Get[row](tx, `FROM tenant WHERE id = $1`, id)
	if err != nil {
		return nil, time.Time{}, err
	}
	origins, err := db.All[originRow](tx, `FROM tenant_origin WHERE tenant_id = $1 ORDER BY host`, id)
	if err != nil {
		return nil, time.Time{}, err
	}
	t, err := h.snapshot(&r, origins)
	if err != nil {
		return nil, time.Time{}, err
	}
	t.signing, err = readKeys(tx, t)
	return t, r.changedAt, err
}

func (h *House) snapshot(r *row, origins []originRow) (*Tenant, error) {
	own, err := openTenantKey(h.ring, r.id, r.keysSealed)
	if err != nil {
		return nil, err
	}
	_, host, err := ParseOrigin(r.origin)
	if err != nil {
		return nil, err
	}
	t := &Tenant{
		ID: r.id, Slug: r.slug, Name: r.name, Origin: r.origin, Host: host, RPID: r.rpID,
		BuiltIn: r.builtIn, Enabled: r.enabled, Settings: r.settings, Brand: r.brand,
		Version: r.version, CreatedAt: r.createdAt,
		house: h, ring: h.ring, key: own, index: *own.Derive("index"),
	}
	for _, o := range origins {
		t.Origins = append(t.Origins, o.origin)
	}
	return t, nil
}

func readKeys(tx *db.Tx, t *Tenant) (keySet, error) {
	rows, err := db.All[keyRow](tx, `FROM signing_key WHERE tenant_id = $1 ORDER BY id`, t.ID)
	if err != nil {
		return keySet{}, err
	}
	keys := make([]*SigningKey, len(rows))
	for i := range rows {
		if keys[i], err = rows[i].open(t.key); err != nil {
			return keySet{}, err
		}
	}
	set := newKeySet(keys, tx.Now)
	set.retired, err = readRetired(tx, t)
	return set, err
}

// OriginOf is the tenant's origin at a request's host; it may answer at several.
func (t *Tenant) OriginOf(host string) string {
	for _, origin := range t.Origins {
		if _, h, _ := strings.Cut(origin, "://"); strings.EqualFold(h, host) {
			return origin
		}
	}
	return t.Origin
}
