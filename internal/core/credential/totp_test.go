package credential_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// authenticator is the app on a customer's phone: it knows what it was shown.
type authenticator struct {
	h     *coretest.House
	setup credential.TOTPSetup
}

// at is the code that the app shows when its clock is off by d.
func (a authenticator) at(d time.Duration) string {
	key, err := base32.StdEncoding.DecodeString(a.setup.Secret)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(a.h.Clock.Now().Add(d).Unix()/30)))
	sum := mac.Sum(nil)
	o := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[o:])&0x7fffffff%1_000_000)
}

func begin(h *coretest.House, cus customer.ID) (a authenticator, err error) {
	a.h = h
	err = h.Try(func(tx *db.Tx) (err error) {
		a.setup, err = credential.BeginTOTP(tx, h.T(), cus, "mia@example.com")
		return err
	})
	return a, err
}

func confirm(h *coretest.House, cus customer.ID, one credential.TOTPID, code string) error {
	return h.Try(func(tx *db.Tx) error { return credential.ConfirmTOTP(tx, h.T(), cus, one, code) })
}

// enrolled sets an app up, and lets the step of its first code go by.
func enrolled(t *testing.T, h *coretest.House, cus customer.ID) authenticator {
	t.Helper()
	a, err := begin(h, cus)
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(h, cus, a.setup.ID, a.at(0)); err != nil {
		t.Fatal(err)
	}
	h.Wait(time.Minute)
	return a
}

func redeem(h *coretest.House, cus customer.ID, code string) (one credential.TOTPID, err error) {
	err = h.Try(func(tx *db.Tx) (err error) {
		one, err = credential.RedeemTOTP(tx, h.T(), cus, code)
		return err
	})
	return one, err
}

func totps(h *coretest.House, cus customer.ID) (all []credential.TOTP) {
	h.View(func(tx *db.Tx) (err error) { all, err = credential.TOTPs(tx, h.T(), cus); return err })
	return all
}

func events(h *coretest.House, cus customer.ID) (names []string) {
	h.View(func(tx *db.Tx) error {
		list, err := journal.List(tx, h.T().ID, cus, [16]byte{}, 100)
		for _, e := range list {
			names = append(names, e.Name)
		}
		return err
	})
	return names
}

func TestGeneratorIsNothingUntilItsFirstCode(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus, mallory := h.Customer(), h.Customer()
		a, err := begin(h, cus)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := redeem(h, cus, a.at(0)); !errors.Is(err, credential.ErrCodeWrong) {
			t.Errorf("a generator that nobody confirmed counts: %v", err)
		}
		if len(totps(h, cus)) != 0 {
			t.Error("it is listed")
		}
		if err := confirm(h, cus, a.setup.ID, other(a.at(0))); !errors.Is(err, credential.ErrCodeWrong) {
			t.Errorf("a wrong code: %v", err)
		}
		if err := confirm(h, mallory, a.setup.ID, a.at(0)); !errors.Is(err, credential.ErrTOTPGone) {
			t.Errorf("somebody else confirms it: %v", err)
		}
		h.View(func(tx *db.Tx) error {
			again, ok, err := credential.PendingTOTP(tx, h.T(), cus, a.setup.ID, "mia@example.com")
			if !ok || again != a.setup {
				t.Errorf("shown again it is %+v, want %+v", again, a.setup)
			}
			return err
		})
		if err := confirm(h, cus, a.setup.ID, a.at(0)); err != nil {
			t.Fatal(err)
		}
		if all := totps(h, cus); len(all) != 1 || all[0].ID != a.setup.ID || !all[0].ConfirmedAt.Equal(h.Clock.Now()) {
			t.Errorf("listed are %+v", all)
		}
		if _, err := redeem(h, cus, a.at(0)); !errors.Is(err, credential.ErrCodeUsed) {
			t.Errorf("the code of the confirmation signs in: %v", err)
		}
		if err := confirm(h, cus, a.setup.ID, a.at(30*time.Second)); !errors.Is(err, credential.ErrTOTPGone) {
			t.Errorf("it is confirmed twice: %v", err)
		}
		h.View(func(tx *db.Tx) error {
			if _, ok, _ := credential.PendingTOTP(tx, h.T(), cus, a.setup.ID, ""); ok {
				t.Error("the key of a confirmed generator is shown")
			}
			return nil
		})
	})
}

func TestSetupThatIsOldOrReplacedIsGone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		first, _ := begin(h, cus)
		second, _ := begin(h, cus)
		if err := confirm(h, cus, first.setup.ID, first.at(0)); !errors.Is(err, credential.ErrTOTPGone) {
			t.Errorf("a setup that was begun anew: %v", err)
		}
		h.Wait(credential.TOTPSetupFor)
		if err := confirm(h, cus, second.setup.ID, second.at(0)); !errors.Is(err, credential.ErrTOTPGone) {
			t.Errorf("a setup that is too old: %v", err)
		}
		kept := enrolled(t, h, cus)
		begin(h, cus)
		h.Wait(credential.TOTPSetupFor + time.Second)
		h.Update(func(tx *db.Tx) error {
			n, err := credential.SweepFactors(tx, 10)
			if n != 1 {
				t.Errorf("%d were swept, want the one that nobody confirmed", n)
			}
			return err
		})
		if all := totps(h, cus); len(all) != 1 || all[0].ID != kept.setup.ID {
			t.Errorf("left are %+v", all)
		}
	})
}

