package credential_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
)

var flow = [16]byte{1, 2, 3}

type sent struct {
	code, link string
	one        credential.OneTime
}

func send(h *coretest.House, n credential.NewOneTime) (s sent) {
	h.Update(func(tx *db.Tx) (err error) {
		s.code, s.link, s.one, err = credential.Issue(tx, h.T(), n)
		return err
	})
	return s
}

func signIn(cus customer.ID) credential.NewOneTime {
	return credential.NewOneTime{
		Flow: flow, Purpose: credential.SignIn, Customer: cus, Channel: credential.Email, Target: [32]byte{7},
		Address: "ada@example.com",
	}
}

func enter(h *coretest.House, code string) (o credential.OneTime, err error) {
	err = h.Try(func(tx *db.Tx) (err error) {
		o, err = credential.RedeemCode(tx, h.T(), flow, credential.SignIn, code)
		return err
	})
	return o, err
}

func follow(h *coretest.House, link string, p ...credential.Purpose) (o credential.OneTime, err error) {
	err = h.Try(func(tx *db.Tx) (err error) {
		o, err = credential.RedeemLink(tx, h.T(), link, p...)
		return err
	})
	return o, err
}

// other gives a code that is not the given one.
func other(code string) string {
	if code[0] == '1' {
		return "2" + code[1:]
	}
	return "1" + code[1:]
}

func TestCodeProvesItsWholeContextOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		s := send(h, signIn(cus))
		o, err := enter(h, " "+s.code[:3]+"-"+s.code[3:])
		if err != nil {
			t.Fatal(err)
		}
		if o.CustomerID != cus || o.Flow != flow || o.Purpose != credential.SignIn || o.Target != ([32]byte{7}) ||
			o.Channel != credential.Email || o.ID != s.one.ID || o.UsedAt.IsZero() {
			t.Errorf("the proof is %+v", o)
		}
		if _, err := enter(h, s.code); !errors.Is(err, credential.ErrCodeExpired) {
			t.Errorf("the code works twice: %v", err)
		}
		if _, err := follow(h, s.link, credential.SignIn); !errors.Is(err, credential.ErrLinkUsed) {
			t.Errorf("the link works after its code: %v", err)
		}
	})
}

func TestFiveWrongCodesSpendTheMessage(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		for i := range credential.Tries {
			_, err := enter(h, other(s.code))
			if want := []error{credential.ErrCodeWrong, credential.ErrCodeTries}[i/(credential.Tries-1)]; !errors.Is(err, want) {
				t.Fatalf("try %d: %v, want %v", i+1, err, want)
			}
		}
		if _, err := enter(h, s.code); !errors.Is(err, credential.ErrCodeTries) {
			t.Errorf("the right code after five wrong ones: %v", err)
		}
		if _, err := follow(h, s.link, credential.SignIn); !errors.Is(err, credential.ErrLinkExpired) {
			t.Errorf("the link after five wrong codes: %v", err)
		}
		if _, err := enter(h, "12345"); !errors.Is(err, credential.ErrCodeWrong) {
			t.Errorf("what is no code: %v", err)
		}
	})
}

func TestCodesAreDeadElsewhere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		stranger := h.Tenant("other", "https://id.other.example")
		for name, redeem := range map[string]func(tx *db.Tx) error{
			"another flow": func(tx *db.Tx) error {
				_, err := credential.RedeemCode(tx, h.T(), [16]byte{9}, credential.SignIn, s.code)
				return err
			},
			"another purpose": func(tx *db.Tx) error {
				_, err := credential.RedeemCode(tx, h.T(), flow, credential.Recover, s.code)
				return err
			},
			"another tenant": func(tx *db.Tx) error {
				_, err := credential.RedeemCode(tx, stranger, flow, credential.SignIn, s.code)
				return err
			},
			"the link for another purpose": func(tx *db.Tx) error {
				_, err := credential.RedeemLink(tx, h.T(), s.link, credential.Recover, credential.Address)
				return err
			},
			"the link for no purpose": func(tx *db.Tx) error {
				_, err := credential.RedeemLink(tx, h.T(), s.link)
				return err
			},
			"the link at another tenant": func(tx *db.Tx) error {
				_, err := credential.RedeemLink(tx, stranger, s.link, credential.SignIn)
				return err
			},
		} {
			if err := h.Try(redeem); err == nil {
				t.Errorf("%s redeems it", name)
			}
		}
		if _, err := enter(h, s.code); err != nil {
			t.Errorf("the code was used up elsewhere: %v", err)
		}
	})
}

func TestPeekingConsumesNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		for range 3 {
			h.View(func(tx *db.Tx) error {
				_, err := credential.PeekLink(tx, h.T(), s.link)
				return err
			})
		}
		if _, err := follow(h, s.link, credential.Verify, credential.SignIn); err != nil {
			t.Error(err)
		}
	})
}

func TestH098_OneOfFiftyRedeemsALink(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		once(t, coretest.Together(50, func(int) error {
			_, err := follow(h, s.link, credential.SignIn)
			return err
		}))
	})
}

func TestH089_OneOfFiftyRedeemsACode(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		spellings := []string{s.code, " " + s.code, s.code[:3] + " " + s.code[3:], s.code[:2] + "-" + s.code[2:]}
		once(t, coretest.Together(50, func(i int) error {
			_, err := enter(h, spellings[i%len(spellings)])
			return err
		}))
	})
}

func TestH073_FiveOfFiftyParallelCodesAreLookedAt(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		looked := 0
		for _, err := range coretest.Together(50, func(int) error {
			_, err := enter(h, other(s.code))
			return err
		}) {
			if errors.Is(err, credential.ErrCodeWrong) {
				looked++
			}
		}
		if looked > credential.Tries-1 { // the fifth says code_tries
			t.Errorf("%d wrong codes were told wrong", looked)
		}
		if _, err := enter(h, s.code); !errors.Is(err, credential.ErrCodeTries) {
			t.Errorf("the right code afterwards: %v", err)
		}
	})
}

// once checks that one succeeded and that nobody met a defect.
func once(t *testing.T, told []error) {
	t.Helper()
	won := 0
	for _, err := range told {
		if err == nil {
			won++
		} else if fault.Is(err, fault.Internal) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded, want 1", won, len(told))
	}
}

func TestH134_ANewMessageEndsTheOldOne(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		first := send(h, signIn(cus))
		second := send(h, signIn(cus))
		if _, err := enter(h, first.code); first.code != second.code && err == nil {
			t.Error("the first code still works")
		}
		if _, err := follow(h, first.link, credential.SignIn); !errors.Is(err, credential.ErrLinkInvalid) {
			t.Errorf("the first link: %v", err)
		}
		if _, err := follow(h, second.link, credential.SignIn); err != nil {
			t.Errorf("the second link: %v", err)
		}
	})
}

func TestH134_TheDatabaseHoldsNeitherCodeNorLink(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		if len(s.link) != 64 || len(s.code) != 6 || strings.Trim(s.code, "0123456789") != "" {
			t.Errorf("code %q, link %q", s.code, s.link)
		}
		h.View(func(tx *db.Tx) error {
			for _, col := range []string{"code_digest", "link_digest", "target", "flow_id", "id"} {
				b, _, err := db.Value[[]byte](tx, `SELECT `+col+` FROM one_time`)
				if err != nil {
					return err
				}
				if strings.Contains(string(b), s.code) || strings.Contains(s.link, string(b)) {
					t.Errorf("%s holds the secret", col)
				}
			}
			return nil
		})
	})
}

func TestH100_EveryPurposeHasItsOwnLife(t *testing.T) {
	t.Parallel()
	lives := map[credential.Purpose]time.Duration{
		credential.SignIn: 10 * time.Minute, credential.Verify: 10 * time.Minute, credential.StepUp: 10 * time.Minute,
		credential.Second: 10 * time.Minute, credential.Address: 10 * time.Minute, credential.Recover: 15 * time.Minute, credential.Close: 15 * time.Minute,
		credential.Reopen: 15 * time.Minute,
	}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for p, life := range lives {
			for _, late := range []bool{false, true} {
				s := send(h, credential.NewOneTime{Flow: flow, Purpose: p, Channel: credential.Email})
				h.Wait(life - time.Microsecond)
				if late {
					h.Wait(time.Microsecond)
				}
				_, err := follow(h, s.link, p)
				if late != errors.Is(err, credential.ErrLinkExpired) || !late && err != nil {
					t.Errorf("%s, late %v: %v", p, late, err)
				}
				err = h.Try(func(tx *db.Tx) error {
					_, err := credential.RedeemCode(tx, h.T(), flow, p, s.code)
					return err
				})
				if !errors.Is(err, credential.ErrCodeExpired) {
					t.Errorf("the code of %s: %v", p, err)
				}
			}
		}
		err := h.Try(func(tx *db.Tx) error {
			_, _, _, err := credential.Issue(tx, h.T(), credential.NewOneTime{Flow: flow, Purpose: "invented"})
			return err
		})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("an unknown purpose: %v", err)
		}
	})
}

