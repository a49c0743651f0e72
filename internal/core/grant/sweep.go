package grant

import "github.com/cardea-id/cardea/internal/base/db"

// sweeps are the deletions of this room's rows that serve nothing any more. A
// refresh token goes with its grant or when it has run out: until then a rotated
// one is recognised when it is shown again.
var sweeps = []struct {
	sql  string
	args func(tx *db.Tx, limit int) []any
}{
	{`DELETE FROM code WHERE (tenant_id, customer_id, digest) IN
		(SELECT tenant_id, customer_id, digest FROM code WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		func(tx *db.Tx, limit int) []any { return []any{tx.Now.Add(-CodeKept), limit} }},
	{`DELETE FROM refresh_token WHERE (tenant_id, customer_id, digest) IN
		(SELECT tenant_id, customer_id, digest FROM refresh_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, atNow},
	{`DELETE FROM revoked_token WHERE (tenant_id, jti) IN
		(SELECT tenant_id, jti FROM revoked_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, atNow},
	{`DELETE FROM once WHERE (tenant_id, purpose, digest) IN
		(SELECT tenant_id, purpose, digest FROM once WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, atNow},
	{`DELETE FROM app_grant WHERE (tenant_id, customer_id, id) IN
		(SELECT tenant_id, customer_id, id FROM app_grant WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		func(tx *db.Tx, limit int) []any { return []any{tx.Now.Add(-Kept), limit} }},
}

func atNow(tx *db.Tx, limit int) []any { return []any{tx.Now, limit} }

// Sweep deletes up to limit rows of each kind, of all tenants, that are over,
// and tells how many.
func Sweep(tx *db.Tx, limit int) (int, error) {
	total := 0
	for _, s := range sweeps {
		n, err := tx.Exec(s.sql, s.args(tx, limit)...)
		if err != nil {
			return 0, err
		}
		total += int(n)
	}
	return total, nil
}
