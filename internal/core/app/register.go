package app

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// SectorTenant is the sector of the company's own applications, which all know
// a customer by the same sub.
const SectorTenant = "tenant"

// New describes an application to register.
type New struct {
	Kind       Kind
	Name       string
	FirstParty bool
	Audience   string // an API's
	// Sector lets several applications of one third party share their sub
	// values. "": the tenant's for subject type public, else one of its own.
	Sector   string
	Settings Settings
}

// Register adds an application. The secret is returned this once; it is "" for
// one that authenticates otherwise. Faults: those of check, audience_taken, and
// signing_key_missing if the tenant has no key of the wished algorithm yet.
func Register(tx *db.Tx, t *tenant.Tenant, n New) (Application, string, error) {
	a := Application{
		TenantID: t.ID, ID: id.New[kind](tx.Now), Kind: n.Kind, Name: n.Name, FirstParty: n.FirstParty,
		Enabled: true, Sector: n.Sector, Audience: n.Audience, Settings: n.Settings,
		Version: 1, CreatedAt: tx.Now, ChangedAt: tx.Now,
	}
	if err := a.prepare(tx, t); err != nil {
		return Application{}, "", err
	}
	if err := db.Insert(tx, "application", a); err != nil {
		return Application{}, "", err
	}
	text := ""
	if a.hasSecret() {
		s, err := newSecret(tx, &a)
		if err != nil {
			return Application{}, "", err
		}
		text = s
	}
	if err := note(tx, &a, Registered{Kind: a.Kind, Name: a.Name, FirstParty: a.FirstParty}, journal.Config); err != nil {
		return Application{}, "", err
	}
	return a, text, tenant.Changed(tx, t)
}

func (a *Application) prepare(tx *db.Tx, t *tenant.Tenant) error {
	switch a.Kind {
	case Web, SPA, Native, Service, API:
	default:
		return ErrBadKind.At("kind")
	}
	a.defaults()
	if err := a.check(t); err != nil {
		return err
	}
	if a.Sector == "" {
		a.Sector = SectorTenant
		if a.Settings.SubjectType == Pairwise {
			a.Sector = a.ID.String()
		}
	}
	if !ValidScope(a.Sector) {
		return ErrBadSettings.At("sector")
	}
	return a.free(tx, t)
}

func (a *Application) free(tx *db.Tx, t *tenant.Tenant) error {
	if _, err := t.Signer(a.Settings.SigningAlg); err != nil {
		return tenant.ErrNoKey.At("signing_alg")
	}
	if a.Audience == "" {
		return nil
	}
	other, taken, err := db.Value[[]byte](tx, `SELECT id FROM application WHERE tenant_id = $1 AND audience = $2`, t.ID, a.Audience)
	if err == nil && taken && ID(other) != a.ID {
		err = ErrAudience.At("audience")
	}
	return err
}

// Get returns an application as it stands now, without its secrets. It fails
// with ErrNotFound.
func Get(tx *db.Tx, t *tenant.Tenant, id ID) (Application, error) {
	a, ok, err := db.Find[Application](tx, `FROM application WHERE tenant_id = $1 AND id = $2`, t.ID, id)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return a, err
}

// List returns all applications of the tenant in the order they came.
func List(tx *db.Tx, t *tenant.Tenant) ([]Application, error) {
	return db.All[Application](tx, `FROM application WHERE tenant_id = $1 ORDER BY id`, t.ID)
}

// Change replaces name, party, enabled, audience and settings of an application
// that was read at a.Version, and returns it as it stands afterwards. Faults:
// those of Register, application_not_found, changed_meanwhile, sector_fixed.
func Change(tx *db.Tx, t *tenant.Tenant, a Application) (Application, error) {
	old, err := Get(tx, t, a.ID)
	if err != nil {
		return Application{}, err
	}
	if a.Version != old.Version {
		return Application{}, ErrChanged
	}
	if a.Kind != old.Kind || a.Sector != old.Sector {
		return Application{}, ErrFixed
	}
	a.TenantID = t.ID
	if err := a.prepare(tx, t); err != nil {
		return Application{}, err
	}
	changed, ok, err := db.Take[Application](tx, `UPDATE application SET name = $3, first_party = $4, enabled = $5,
		audience = $6, settings = $7, version = version + 1, changed_at = $8
		WHERE tenant_id = $1 AND id = $2 AND version = $9`,
		t.ID, a.ID, a.Name, a.FirstParty, a.Enabled, a.Audience, db.JSON(a.Settings), tx.Now, a.Version)
	if err != nil {
		return Application{}, err
	}
	if !ok {
		return Application{}, ErrChanged
	}
	if !changed.hasSecret() {
		if err := dropSecrets(tx, &changed); err != nil {
			return Application{}, err
		}
	}
	if err := note(tx, &a, Changed{Enabled: a.Enabled}, journal.Config); err != nil {
		return Application{}, err
	}
	return changed, tenant.Changed(tx, t)
}

