package grant

import (
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type refreshRow struct {
	tenant    tenant.ID
	customer  customer.ID
	digest    [32]byte
	grant     ID
	nonce     []byte
	successor []byte // digest of the token that replaced this one; nil: none yet
	created   time.Time
	ends      time.Time
	rotated   time.Time
}

// Fields names the columns.
func (r *refreshRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer},
		{Column: "digest", Ptr: &r.digest}, {Column: "grant_id", Ptr: &r.grant},
		{Column: "nonce", Ptr: &r.nonce}, {Column: "successor", Ptr: &r.successor},
		{Column: "created_at", Ptr: &r.created}, {Column: "expires_at", Ptr: &r.ends},
		{Column: "rotated_at", Ptr: &r.rotated},
	}
}

// shownRefresh is a refresh token that is shown: what is not known of its row by
// who holds it.
type shownRefresh refreshRow

// Fields names the columns that are read of it.
func (r *shownRefresh) Fields() []db.Field {
	return []db.Field{
		{Column: "nonce", Ptr: &r.nonce}, {Column: "successor", Ptr: &r.successor},
		{Column: "expires_at", Ptr: &r.ends}, {Column: "rotated_at", Ptr: &r.rotated},
	}
}

// NewRefresh returns the first refresh token of a grant.
func NewRefresh(tx *db.Tx, t *tenant.Tenant, g Grant, a *app.Application) (string, error) {
	if a == nil || g.ApplicationID != a.ID {
		return "", errNoPermit
	}
	token, digest := t.Locator("refresh").Mint(g.CustomerID)
	return token, keepRefresh(tx, g, a, digest)
}

func keepRefresh(tx *db.Tx, g Grant, a *app.Application, digest [32]byte) error {
	idle, _ := a.Settings.Refresh()
	ends := tx.Now.Add(idle)
	if g.ExpiresAt.Before(ends) {
		ends = g.ExpiresAt
	}
	return db.Insert(tx, "refresh_token", refreshRow{
		tenant: g.TenantID, customer: g.CustomerID, digest: digest, grant: g.ID,
		nonce: secret.Random(16), created: tx.Now, ends: ends,
	})
}

// Rotate exchanges a refresh token for its successor (RFC 9700 section 4.14.2).
// The permit is asked for anew every time: a customer who was locked, a consent
// that was withdrawn, a session that is over give ErrInvalid.
//
// The successor is computed from the presented token. The same application that
// shows the same token again within Grace, because the answer was lost, gets the
// same successor, until that has been used. After that, or when the tokens are
// bound to a key, showing a token again ends the grant; that refusal is already
// kept. A token is never rotated twice.
//
// It may run in a db.Redeem (docs/decisions/0030-refresh-read-committed.md): that
// the token was not rotated stands in the statement that rotates it, that the
// grant has not ended in the one that uses it, and whatever ends a grant writes
// that row too. TestARefreshAndARevocationCannotBothWin races them.
func Rotate(tx *db.Tx, t *tenant.Tenant, presented string, a *app.Application) (Grant, string, error) {
	if err := foresee(tx, t, presented, a); err != nil {
		return Grant{}, "", err
	}
	row, g, err := lookup(tx, t, presented, a)
	if err != nil {
		return Grant{}, "", err
	}
	if !row.rotated.IsZero() {
		return repeat(tx, t, row, g, presented, a)
	}
	if err := admit(tx, t, g, a, permit.ForRefresh); err != nil {
		return Grant{}, "", err
	}
	token, digest := successor(t, row, presented)
	// The successor's absence and the grant's standing are part of what is
	// taken: of any number that rotate at once, one does.
	_, taken, err := db.Take[rotated](tx, `UPDATE refresh_token SET rotated_at = $1, successor = $2
		WHERE tenant_id = $3 AND customer_id = $4 AND digest = $5 AND rotated_at IS NULL AND expires_at > $1`,
		tx.Now, digest[:], t.ID, g.CustomerID, row.digest)
	if err != nil {
		return Grant{}, "", err
	}
	if !taken {
		return late(tx, t, presented, a)
	}
	if err := use(tx, &g); err != nil {
		return Grant{}, "", err
	}
	return g, token, keepRefresh(tx, g, a, digest)
}

// late answers for a token that was there to be read and not to be taken: it is
// too old, or another request rotated it in between.
func late(tx *db.Tx, t *tenant.Tenant, presented string, a *app.Application) (Grant, string, error) {
	row, g, err := lookup(tx, t, presented, a)
	if err == nil && row.rotated.IsZero() {
		err = ErrInvalid.Because(errors.New("the token is too old"))
	}
	if err != nil {
		return Grant{}, "", err
	}
	return repeat(tx, t, row, g, presented, a)
}

