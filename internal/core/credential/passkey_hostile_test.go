package credential_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// aaguid is the model that crafted devices claim to be.
var aaguid = [16]byte{0xaa, 0xbb, 15: 1}

const aaguidText = "aabb0000-0000-0000-0000-000000000001"

// H104: what the options asked of the browser is asked of the response again.
func TestH104_ThePolicyIsEnforcedByTheServer(t *testing.T) {
	t.Parallel()
	ed, _, _ := ed25519.GenerateKey(rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	raw384, _ := p384.PublicKey.Bytes()
	for _, c := range []struct {
		name   string
		policy func(*tenant.Passkeys)
		device func(*device)
		want   error
		reason string
	}{
		{"as asked", nil, nil, nil, ""},
		{"EdDSA, which was offered", nil, func(d *device) { d.cose = map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(ed)} }, nil, ""},
		{"ES384, which was not offered", nil, func(d *device) {
			d.cose = map[int]any{1: 2, 3: -35, -1: 2, -2: raw384[1:49], -3: raw384[49:]}
		}, credential.ErrPasskeyRefused, "algorithm"},
		{"ES256, which is not offered here", func(p *tenant.Passkeys) { p.Algorithms = []int{-8} }, nil, credential.ErrPasskeyRefused, "algorithm"},
		{"no user verification", nil, func(d *device) { d.flags = up }, credential.ErrPasskeyRefused, "user_verification"},
		{"no user verification, where it is preferred", func(p *tenant.Passkeys) { p.UserVerification = "preferred" },
			func(d *device) { d.flags = up }, nil, ""},
		{"no user presence", nil, func(d *device) { d.flags = uv }, credential.ErrPasskeyWrong, ""},
		{"not discoverable", nil, func(d *device) { d.outputs = rk(false) }, credential.ErrPasskeyRefused, "not_discoverable"},
		{"discoverable", nil, func(d *device) { d.outputs = rk(true) }, nil, ""},
		{"a forbidden model", func(p *tenant.Passkeys) { p.Attestation, p.Block = "direct", []string{aaguidText} }, nil,
			credential.ErrPasskeyRefused, "attestation"},
		{"another model than the allowed one", func(p *tenant.Passkeys) {
			p.Attestation, p.Allow = "direct", []string{"00000000-0000-0000-0000-000000000002"}
		}, nil, credential.ErrPasskeyRefused, "attestation"},
		{"no attestation, where it is direct", func(p *tenant.Passkeys) { p.Attestation = "direct" }, nil, credential.ErrPasskeyRefused, "attestation"},
		{"no attestation, where it is indirect", func(p *tenant.Passkeys) { p.Attestation = "indirect" }, nil, nil, ""},
		{"switched off meanwhile", func(p *tenant.Passkeys) { p.Off = true }, nil, credential.ErrPasskeyRefused, "passkeys_off"},
		// The attachment is the browser's word: whatever it says, everything else is asked.
		{"platform", nil, func(d *device) { d.member = map[string]any{"authenticatorAttachment": "platform"} }, nil, ""},
		{"no such attachment, no verification", nil, func(d *device) {
			d.flags, d.member = up, map[string]any{"authenticatorAttachment": "teleport"}
		}, credential.ErrPasskeyRefused, "user_verification"},
		{"an RSA key that is too short", nil, func(d *device) { d.cose = rsaKey(t, 1024, 65537) }, credential.ErrPasskeyWrong, ""},
		{"an RSA exponent of 3", nil, func(d *device) { d.cose = rsaKey(t, 2048, 3) }, credential.ErrPasskeyWrong, ""},
		{"an RSA key that is fine", nil, func(d *device) { d.cose = rsaKey(t, 2048, 65537) }, nil, ""},
		{"a point that is on no curve", nil, func(d *device) {
			d.cose = map[int]any{1: 2, 3: -7, -1: 1, -2: make([]byte, 32), -3: make([]byte, 32)}
		}, credential.ErrPasskeyWrong, ""},
		{"another credential than the attested one", nil, func(d *device) { d.rawID = bytes.Repeat([]byte{1}, 32) }, credential.ErrPasskeyWrong, ""},
		{"a credential id that could be guessed", nil, func(d *device) { d.id = []byte("short") }, credential.ErrPasskeyWrong, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
				d.aaguid = aaguid
				challenge := k.beginCreate(cus).Challenge
				if c.policy != nil {
					h.Settings(func(s *tenant.Settings) { c.policy(&s.Passkeys) })
				}
				if c.device != nil {
					c.device(d)
				}
				if _, err := k.redeemCreate(d.create(challenge), session16, cus); !errors.Is(err, c.want) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				if got := strings.Join(reasons(t, h, cus), " "); got != c.reason {
					t.Errorf("told %q, want %q", got, c.reason)
				}
			})
		})
	}
}

