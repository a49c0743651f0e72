package tenant

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// New describes a tenant to create.
type New struct {
	Slug    string
	Name    string
	Origin  string
	RPID    string // "": the origin's host; can never be changed
	BuiltIn bool

	Settings Settings
	Brand    Brand
}

// Create makes a tenant with a secret of its own and its first ES256 and EdDSA
// keys; RS256 keys take too long to draw here and come with AddKeys. A House
// learns of it within a second, or at once by House.Load. Faults: slug_taken,
// origin_taken, bad_origin, bad_slug, bad_name, bad_rp_id, those of Check, and
// conflict for a second built-in tenant.
func Create(tx *db.Tx, ring *secret.Keyring, n New) (ID, error) {
	origin, host, err := n.check()
	if err != nil {
		return ID{}, err
	}
	if err := n.free(tx, host); err != nil {
		return ID{}, err
	}
	own := secret.NewKey()
	r := row{
		id: id.New[kind](tx.Now), slug: n.Slug, name: n.Name, origin: origin, rpID: n.RPID,
		builtIn: n.BuiltIn, enabled: true, settings: n.Settings, brand: n.Brand, version: 1,
		changedAt: tx.Now, createdAt: tx.Now,
	}
	r.keysSealed = sealTenantKey(ring, r.id, own)
	if err := db.Insert(tx, "tenant", r); err != nil {
		return ID{}, err
	}
	if err := db.Insert(tx, "tenant_origin", originRow{host, r.id, origin}); err != nil {
		return ID{}, err
	}
	if err := firstKeys(tx, r.id, *own); err != nil {
		return ID{}, err
	}
	return r.id, note(tx, r.id, Created{Slug: n.Slug, Origin: origin}, journal.Config)
}

func (n *New) check() (origin, host string, err error) {
	if origin, host, err = ParseOrigin(n.Origin); err != nil {
		return "", "", ErrBadOrigin.At("origin")
	}
	if n.RPID == "" {
		n.RPID = hostName(host)
	}
	name := hostName(host)
	switch {
	case !ValidSlug(n.Slug):
		return "", "", ErrBadSlug.At("slug")
	case !validName(n.Name):
		return "", "", ErrBadName.At("name")
	case n.RPID != name && (!ValidHost(n.RPID) || !strings.HasSuffix(name, "."+n.RPID)):
		return "", "", ErrBadRPID.At("rp_id")
	}
	if err := n.Settings.Check(loopbackOrigin(origin)); err != nil {
		return "", "", err
	}
	return origin, host, n.Brand.Check()
}

// free tells what is taken. The unique indexes decide a race between two.
func (n *New) free(tx *db.Tx, host string) error {
	if _, taken, err := db.Value[string](tx, `SELECT slug FROM tenant WHERE slug = $1`, n.Slug); err != nil || taken {
		return either(err, ErrSlugTaken.At("slug"))
	}
	if _, taken, err := db.Value[string](tx, `SELECT host FROM tenant_origin WHERE host = $1`, host); err != nil || taken {
		return either(err, ErrOriginTaken.At("origin"))
	}
	if !n.BuiltIn {
		return nil
	}
	count, _, err := db.Value[int64](tx, `SELECT count(*) FROM tenant WHERE built_in`)
	if err == nil && count > 0 {
		err = ErrSlugTaken.At("built_in")
	}
	return err
}

func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func firstKeys(tx *db.Tx, tenant ID, own secret.Key) error {
	for _, alg := range []string{ES256, EdDSA} {
		for _, state := range []string{Current, Next} {
			d, err := DrawKey(alg)
			if err != nil {
				return err
			}
			if err := storeKey(tx, tenant, own, d, state); err != nil {
				return err
			}
		}
	}
	return nil
}

// ValidSlug reports whether s may be a short name.
func ValidSlug(s string) bool {
	return len(s) <= 40 && validLabel(s) && s[0] >= 'a' && s[0] <= 'z'
}

func validName(s string) bool { return strings.TrimSpace(s) != "" && ShortText(s, 100) }

type originRow struct {
	host   string
	tenant ID
	origin string
}

func (r *originRow) Fields() []db.Field {
	return []db.Field{{Column: "host", Ptr: &r.host}, {Column: "tenant_id", Ptr: &r.tenant}, {Column: "origin", Ptr: &r.origin}}
}
