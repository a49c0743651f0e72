package credential_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func TestAPasskeyOfAnOrdinaryAuthenticatorIsMadeAndUsed(t *testing.T) {
	t.Parallel()
	for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) { ordinary(t, newKeys(t, h), kind) })
		})
	}
}

// wellFormed draws again if a coordinate begins with a zero byte, which the
// library leaves out (RFC 9053 section 7.1.1 wants all 32).
func wellFormed(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(kind)
		if kind != virtualwebauthn.KeyTypeEC2 || len(c.Key.AttestationData()) == 77 {
			return c
		}
	}
}

func ordinary(t *testing.T, k *keys, kind virtualwebauthn.KeyType) {
	cus := k.Customer()
	rp := virtualwebauthn.RelyingParty{ID: k.T().RPID, Name: k.T().Name, Origin: k.T().Origin}
	auth, cred := virtualwebauthn.NewAuthenticator(), wellFormed(kind)
	var raw json.RawMessage
	k.Update(func(tx *db.Tx) (err error) {
		raw, err = credential.BeginPasskeyCreate(tx, k.T(), credential.CreateOptions{Context: session16, Customer: cus, Name: "ada@example.com"})
		return err
	})
	asked, err := virtualwebauthn.ParseAttestationOptions(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	auth.Options.UserHandle = []byte(asked.UserID)
	p, err := k.redeemCreate([]byte(virtualwebauthn.CreateAttestationResponse(rp, auth, cred, *asked)), session16, cus)
	if err != nil {
		t.Fatal(err)
	}
	if p.CustomerID != cus || p.Attestation != credential.AttestationSelf || p.AAGUID != auth.Aaguid || p.AMR() != "hwk" || !p.UserVerified {
		t.Errorf("the passkey is %+v", p)
	}
	k.Update(func(tx *db.Tx) (err error) {
		raw, err = credential.BeginPasskeyGet(tx, k.T(), credential.GetOptions{Context: session16})
		return err
	})
	get, err := virtualwebauthn.ParseAssertionOptions(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	used, proved, err := k.redeemGet([]byte(virtualwebauthn.CreateAssertionResponse(rp, auth, cred, *get)), session16)
	if err != nil || used.ID != p.ID || used.CustomerID != cus || !proved.UserVerified || used.UsedAt.IsZero() {
		t.Errorf("%+v %+v %v", used, proved, err)
	}
}

func TestOptionsAskForWhatThePolicySays(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus := newKeys(t, h), h.Customer()
		d := newDevice(t, h)
		k.register(d, cus)
		o := k.beginCreate(cus)
		if o.RP.ID != h.T().RPID || o.User.Name != "ada@example.com" || o.User.DisplayName != "ada@example.com" || o.Attestation != "none" ||
			o.Selection.ResidentKey != "required" || !o.Selection.RequireResidentKey || o.Selection.UserVerification != "required" {
			t.Errorf("%+v", o)
		}
		if len(o.Params) != 3 || o.Params[0].Alg != -7 || len(o.Exclude) != 1 || o.Exclude[0].ID != b64(d.id) {
			t.Errorf("%+v", o)
		}
		if g := k.beginGet(customer.ID{}, ""); g.RPID != h.T().RPID || g.UserVerification != "required" || g.Allow != nil {
			t.Errorf("discoverable: %+v", g)
		}
		if g := k.beginGet(cus, "preferred"); g.UserVerification != "required" || len(g.Allow) != 1 {
			t.Errorf("the policy requires verification: %+v", g)
		}
		h.Settings(func(s *tenant.Settings) {
			s.Passkeys.UserVerification, s.Passkeys.Attestation, s.Passkeys.Algorithms = "preferred", "direct", []int{-8}
		})
		o = k.beginCreate(cus)
		if o.Selection.UserVerification != "preferred" || o.Attestation != "direct" || len(o.Params) != 1 || o.Params[0].Alg != -8 {
			t.Errorf("%+v", o)
		}
		if g := k.beginGet(customer.ID{}, "required"); g.UserVerification != "required" {
			t.Errorf("%+v", g)
		}
		h.Settings(func(s *tenant.Settings) { s.Passkeys.Off = true })
		for _, begin := range []func(tx *db.Tx) (json.RawMessage, error){
			func(tx *db.Tx) (json.RawMessage, error) {
				return credential.BeginPasskeyGet(tx, h.T(), credential.GetOptions{})
			},
			func(tx *db.Tx) (json.RawMessage, error) {
				return credential.BeginPasskeyCreate(tx, h.T(), credential.CreateOptions{Customer: cus})
			},
		} {
			if err := h.Try(func(tx *db.Tx) error { _, err := begin(tx); return err }); !errors.Is(err, credential.ErrPasskeyRefused) {
				t.Errorf("switched off: %v", err)
			}
		}
	})
}

