package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The offers of the enrolment table.
const (
	OfferPasskey = "passkey" // create one for the next time
	OwedFactor   = "factor"  // a second factor that the tenant's policy wants
)

// Factors is what a customer could prove, and what they were offered.
type Factors struct {
	Passkeys      int64 // for the RP id of today
	TOTPs         int64 // confirmed ones
	RecoveryCodes int64 // that are left
	Rests         bool  // the offer of a passkey was declined and rests
	OwedSince     time.Time
}

// Fields names the columns.
func (f *Factors) Fields() []db.Field {
	return []db.Field{
		{Column: "passkeys", Ptr: &f.Passkeys}, {Column: "totps", Ptr: &f.TOTPs},
		{Column: "codes", Ptr: &f.RecoveryCodes}, {Column: "rests", Ptr: &f.Rests}, {Column: "owed", Ptr: &f.OwedSince},
	}
}

// FactorsOf reads a customer's factors in one statement: it is asked for at
// every sign-in.
func FactorsOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Factors, error) {
	f, _, err := db.Find[Factors](tx, `FROM (SELECT
		(SELECT count(*) FROM passkey WHERE tenant_id = $1 AND customer_id = $2 AND rp_id = $4) AS passkeys,
		(SELECT count(*) FROM totp WHERE tenant_id = $1 AND customer_id = $2 AND confirmed_at IS NOT NULL) AS totps,
		(SELECT count(*) FROM recovery_code WHERE tenant_id = $1 AND customer_id = $2 AND used_at IS NULL) AS codes,
		EXISTS (SELECT 1 FROM enrolment WHERE tenant_id = $1 AND customer_id = $2 AND offer = 'passkey'
			AND (never OR rests_until > $3)) AS rests,
		(SELECT owed_since FROM enrolment WHERE tenant_id = $1 AND customer_id = $2 AND offer = 'factor') AS owed) AS factors`,
		t.ID, c, tx.Now, t.RPID)
	return f, err
}
