package credential_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
)

func issued(h *coretest.House, cus customer.ID) (codes []string) {
	h.Update(func(tx *db.Tx) (err error) {
		codes, err = credential.IssueRecoveryCodes(tx, h.T(), cus)
		return err
	})
	return codes
}

func recoverBy(h *coretest.House, cus customer.ID, code string) error {
	return h.Try(func(tx *db.Tx) error { return credential.RedeemRecoveryCode(tx, h.T(), cus, code) })
}

func left(h *coretest.House, cus customer.ID) (n, of int) {
	h.View(func(tx *db.Tx) (err error) { n, of, _, err = credential.RecoveryCodes(tx, h.T(), cus); return err })
	return n, of
}

func TestH094_TenCodesOfMoreThan64BitsThatCannotBeMisread(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		codes := issued(h, h.Customer())
		letters, seen := map[rune]bool{}, map[string]bool{}
		for range 40 {
			for _, c := range issued(h, h.Customer()) {
				for _, r := range strings.ReplaceAll(c, "-", "") {
					letters[r] = true
				}
			}
		}
		for _, c := range codes {
			seen[c] = true
			groups := strings.Split(c, "-")
			if bits := float64(len(strings.Join(groups, ""))) * math.Log2(float64(len(letters))); len(groups) != 3 || bits < 64 {
				t.Errorf("%s has %d groups and %.0f bits", c, len(groups), bits)
			}
		}
		if len(codes) != 10 || len(seen) != 10 {
			t.Errorf("%d codes, %d of them different", len(codes), len(seen))
		}
		for _, r := range "01ilouaeIOL" {
			if letters[r] {
				t.Errorf("%c is in a code", r)
			}
		}
	})
}

func TestH094_ACodeCountsOnceInWhateverSpelling(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		spellings := []func(string) string{
			func(s string) string { return s },
			strings.ToUpper,
			func(s string) string { return strings.ReplaceAll(s, "-", "") },
			func(s string) string { return "  " + strings.ReplaceAll(s, "-", " \u2013 ") + "\n" },
			func(s string) string { return strings.ReplaceAll(strings.ToUpper(s), "-", "\u00a0") },
			func(s string) string { return strings.Join(strings.Split(strings.ReplaceAll(s, "-", ""), ""), " ") },
			fullWidth,
		}
		codes := issued(h, cus)
		for i, spell := range spellings {
			if err := recoverBy(h, cus, spell(codes[i])); err != nil {
				t.Errorf("%q: %v", spell(codes[i]), err)
			}
			for _, again := range spellings {
				if err := recoverBy(h, cus, again(codes[i])); !errors.Is(err, credential.ErrRecoveryUsed) {
					t.Errorf("%q after its use: %v", again(codes[i]), err)
				}
			}
		}
		if n, of := left(h, cus); n != 10-len(spellings) || of != 10 {
			t.Errorf("%d of %d are left", n, of)
		}
		for _, bad := range []string{"", "-", codes[9][1:], codes[9] + "b", codes[9] + "!", strings.Repeat(" ", 200) + codes[9], "bcdfg-hjkmn-pqrst", codes[9] + "\x00"} {
			if err := recoverBy(h, cus, bad); !errors.Is(err, credential.ErrRecoveryCode) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r + 0xfee0
		}
		return r
	}, s)
}

func TestH094_OneOfFiftyRedeemsARecoveryCode(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		code := issued(h, cus)[4]
		spelt := []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", " ")}
		won := 0
		for i, err := range coretest.Together(50, func(i int) error { return recoverBy(h, cus, spelt[i%3]) }) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, credential.ErrRecoveryUsed):
				t.Errorf("%d: %v", i, err)
			}
		}
		if n, _ := left(h, cus); won != 1 || n != 9 {
			t.Errorf("%d of 50 redeemed it and %d are left, want 1 and 9", won, n)
		}
	})
}

func TestH094_NewCodesEndTheOldOnes(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus, mallory := h.Customer(), h.Customer()
		old := issued(h, cus)
		fresh := issued(h, cus)
		for _, c := range old {
			if err := recoverBy(h, cus, c); !errors.Is(err, credential.ErrRecoveryCode) {
				t.Errorf("an old code: %v", err)
			}
		}
		if n, of := left(h, cus); n != 10 || of != 10 {
			t.Errorf("%d of %d are left", n, of)
		}
		if err := recoverBy(h, mallory, fresh[0]); !errors.Is(err, credential.ErrRecoveryCode) {
			t.Errorf("somebody else's code: %v", err)
		}
		stranger := h.Tenant("other", "https://id.other.example")
		err := h.Try(func(tx *db.Tx) error { return credential.RedeemRecoveryCode(tx, stranger, cus, fresh[0]) })
		if !errors.Is(err, credential.ErrRecoveryCode) {
			t.Errorf("another tenant's code: %v", err)
		}
		h.Update(func(tx *db.Tx) error {
			there, err := credential.RemoveRecoveryCodes(tx, h.T(), cus)
			if !there {
				t.Error("there were none to remove")
			}
			return err
		})
		if err := recoverBy(h, cus, fresh[0]); !errors.Is(err, credential.ErrRecoveryCode) {
			t.Errorf("a removed code: %v", err)
		}
	})
}

// Nobody who reads the table can try codes against it: what rests depends on the
// tenant's key and on the customer.
func TestH094_TheDatabaseHoldsNoRecoveryCode(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, code := range issued(h, h.Customer()) {
			plain := strings.ReplaceAll(code, "-", "")
			h.View(func(tx *db.Tx) error {
				for _, guess := range [][]byte{[]byte(plain), []byte(code)} {
					bare := secret.Digest(guess)
					n, _, err := db.Value[int](tx, `SELECT count(*) FROM recovery_code WHERE digest = $1 OR digest = $2`, guess, bare)
					if err != nil || n != 0 {
						t.Errorf("%s rests in the clear or as a bare digest: %v", code, err)
					}
				}
				return nil
			})
		}
	})
}

func TestCustomersAreToldWhenFewCodesAreLeft(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		few := 0
		for i, c := range issued(h, cus) {
			if err := recoverBy(h, cus, c); err != nil {
				t.Fatal(err)
			}
			names := events(h, cus)
			told := names[0] == "recovery_codes.few" || names[1] == "recovery_codes.few" && names[0] == "recovery_code.used"
			if left := 9 - i; told != (left <= credential.RecoveryFew) {
				t.Errorf("%d are left and the journal tells %v", left, names[:2])
			}
			if told {
				few++
			}
		}
		if few != credential.RecoveryFew+1 {
			t.Errorf("told %d times", few)
		}
	})
}