func TestTheUserHandleTellsOnlyTheHouseWhoItIs(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, another := newKeys(t, h), h.Customer(), h.Customer()
		o := k.beginCreate(cus)
		handle := credential.UserHandle(h.T(), cus)
		if o.User.ID != b64(handle[:]) || bytes.Contains(handle[:], cus[:8]) || handle == credential.UserHandle(h.T(), another) {
			t.Errorf("handle %x of %x", handle, cus)
		}
		if got, ok := credential.HolderOf(h.T(), handle[:]); !ok || got != cus {
			t.Errorf("it leads to %v", got)
		}
		stranger := h.Tenant("other", "https://id.other.example")
		if got, _ := credential.HolderOf(stranger, handle[:]); got == cus {
			t.Error("another tenant reads it")
		}
		for _, bad := range [][]byte{nil, handle[:15], append(handle[:], 0)} {
			if _, ok := credential.HolderOf(h.T(), bad); ok {
				t.Errorf("%x is a handle", bad)
			}
		}
	})
}

func TestNamesAndPlacesRestSealed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus := newKeys(t, h), h.Customer()
		known, unknown := newDevice(t, h), newDevice(t, h)
		known.aaguid = [16]byte{0xfb, 0xfc, 0x30, 0x07, 0x15, 0x4e, 0x4e, 0xcc, 0x8c, 0x0b, 0x6e, 0x02, 0x05, 0x57, 0xd7, 0xbd}
		p := k.register(known, cus)
		h.Wait(time.Second)
		q := k.register(unknown, cus)
		h.Update(func(tx *db.Tx) error { return credential.RenamePasskey(tx, h.T(), cus, q.ID, "  Mein Schlüssel ") })
		if _, _, err := k.use(known); err != nil {
			t.Fatal(err)
		}
		h.View(func(tx *db.Tx) error {
			list, err := credential.Passkeys(tx, h.T(), cus)
			if err != nil || len(list) != 2 || list[0].ID != q.ID || list[1].ID != p.ID {
				t.Fatalf("%+v %v", list, err)
			}
			self := release.Recipient{Kind: "self", ID: cus}
			texts, err := release.OpenAll(tx, h.T(), self, cus,
				customer.Item{Field: credential.PasskeyNameField, Sealed: list[0].NameSealed},
				customer.Item{Field: credential.PasskeyNameField, Sealed: list[1].NameSealed},
				customer.Item{Field: credential.PasskeyPlaceField, Sealed: list[1].CreatedPlaceSealed},
				customer.Item{Field: credential.PasskeyPlaceField, Sealed: list[1].UsedPlaceSealed})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"Mein Schlüssel", "iCloud Keychain", string(place.Text), string(place.Text)}
			for i, text := range texts {
				if string(text) != want[i] {
					t.Errorf("%q, want %q", text, want[i])
				}
			}
			if !slices.Equal(list[0].Transports, []string{"hybrid", "internal"}) {
				t.Errorf("transports %q", list[0].Transports)
			}
			return nil
		})
		for _, name := range []string{"", "  ", strings.Repeat("x", 65), "a\nb", "\xff", "a\u202eb"} {
			err := h.Try(func(tx *db.Tx) error { return credential.RenamePasskey(tx, h.T(), cus, q.ID, name) })
			if !errors.Is(err, credential.ErrPasskeyName) {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

// told lists the events about a customer, newest first, by name.
func told(t *testing.T, h *coretest.House, cus customer.ID) (out []journal.Recorded) {
	t.Helper()
	h.View(func(tx *db.Tx) (err error) {
		out, err = journal.List(tx, h.T().ID, cus, [16]byte{}, 100)
		return err
	})
	return out
}

func reasons(t *testing.T, h *coretest.House, cus customer.ID) (out []string) {
	t.Helper()
	for _, r := range told(t, h, cus) {
		var e credential.PasskeyRefused
		if r.Name == e.EventName() {
			if err := r.Decode(&e); err != nil {
				t.Fatal(err)
			}
			out = append(out, e.Reason)
		}
	}
	return out
}

func TestWhatHappensToPasskeysIsJournaledWithoutNames(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		p := k.register(d, cus)
		d.flags &^= bs
		if _, _, err := k.use(d); err != nil {
			t.Fatal(err)
		}
		h.Update(func(tx *db.Tx) error { return credential.RenamePasskey(tx, h.T(), cus, p.ID, "Werkstatt") })
		h.Update(func(tx *db.Tx) error { _, err := credential.RemovePasskey(tx, h.T(), cus, p.ID); return err })
		var names []string
		for _, r := range told(t, h, cus) {
			if strings.HasPrefix(r.Name, "passkey.") {
				names = append(names, r.Name)
			}
			if bytes.Contains(r.Payload, []byte("Werkstatt")) || bytes.Contains(r.Payload, []byte("Firefox")) {
				t.Errorf("%s tells a name: %s", r.Name, r.Payload)
			}
		}
		want := []string{"passkey.removed", "passkey.renamed", "passkey.backed_up", "passkey.added"}
		if !slices.Equal(names, want) {
			t.Errorf("told %q, want %q", names, want)
		}
	})
}