// use notes that the grant was used. Ending a grant writes the same row, so on
// both engines a refresh and a revocation cannot both win.
func use(tx *db.Tx, g *Grant) error {
	now, ok, err := db.Take[used](tx, `UPDATE app_grant SET used_at = $1, version = version + 1
		WHERE tenant_id = $2 AND customer_id = $3 AND id = $4 AND ended_at IS NULL AND expires_at > $1`,
		tx.Now, g.TenantID, g.CustomerID, g.ID)
	if err == nil && !ok {
		err = ErrInvalid.Because(errors.New("the grant has ended"))
	}
	g.UsedAt, g.Version = tx.Now, now.version
	return err
}

// rotated and used are what the two statements of a rotation tell of the rows
// that they took: nothing else of a token or a living grant is ever changed.
type (
	rotated struct{ at time.Time }
	used    struct{ version int64 }
)

// Fields names the column.
func (r *rotated) Fields() []db.Field { return []db.Field{{Column: "rotated_at", Ptr: &r.at}} }

// Fields names the column.
func (u *used) Fields() []db.Field { return []db.Field{{Column: "version", Ptr: &u.version}} }

// lookup finds the token's row and its grant. The token of another application
// is as good as none.
func lookup(tx *db.Tx, t *tenant.Tenant, presented string, a *app.Application) (shownRefresh, Grant, error) {
	who, digest, ok := t.Locator("refresh").Read(presented)
	if !ok || a == nil {
		return shownRefresh{}, Grant{}, ErrInvalid
	}
	row, found, err := db.Find[shownRefresh](tx, presentedRefresh, t.ID, customer.ID(who), digest)
	if err != nil {
		return shownRefresh{}, Grant{}, err
	}
	if !found {
		return shownRefresh{}, Grant{}, ErrInvalid.Because(errors.New("there is no such token"))
	}
	row.customer, row.digest = customer.ID(who), digest
	g, found, err := db.Find[Grant](tx, presentedGrant, t.ID, row.customer, row.digest)
	if err != nil {
		return shownRefresh{}, Grant{}, err
	}
	if !found || g.ApplicationID != a.ID {
		return shownRefresh{}, Grant{}, ErrInvalid.Because(errors.New("the token is another application's"))
	}
	return row, g, nil
}

// repeat answers a token that was rotated before: by the same successor in the
// grace, by the end of the grant after it.
func repeat(tx *db.Tx, t *tenant.Tenant, row shownRefresh, g Grant, presented string, a *app.Application) (Grant, string, error) {
	lost, err := answerLost(tx, row, g)
	if err != nil {
		return Grant{}, "", err
	}
	if !lost {
		return Grant{}, "", reused(tx, t, g.CustomerID, g.ID, "refresh_reused")
	}
	if err := admit(tx, t, g, a, permit.ForRefresh); err != nil {
		return Grant{}, "", err
	}
	token, _ := successor(t, row, presented)
	return g, token, nil
}

// answerLost tells whether a second showing may be that of a client which never
// got the first answer: soon enough, not bound to a key (such a client has other
// means, and a thief has none), and the successor not used.
func answerLost(tx *db.Tx, row shownRefresh, g Grant) (bool, error) {
	if g.CNF != nil || tx.Now.Sub(row.rotated) > Grace {
		return false, nil
	}
	next, found, err := db.Find[shownRefresh](tx, presentedRefresh, g.TenantID, row.customer, row.successor)
	return found && next.rotated.IsZero(), err
}

// successor computes the token that follows the presented one. Nobody without
// the tenant's key can, though only the presented token and the row go in.
func successor(t *tenant.Tenant, row shownRefresh, presented string) (token string, digest [32]byte) {
	part := t.MAC("grant/rotation", []byte(presented), row.nonce)
	return t.Locator("refresh").MintWith(row.customer, part)
}

// FindRefresh returns the grant of a refresh token that could be rotated now,
// for introspection and revocation. One in its grace counts as replaced.
func FindRefresh(tx *db.Tx, t *tenant.Tenant, presented string, a *app.Application) (Grant, bool, error) {
	row, g, err := lookup(tx, t, presented, a)
	if errors.Is(err, ErrInvalid) {
		return Grant{}, false, nil
	}
	if err != nil || !row.rotated.IsZero() || !tx.Now.Before(row.ends) || g.outlasted(a, tx.Now) {
		return Grant{}, false, err
	}
	_, alive, err := Alive(tx, t, g.CustomerID, g.ID)
	return g, alive, err
}

// OwnerOf returns the grant that a refresh token belongs to, whether or not the
// token is still good: revoking an old token revokes the grant (RFC 7009
// section 2.1).
func OwnerOf(tx *db.Tx, t *tenant.Tenant, presented string, a *app.Application) (Grant, bool, error) {
	_, g, err := lookup(tx, t, presented, a)
	if errors.Is(err, ErrInvalid) {
		return Grant{}, false, nil
	}
	return g, err == nil, err
}