// Delete removes an application and its secrets. Grants to it end by their
// owner (grant.EndOfApplication). It fails with ErrNotFound.
func Delete(tx *db.Tx, t *tenant.Tenant, id ID) error {
	a, ok, err := db.Take[Application](tx, `DELETE FROM application WHERE tenant_id = $1 AND id = $2`, t.ID, id)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNotFound
	}
	if err := dropSecrets(tx, &a); err != nil {
		return err
	}
	if err := dropWebhookSecrets(tx, t, id); err != nil {
		return err
	}
	if err := note(tx, &a, Deleted{Name: a.Name}, journal.Config); err != nil {
		return err
	}
	return tenant.Changed(tx, t)
}

// SecretOverlap is how long a former secret still works after RotateSecret.
const SecretOverlap = 7 * 24 * time.Hour

// Secret is a stored client secret: only its digest.
type Secret struct {
	TenantID    tenant.ID
	Application ID
	ID          id.ID[secretKind]
	Digest      [32]byte
	CreatedAt   time.Time
	ExpiresAt   time.Time // zero: it does not expire
}

type secretKind struct{}

func (secretKind) Prefix() string { return "sec" }

// Fields names the columns.
func (s *Secret) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.TenantID}, {Column: "application_id", Ptr: &s.Application}, {Column: "id", Ptr: &s.ID},
		{Column: "digest", Ptr: &s.Digest}, {Column: "created_at", Ptr: &s.CreatedAt}, {Column: "expires_at", Ptr: &s.ExpiresAt},
	}
}

func (a *Application) hasSecret() bool {
	return a.Settings.AuthMethod == MethodBasic || a.Settings.AuthMethod == MethodPost
}

func newSecret(tx *db.Tx, a *Application) (string, error) {
	text := secret.Token()
	s := Secret{
		TenantID: a.TenantID, Application: a.ID, ID: id.New[secretKind](tx.Now),
		Digest: secret.Digest([]byte(text)), CreatedAt: tx.Now,
	}
	return text, db.Insert(tx, "application_secret", s)
}

func dropSecrets(tx *db.Tx, a *Application) error {
	_, err := tx.Exec(`DELETE FROM application_secret WHERE tenant_id = $1 AND application_id = $2`, a.TenantID, a.ID)
	return err
}

// RotateSecret draws a new secret. The one before it works on for
// SecretOverlap; any older one ends at once, so at most two are alive. Faults:
// application_not_found, no_secret.
func RotateSecret(tx *db.Tx, t *tenant.Tenant, id ID) (string, error) {
	a, err := Get(tx, t, id)
	if err != nil {
		return "", err
	}
	if !a.hasSecret() {
		return "", ErrNoSecret
	}
	if _, err := tx.Exec(`DELETE FROM application_secret WHERE tenant_id = $1 AND application_id = $2 AND expires_at IS NOT NULL`, t.ID, id); err != nil {
		return "", err
	}
	if _, err := tx.Exec(`UPDATE application_secret SET expires_at = $3 WHERE tenant_id = $1 AND application_id = $2`,
		t.ID, id, tx.Now.Add(SecretOverlap)); err != nil {
		return "", err
	}
	text, err := newSecret(tx, &a)
	if err != nil {
		return "", err
	}
	if err := note(tx, &a, SecretRotated{}, journal.Security); err != nil {
		return "", err
	}
	return text, tenant.Changed(tx, t)
}

// Secrets lists the secrets that are alive, the oldest first.
func Secrets(tx *db.Tx, t *tenant.Tenant, id ID) ([]Secret, error) {
	return db.All[Secret](tx, `FROM application_secret WHERE tenant_id = $1 AND application_id = $2
		AND (expires_at IS NULL OR expires_at > $3) ORDER BY id`, t.ID, id, tx.Now)
}

// CheckSecret reports whether what was presented is one of the application's
// living secrets. Only applications that Book found carry them.
func (a *Application) CheckSecret(presented string, now time.Time) bool {
	digest := secret.Digest([]byte(presented))
	ok := false
	for _, s := range a.secrets {
		alive := s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
		if secret.Equal(s.Digest[:], digest[:]) && alive {
			ok = true
		}
	}
	return ok && presented != ""
}
