package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type totpKind struct{}

func (totpKind) Prefix() string { return "otp" }

// TOTPID is the id of one of a customer's TOTP generators.
type TOTPID = id.ID[totpKind]

const (
	totpSecret = "totp" // label under which a generator's key is sealed
	totpMost   = 10     // generators of one customer
	// TOTPSetupFor is how long a generator that was shown may be confirmed.
	TOTPSetupFor = 30 * time.Minute
	// TOTPNameField is the label under which a generator's name is sealed.
	TOTPNameField = "totp.name"
	totpNameLen   = 64 // code points
)

// What can be wrong with a TOTP generator and its codes; a wrong code is
// ErrCodeWrong.
var (
	ErrCodeUsed  = fault.New(fault.Invalid, "code_used", "This code was used already. Wait for the next one.").At("code")
	ErrTOTPGone  = fault.New(fault.Gone, "totp_gone", "This took too long or was begun anew. Begin again.")
	ErrTOTPOff   = fault.New(fault.Denied, "totp_off", "Authenticator apps are not used here.")
	ErrTOTPMany  = fault.New(fault.Conflict, "totp_many", "An account has at most 10 authenticator apps.")
	ErrNoTOTP    = fault.New(fault.NotFound, "totp_not_found", "There is no such authenticator app.")
	ErrTOTPLabel = fault.New(fault.Invalid, "bad_name", "A name has 1 to 64 characters and no control characters.").At("name")
)

// TOTP is a customer's TOTP generator (RFC 6238) that has been confirmed.
type TOTP struct {
	TenantID    tenant.ID
	CustomerID  customer.ID
	ID          TOTPID
	NameSealed  customer.Sealed // under TOTPNameField; nil: it was given none
	CreatedAt   time.Time
	ConfirmedAt time.Time
	UsedAt      time.Time // zero: never since it was confirmed

	sealed   customer.Sealed
	lastStep int64
}

// Fields names the columns.
func (g *TOTP) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &g.TenantID}, {Column: "customer_id", Ptr: &g.CustomerID}, {Column: "id", Ptr: &g.ID},
		{Column: "secret_sealed", Ptr: (*[]byte)(&g.sealed)}, {Column: "name_sealed", Ptr: (*[]byte)(&g.NameSealed)},
		{Column: "last_step", Ptr: &g.lastStep}, {Column: "created_at", Ptr: &g.CreatedAt},
		{Column: "confirmed_at", Ptr: &g.ConfirmedAt}, {Column: "used_at", Ptr: &g.UsedAt},
	}
}

// BeginTOTP draws a generator that is nothing until ConfirmTOTP, and takes the
// place of one that was begun before. The label is what the authenticator app
// shows beside the tenant's name: whose account it is. Faults: totp_off,
// totp_many, customer_erased.
func BeginTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, label string) (TOTPSetup, error) {
	if t.Settings.SecondFactor.NoTOTP {
		return TOTPSetup{}, ErrTOTPOff
	}
	if _, err := tx.Exec(`DELETE FROM totp WHERE tenant_id = $1 AND customer_id = $2 AND confirmed_at IS NULL`, t.ID, cus); err != nil {
		return TOTPSetup{}, err
	}
	all, err := TOTPs(tx, t, cus)
	if err != nil {
		return TOTPSetup{}, err
	}
	if len(all) >= totpMost {
		return TOTPSetup{}, ErrTOTPMany
	}
	key := secret.Random(totpKeyLen)
	g := TOTP{TenantID: t.ID, CustomerID: cus, ID: id.New[totpKind](tx.Now), lastStep: -1, CreatedAt: tx.Now}
	if g.sealed, err = customer.SealSecret(tx, t, cus, totpSecret, key); err != nil {
		return TOTPSetup{}, err
	}
	return newSetup(t, g.ID, key, label), db.Insert(tx, "totp", g)
}

// PendingTOTP shows again what BeginTOTP showed, for a page that comes back
// after a wrong code. False: it is confirmed, too old, replaced or not the
// customer's. A confirmed generator's key is shown to nobody.
func PendingTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one TOTPID, label string) (TOTPSetup, bool, error) {
	g, found, err := pendingTOTP(tx, t, cus, one)
	if err != nil || !found {
		return TOTPSetup{}, false, err
	}
	key, err := g.open(tx, t)
	return newSetup(t, one, key, label), err == nil, err
}

func pendingTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one TOTPID) (TOTP, bool, error) {
	return db.Find[TOTP](tx, `FROM totp WHERE tenant_id = $1 AND customer_id = $2 AND id = $3
		AND confirmed_at IS NULL AND created_at > $4`, t.ID, cus, one, tx.Now.Add(-TOTPSetupFor))
}

