package customer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func register(h *coretest.House, ids ...customer.NewIdentifier) (c customer.Customer, err error) {
	err = h.Try(func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, h.T(), customer.New{Identifiers: ids, Source: "test"})
		return err
	})
	return c, err
}

func email(v string) customer.NewIdentifier {
	return customer.NewIdentifier{Kind: customer.Email, Value: v, Verified: true}
}

func username(v string) customer.NewIdentifier {
	return customer.NewIdentifier{Kind: customer.Username, Value: v, Verified: true}
}

func who(t *testing.T, h *coretest.House, kind, value string) customer.ID {
	t.Helper()
	var c customer.Customer
	h.View(func(tx *db.Tx) (err error) { c, _, err = customer.ByIdentifier(tx, h.T(), kind, value); return err })
	return c.ID
}

func digest(h *coretest.House, kind, value string) [32]byte {
	return customer.Digest(h.T(), kind, value)
}

func TestUsernamesHaveOneSpellingOfOneScript(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"Mia": "mia", " mia.li ": "mia.li", "MIA_li-7": "mia_li-7", "Ｍｉａ": "mia", "Zoe\u0308x": "zoëx", "Марія": "марія",
		"ミアさん": "ミアさん", "미아민": "미아민", "straße": "straße", "علياء": "علياء", "म\u093fया": "म\u093fया",
		"": "", "mi": "", "mia@example.com": "", "1mia": "", "+49301234": "", "12345": "", "mia..li": "", "mia.": "", ".mia": "",
		"mia li": "", "mіa": "" /* Cyrillic і */, "mia\u200b": "", "mia\u202e": "", "mia<b>": "", "míа": "", "mia٣": "",
		"mia\x00": "", "mia\xff": "", "admin'--": "", strings.Repeat("a", 31): "", "😀😀😀": "", "ⅯIA": "",
	} {
		got, err := customer.Normalize(customer.Username, raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", raw, got, err, want)
		}
		if err != nil && fault.Of(err).Field != customer.Username {
			t.Errorf("%q: the fault does not say what it is about", raw)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"mia@example.com", "Mia", "+49 30 901820", "ミア", "a\u0300b\u0301c", "a@b@c", "ǅabc", "ﬁnn", "ß\u0323\u0307x"} {
		for kind := range byte(3) {
			f.Add(s, kind)
		}
	}
	kinds := []string{customer.Email, customer.Phone, customer.Username}
	f.Fuzz(func(t *testing.T, raw string, k byte) {
		kind := kinds[int(k)%3]
		got, err := customer.Normalize(kind, raw)
		if err != nil {
			if f := fault.Of(err); f.Kind != fault.Invalid || f.Field != kind {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if again, err := customer.Normalize(kind, got); err != nil || again != got {
			t.Fatalf("%s %q is %q, which is %q, %v", kind, raw, got, again, err)
		}
		for _, other := range kinds {
			if _, err := customer.Normalize(other, got); other != kind && err == nil {
				t.Fatalf("%q is both a %s and a %s", got, kind, other)
			}
		}
		if strings.ContainsAny(got, " \r\n\t\x00") || got == "" {
			t.Fatalf("%q", got)
		}
	})
}

func TestOnlyKindsThatTheTenantUsesAreRead(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, kind := range []string{customer.Phone, customer.Username} {
			if _, err := customer.NormalizeFor(h.T(), kind, "+4930901820"); !errors.Is(err, customer.ErrBadIdentifier) {
				t.Errorf("%s: %v", kind, err)
			}
		}
		h.Settings(func(s *tenant.Settings) {
			s.Identifiers = tenant.Identifiers{Phone: true, Username: true, PhoneRegion: "DE"}
		})
		for raw, want := range map[string]string{"030 901820": "phone +4930901820", "Mia": "username mia", "Mia@Example.com": "email mia@example.com"} {
			kind, value, err := customer.Guess(h.T(), raw)
			if got := kind + " " + value; got != want || err != nil {
				t.Errorf("%q: %q, %v", raw, got, err)
			}
		}
		if _, _, err := customer.Guess(h.T(), "a@b@c"); fault.Of(err).Code != "bad_email" {
			t.Error(err)
		}
	})
}