func TestARemovedPasskeyIsUnknown(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		p := k.register(d, cus)
		h.Update(func(tx *db.Tx) error {
			gone, err := credential.RemovePasskey(tx, h.T(), cus, p.ID)
			if err == nil && !bytes.Equal(gone.CredentialID, d.id) {
				t.Errorf("removed %x", gone.CredentialID)
			}
			return err
		})
		challenge := k.beginGet(customer.ID{}, "").Challenge
		if _, _, err := k.redeemGet(d.get(challenge), session16); !errors.Is(err, credential.ErrPasskeyUnknown) {
			t.Errorf("%v", err)
		}
		if _, _, err := k.redeemGet(d.get(challenge), session16); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("the challenge is good for more guesses: %v", err)
		}
	})
}

// H212: the 51st passkey is refused, at the beginning and at the end.
func TestH212_FiftyPasskeysAreEnough(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus := newKeys(t, h), h.Customer()
		late := newDevice(t, h)
		first := k.beginCreate(cus)
		for range credential.PasskeysMost {
			k.register(newDevice(t, h), cus)
		}
		if _, err := k.redeemCreate(late.create(first.Challenge), session16, cus); !errors.Is(err, credential.ErrPasskeyLimit) {
			t.Errorf("the end: %v", err)
		}
		err := h.Try(func(tx *db.Tx) error {
			_, err := credential.BeginPasskeyCreate(tx, h.T(), credential.CreateOptions{Customer: cus})
			return err
		})
		if !errors.Is(err, credential.ErrPasskeyLimit) {
			t.Errorf("the beginning: %v", err)
		}
	})
}

// A counter that does not move on is a copy (WebAuthn section 6.1.1).
func TestACounterThatGoesBackIsRefusedAndTold(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := newKeys(t, h)
		for _, c := range []struct {
			name   string
			flags  byte
			counts []uint32
			last   bool // whether the last use is taken
		}{
			{"it rises", up | uv, []uint32{1, 2, 9}, true},
			{"none", up | uv, []uint32{0, 0, 0}, true},
			{"it begins late", up | uv, []uint32{0, 0, 7}, true},
			{"it stays", up | uv, []uint32{3, 5, 5}, false},
			{"it falls", up | uv, []uint32{3, 5, 4}, false},
			{"it is lost", up | uv, []uint32{3, 5, 0}, false},
			{"synced, it is lost", up | uv | be, []uint32{3, 5, 0}, true},
			{"synced, it falls", up | uv | be, []uint32{3, 5, 4}, false},
		} {
			cus, d := h.Customer(), newDevice(t, h)
			d.flags, d.count = c.flags, c.counts[0]
			k.register(d, cus)
			d.count = c.counts[1]
			if _, _, err := k.use(d); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			d.count = c.counts[2]
			p, _, err := k.use(d)
			if c.last && (err != nil || p.SignCount != int64(c.counts[2])) || !c.last && !errors.Is(err, credential.ErrPasskeyRefused) {
				t.Errorf("%s: %d %v", c.name, p.SignCount, err)
			}
			if got := reasons(t, h, cus); !c.last && !slices.Equal(got, []string{"counter"}) {
				t.Errorf("%s: told %q", c.name, got)
			}
		}
	})
}

