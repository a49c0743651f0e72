package consent

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// purposeRow is a purpose as it lies in the database.
type purposeRow struct {
	tenant      tenant.ID
	id          string
	version     int64
	definition  Purpose
	asks        bool
	publishedAt time.Time
	retiredAt   time.Time
}

// Fields names the columns.
func (r *purposeRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "id", Ptr: &r.id}, {Column: "version", Ptr: &r.version},
		{Column: "definition", Ptr: db.JSON(&r.definition)}, {Column: "asks", Ptr: &r.asks},
		{Column: "published_at", Ptr: &r.publishedAt}, {Column: "retired_at", Ptr: &r.retiredAt},
	}
}

// PurposePut is told when a purpose is published, changed or retired.
type PurposePut struct {
	Purpose string `json:"purpose"`
	Version int64  `json:"version"`
	Asks    bool   `json:"asks,omitempty"`
	Retired bool   `json:"retired,omitempty"`
}

// EventName names the event.
func (PurposePut) EventName() string { return "consent.purpose_put" }

// book is a tenant's purposes at one config version. It is shared: nobody
// changes it.
type book struct {
	inForce []Purpose            // standard ones first, then by id
	latest  map[string]Purpose   // of the tenant's own, retired ones too
	retired map[string]bool      // of the tenant's own
	all     map[string][]Purpose // versions, the first one first
}

var books = tenant.NewCache[struct{}, *book](1)

func open(tx *db.Tx, t *tenant.Tenant) (*book, error) {
	return books.Get(tx, t, struct{}{}, func() (*book, error) { return load(tx, t) })
}

func load(tx *db.Tx, t *tenant.Tenant) (*book, error) {
	rows, err := db.All[purposeRow](tx, `FROM purpose WHERE tenant_id = $1 ORDER BY id, version`, t.ID)
	if err != nil {
		return nil, err
	}
	b := &book{latest: map[string]Purpose{}, retired: map[string]bool{}, all: map[string][]Purpose{}}
	for _, r := range rows {
		p := r.definition
		p.PublishedAt = r.publishedAt
		p.AskedFrom, p.AskedAt = b.latest[r.id].AskedFrom, b.latest[r.id].AskedAt
		if r.asks {
			p.AskedFrom, p.AskedAt = r.version, r.publishedAt.Add(time.Duration(p.Grace))
		}
		b.latest[r.id], b.retired[r.id] = p, !r.retiredAt.IsZero()
		b.all[r.id] = append(b.all[r.id], p)
	}
	b.lay()
	return b, nil
}

// lay puts the tenant's own purposes over and after the standard ones.
func (b *book) lay() {
	for _, s := range Standard() {
		if own, ok := b.latest[s.ID]; ok && !b.retired[s.ID] {
			if len(own.Words) == 0 {
				own.Words = s.Words
			}
			s = own
		}
		b.inForce = append(b.inForce, s)
	}
	for _, id := range b.ids() {
		if standardBasis[id] == "" && !b.retired[id] {
			b.inForce = append(b.inForce, b.latest[id])
		}
	}
}

