package tenant

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
)

// Changed tells that something configured of the tenant has changed, in the
// transaction of the change: the config version grows, this node drops what it
// keeps of the tenant as soon as the transaction has committed, and the others
// within a second. It fails with ErrNotFound.
func Changed(tx *db.Tx, t *Tenant) error {
	n, err := tx.Exec(`UPDATE tenant SET version = version + 1, changed_at = $2 WHERE id = $1`, t.ID, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	tx.After(func() { t.house.refresh(t.ID) })
	return nil
}

func configured(tx *db.Tx, t *Tenant, what, value string) error {
	if err := note(tx, t.ID, Configured{What: what, Value: value}, journal.Config); err != nil {
		return err
	}
	return Changed(tx, t)
}

// SetSettings replaces the settings. Faults: those of Settings.Check.
func SetSettings(tx *db.Tx, t *Tenant, s Settings) error {
	if err := s.Check(t.Loopback()); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE tenant SET settings = $2 WHERE id = $1`, t.ID, db.JSON(s)); err != nil {
		return err
	}
	return configured(tx, t, "settings", "")
}

// SetBrand replaces the brand. Faults: those of Brand.Check.
func SetBrand(tx *db.Tx, t *Tenant, b Brand) error {
	if err := b.Check(); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE tenant SET brand = $2 WHERE id = $1`, t.ID, db.JSON(b)); err != nil {
		return err
	}
	return configured(tx, t, "brand", "")
}

// SetName changes the name that customers read. It fails with ErrBadName.
func SetName(tx *db.Tx, t *Tenant, name string) error {
	if !validName(name) {
		return ErrBadName.At("name")
	}
	if _, err := tx.Exec(`UPDATE tenant SET name = $2 WHERE id = $1`, t.ID, name); err != nil {
		return err
	}
	return configured(tx, t, "name", name)
}

// SetEnabled opens or shuts the tenant as a whole.
func SetEnabled(tx *db.Tx, t *Tenant, enabled bool) error {
	if _, err := tx.Exec(`UPDATE tenant SET enabled = $2 WHERE id = $1`, t.ID, enabled); err != nil {
		return err
	}
	value := "false"
	if enabled {
		value = "true"
	}
	return configured(tx, t, "enabled", value)
}

// AddOrigin lets the tenant answer at one more host. The issuer stays the main
// origin. Faults: bad_origin, origin_taken. An origin that it has is fine.
func AddOrigin(tx *db.Tx, t *Tenant, origin string) error {
	origin, host, err := ParseOrigin(origin)
	if err != nil {
		return ErrBadOrigin.At("origin")
	}
	fresh, err := claimHost(tx, t, host, origin)
	if err != nil || !fresh {
		return err
	}
	return configured(tx, t, "origin", origin)
}

func claimHost(tx *db.Tx, t *Tenant, host, origin string) (fresh bool, err error) {
	fresh, err = db.InsertNew(tx, "tenant_origin", originRow{host, t.ID, origin})
	if err != nil || fresh {
		return fresh, err
	}
	there, err := db.Get[originRow](tx, `FROM tenant_origin WHERE host = $1`, host)
	if err != nil {
		return false, err
	}
	if there.tenant != t.ID {
		return false, ErrOriginTaken.At("origin")
	}
	_, err = tx.Exec(`UPDATE tenant_origin SET origin = $2 WHERE host = $1`, host, origin)
	return there.origin != origin, err
}

// RemoveOrigin takes a host away again. The main origin stays: last_origin.
func RemoveOrigin(tx *db.Tx, t *Tenant, origin string) error {
	origin, host, err := ParseOrigin(origin)
	if err != nil {
		return ErrBadOrigin.At("origin")
	}
	if origin == t.Origin {
		return ErrLastOrigin.At("origin")
	}
	n, err := tx.Exec(`DELETE FROM tenant_origin WHERE host = $1 AND tenant_id = $2`, host, t.ID)
	if err != nil || n == 0 {
		return err
	}
	return configured(tx, t, "origin", "")
}

// SetOrigin makes another origin the main one, and so the issuer: every token
// signed before stops being accepted, and applications must learn the new
// issuer. The former origin stays as a further one only if keep is set. The
// passkey domain does not change.
func SetOrigin(tx *db.Tx, t *Tenant, origin string, keep bool) error {
	origin, host, err := ParseOrigin(origin)
	if err != nil {
		return ErrBadOrigin.At("origin")
	}
	if origin == t.Origin {
		return nil
	}
	if _, err := claimHost(tx, t, host, origin); err != nil {
		return err
	}
	if !keep && host != t.Host {
		if _, err := tx.Exec(`DELETE FROM tenant_origin WHERE host = $1 AND tenant_id = $2`, t.Host, t.ID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE tenant SET origin = $2 WHERE id = $1`, t.ID, origin); err != nil {
		return err
	}
	return configured(tx, t, "origin", origin)
}