func (g *TOTP) open(tx *db.Tx, t *tenant.Tenant) ([]byte, error) {
	return customer.OpenSecret(tx, t, g.CustomerID, totpSecret, g.sealed)
}

// ConfirmTOTP makes a generator that was begun one of the customer's, once they
// have shown a code of it. That code is used up. Tries are the caller's to
// count. Faults: code_wrong, totp_gone.
func ConfirmTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one TOTPID, code string) error {
	g, found, err := pendingTOTP(tx, t, cus, one)
	if err != nil {
		return err
	}
	if !found {
		return ErrTOTPGone
	}
	steps, err := g.matching(tx, t, code)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		return ErrCodeWrong
	}
	_, done, err := db.Take[TOTP](tx, `UPDATE totp SET confirmed_at = $1, last_step = $2
		WHERE tenant_id = $3 AND customer_id = $4 AND id = $5 AND confirmed_at IS NULL`,
		tx.Now, steps[len(steps)-1], t.ID, cus, one)
	if err != nil {
		return err
	}
	if !done {
		return ErrTOTPGone
	}
	return note(tx, t, cus, TOTPAdded{TOTP: one})
}

// RedeemTOTP redeems a code of one of the customer's generators and tells which.
// A code counts for the current step of 30 seconds, the one before and the one
// after; each step counts once, and none counts after a newer one (RFC 6238
// section 5.2, H089), by one conditional statement. Tries are the caller's to
// count, before this. Faults: code_wrong, also if there is no generator;
// code_used.
func RedeemTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, code string) (TOTPID, error) {
	all, err := TOTPs(tx, t, cus)
	if err != nil {
		return TOTPID{}, err
	}
	wrong := error(ErrCodeWrong)
	for i := range all {
		steps, err := all[i].matching(tx, t, code)
		if err != nil {
			return TOTPID{}, err
		}
		for _, step := range steps {
			if used, err := all[i].use(tx, step); err != nil || used {
				return all[i].ID, err
			}
			wrong = ErrCodeUsed
		}
	}
	return TOTPID{}, wrong
}

// matching are the steps of the window whose code this is, the oldest first.
func (g *TOTP) matching(tx *db.Tx, t *tenant.Tenant, code string) ([]int64, error) {
	digits, ok := CanonicalCode(code)
	if !ok {
		return nil, nil
	}
	key, err := g.open(tx, t)
	if err != nil {
		return nil, err
	}
	return totpSteps(key, tx.Now, digits), nil
}

func (g *TOTP) use(tx *db.Tx, step int64) (bool, error) {
	_, used, err := db.Take[TOTP](tx, `UPDATE totp SET last_step = $1, used_at = $2
		WHERE tenant_id = $3 AND customer_id = $4 AND id = $5 AND confirmed_at IS NOT NULL AND last_step < $1`,
		step, tx.Now, g.TenantID, g.CustomerID, g.ID)
	return used, err
}

// TOTPs lists the customer's confirmed generators, the newest first.
func TOTPs(tx *db.Tx, t *tenant.Tenant, cus customer.ID) ([]TOTP, error) {
	return db.All[TOTP](tx, `FROM totp WHERE tenant_id = $1 AND customer_id = $2 AND confirmed_at IS NOT NULL
		ORDER BY id DESC`, t.ID, cus)
}

// NameTOTP gives a generator the name by which its customer tells it from
// others. Faults: bad_name, totp_not_found (also for somebody else's).
func NameTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one TOTPID, name string) error {
	if name == "" || !tenant.ShortText(name, totpNameLen) {
		return ErrTOTPLabel
	}
	sealed, err := customer.Seal(tx, t, cus, TOTPNameField, []byte(name))
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE totp SET name_sealed = $1 WHERE tenant_id = $2 AND customer_id = $3 AND id = $4`,
		[]byte(sealed), t.ID, cus, one)
	if err == nil && n == 0 {
		err = ErrNoTOTP
	}
	return err
}

// RemoveTOTP takes a generator away and tells whether it was there. That a way
// in must remain is the caller's to see to.
func RemoveTOTP(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one TOTPID) (bool, error) {
	g, removed, err := db.Take[TOTP](tx, `DELETE FROM totp WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, cus, one)
	if err != nil || !removed || g.ConfirmedAt.IsZero() {
		return removed, err
	}
	return true, note(tx, t, cus, TOTPRemoved{TOTP: one})
}

// TOTPAdded is told when a customer has confirmed a generator.
type TOTPAdded struct {
	TOTP TOTPID `json:"totp"`
}

// EventName names the event.
func (TOTPAdded) EventName() string { return "totp.added" }

// TOTPRemoved is told when a customer has a generator no more.
type TOTPRemoved struct {
	TOTP TOTPID `json:"totp"`
}

// EventName names the event.
func (TOTPRemoved) EventName() string { return "totp.removed" }