func TestH089_ACodeCountsOnceInWhateverSpelling(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		a := enrolled(t, h, cus)
		code := a.at(0)
		arabic := strings.Map(func(r rune) rune { return r - '0' + '٠' }, code)
		full := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
		spellings := []string{
			code, " " + code, code + "\n", code[:3] + " " + code[3:], code[:3] + "-" + code[3:], code[:3] + "\u00a0" + code[3:],
			"\u200e" + code, code[:2] + "\u2009" + code[2:4] + "\u2212" + code[4:], arabic, full, "\ufeff" + code + "\u200b",
		}
		if one, err := redeem(h, cus, spellings[3]); err != nil || one != a.setup.ID {
			t.Fatalf("%v, %v", one, err)
		}
		for _, s := range spellings {
			if _, err := redeem(h, cus, s); !errors.Is(err, credential.ErrCodeUsed) {
				t.Errorf("%q after its first use: %v", s, err)
			}
		}
		for _, s := range []string{"", "0" + code, code + "0", "+" + code, code[1:], "0x" + code, code + "\x00", strings.Repeat(" ", 80) + code} {
			if _, err := redeem(h, cus, s); !errors.Is(err, credential.ErrCodeWrong) {
				t.Errorf("%q is no code: %v", s, err)
			}
		}
	})
}

func TestH089_EverySpellingWorksAtFirst(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		a := enrolled(t, h, cus)
		for _, spell := range []func(string) string{
			func(s string) string { return s[:3] + " " + s[3:] },
			func(s string) string { return strings.Map(func(r rune) rune { return r - '0' + '۰' }, s) },
			func(s string) string { return "\t" + strings.Join(strings.Split(s, ""), "\u2013") },
		} {
			h.Wait(30 * time.Second)
			if _, err := redeem(h, cus, spell(a.at(0))); err != nil {
				t.Errorf("%q: %v", spell(a.at(0)), err)
			}
		}
	})
}

func TestH089_NoStepCountsAfterANewerOne(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		a := enrolled(t, h, cus)
		before, now, after := a.at(-30*time.Second), a.at(0), a.at(30*time.Second)
		if _, err := redeem(h, cus, before); err != nil {
			t.Fatalf("a slow phone: %v", err)
		}
		if _, err := redeem(h, cus, after); err != nil {
			t.Fatalf("a fast phone: %v", err)
		}
		for name, code := range map[string]string{"the one before": before, "this": now, "the newest": after} {
			if _, err := redeem(h, cus, code); !errors.Is(err, credential.ErrCodeUsed) {
				t.Errorf("%s after the newest: %v", name, err)
			}
		}
		for _, far := range []time.Duration{-90 * time.Second, 60 * time.Second} {
			if _, err := redeem(h, cus, a.at(far)); !errors.Is(err, credential.ErrCodeWrong) {
				t.Errorf("a clock that is %v off: %v", far, err)
			}
		}
	})
}

func TestH089_OneOfFiftyRedeemsAnAppsCode(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		a := enrolled(t, h, cus)
		code := a.at(0)
		spelt := []string{code, " " + code, code[:3] + "-" + code[3:]}
		won := 0
		for i, err := range coretest.Together(50, func(i int) error {
			_, err := redeem(h, cus, spelt[i%len(spelt)])
			return err
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, credential.ErrCodeUsed):
				t.Errorf("%d: %v", i, err)
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 redeemed it, want 1", won)
		}
	})
}

func TestH217_AClockThatJumpsRevivesNoCode(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		a := enrolled(t, h, cus)
		used := a.at(0)
		if _, err := redeem(h, cus, used); err != nil {
			t.Fatal(err)
		}
		start := h.Clock.Now()
		for _, jump := range []time.Duration{-10 * time.Minute, -time.Hour, time.Hour, 30 * 24 * time.Hour, -10 * time.Minute} {
			h.Wait(jump)
			if h.Clock.Now().After(start) {
				if _, err := redeem(h, cus, a.at(0)); err != nil {
					t.Fatalf("the clock's own code after %v: %v", jump, err)
				}
				used, start = a.at(0), h.Clock.Now()
			}
			if _, err := redeem(h, cus, used); err == nil {
				t.Errorf("after a jump of %v a used code counts", jump)
			}
		}
		h.Clock.Set(start)
		if _, err := redeem(h, cus, used); err == nil {
			t.Error("a clock that is set right revives a used code")
		}
	})
}