func rk(v bool) map[string]any { return map[string]any{"credProps": map[string]any{"rk": v}} }

func rsaKey(t *testing.T, bits, e int) map[int]any {
	modulus := make([]byte, bits/8)
	if bits >= 2048 && e == 65537 {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		modulus = key.N.Bytes()
	} else {
		modulus[0], modulus[len(modulus)-1] = 0x80, 1
	}
	return map[int]any{1: 3, 3: -257, -1: modulus, -2: []byte{byte(e >> 16), byte(e >> 8), byte(e)}}
}

// H104, the sibling: verification at a use, and a model that was forbidden since.
func TestH104_ThePolicyHoldsAtEveryUse(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		d.aaguid = aaguid
		k.register(d, cus)
		d.flags &^= uv
		if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyRefused) {
			t.Errorf("without verification: %v", err)
		}
		h.Settings(func(s *tenant.Settings) { s.Passkeys.UserVerification = "preferred" })
		if _, r, err := k.use(d); err != nil || r.UserVerified {
			t.Errorf("where it is preferred: %+v %v", r, err)
		}
		if _, _, err := k.redeemGet(d.get(k.beginGet(cus, "required").Challenge), session16); !errors.Is(err, credential.ErrPasskeyRefused) {
			t.Errorf("where this step requires it: %v", err)
		}
		d.flags |= uv
		h.Settings(func(s *tenant.Settings) { s.Passkeys.Attestation, s.Passkeys.Block = "direct", []string{aaguidText} })
		if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyRefused) {
			t.Errorf("a forbidden model: %v", err)
		}
		challenge := k.beginGet(customer.ID{}, "").Challenge
		h.Settings(func(s *tenant.Settings) { s.Passkeys = tenant.Passkeys{Off: true} })
		if _, _, err := k.redeemGet(d.get(challenge), session16); !errors.Is(err, credential.ErrPasskeyRefused) {
			t.Errorf("switched off: %v", err)
		}
		want := []string{"passkeys_off", "model_not_allowed", "user_verification", "user_verification"}
		if got := reasons(t, h, cus); !slices.Equal(got, want) {
			t.Errorf("told %q", got)
		}
	})
}

