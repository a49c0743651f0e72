package credential

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	// recoveryLetters hold nothing that is read as something else, and no vowels,
	// so that no word comes out.
	recoveryLetters = "23456789bcdfghjkmnpqrstvwxyz"
	// recoveryLen letters are 72 bits (NIST SP 800-63B-4 section 3.1.2.1 wants 20
	// that are throttled, ASVS 6.5.4 wants 64 or more).
	recoveryLen    = 15
	recoveryGroup  = 5
	recoveryIssued = 10
	// RecoveryFew is how many codes that are left are few: time to draw new ones.
	RecoveryFew = 3
	// longestRecovery is in bytes: room for full-width letters with spaces.
	longestRecovery = 128
)

// What can be wrong with a recovery code.
var (
	ErrRecoveryCode = fault.New(fault.Invalid, "recovery_code_wrong", "This recovery code is not right.").At("code")
	ErrRecoveryUsed = fault.New(fault.Invalid, "recovery_code_used", "This recovery code was used already. Take another one.").At("code")
)

type recoveryRow struct {
	tenant    tenant.ID
	customer  customer.ID
	digest    [32]byte
	createdAt time.Time
	usedAt    time.Time
}

// Fields names the columns.
func (r *recoveryRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer}, {Column: "digest", Ptr: &r.digest},
		{Column: "created_at", Ptr: &r.createdAt}, {Column: "used_at", Ptr: &r.usedAt},
	}
}

// IssueRecoveryCodes draws ten recovery codes in place of all that there were,
// and returns them as they are shown, this once.
func IssueRecoveryCodes(tx *db.Tx, t *tenant.Tenant, cus customer.ID) ([]string, error) {
	if err := clearRecoveryCodes(tx, t, cus); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryIssued)
	rows := make([]recoveryRow, recoveryIssued)
	for i := range codes {
		letters := drawRecoveryCode()
		codes[i] = grouped(letters)
		rows[i] = recoveryRow{tenant: t.ID, customer: cus, digest: recoveryDigest(t, cus, letters), createdAt: tx.Now}
	}
	if err := db.Insert(tx, "recovery_code", rows...); err != nil {
		return nil, err
	}
	return codes, note(tx, t, cus, RecoveryCodesIssued{Count: len(codes)})
}

func clearRecoveryCodes(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	_, err := tx.Exec(`DELETE FROM recovery_code WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	return err
}

// drawRecoveryCode draws letters alike: bytes that would favour some are drawn
// again.
func drawRecoveryCode() string {
	const fair = 256 / len(recoveryLetters) * len(recoveryLetters)
	out := make([]byte, 0, recoveryLen)
	for len(out) < recoveryLen {
		for _, b := range secret.Random(recoveryLen) {
			if int(b) < fair && len(out) < recoveryLen {
				out = append(out, recoveryLetters[int(b)%len(recoveryLetters)])
			}
		}
	}
	return string(out)
}

func grouped(letters string) string {
	var out strings.Builder
	for i, r := range letters {
		if i > 0 && i%recoveryGroup == 0 {
			out.WriteByte('-')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// recoveryDigest is what rests of a code: bound to tenant and customer, and
// under the tenant's key, which does not rest beside it, since 72 bits alone
// are less than the 112 that a bare digest needs (NIST SP 800-63B-4 section
// 3.1.2.2).
func recoveryDigest(t *tenant.Tenant, cus customer.ID, letters string) [32]byte {
	return t.MAC("recovery_code", cus[:], []byte(letters))
}

// canonicalRecovery brings a code as typed or pasted into its letters: case,
// width, spaces and hyphens do not count.
func canonicalRecovery(raw string) (letters string, ok bool) {
	if len(raw) > longestRecovery {
		return "", false
	}
	var out strings.Builder
	for _, r := range norm.NFKC.String(raw) {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) || r == '\u2212' {
			continue
		}
		if unicode.Is(unicode.Nd, r) {
			r = '0' + rune(digitValue(r))
		}
		r = unicode.ToLower(r)
		if !strings.ContainsRune(recoveryLetters, r) {
			return "", false
		}
		out.WriteRune(r)
	}
	return out.String(), out.Len() == recoveryLen
}

// RedeemRecoveryCode redeems one of the customer's recovery codes, once. Tries
// are the caller's to count, before this. Faults: recovery_code_wrong,
// recovery_code_used.
func RedeemRecoveryCode(tx *db.Tx, t *tenant.Tenant, cus customer.ID, raw string) error {
	letters, ok := canonicalRecovery(raw)
	if !ok {
		return ErrRecoveryCode
	}
	digest := recoveryDigest(t, cus, letters)
	_, taken, err := db.Take[recoveryRow](tx, `UPDATE recovery_code SET used_at = $1
		WHERE tenant_id = $2 AND customer_id = $3 AND digest = $4 AND used_at IS NULL`, tx.Now, t.ID, cus, digest)
	if err != nil {
		return err
	}
	if !taken {
		return refusedRecovery(tx, t, cus, digest)
	}
	left, _, _, err := RecoveryCodes(tx, t, cus)
	if err != nil {
		return err
	}
	if err := note(tx, t, cus, RecoveryCodeUsed{Left: left}); err != nil || left > RecoveryFew {
		return err
	}
	return note(tx, t, cus, RecoveryCodesFew{Left: left})
}

func refusedRecovery(tx *db.Tx, t *tenant.Tenant, cus customer.ID, digest [32]byte) error {
	_, used, err := db.Find[recoveryRow](tx, `FROM recovery_code WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`,
		t.ID, cus, digest)
	switch {
	case err != nil:
		return err
	case used:
		return ErrRecoveryUsed
	}
	return ErrRecoveryCode
}

// RecoveryCodes counts the codes that are left of those that were issued, and
// tells when that was; nothing was ever issued if issued is 0.
func RecoveryCodes(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (left, issued int, createdAt time.Time, err error) {
	all, err := db.All[recoveryRow](tx, `FROM recovery_code WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	for _, r := range all {
		if r.usedAt.IsZero() {
			left++
		}
		createdAt = r.createdAt
	}
	return left, len(all), createdAt, err
}

// RemoveRecoveryCodes takes all of a customer's codes away and tells whether
// there were any.
func RemoveRecoveryCodes(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (bool, error) {
	_, issued, _, err := RecoveryCodes(tx, t, cus)
	if err != nil || issued == 0 {
		return false, err
	}
	if err := clearRecoveryCodes(tx, t, cus); err != nil {
		return false, err
	}
	return true, note(tx, t, cus, RecoveryCodesRemoved{})
}

// RecoveryCodesIssued is told when a customer has new recovery codes.
type RecoveryCodesIssued struct {
	Count int `json:"count"`
}

// EventName names the event.
func (RecoveryCodesIssued) EventName() string { return "recovery_codes.issued" }

// RecoveryCodeUsed is told when a recovery code was redeemed.
type RecoveryCodeUsed struct {
	Left int `json:"left"`
}

// EventName names the event.
func (RecoveryCodeUsed) EventName() string { return "recovery_code.used" }

// RecoveryCodesFew is told, after each use, when few are left.
type RecoveryCodesFew struct {
	Left int `json:"left"`
}

// EventName names the event.
func (RecoveryCodesFew) EventName() string { return "recovery_codes.few" }

// RecoveryCodesRemoved is told when a customer has no recovery codes any more.
type RecoveryCodesRemoved struct{}

// EventName names the event.
func (RecoveryCodesRemoved) EventName() string { return "recovery_codes.removed" }