func TestCodesBelongToTheirCustomerAndTenant(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus, mallory := h.Customer(), h.Customer()
		a := enrolled(t, h, cus)
		enrolled(t, h, mallory)
		stranger := h.Tenant("other", "https://id.other.example")
		if _, err := redeem(h, mallory, a.at(0)); !errors.Is(err, credential.ErrCodeWrong) {
			t.Errorf("another customer: %v", err)
		}
		err := h.Try(func(tx *db.Tx) error {
			_, err := credential.RedeemTOTP(tx, stranger, cus, a.at(0))
			return err
		})
		if !errors.Is(err, credential.ErrCodeWrong) {
			t.Errorf("another tenant: %v", err)
		}
		for name, try := range map[string]func(tx *db.Tx) (bool, error){
			"another customer": func(tx *db.Tx) (bool, error) { return credential.RemoveTOTP(tx, h.T(), mallory, a.setup.ID) },
			"another tenant":   func(tx *db.Tx) (bool, error) { return credential.RemoveTOTP(tx, stranger, cus, a.setup.ID) },
		} {
			h.Update(func(tx *db.Tx) error {
				removed, err := try(tx)
				if removed {
					t.Errorf("%s removes it", name)
				}
				return err
			})
		}
		if err := h.Try(func(tx *db.Tx) error {
			return credential.NameTOTP(tx, h.T(), mallory, a.setup.ID, "mine")
		}); !errors.Is(err, credential.ErrNoTOTP) {
			t.Errorf("another customer names it: %v", err)
		}
	})
}

func TestGeneratorsAreNamedRemovedAndAtMostTen(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		var all []authenticator
		for range 10 {
			all = append(all, enrolled(t, h, cus))
		}
		if _, err := begin(h, cus); !errors.Is(err, credential.ErrTOTPMany) {
			t.Errorf("an eleventh: %v", err)
		}
		for _, i := range []int{0, 9} {
			if one, err := redeem(h, cus, all[i].at(0)); err != nil || one != all[i].setup.ID {
				t.Errorf("the code of generator %d is of %v, %v", i, one, err)
			}
		}
		h.Update(func(tx *db.Tx) error {
			removed, err := credential.RemoveTOTP(tx, h.T(), cus, all[0].setup.ID)
			if !removed {
				t.Error("it was not there to remove")
			}
			return err
		})
		h.Wait(time.Minute)
		if _, err := redeem(h, cus, all[0].at(0)); !errors.Is(err, credential.ErrCodeWrong) {
			t.Errorf("a code of a removed generator: %v", err)
		}
		for _, bad := range []string{"", "a\u202eb", strings.Repeat("x", 65), "a\nb"} {
			if err := h.Try(func(tx *db.Tx) error { return credential.NameTOTP(tx, h.T(), cus, all[1].setup.ID, bad) }); err == nil {
				t.Errorf("%q is a name", bad)
			}
		}
		h.Update(func(tx *db.Tx) error { return credential.NameTOTP(tx, h.T(), cus, all[1].setup.ID, "Blue phone") })
		if last := totps(h, cus)[8]; len(last.NameSealed) == 0 || bytes.Contains(last.NameSealed, []byte("Blue")) {
			t.Errorf("the name rests as %q", last.NameSealed)
		}
		if names := events(h, cus); names[0] != "totp.removed" || names[1] != "totp.added" {
			t.Errorf("the journal tells %v", names)
		}
	})
}

func TestGeneratorsAreNotSetUpWhereTheyAreNotUsed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		h.Settings(func(s *tenant.Settings) { s.SecondFactor.NoTOTP = true })
		if _, err := begin(h, h.Customer()); !errors.Is(err, credential.ErrTOTPOff) {
			t.Errorf("%v", err)
		}
	})
}

// The key of a generator rests sealed: neither the database nor the journal
// holds it, and it dies with its customer.
func TestKeysOfGeneratorsRestSealedAndDieWithTheCustomer(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		a := enrolled(t, h, cus)
		key, _ := base32.StdEncoding.DecodeString(a.setup.Secret)
		var rests []byte
		h.View(func(tx *db.Tx) (err error) {
			rests, _, err = db.Value[[]byte](tx, `SELECT secret_sealed FROM totp`)
			return err
		})
		if len(rests) == 0 || bytes.Contains(rests, key) {
			t.Error("the key rests in the clear")
		}
		h.Update(func(tx *db.Tx) error {
			if err := credential.Destroy(tx, h.T(), cus); err != nil {
				return err
			}
			_, err := customer.Destroy(tx, h.T(), cus)
			return err
		})
		h.View(func(tx *db.Tx) error {
			_, err := customer.OpenSecret(tx, h.T(), cus, "totp", rests)
			if !errors.Is(err, customer.ErrErased) {
				t.Errorf("the key opens after its customer is gone: %v", err)
			}
			return nil
		})
		if _, err := begin(h, cus); err == nil {
			t.Error("a pseudonym sets a generator up")
		}
	})
}