// H106: a challenge is good once, for one ceremony, in one context, for one
// customer, for five minutes, at one tenant.
func TestH106_AChallengeIsGoodForOneThingOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		victim, theirs := h.Customer(), newDevice(t, h)
		k.register(d, cus)
		k.register(theirs, victim)
		wrong := func(name string, err error) {
			t.Helper()
			if !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Errorf("%s: %v", name, err)
			}
		}
		get := func(challenge string, context [16]byte) error {
			_, _, err := k.redeemGet(d.get(challenge), context)
			return err
		}
		create := func(challenge string, context [16]byte, cus customer.ID) error {
			_, err := k.redeemCreate(newDevice(t, h).create(challenge), context, cus)
			return err
		}
		anybody := customer.ID{}
		wrong("empty", get("", session16))
		wrong("never handed out", get(b64(bytes.Repeat([]byte{7}, 32)), session16))
		wrong("another context", get(k.beginGet(anybody, "").Challenge, other16))
		wrong("made for somebody else", get(k.beginGet(victim, "").Challenge, session16))
		wrong("made to create", get(k.beginCreate(cus).Challenge, session16))
		wrong("made to get", create(k.beginGet(cus, "").Challenge, session16, cus))
		wrong("to create, in another context", create(k.beginCreate(cus).Challenge, other16, cus))
		wrong("to create, for somebody else", create(k.beginCreate(victim).Challenge, session16, cus))
		wrong("to create, for nobody", create(k.beginCreate(anybody).Challenge, session16, anybody))
		late := k.beginGet(anybody, "").Challenge
		h.Wait(credential.PasskeyChallengeFor)
		wrong("too late", get(late, session16))
		once := k.beginGet(anybody, "").Challenge
		if err := get(once, session16); err != nil {
			t.Fatal(err)
		}
		wrong("twice", get(once, session16))
		created := k.beginCreate(cus).Challenge
		if err := create(created, session16, cus); err != nil {
			t.Fatal(err)
		}
		wrong("twice to create", create(created, session16, cus))
		spent := k.beginGet(anybody, "").Challenge
		d.sign = func([]byte) []byte { return []byte("no signature") }
		wrong("no signature", get(spent, session16))
		d.sign = nil
		wrong("after a wrong signature", get(spent, session16))
		for _, padded := range []string{"=", "\n", "A"} {
			wrong("spelled otherwise", get(k.beginGet(anybody, "").Challenge+padded, session16))
		}
	})
}

func TestH106_AChallengeOfAnotherTenantIsNone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		k.register(d, cus)
		a, err := k.w.ParseGet(h.T(), d.get(k.beginGet(customer.ID{}, "").Challenge))
		if err != nil {
			t.Fatal(err)
		}
		stranger := h.Tenant("other", "https://id.other.example")
		err = h.Try(func(tx *db.Tx) error {
			_, _, err := credential.RedeemPasskeyGet(tx, stranger, k.w, a, session16)
			return err
		})
		if !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("redeemed at another tenant: %v", err)
		}
		if _, err := k.w.ParseGet(stranger, d.get("x")); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("decoded at another tenant: %v", err)
		}
	})
}

func TestH106_OneOfFiftyRacersRedeemsAnAssertion(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		k.register(d, cus)
		d.count = 1
		response := d.get(k.beginGet(customer.ID{}, "").Challenge)
		one(t, coretest.Together(50, func(int) error { _, _, err := k.redeemGet(response, session16); return err }), credential.ErrPasskeyWrong)
		made := newDevice(t, h).create(k.beginCreate(cus).Challenge)
		one(t, coretest.Together(50, func(int) error { _, err := k.redeemCreate(made, session16, cus); return err }), credential.ErrPasskeyWrong)
	})
}

// H109 under a race: fifty customers register one credential.
func TestH109_ACredentialOfFiftyCustomersBelongsToOne(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k, d := newKeys(t, h), newDevice(t, h)
		var who []customer.ID
		var responses [][]byte
		for range 50 {
			cus := h.Customer()
			who, responses = append(who, cus), append(responses, d.create(k.beginCreate(cus).Challenge))
		}
		one(t, coretest.Together(50, func(i int) error {
			_, err := k.redeemCreate(responses[i], session16, who[i])
			return err
		}), credential.ErrPasskeyTaken)
	})
}

func one(t *testing.T, told []error, others error) {
	t.Helper()
	won := 0
	for _, err := range told {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, others):
			t.Errorf("a loser is told %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, len(told))
	}
}