func TestH116_EndOutstandingEndsEveryPurpose(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bob := h.Customer(), h.Customer()
		var links []string
		for i, p := range []credential.Purpose{credential.SignIn, credential.Recover, credential.Address} {
			links = append(links, send(h, credential.NewOneTime{Flow: [16]byte{byte(i)}, Purpose: p, Customer: ada, Channel: credential.Email}).link)
		}
		his := send(h, signIn(bob))
		h.Update(func(tx *db.Tx) error { return credential.EndOutstanding(tx, h.T(), ada) })
		for _, l := range links {
			if _, err := follow(h, l, credential.SignIn, credential.Recover, credential.Address); !errors.Is(err, credential.ErrLinkInvalid) {
				t.Errorf("an outstanding link: %v", err)
			}
		}
		if _, err := follow(h, his.link, credential.SignIn); err != nil {
			t.Errorf("another customer's link: %v", err)
		}
	})
}

func TestH046_AlteredLinksLeadNowhere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		for _, bad := range coretest.Altered(s.link) {
			if _, err := follow(h, bad, credential.SignIn); !errors.Is(err, credential.ErrLinkInvalid) {
				t.Fatalf("%q: %v", bad, err)
			}
		}
		if _, err := follow(h, s.link, credential.SignIn); err != nil {
			t.Error(err)
		}
	})
}

func TestFixedCodesNeedTheOption(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		dev := credential.Codes{Fixed: func(address string) (string, bool) {
			return "424242", strings.HasSuffix(address, ".test")
		}}
		draw := func(c credential.Codes, address string) (code string) {
			h.Update(func(tx *db.Tx) (err error) {
				n := signIn(customer.ID{})
				n.Address = address
				code, _, _, err = c.Issue(tx, h.T(), n)
				return err
			})
			return code
		}
		if draw(dev, "ada@fern.test") != "424242" {
			t.Error("the development server has no fixed code")
		}
		same := 0
		for range 3 {
			for _, c := range []string{draw(dev, "ada@example.com"), draw(credential.Codes{}, "ada@fern.test")} {
				if c == "424242" {
					same++
				}
			}
		}
		if same > 1 {
			t.Error("codes are fixed where they must not be")
		}
	})
}

func TestSweepOfCodes(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := send(h, signIn(h.Customer()))
		h.Wait(24 * time.Hour)
		if _, err := follow(h, s.link, credential.SignIn); !errors.Is(err, credential.ErrLinkExpired) {
			t.Errorf("an old link says %v", err)
		}
		h.Wait(time.Hour)
		n := 0
		h.Update(func(tx *db.Tx) (err error) { n, err = credential.Sweep(tx, 10); return err })
		if n != 1 {
			t.Errorf("%d rows were swept, want 1", n)
		}
	})
}

func TestPasswordRows(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		look := func() (phc string, found bool) {
			h.View(func(tx *db.Tx) (err error) { phc, found, err = credential.Password(tx, h.T(), cus); return err })
			return phc, found
		}
		if _, found := look(); found {
			t.Error("there is a password before there is one")
		}
		h.Update(func(tx *db.Tx) error { return credential.SetPassword(tx, h.T(), cus, "old") })
		h.Update(func(tx *db.Tx) error { return credential.SetPassword(tx, h.T(), cus, "new") })
		var changed bool
		rehash := func(old string) bool {
			h.Update(func(tx *db.Tx) (err error) {
				changed, err = credential.Rehash(tx, h.T(), cus, old, "dear")
				return err
			})
			return changed
		}
		if rehash("old") {
			t.Error("a rehash undid a change of password")
		}
		if !rehash("new") {
			t.Error("a rehash was refused")
		}
		if phc, found := look(); !found || phc != "dear" {
			t.Errorf("the password is %q, %v", phc, found)
		}
		h.Update(func(tx *db.Tx) error { _, err := credential.RemovePassword(tx, h.T(), cus); return err })
		if _, found := look(); found {
			t.Error("a removed password is there")
		}
		events := 0
		h.View(func(tx *db.Tx) (err error) {
			events, _, err = db.Value[int](tx, `SELECT count(*) FROM event WHERE name IN ('password.set', 'password.removed')`)
			return err
		})
		if events != 3 {
			t.Errorf("%d events, want two set and one removed", events)
		}
	})
}
