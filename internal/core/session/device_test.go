package session_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const month = 30 * 24 * time.Hour

var (
	laptop = [16]byte{1}
	phone  = [16]byte{2}
	atHome = session.NewPlace(netip.MustParseAddr("203.0.113.7"), "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
)

func see(h *coretest.House, cus customer.ID, one [16]byte) (known bool) {
	h.Update(func(tx *db.Tx) (err error) { known, err = session.See(tx, h.T(), cus, one, atHome); return err })
	return known
}

func trust(h *coretest.House, cus customer.ID, one [16]byte, d time.Duration) (token string) {
	h.Update(func(tx *db.Tx) (err error) { token, err = session.Trust(tx, h.T(), cus, one, d); return err })
	return token
}

func trusted(h *coretest.House, cus customer.ID, one [16]byte, token string) (yes bool) {
	h.View(func(tx *db.Tx) (err error) { yes, err = session.Trusted(tx, h.T(), cus, one, token); return err })
	return yes
}

func devices(h *coretest.House, cus customer.ID) (all []session.Device) {
	h.View(func(tx *db.Tx) (err error) { all, err = session.Devices(tx, h.T(), cus); return err })
	return all
}

func TestDeviceIsKnownFromItsSecondSignIn(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, mallory := h.Customer(), h.Customer()
		if see(h, ada, laptop) {
			t.Error("a device is known before it was seen")
		}
		h.Wait(time.Hour)
		if !see(h, ada, laptop) || see(h, mallory, laptop) || see(h, ada, phone) {
			t.Error("a device is known to the wrong customer, or not to the right one")
		}
		for range 2 {
			if see(h, ada, [16]byte{}) {
				t.Error("no device is known")
			}
		}
		all := devices(h, ada)
		if len(all) != 2 || all[1].SeenAt.Sub(all[1].CreatedAt) != time.Hour || !all[0].TrustedAt.IsZero() {
			t.Errorf("known are %+v", all)
		}
		for _, d := range all {
			if len(d.PlaceSealed) == 0 || bytes.Contains(d.PlaceSealed, []byte("Firefox")) {
				t.Errorf("the place rests as %q", d.PlaceSealed)
			}
		}
	})
}

func TestH097_TheServersRecordDecidesWhoIsTrusted(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, mallory := h.Customer(), h.Customer()
		for _, c := range []customer.ID{ada, mallory} {
			see(h, c, laptop)
			see(h, c, phone)
		}
		token := trust(h, ada, laptop, month)
		hers := trust(h, mallory, laptop, month)
		if !trusted(h, ada, laptop, token) {
			t.Fatal("a trusted device is not")
		}
		for name, got := range map[string]bool{
			"another device":     trusted(h, ada, phone, token),
			"no device":          trusted(h, ada, [16]byte{}, token),
			"another customer":   trusted(h, mallory, laptop, token),
			"another's token":    trusted(h, ada, laptop, hers),
			"no token":           trusted(h, ada, laptop, ""),
			"a device that lies": trusted(h, ada, [16]byte{77}, token),
		} {
			if got {
				t.Errorf("%s is trusted", name)
			}
		}
		for _, bad := range coretest.Altered(token) {
			if trusted(h, ada, laptop, bad) {
				t.Fatalf("%q is trusted", bad)
			}
		}
		other := h.Tenant("other", "https://id.other.example")
		h.View(func(tx *db.Tx) error {
			if yes, err := session.Trusted(tx, other, ada, laptop, token); yes || err != nil {
				t.Errorf("another tenant trusts it: %v", err)
			}
			return nil
		})
	})
}

// A cookie that was stolen, or kept longer than it should be, proves nothing once
// the record here says otherwise.
func TestH097_TrustEndsWithItsTimeWhateverTheBrowserKeeps(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		see(h, ada, laptop)
		token := trust(h, ada, laptop, 100*month)
		h.Wait(month - time.Microsecond)
		if !trusted(h, ada, laptop, token) {
			t.Error("it ends too early")
		}
		if all := devices(h, ada); !all[0].TrustedUntil.After(h.Clock.Now()) {
			t.Errorf("listed is %+v", all[0])
		}
		h.Wait(time.Microsecond)
		if trusted(h, ada, laptop, token) {
			t.Error("more than the tenant's time was given")
		}
		if all := devices(h, ada); !all[0].TrustedUntil.IsZero() || !all[0].TrustedAt.IsZero() {
			t.Errorf("listed as trusted is %+v", all[0])
		}
		if see(h, ada, laptop); trusted(h, ada, laptop, token) {
			t.Error("a sign-in revives it")
		}
	})
}

func TestH097_SettingsOfTheDayHoldForTrustThatStands(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		see(h, ada, laptop)
		token := trust(h, ada, laptop, month)
		h.Wait(2 * 24 * time.Hour)
		set := func(no bool, d time.Duration) {
			h.Settings(func(s *tenant.Settings) {
				s.SecondFactor.NoTrust, s.SecondFactor.Trust = no, tenant.Duration(d)
			})
		}
		if set(false, 24*time.Hour); trusted(h, ada, laptop, token) {
			t.Error("a shorter time does not hold for standing trust")
		}
		if set(true, 0); trusted(h, ada, laptop, token) {
			t.Error("trust was switched off and holds")
		}
		if none := trust(h, ada, laptop, month); none != "" {
			t.Errorf("trust is given where there is none: %q", none)
		}
		if set(false, 400*24*time.Hour); !trusted(h, ada, laptop, token) {
			t.Error("trust that was told for a month ends early")
		}
		h.Wait(month)
		if trusted(h, ada, laptop, token) {
			t.Error("a longer time lengthens what was told when it was given")
		}
	})
}

