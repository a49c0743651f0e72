package session

import (
	"encoding/hex"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// DevicePlaceField is the name under which the Place of a device is sealed with
// the customer's key.
const DevicePlaceField = "device.place"

const (
	// MostDevices is how many devices of a customer are known; the one that was
	// seen least lately is forgotten for a new one.
	MostDevices = 50
	// DeviceKept is how long a device is known that is not seen any more.
	DeviceKept = 400 * 24 * time.Hour
)

// ErrNoDevice is told for a device that is not the customer's.
var ErrNoDevice = fault.New(fault.NotFound, "device_not_found", "There is no such device.")

// Device is a browser that a customer has signed in with. Its id is random, the
// browser's own word, and proves nothing by itself.
type Device struct {
	TenantID     tenant.ID
	CustomerID   customer.ID
	ID           [16]byte
	PlaceSealed  customer.Sealed // a Place, under DevicePlaceField: where it was seen last
	TrustedAt    time.Time       // zero: it is not trusted to skip the second factor
	TrustedUntil time.Time
	CreatedAt    time.Time
	SeenAt       time.Time // the last sign-in

	trust []byte
}

// Fields names the columns.
func (d *Device) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &d.TenantID}, {Column: "customer_id", Ptr: &d.CustomerID}, {Column: "id", Ptr: &d.ID},
		{Column: "place_sealed", Ptr: (*[]byte)(&d.PlaceSealed)}, {Column: "trust_digest", Ptr: &d.trust},
		{Column: "trusted_at", Ptr: &d.TrustedAt}, {Column: "trusted_until", Ptr: &d.TrustedUntil},
		{Column: "created_at", Ptr: &d.CreatedAt}, {Column: "seen_at", Ptr: &d.SeenAt},
	}
}

// settle gives the device the trust that holds today: never longer than it was
// told when it was given, and shorter, or none, if the settings say so since.
func (d *Device) settle(t *tenant.Tenant, now time.Time) {
	d.TrustedUntil = earlier(d.TrustedUntil, d.TrustedAt.Add(t.TrustFor()))
	if d.trust == nil || !now.Before(d.TrustedUntil) || now.Before(d.TrustedAt) {
		d.trust, d.TrustedAt, d.TrustedUntil = nil, time.Time{}, time.Time{}
	}
}

