package session

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Method is how somebody proved to be the customer.
type Method string

// The methods. What each is worth stands in the table of assure.go.
const (
	Password  Method = "pwd"
	OTPEmail  Method = "otp_email"
	LinkEmail Method = "link_email"
	OTPSMS    Method = "otp_sms"
	LinkSMS   Method = "link_sms"
	TOTP      Method = "totp"
	Recovery  Method = "recovery"
	Upstream  Method = "upstream"

	// A passkey with user verification, bound to its device or synced between
	// several.
	Passkey       Method = "passkey"
	PasskeySynced Method = "passkey_synced"
	// A passkey that somebody touched, who need not be its owner.
	PasskeyPresence       Method = "passkey_presence"
	PasskeySyncedPresence Method = "passkey_synced_presence"
)

// PasskeyMethod is the method of a passkey that was used with user verification
// or without, and that is synced or bound to its device, as credential tells.
func PasskeyMethod(verified, synced bool) Method {
	switch {
	case verified && synced:
		return PasskeySynced
	case verified:
		return Passkey
	case synced:
		return PasskeySyncedPresence
	}
	return PasskeyPresence
}

// IsPasskey reports whether the method is one of the four of a passkey.
func (m Method) IsPasskey() bool { return worth[m].resistant }

// Proof is one thing proven in a session, and when. Of each method the latest
// stands.
type Proof struct {
	Method     Method
	At         time.Time // zero when handed to Start or Prove: now
	Credential [16]byte  // which passkey, TOTP or upstream identity; zero: none
}

type proofRow struct {
	tenant   tenant.ID
	customer customer.ID
	session  ID
	Proof
}

// Fields names the columns.
func (p *proofRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &p.tenant}, {Column: "customer_id", Ptr: &p.customer},
		{Column: "session_id", Ptr: &p.session}, {Column: "method", Ptr: &p.Method},
		{Column: "proven_at", Ptr: &p.At}, {Column: "credential_id", Ptr: (*optional)(&p.Credential)},
	}
}

// Proofs returns what was proven in the session, in the order of time.
func Proofs(tx *db.Tx, s Session) ([]Proof, error) {
	rows, err := db.All[proofRow](tx, `FROM session_proof
		WHERE tenant_id = $1 AND customer_id = $2 AND session_id = $3 ORDER BY proven_at, method`,
		s.TenantID, s.CustomerID, s.ID)
	if err != nil {
		return nil, err
	}
	out := make([]Proof, len(rows))
	for i, r := range rows {
		out[i] = r.Proof
	}
	return out, nil
}

func keepProofs(tx *db.Tx, s Session, proofs []Proof) error {
	for _, p := range proofs {
		if p.At.IsZero() {
			p.At = tx.Now
		}
		err := tx.Put(`INSERT INTO session_proof (tenant_id, customer_id, session_id, method, proven_at, credential_id)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (tenant_id, customer_id, session_id, method)
			DO UPDATE SET proven_at = excluded.proven_at, credential_id = excluded.credential_id`,
			s.TenantID, s.CustomerID, s.ID, p.Method, p.At, optional(p.Credential))
		if err != nil {
			return err
		}
	}
	return nil
}

func methods(proofs []Proof) []Method {
	var out []Method
	for _, p := range proofs {
		if !slices.Contains(out, p.Method) {
			out = append(out, p.Method)
		}
	}
	return out
}
