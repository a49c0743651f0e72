package tenant

import (
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// EvidencePath is where the evidence keys of a tenant are published, on its
// origin.
const EvidencePath = "/.well-known/cardea-evidence.json"

// signedSlack is how far the instant of a signature may lie outside of the time
// in which its key signed: the clocks of nodes disagree by that much at most,
// and a snapshot lives that long after a rotation.
const signedSlack = 5 * time.Minute

// ErrSignedLate is told when a signature holds, but the key had not begun to
// sign at the instant that the signed text names, or signed no more.
var ErrSignedLate = fault.New(fault.Invalid, "signed_out_of_time", "This was not signed while its key was in use.")

// EvidenceKey is a public key that verifies what the tenant signed as evidence:
// one that signs, or one that signed once.
type EvidenceKey struct {
	KID   string
	Alg   string
	JWK   json.RawMessage
	From  time.Time // when it began to sign
	Until time.Time // when it had ended to sign; zero: it signs
}

// Published is the key as it stands in the evidence key set: with nbf and exp,
// in seconds, as OpenID Federation 1.0 section 8.7 has them in historical keys.
func (k *EvidenceKey) Published() (json.RawMessage, error) {
	members := map[string]any{}
	if err := json.Unmarshal(k.JWK, &members); err != nil {
		return nil, err
	}
	members["nbf"] = k.From.Unix()
	if !k.Until.IsZero() {
		members["exp"] = k.Until.Unix()
	}
	return json.Marshal(members)
}

// Covers reports whether the key signed at an instant.
func (k *EvidenceKey) Covers(at time.Time) bool {
	return !at.Before(k.From.Add(-signedSlack)) && (k.Until.IsZero() || !at.After(k.Until.Add(signedSlack)))
}

// EvidenceKeys are the keys that verify evidence, those that sign first. The
// public halves of keys that have left the key set are among them for ever; a
// key that was thrown away because it was stolen is not.
func (t *Tenant) EvidenceKeys() []EvidenceKey {
	var out []EvidenceKey
	for _, k := range t.signing.all {
		if k.State != Next {
			out = append(out, k.evidence())
		}
	}
	for _, k := range t.signing.retired {
		out = append(out, k.evidence())
	}
	return out
}

func (k *SigningKey) evidence() EvidenceKey {
	return EvidenceKey{KID: k.KID, Alg: k.Alg, JWK: k.JWK, From: k.CurrentAt, Until: k.usedUntil}
}

// VerifyEvidence is Verify for what must be provable for ever: it takes keys
// that have left the key set too, and each key for what it signed while it was
// in use alone: today's key vouches for nothing that is older than it is. The
// claims say when that was (iat, RFC 7519 section 4.1.6). Faults: bad_token,
// signed_out_of_time.
func (t *Tenant) VerifyEvidence(typ, token string) ([]byte, error) {
	claims, k, err := verifyAmong(t.signing.all, typ, token)
	if err != nil {
		claims, k, err = verifyAmong(t.signing.retired, typ, token)
	}
	if err != nil {
		return nil, err
	}
	at, ok := IssuedAt(claims)
	if e := k.evidence(); !ok || k.State == Next || !e.Covers(at) {
		return nil, ErrSignedLate
	}
	return claims, nil
}

// IssuedAt is the instant of a signature as the signed claims say it (iat,
// RFC 7519 section 4.1.6); false, if they do not.
func IssuedAt(claims []byte) (time.Time, bool) {
	var c struct {
		IssuedAt int64 `json:"iat"`
	}
	if json.Unmarshal(claims, &c) != nil || c.IssuedAt <= 0 {
		return time.Time{}, false
	}
	return time.Unix(c.IssuedAt, 0).UTC(), true
}

// retiredRow is the public half of a key that left the key set.
type retiredRow struct {
	tenant          ID
	kid, alg, jwk   string
	usedFrom, until time.Time
}

func (r *retiredRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "kid", Ptr: &r.kid}, {Column: "alg", Ptr: &r.alg},
		{Column: "public_jwk", Ptr: &r.jwk}, {Column: "used_from", Ptr: &r.usedFrom}, {Column: "used_until", Ptr: &r.until},
	}
}

func (r *retiredRow) open() (*SigningKey, error) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal([]byte(r.jwk), &jwk); err != nil {
		return nil, err
	}
	return &SigningKey{
		KID: r.kid, Alg: r.alg, State: Retired, Public: jwk.Key, JWK: json.RawMessage(r.jwk),
		CurrentAt: r.usedFrom, usedUntil: r.until,
	}, nil
}

func readRetired(tx *db.Tx, t *Tenant) ([]*SigningKey, error) {
	rows, err := db.All[retiredRow](tx, `FROM evidence_key WHERE tenant_id = $1 ORDER BY used_until DESC, kid`, t.ID)
	if err != nil {
		return nil, err
	}
	keys := make([]*SigningKey, len(rows))
	for i := range rows {
		if keys[i], err = rows[i].open(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// RetireKeys takes the keys out of the key set that have been previous for
// KeyKept, and tells how many: the private halves are destroyed, the public
// ones stay as evidence keys. The caller checkpoints the database afterwards, so
// that the sealed private halves leave its write-ahead log.
func RetireKeys(tx *db.Tx, t *Tenant) (int, error) {
	n, err := retire(tx, t)
	if err != nil || n == 0 {
		return n, err
	}
	return n, Changed(tx, t)
}

func retire(tx *db.Tx, t *Tenant) (int, error) {
	gone, err := db.All[keyRow](tx, `FROM signing_key WHERE tenant_id = $1 AND state = 'previous' AND previous_at < $2`,
		t.ID, tx.Now.Add(-KeyKept))
	if err != nil {
		return 0, err
	}
	for i := range gone {
		k := &gone[i]
		if k.currentAt.IsZero() {
			k.currentAt = k.createdAt
		}
		r := retiredRow{t.ID, k.kid, k.alg, k.jwk, k.currentAt, k.previousAt.Add(KeyPublished)}
		if _, err := db.InsertNew(tx, "evidence_key", r); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`DELETE FROM signing_key WHERE tenant_id = $1 AND id = $2`, t.ID, k.id); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}