func TestAnIdentifierBelongsToOneCustomer(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, err := register(h, email("mia@example.com"), username("paypal"))
		if err != nil {
			t.Fatal(err)
		}
		for _, taken := range []customer.NewIdentifier{
			email("mia@example.com"), username("paypal"), username("paypa1"), username("payp\u00e0l"),
			username("\u0440\u0430\u0443\u0440\u0430\u04cf"), // Cyrillic throughout
		} {
			_, err := register(h, taken)
			if !errors.Is(err, customer.ErrTaken) || fault.Of(err).Field != taken.Kind {
				t.Errorf("%q: %v", taken.Value, err)
			}
		}
		if got := who(t, h, customer.Email, "mia@example.com"); got != mia.ID {
			t.Error("not found by her address")
		}
		if got := who(t, h, customer.Username, "paypal"); got != mia.ID {
			t.Error("not found by her name")
		}
		if got := who(t, h, customer.Username, "paypa1"); !got.IsZero() {
			t.Error("found by a name that only looks like hers")
		}
		other := h.Tenant("other", "https://other.example")
		h.Update(func(tx *db.Tx) error {
			if _, ok, err := customer.ByIdentifier(tx, other, customer.Email, "mia@example.com"); ok || err != nil {
				t.Errorf("found in another tenant: %v", err)
			}
			_, err := customer.Register(tx, other, customer.New{Identifiers: []customer.NewIdentifier{email("mia@example.com")}})
			return err
		})
		if _, err := register(h, email("Mia2@example.com")); !errors.Is(err, customer.ErrBadIdentifier) {
			t.Errorf("what was only typed is stored: %v", err)
		}
	})
}

func TestOfFiftyRegistrationsOfOneAddressOneSucceeds(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		told := coretest.Together(50, func(i int) error {
			_, err := register(h, email("mia@example.com"), email(fmt.Sprintf("mia-%d@example.com", i)))
			return err
		})
		won := 0
		for _, err := range told {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, customer.ErrTaken):
				t.Errorf("a loser is told %v", err)
			}
		}
		counts := map[string]int64{}
		h.View(func(tx *db.Tx) (err error) {
			for _, table := range []string{"customer", "customer_key", "identifier", "customer_identifier"} {
				if counts[table], _, err = db.Value[int64](tx, "SELECT count(*) FROM "+table+" WHERE tenant_id = $1", h.T().ID); err != nil {
					return err
				}
			}
			return nil
		})
		if won != 1 || counts["customer"] != 1 || counts["customer_key"] != 1 || counts["identifier"] != 2 || counts["customer_identifier"] != 2 {
			t.Errorf("%d won; rows %v", won, counts)
		}
	})
}

func TestAnAccountKeepsAnAddress(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, err := register(h, email("mia@example.com"), username("mia"))
		if err != nil {
			t.Fatal(err)
		}
		try := func(fn func(tx *db.Tx, id customer.ID) error) error {
			return h.Try(func(tx *db.Tx) error { return fn(tx, mia.ID) })
		}
		add := func(n customer.NewIdentifier) error {
			return try(func(tx *db.Tx, id customer.ID) error { return customer.AddIdentifier(tx, h.T(), id, n) })
		}
		remove := func(kind, v string) error {
			return try(func(tx *db.Tx, id customer.ID) error {
				return customer.RemoveIdentifier(tx, h.T(), id, digest(h, kind, v))
			})
		}
		primary := func(v string) error {
			return try(func(tx *db.Tx, id customer.ID) error {
				return customer.MakePrimary(tx, h.T(), id, digest(h, customer.Email, v))
			})
		}
		if err := remove(customer.Email, "mia@example.com"); !errors.Is(err, customer.ErrLast) {
			t.Fatalf("the last address goes: %v", err)
		}
		if err := add(customer.NewIdentifier{Kind: customer.Email, Value: "new@example.com"}); err != nil {
			t.Fatal(err)
		}
		if err := remove(customer.Email, "mia@example.com"); !errors.Is(err, customer.ErrLast) {
			t.Fatalf("the last proven address goes: %v", err)
		}
		if err := primary("new@example.com"); !errors.Is(err, customer.ErrNotVerified) {
			t.Fatalf("an unproven address becomes primary: %v", err)
		}
		if err := add(email("new@example.com")); err != nil { // the proof arrives
			t.Fatal(err)
		}
		if err := primary("new@example.com"); err != nil {
			t.Fatal(err)
		}
		if err := remove(customer.Email, "new@example.com"); err != nil {
			t.Fatal(err)
		}
		h.View(func(tx *db.Tx) error {
			list, err := customer.Identifiers(tx, h.T(), mia.ID)
			if len(list) != 2 || !list[0].Primary || list[0].Digest != digest(h, customer.Email, "mia@example.com") {
				t.Errorf("%+v", list)
			}
			return err
		})
		if err := add(username("mira")); err != nil { // replaces the former name
			t.Fatal(err)
		}
		if !who(t, h, customer.Username, "mia").IsZero() || who(t, h, customer.Username, "mira") != mia.ID {
			t.Error("the former user name still stands")
		}
		if _, err := register(h, email("x@example.com"), username("mia")); err != nil {
			t.Errorf("a name that was given up is not free: %v", err)
		}
		if err := remove(customer.Email, "nobody@example.com"); !errors.Is(err, customer.ErrNoIdentifier) {
			t.Error(err)
		}
		if err := add(email("x@example.com")); !errors.Is(err, customer.ErrTaken) {
			t.Error(err)
		}
		for i := range 25 {
			err = add(email(fmt.Sprintf("m%d@example.com", i)))
		}
		if !errors.Is(err, customer.ErrTooMany) {
			t.Errorf("no end of addresses: %v", err)
		}
	})
}