func TestAForgedSignatureIsRefused(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus := newKeys(t, h), h.Customer()
		thief := newDevice(t, h)
		for name, sign := range map[string]func(d *device) func([]byte) []byte{
			"another key": func(d *device) func([]byte) []byte {
				return func(m []byte) []byte { return signES256(t, thief.key, m) }
			},
			"another message": func(d *device) func([]byte) []byte {
				return func(m []byte) []byte { return signES256(t, d.key, m[1:]) }
			},
			"no signature": func(d *device) func([]byte) []byte { return func([]byte) []byte { return nil } },
			"zeros": func(d *device) func([]byte) []byte {
				return func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} }
			},
			"trailing bytes": func(d *device) func([]byte) []byte {
				return func(m []byte) []byte { return append(signES256(t, d.key, m), 0) }
			},
		} {
			d := newDevice(t, h)
			p := k.register(d, cus)
			d.sign = sign(d)
			if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Errorf("%s: %v", name, err)
			}
			h.View(func(tx *db.Tx) error {
				list, err := credential.Passkeys(tx, h.T(), cus)
				if i := slices.IndexFunc(list, func(q credential.Passkey) bool { return q.ID == p.ID }); !list[i].UsedAt.IsZero() {
					t.Errorf("%s counts as a use", name)
				}
				return err
			})
		}
	})
}

// H109: a credential has one owner, whose handle it carries, and nobody else can
// name it.
func TestH109_ACredentialHasOneOwner(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, alice, bob, d := newKeys(t, h), h.Customer(), h.Customer(), newDevice(t, h)
		p := k.register(d, alice)
		if _, err := k.redeemCreate(d.create(k.beginCreate(bob).Challenge), session16, bob); !errors.Is(err, credential.ErrPasskeyTaken) {
			t.Errorf("registered again by somebody else: %v", err)
		}
		if got := reasons(t, h, bob); !slices.Equal(got, []string{"credential_taken"}) {
			t.Errorf("told %q", got)
		}
		thief := newDevice(t, h)
		thief.id = d.id
		if _, err := k.redeemCreate(thief.create(k.beginCreate(bob).Challenge), session16, bob); !errors.Is(err, credential.ErrPasskeyTaken) {
			t.Errorf("the same id with another key: %v", err)
		}
		// The exclude list, when the browser did not keep to it.
		if _, err := k.redeemCreate(d.create(k.beginCreate(alice).Challenge), session16, alice); !errors.Is(err, credential.ErrPasskeyTaken) {
			t.Errorf("registered twice: %v", err)
		}
		right := d.handle
		bobs := credential.UserHandle(h.T(), bob)
		for name, handle := range map[string][]byte{
			"somebody else's": bobs[:], "the customer id": alice[:], "none": nil, "too short": right[:15], "too long": append(bytes.Clone(right), 0),
		} {
			d.handle = handle
			if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Errorf("user handle %s: %v", name, err)
			}
		}
		d.handle = nil
		if _, _, err := k.redeemGet(d.get(k.beginGet(alice, "").Challenge), session16); err != nil {
			t.Errorf("asked for by name, without a handle: %v", err)
		}
		d.handle = bobs[:]
		if _, _, err := k.redeemGet(d.get(k.beginGet(alice, "").Challenge), session16); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("asked for by name, with another's handle: %v", err)
		}
		h.Update(func(tx *db.Tx) error {
			if err := credential.RenamePasskey(tx, h.T(), bob, p.ID, "mine"); !errors.Is(err, credential.ErrPasskeyUnknown) {
				t.Errorf("renamed by somebody else: %v", err)
			}
			if _, err := credential.RemovePasskey(tx, h.T(), bob, p.ID); !errors.Is(err, credential.ErrPasskeyUnknown) {
				t.Errorf("removed by somebody else: %v", err)
			}
			return nil
		})
		d.handle = right
		if _, _, err := k.use(d); err != nil {
			t.Errorf("the owner: %v", err)
		}
	})
}