func TestH097_DistrustHoldsAtOnce(t *testing.T) {
	t.Parallel()
	ends := map[string]func(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error{
		"distrusting it": func(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
			return session.Distrust(tx, t, cus, laptop)
		},
		"distrusting all": session.DistrustAll,
		"forgetting it": func(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
			return session.ForgetDevice(tx, t, cus, laptop)
		},
		"trusting it anew": func(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
			_, err := session.Trust(tx, t, cus, laptop, month)
			return err
		},
		"destroying everything": session.Destroy,
	}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for name, end := range ends {
			ada := h.Customer()
			see(h, ada, laptop)
			token := trust(h, ada, laptop, month)
			h.Update(func(tx *db.Tx) error { return end(tx, h.T(), ada) })
			if trusted(h, ada, laptop, token) {
				t.Errorf("%s leaves the old token trusted", name)
			}
			if see(h, ada, laptop); trusted(h, ada, laptop, token) {
				t.Errorf("after %s a sign-in revives the old token", name)
			}
		}
	})
}

func TestH154_DevicesOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, mallory := h.Customer(), h.Customer()
		see(h, ada, laptop)
		token := trust(h, ada, laptop, month)
		other := h.Tenant("other", "https://id.other.example")
		for name, try := range map[string]func(tx *db.Tx) error{
			"distrusts":              func(tx *db.Tx) error { return session.Distrust(tx, h.T(), mallory, laptop) },
			"forgets":                func(tx *db.Tx) error { return session.ForgetDevice(tx, h.T(), mallory, laptop) },
			"forgets, as a tenant":   func(tx *db.Tx) error { return session.ForgetDevice(tx, other, ada, laptop) },
			"distrusts, as a tenant": func(tx *db.Tx) error { return session.Distrust(tx, other, ada, laptop) },
			"trusts":                 func(tx *db.Tx) error { _, err := session.Trust(tx, h.T(), mallory, laptop, month); return err },
		} {
			if err := h.Try(try); !errors.Is(err, session.ErrNoDevice) {
				t.Errorf("somebody else %s: %v", name, err)
			}
		}
		h.Update(func(tx *db.Tx) error { return session.DistrustAll(tx, h.T(), mallory) })
		if !trusted(h, ada, laptop, token) {
			t.Error("somebody else ended the trust")
		}
	})
}

// Two customers of one browser keep a token each.
func TestTrustOfSeveralCustomersStandsInOneSet(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bob, eve := h.Customer(), h.Customer(), h.Customer()
		for _, c := range []customer.ID{ada, bob, eve} {
			see(h, c, laptop)
		}
		first, second := trust(h, ada, laptop, month), trust(h, bob, laptop, month)
		set := session.WriteSet(session.PutFirst(session.PutFirst([]string{"garbage"}, first), second))
		if !trusted(h, ada, laptop, set) || !trusted(h, bob, laptop, set) || trusted(h, eve, laptop, set) {
			t.Error("the set says the wrong thing of somebody")
		}
	})
}

func TestH212_TooManyDevicesForgetTheOneSeenLeastLately(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bob := h.Customer(), h.Customer()
		see(h, bob, laptop)
		for i := range session.MostDevices + 5 {
			h.Wait(time.Minute)
			see(h, ada, [16]byte{9, byte(i)})
			see(h, ada, laptop)
		}
		all := devices(h, ada)
		if len(all) != session.MostDevices {
			t.Errorf("%d devices, want %d", len(all), session.MostDevices)
		}
		if see(h, ada, [16]byte{9, 0}) || !see(h, ada, laptop) || !see(h, bob, laptop) {
			t.Error("the wrong device was forgotten")
		}
	})
}

func TestSweepForgetsDevicesThatAreSeenNoMore(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		see(h, ada, laptop)
		h.Wait(time.Hour)
		see(h, ada, phone)
		sweep := func() (n int) {
			h.Update(func(tx *db.Tx) (err error) { n, err = session.SweepDevices(tx, 10); return err })
			return n
		}
		h.Wait(session.DeviceKept - time.Hour)
		if n := sweep(); n != 0 {
			t.Errorf("%d were swept too early", n)
		}
		h.Wait(time.Minute)
		if n := sweep(); n != 1 || see(h, ada, laptop) || !see(h, ada, phone) {
			t.Errorf("%d were swept", n)
		}
	})
}

func TestOneOfFiftySeesANewDevice(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		known := make([]bool, 50)
		fresh := 0
		for i, err := range coretest.Together(50, func(i int) error {
			return h.Try(func(tx *db.Tx) (err error) { known[i], err = session.See(tx, h.T(), ada, laptop, atHome); return err })
		}) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
			if !known[i] {
				fresh++
			}
		}
		if fresh != 1 || len(devices(h, ada)) != 1 {
			t.Errorf("new to %d of 50, want 1", fresh)
		}
	})
}