func TestBackupEligibilityNeverChanges(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := newKeys(t, h)
		for made, used := range map[byte]byte{up | uv: up | uv | be, up | uv | be: up | uv} {
			cus, d := h.Customer(), newDevice(t, h)
			d.flags = made
			k.register(d, cus)
			d.flags = used
			if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyRefused) {
				t.Errorf("%b then %b: %v", made, used, err)
			}
			if got := reasons(t, h, cus); !slices.Equal(got, []string{"backup_eligible"}) {
				t.Errorf("told %q", got)
			}
		}
		cus, d := h.Customer(), newDevice(t, h)
		d.flags = up | uv | bs
		if _, err := k.redeemCreate(d.create(k.beginCreate(cus).Challenge), session16, cus); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("backed up without being eligible: %v", err)
		}
	})
}

func TestVerificationCountsIfItWasThereFromTheBeginning(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := newKeys(t, h)
		h.Settings(func(s *tenant.Settings) { s.Passkeys.UserVerification = "preferred" })
		for _, c := range []struct {
			name       string
			made, used byte
			want       bool
		}{
			{"always", up | uv, up | uv, true},
			{"not this time", up | uv, up, false},
			{"a PIN that was set on a bare key", up, up | uv, false},
			{"synced: the keeper knows its user", up | be, up | uv | be, true},
			{"synced, not this time", up | be, up | be, false},
		} {
			cus, d := h.Customer(), newDevice(t, h)
			d.flags = c.made
			k.register(d, cus)
			d.flags = c.used
			if _, r, err := k.use(d); err != nil || r.UserVerified != c.want {
				t.Errorf("%s: %+v %v", c.name, r, err)
			}
		}
	})
}

// WebAuthn Level 3 section 5.1.3: with conditional mediation neither presence nor
// verification is promised; later uses are asked for both.
func TestAQuietlyMadePasskeyNeedsNoPresence(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		d.flags = be | bs
		if _, err := k.redeemCreate(d.create(k.beginCreate(cus).Challenge), session16, cus); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("asked for aloud: %v", err)
		}
		o := k.beginCreate(cus, func(o *credential.CreateOptions) { o.Quietly = true })
		p, err := k.redeemCreate(d.create(o.Challenge), session16, cus)
		if err != nil || p.UserVerified || o.Selection.UserVerification != "preferred" {
			t.Fatalf("%+v %v", p, err)
		}
		handle := credential.UserHandle(h.T(), cus)
		d.handle = handle[:]
		for flags, want := range map[byte]error{be: credential.ErrPasskeyWrong, be | up: credential.ErrPasskeyRefused, be | up | uv: nil} {
			d.flags = flags
			if _, _, err := k.use(d); !errors.Is(err, want) {
				t.Errorf("used with %b: %v", flags, err)
			}
		}
	})
}

func TestChallengesThatRanOutAreSweptAway(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := newKeys(t, h)
		for range 3 {
			k.beginGet(customer.ID{}, "")
		}
		h.Wait(credential.PasskeyChallengeFor + time.Second)
		fresh := k.beginGet(customer.ID{}, "")
		for _, want := range []int{2, 1, 0} {
			h.Update(func(tx *db.Tx) error {
				n, err := credential.SweepChallenges(tx, 2)
				if err == nil && n != want {
					t.Errorf("swept %d, want %d", n, want)
				}
				return err
			})
		}
		cus, d := h.Customer(), newDevice(t, h)
		k.register(d, cus)
		if _, _, err := k.redeemGet(d.get(fresh.Challenge), session16); err != nil {
			t.Errorf("a living challenge was swept: %v", err)
		}
	})
}