// H109, the sibling: a passkey of another tenant is unknown here, even with a
// handle and an RP id that fit.
func TestH109_APasskeyOfAnotherTenantIsUnknown(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		p := k.register(d, cus)
		stranger := h.Tenant("other", "https://id.other.example")
		h.Update(func(tx *db.Tx) error {
			if _, err := credential.RemovePasskey(tx, stranger, cus, p.ID); !errors.Is(err, credential.ErrPasskeyUnknown) {
				t.Errorf("removed at another tenant: %v", err)
			}
			list, err := credential.Passkeys(tx, stranger, cus)
			if len(list) != 0 {
				t.Errorf("listed at another tenant: %v", list)
			}
			return err
		})
		d.rpID, d.origin = stranger.RPID, stranger.Origin
		var challenge string
		h.Update(func(tx *db.Tx) error {
			raw, err := credential.BeginPasskeyGet(tx, stranger, credential.GetOptions{Context: session16})
			if err == nil {
				challenge = k.read(raw).Challenge
			}
			return err
		})
		a, err := k.w.ParseGet(stranger, d.get(challenge))
		if err != nil {
			t.Fatal(err)
		}
		err = h.Try(func(tx *db.Tx) error {
			_, _, err := credential.RedeemPasskeyGet(tx, stranger, k.w, a, session16)
			return err
		})
		if !errors.Is(err, credential.ErrPasskeyUnknown) {
			t.Errorf("used at another tenant: %v", err)
		}
	})
}

// H110: what is malformed is a fault, never a panic and never Internal.
func TestH110_MalformedResponsesAreRefused(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		k.register(d, cus)
		create, get := newDevice(t, h).create("AAAA"), d.get("AAAA")
		var bad [][]byte
		for _, good := range [][]byte{create, get} {
			for i := range good {
				bad = append(bad, good[:i])
			}
		}
		for _, s := range []string{"", "null", "[]", "{}", "true", `"x"`, "\x00", `{"id":null}`, strings.Repeat("[", 1<<17),
			`{"id":"AA","rawId":"AA","type":"public-key","response":null}`,
			`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"bnVsbA","attestationObject":"9g","authenticatorData":"","signature":""}}`} {
			bad = append(bad, []byte(s))
		}
		for _, b := range bad {
			if _, err := k.w.ParseCreate(h.T(), b); !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Fatalf("create %q: %v", b[:min(len(b), 200)], err)
			}
			if _, err := k.w.ParseGet(h.T(), b); !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Fatalf("get %q: %v", b[:min(len(b), 200)], err)
			}
		}
		if err := h.Try(func(tx *db.Tx) error {
			_, _, err := credential.RedeemPasskeyGet(tx, h.T(), k.w, credential.Assertion{}, session16)
			return err
		}); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("no assertion at all: %v", err)
		}
		if err := h.Try(func(tx *db.Tx) error {
			_, err := credential.RedeemPasskeyCreate(tx, h.T(), k.w, credential.Attested{}, session16, cus, place)
			return err
		}); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("no attestation at all: %v", err)
		}
	})
}

func TestAChallengeLastsFiveMinutes(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		challenge := k.beginCreate(cus).Challenge
		h.Wait(credential.PasskeyChallengeFor - time.Second)
		if _, err := k.redeemCreate(d.create(challenge), session16, cus); err != nil {
			t.Errorf("within its time: %v", err)
		}
	})
}

// Of copies of one key that are used at the same moment, one gets in.
func TestOneOfTwentyCopiesWithTheSameCounterGetsIn(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		d.count = 1
		k.register(d, cus)
		d.count = 2
		var responses [][]byte
		for range 20 {
			responses = append(responses, d.get(k.beginGet(customer.ID{}, "").Challenge))
		}
		one(t, coretest.Together(20, func(i int) error {
			_, _, err := k.redeemGet(responses[i], session16)
			return err
		}), credential.ErrPasskeyRefused)
	})
}

func TestAPasskeyOfAnotherRPIDIsNotAskedForAndUnknown(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
		k.register(d, cus)
		h.Update(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE passkey SET rp_id = $1 WHERE tenant_id = $2`, "old.example", h.T().ID)
			return err
		})
		if o := k.beginGet(cus, ""); len(o.Allow) != 0 {
			t.Errorf("asked for: %+v", o.Allow)
		}
		if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyUnknown) {
			t.Errorf("used: %v", err)
		}
	})
}