func device(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte) (Device, bool, error) {
	d, found, err := db.Find[Device](tx, `FROM device WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, cus, one)
	d.settle(t, tx.Now)
	return d, found, err
}

// Knows tells what See would tell, and notes nothing.
func Knows(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte) (bool, error) {
	_, known, err := device(tx, t, cus, one)
	return known, err
}

// See notes that the customer has signed in with the device, and tells whether
// they had before. The zero device is nobody's and never known.
func See(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte, place Place) (known bool, err error) {
	if one == ([16]byte{}) {
		return false, nil
	}
	sealed, err := place.seal(tx, t, cus, DevicePlaceField)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`UPDATE device SET seen_at = $1, place_sealed = $2 WHERE tenant_id = $3 AND customer_id = $4 AND id = $5`,
		tx.Now, []byte(sealed), t.ID, cus, one)
	if err != nil || n > 0 {
		return n > 0, err
	}
	if err := makeDeviceRoom(tx, t, cus); err != nil {
		return false, err
	}
	d := Device{TenantID: t.ID, CustomerID: cus, ID: one, PlaceSealed: sealed, CreatedAt: tx.Now, SeenAt: tx.Now}
	if err := db.Insert(tx, "device", d); err != nil {
		return false, err
	}
	return false, noteDevice(tx, t, cus, DeviceAdded{deviceText(one)})
}

// makeDeviceRoom bounds what one customer can pile up (H212).
func makeDeviceRoom(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	return tx.Put(`DELETE FROM device WHERE tenant_id = $1 AND customer_id = $2 AND id IN
		(SELECT id FROM device WHERE tenant_id = $1 AND customer_id = $2 ORDER BY seen_at DESC, id DESC LIMIT $3 OFFSET $4)`,
		t.ID, cus, 2*MostDevices, MostDevices-1)
}

// Trust lets the device skip the second factor for d, at most as long as the
// tenant says, and returns the token that the browser must show for it, which is
// shown this once. A token that was given before is dead. The token is empty if
// the tenant trusts none. It fails with ErrNoDevice before See.
func Trust(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte, d time.Duration) (token string, err error) {
	d = min(d, t.TrustFor())
	if d <= 0 {
		return "", nil
	}
	token, digest := t.Locator("trust").Mint(cus)
	n, err := tx.Exec(`UPDATE device SET trust_digest = $1, trusted_at = $2, trusted_until = $3
		WHERE tenant_id = $4 AND customer_id = $5 AND id = $6`, digest[:], tx.Now, tx.Now.Add(d), t.ID, cus, one)
	if err == nil && n == 0 {
		err = ErrNoDevice
	}
	if err != nil {
		return "", err
	}
	return token, noteDevice(tx, t, cus, DeviceTrusted{deviceText(one), tx.Now.Add(d)})
}

// Trusted reports whether the device may skip the second factor today. The
// record here decides, not what the browser says or kept too long (H097). The
// token may be a set of tokens as WriteSet writes it, for browsers that several
// customers share.
func Trusted(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte, token string) (bool, error) {
	for _, shown := range ReadSet(token) {
		who, digest, ok := t.Locator("trust").Read(shown)
		if !ok || who != cus {
			continue
		}
		d, found, err := device(tx, t, cus, one)
		if err != nil || found && d.trust != nil && secret.Equal(d.trust, digest[:]) {
			return err == nil, err
		}
	}
	return false, nil
}

// Devices lists the customer's known devices, the one seen last first.
func Devices(tx *db.Tx, t *tenant.Tenant, cus customer.ID) ([]Device, error) {
	all, err := db.All[Device](tx, `FROM device WHERE tenant_id = $1 AND customer_id = $2 ORDER BY seen_at DESC, id DESC`, t.ID, cus)
	for i := range all {
		all[i].settle(t, tx.Now)
	}
	return all, err
}

// Distrust makes the device show a second factor again. It fails with
// ErrNoDevice, also for somebody else's.
func Distrust(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte) error {
	d, found, err := device(tx, t, cus, one)
	if err == nil && !found {
		err = ErrNoDevice
	}
	if err != nil || d.trust == nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE device SET trust_digest = NULL, trusted_at = NULL, trusted_until = NULL
		WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, cus, one); err != nil {
		return err
	}
	return noteDevice(tx, t, cus, DeviceDistrusted{deviceText(one)})
}

// DistrustAll makes every device of the customer show a second factor again:
// after a password change, a recovery, a lock, a change of factors.
func DistrustAll(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	n, err := tx.Exec(`UPDATE device SET trust_digest = NULL, trusted_at = NULL, trusted_until = NULL
		WHERE tenant_id = $1 AND customer_id = $2 AND trust_digest IS NOT NULL`, t.ID, cus)
	if err != nil || n == 0 {
		return err
	}
	return noteDevice(tx, t, cus, DeviceDistrusted{})
}

// ForgetDevice makes the device one that the customer was never seen with. Its
// sessions are the caller's to end. It fails with ErrNoDevice, also for somebody
// else's.
func ForgetDevice(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one [16]byte) error {
	n, err := tx.Exec(`DELETE FROM device WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, cus, one)
	if err == nil && n == 0 {
		err = ErrNoDevice
	}
	if err != nil {
		return err
	}
	return noteDevice(tx, t, cus, DeviceForgotten{deviceText(one)})
}

// SweepDevices forgets up to limit devices of all tenants that were not seen for
// DeviceKept, and tells how many.
func SweepDevices(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM device WHERE (tenant_id, customer_id, id) IN
		(SELECT tenant_id, customer_id, id FROM device WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)`,
		tx.Now.Add(-DeviceKept), limit)
	return int(n), err
}

// DeviceAdded is told when a customer signs in with a device that was not known.
type DeviceAdded struct {
	Device string `json:"device"`
}

// EventName names the event.
func (DeviceAdded) EventName() string { return "device.added" }

// DeviceTrusted is told when a device is trusted to skip the second factor.
type DeviceTrusted struct {
	Device string    `json:"device"`
	Until  time.Time `json:"until"`
}

// EventName names the event.
func (DeviceTrusted) EventName() string { return "device.trusted" }

// DeviceDistrusted is told when that ends before its time.
type DeviceDistrusted struct {
	Device string `json:"device,omitempty"` // empty: every device
}

// EventName names the event.
func (DeviceDistrusted) EventName() string { return "device.distrusted" }

// DeviceForgotten is told when a device is known no more.
type DeviceForgotten struct {
	Device string `json:"device"`
}

// EventName names the event.
func (DeviceForgotten) EventName() string { return "device.forgotten" }

// deviceText is a device in events and on pages.
func deviceText(one [16]byte) string { return hex.EncodeToString(one[:]) }

func noteDevice(tx *db.Tx, t *tenant.Tenant, cus customer.ID, e journal.Event) error {
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: cus, Actor: journal.Actor{Kind: "customer", ID: cus}, Event: e, Class: journal.SignIn,
	})
}
