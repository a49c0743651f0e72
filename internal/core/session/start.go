package session

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/organization"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// New says how a session begins. At least one proof is needed.
type New struct {
	Proofs       []Proof
	Remembered   bool
	Device       [16]byte
	Organization organization.ID
	Place        Place
	CNF          []byte
}

// Start begins a session and returns its token, which is shown this once. A
// customer who has Most sessions loses the one seen least lately.
func Start(tx *db.Tx, t *tenant.Tenant, a Admission, n New) (string, Session, error) {
	cus, err := admitted(tx, t, a)
	if err != nil {
		return "", Session{}, err
	}
	if len(n.Proofs) == 0 {
		return "", Session{}, ErrNotAdmitted
	}
	s := Session{
		TenantID: t.ID, CustomerID: cus, ID: id.New[kind](tx.Now), DeviceID: n.Device,
		OrganizationID: n.Organization, Remembered: n.Remembered, CNF: n.CNF,
		AuthenticatedAt: tx.Now, CreatedAt: tx.Now, SeenAt: tx.Now,
	}
	life := t.Sessions(n.Remembered)
	s.IdleAt, s.ExpiresAt = tx.Now.Add(life.Idle), tx.Now.Add(life.Absolute)
	if s.PlaceSealed, err = n.Place.seal(tx, t, cus, PlaceField); err != nil {
		return "", Session{}, err
	}
	if err := makeRoom(tx, t, cus); err != nil {
		return "", Session{}, err
	}
	return begin(tx, t, s, n.Proofs)
}

func begin(tx *db.Tx, t *tenant.Tenant, s Session, proofs []Proof) (string, Session, error) {
	var token string
	token, s.digest = t.Locator("session").Mint(s.CustomerID)
	if err := db.Insert(tx, "session", s); err != nil {
		return "", Session{}, err
	}
	if err := keepProofs(tx, s, proofs); err != nil {
		return "", Session{}, err
	}
	return token, s, note(tx, s, Started{Session: s.ID, Methods: methods(proofs), Remembered: s.Remembered})
}

func admitted(tx *db.Tx, t *tenant.Tenant, a Admission) (customer.ID, error) {
	if a == nil {
		return customer.ID{}, ErrNotAdmitted
	}
	ten, cus, ok := a.Admits(tx)
	if !ok || tenant.ID(ten) != t.ID {
		return customer.ID{}, ErrNotAdmitted
	}
	return cus, nil
}

// makeRoom bounds what one customer can pile up (H212).
func makeRoom(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	all, err := db.All[Session](tx, `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND ended_at IS NULL
		ORDER BY seen_at DESC, id DESC LIMIT $3 OFFSET $4`, t.ID, cus, Most, Most-1)
	for _, s := range all {
		if err := end(tx, s, "too_many"); err != nil {
			return err
		}
	}
	return err
}

// Prove adds proofs to a session. Since its assurance may rise, it gets a new
// token and the old one is dead (ASVS 7.2.4); its id stays. The proof is the
// latest, so AuthenticatedAt is now. A session that ended meanwhile is ErrEnded.
func Prove(tx *db.Tx, t *tenant.Tenant, a Admission, s Session, proofs ...Proof) (string, Session, error) {
	if len(proofs) == 0 {
		return "", Session{}, ErrNotAdmitted
	}
	s.AuthenticatedAt = tx.Now
	token, s, err := Rotate(tx, t, a, s)
	if err != nil {
		return "", Session{}, err
	}
	if err := keepProofs(tx, s, proofs); err != nil {
		return "", Session{}, err
	}
	return token, s, note(tx, s, Proven{Session: s.ID, Methods: methods(proofs)})
}

// Rotate gives the session a new token; the old one is dead. Of several that
// rotate the same token, one does, and the others are told ErrEnded.
func Rotate(tx *db.Tx, t *tenant.Tenant, a Admission, s Session) (string, Session, error) {
	cus, err := admitted(tx, t, a)
	if err != nil || cus != s.CustomerID {
		return "", Session{}, ErrNotAdmitted
	}
	token, digest := t.Locator("session").Mint(cus)
	out, ok, err := db.Take[Session](tx, `UPDATE session SET digest = $1, authenticated_at = $2, seen_at = $3, idle_at = $4
		WHERE tenant_id = $5 AND customer_id = $6 AND id = $7 AND digest = $8
			AND ended_at IS NULL AND idle_at > $3 AND expires_at > $3`,
		digest, s.AuthenticatedAt, tx.Now, tx.Now.Add(t.Sessions(s.Remembered).Idle), t.ID, cus, s.ID, s.digest)
	if err == nil && (!ok || !out.alive(t, tx.Now)) {
		err = ErrEnded
	}
	if err != nil {
		return "", Session{}, err
	}
	out.settle(t)
	return token, out, nil
}