func TestAnUndoLinkRestoresWhatWasOnceWithinThreeDays(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, err := register(h, email("mia@example.com"), email("second@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		// Somebody takes the account over in two steps.
		change := func(from, to string) (token string) {
			h.Wait(1)
			h.Update(func(tx *db.Tx) (err error) {
				if token, err = customer.KeepUndo(tx, h.T(), mia.ID, digest(h, customer.Email, from)); err != nil {
					return err
				}
				if err := customer.AddIdentifier(tx, h.T(), mia.ID, email(to)); err != nil {
					return err
				}
				return customer.RemoveIdentifier(tx, h.T(), mia.ID, digest(h, customer.Email, from))
			})
			return token
		}
		hers := change("mia@example.com", "evil1@example.com")
		h.Wait(1000)
		theirs := change("evil1@example.com", "evil2@example.com")
		undo := func(token string) (id customer.ID, err error) {
			err = h.Try(func(tx *db.Tx) (err error) { id, err = customer.Undo(tx, h.T(), token); return err })
			return id, err
		}
		h.View(func(tx *db.Tx) error {
			id, _, ok, err := customer.PeekUndo(tx, h.T(), hers)
			if !ok || id != mia.ID {
				t.Error("her link is not seen")
			}
			return err
		})
		if id, err := undo(hers); err != nil || id != mia.ID {
			t.Fatal(err)
		}
		if who(t, h, customer.Email, "mia@example.com") != mia.ID || !who(t, h, customer.Email, "evil2@example.com").IsZero() {
			t.Error("not restored")
		}
		h.View(func(tx *db.Tx) error {
			list, err := customer.Identifiers(tx, h.T(), mia.ID)
			if len(list) != 2 || !list[0].Verified() || !list[0].Primary || list[0].Digest != digest(h, customer.Email, "mia@example.com") {
				t.Errorf("%+v", list)
			}
			return err
		})
		for name, token := range map[string]string{"used": hers, "theirs": theirs, "other": "x", "none": ""} {
			if _, err := undo(token); !errors.Is(err, customer.ErrUndo) {
				t.Errorf("%s: %v", name, err)
			}
		}
		late := change("second@example.com", "third@example.com")
		h.Wait(customer.UndoFor)
		if _, err := undo(late); !errors.Is(err, customer.ErrUndo) {
			t.Errorf("after three days: %v", err)
		}
	})
}

func TestTheTenantsRulesForNewAddresses(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		h.Settings(func(s *tenant.Settings) {
			s.Registration = tenant.Registration{
				AllowDomains: []string{"example.com", "mailinator.com"}, BlockDomains: []string{"bad.example.com"}, BlockDisposable: true, BlockAlias: true,
			}
		})
		for address, want := range map[string]*fault.Error{
			"a@example.com": nil, "a@sub.example.com": nil, "a@bad.example.com": customer.ErrDomain, "a@x.bad.example.com": customer.ErrDomain,
			"a@notexample.com": customer.ErrDomain, "a@mailinator.com": customer.ErrDisposable, "a@x.mailinator.com": customer.ErrDisposable,
			"a+b@example.com": customer.ErrAlias,
		} {
			err := customer.Admissible(h.T(), customer.Email, address)
			if want == nil && err != nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}