func (b *book) ids() []string {
	var out []string
	for id := range b.latest {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Purposes lists the purposes in force, the standard ones first. They are
// shared: never change them.
func Purposes(tx *db.Tx, t *tenant.Tenant) ([]Purpose, error) {
	b, err := open(tx, t)
	if err != nil {
		return nil, err
	}
	return b.inForce, nil
}

// GetPurpose returns a purpose in force, or purpose_unknown.
func GetPurpose(tx *db.Tx, t *tenant.Tenant, id string) (Purpose, error) {
	p, ok, err := FindPurpose(tx, t, id)
	if err == nil && !ok {
		err = ErrNoPurpose
	}
	return p, err
}

// FindPurpose finds a purpose in force.
func FindPurpose(tx *db.Tx, t *tenant.Tenant, id string) (Purpose, bool, error) {
	b, err := open(tx, t)
	if err != nil {
		return Purpose{}, false, err
	}
	i := slices.IndexFunc(b.inForce, func(p Purpose) bool { return p.ID == id })
	if i < 0 {
		return Purpose{}, false, nil
	}
	return b.inForce[i], true, nil
}

// PurposeAt finds a purpose as it was in a version, retired or not: what a
// customer decided on.
func PurposeAt(tx *db.Tx, t *tenant.Tenant, id string, version int64) (Purpose, bool, error) {
	b, err := open(tx, t)
	if err != nil {
		return Purpose{}, false, err
	}
	for _, p := range b.all[id] {
		if p.Version == version {
			return p, true, nil
		}
	}
	p, ok, err := FindPurpose(tx, t, id)
	return p, ok && p.Version == version, err
}

// OwnPurposes lists what the tenant has published and not retired, by id, as it
// stands now: it reads the database each time.
func OwnPurposes(tx *db.Tx, t *tenant.Tenant) ([]Purpose, error) {
	b, err := load(tx, t)
	if err != nil {
		return nil, err
	}
	var out []Purpose
	for _, id := range b.ids() {
		if !b.retired[id] {
			out = append(out, b.latest[id])
		}
	}
	return out, nil
}

// PutPurpose publishes a purpose and tells whether it asks again who consented
// to an earlier version. The same once more writes nothing. Faults:
// bad_purpose, purpose_field; purpose_fixed where the version stands with other
// material members (see Material), purpose_old where there is a later version.
func PutPurpose(tx *db.Tx, t *tenant.Tenant, p Purpose) (asks bool, err error) {
	c, err := catalog.Load(tx, t)
	if err != nil {
		return false, err
	}
	if err := p.wrong(t, c); err != nil {
		return false, err
	}
	if err := p.known(tx, t); err != nil {
		return false, err
	}
	b, err := load(tx, t)
	if err != nil {
		return false, err
	}
	was, there := b.latest[p.ID]
	switch {
	case there && p.Version < was.Version:
		return false, ErrOldPurpose.At("version")
	case there && p.Version == was.Version:
		return false, replace(tx, t, p, was)
	}
	asks = there && (p.AskAgain || p.Widens(was))
	if err := db.Insert(tx, "purpose", purposeRow{t.ID, p.ID, p.Version, p, asks, tx.Now, time.Time{}}); err != nil {
		return false, err
	}
	return asks, told(tx, t, PurposePut{Purpose: p.ID, Version: p.Version, Asks: asks})
}

// known refuses an application that is not there.
func (p *Purpose) known(tx *db.Tx, t *tenant.Tenant) error {
	for _, r := range p.Recipients {
		var id app.ID
		if r.Application == "" || id.UnmarshalText([]byte(r.Application)) != nil {
			continue
		}
		if _, found, err := (app.Book{}).ByID(tx, t, id); err != nil {
			return err
		} else if !found {
			return ErrBadPurpose.At("recipients")
		}
	}
	return nil
}

// replace changes what may be changed of a version, and takes it up again if it
// was retired.
func replace(tx *db.Tx, t *tenant.Tenant, p, was Purpose) error {
	if member := p.Material(was); member != "" {
		return ErrFixedPurpose.At(member)
	}
	_, err := tx.Exec(`UPDATE purpose SET definition = $4, retired_at = NULL WHERE tenant_id = $1 AND id = $2 AND version = $3`,
		t.ID, p.ID, p.Version, db.JSON(&p))
	if err != nil {
		return err
	}
	return told(tx, t, PurposePut{Purpose: p.ID, Version: p.Version})
}

// RetirePurpose ends a purpose: it holds for nobody any more, and what was
// decided on it stays in the ledger. A standard purpose goes back to its
// standard form. Once more does nothing.
func RetirePurpose(tx *db.Tx, t *tenant.Tenant, id string) error {
	n, err := tx.Exec(`UPDATE purpose SET retired_at = $3 WHERE tenant_id = $1 AND id = $2 AND retired_at IS NULL`, t.ID, id, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	return told(tx, t, PurposePut{Purpose: id, Retired: true})
}

func told(tx *db.Tx, t *tenant.Tenant, e PurposePut) error {
	if err := journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: t.ID, Event: e, Class: journal.Config}); err != nil {
		return err
	}
	return tenant.Changed(tx, t)
}

// AskedAgain counts the customers whose consent to a purpose is of an earlier
// version than this one. It looks at the state of every customer of the tenant.
func AskedAgain(tx *db.Tx, t *tenant.Tenant, id string, version int64) (n int64, err error) {
	n, _, err = db.Value[int64](tx, `SELECT count(*) FROM consent_state WHERE tenant_id = $1 AND purpose = 'purpose'
		AND item = $2 AND decision = 'given' AND version < $3`, t.ID, id, version)
	return n, err
}
