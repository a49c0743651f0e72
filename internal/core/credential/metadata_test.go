package credential_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// maker is a maker of authenticators: a root and a batch certificate under it.
type maker struct {
	root, leaf []byte
	key        *ecdsa.PrivateKey
}

func newMaker(tb testing.TB, model []byte) maker {
	rootKey, leafKey := newKey(tb), newKey(tb)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), BasicConstraintsValid: true, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		Subject: pkix.Name{
			Country: []string{"DE"}, Organization: []string{"Test Keys"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Batch 1",
		},
	}
	if model != nil { // id-fido-gen-ce-aaguid, an OCTET STRING in an OCTET STRING
		leaf.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: append([]byte{4, 16}, model...)}}
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		tb.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey)
	if err != nil {
		tb.Fatal(err)
	}
	return maker{rootDER, leafDER, leafKey}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// packed makes attestations as the maker's devices do.
func (m maker) packed(tb testing.TB) func(auth, hash []byte) (string, any) {
	return func(auth, hash []byte) (string, any) {
		return "packed", map[string]any{"alg": -7, "sig": signES256(tb, m.key, slices.Concat(auth, hash)), "x5c": [][]byte{m.leaf}}
	}
}

// statement is the maker's metadata statement of a model.
func (m maker) statement(model string) map[string]any {
	return map[string]any{
		"aaguid": model, "description": "Test Key", "protocolFamily": "fido2", "schema": 3, "attestationTypes": []string{"basic_full", "basic_surrogate"},
		"attestationRootCertificates": []string{base64.StdEncoding.EncodeToString(m.root)},
	}
}

// blob is the payload of a FIDO MDS BLOB with one entry.
func blob(statement map[string]any, reports ...map[string]any) map[string]any {
	return map[string]any{"legalHeader": "x", "no": 1, "nextUpdate": "2026-02-01", "entries": []any{map[string]any{
		"aaguid": statement["aaguid"], "metadataStatement": statement, "statusReports": reports, "timeOfLastStatusChange": "2025-01-01",
	}}}
}

func (k *keys) know(file any) *keys {
	w, err := credential.NewWebAuthn(bytes.NewReader(asJSON(k.tb, file)))
	if err != nil {
		k.tb.Fatal(err)
	}
	k.w = w
	return k
}

func TestDirectAttestationLeadsToARootOfTheFile(t *testing.T) {
	t.Parallel()
	good, stranger, bare := newMaker(t, aaguid[:]), newMaker(t, aaguid[:]), newMaker(t, nil)
	otherModel := newMaker(t, bytes.Repeat([]byte{9}, 16))
	refusedFor := func(reason string) outcome { return outcome{credential.ErrPasskeyRefused, reason} }
	wrongly := outcome{credential.ErrPasskeyWrong, ""}
	for _, c := range []struct {
		name      string
		file      any // metadata
		statement func(d *device) func(auth, hash []byte) (string, any)
		policy    func(*tenant.Passkeys)
		want      outcome
	}{
		{"under its root", blob(good.statement(aaguidText)), from(t, good), nil, outcome{}},
		{"under its root, without the model in the certificate", blob(bare.statement(aaguidText)), from(t, bare), nil, outcome{}},
		{"an allowed model", blob(good.statement(aaguidText)), from(t, good), func(p *tenant.Passkeys) { p.Allow = []string{aaguidText} }, outcome{}},
		{"another model than the allowed one", blob(good.statement(aaguidText)), from(t, good),
			func(p *tenant.Passkeys) { p.Allow = []string{"00000000-0000-0000-0000-000000000002"} },
			refusedFor("model_not_allowed")},
		{"a forbidden model", blob(good.statement(aaguidText)), from(t, good), func(p *tenant.Passkeys) { p.Block = []string{aaguidText} },
			refusedFor("model_not_allowed")},
		{"under another root", blob(good.statement(aaguidText)), from(t, stranger), nil, refusedFor("attestation")},
		{"a model that the file does not know", blob(good.statement("00000000-0000-0000-0000-000000000002")), from(t, good), nil,
			refusedFor("attestation")},
		{"no file", nil, from(t, good), nil, refusedFor("attestation")},
		{"a model without roots", blob(without(good.statement(aaguidText), "attestationRootCertificates")), from(t, good), nil,
			refusedFor("attestation")},
		{"signed by itself", blob(good.statement(aaguidText)), func(d *device) func(auth, hash []byte) (string, any) {
			return func(auth, hash []byte) (string, any) {
				return "packed", map[string]any{"alg": -7, "sig": signES256(t, d.key, slices.Concat(auth, hash))}
			}
		}, nil, refusedFor("attestation")},
		{"none", blob(good.statement(aaguidText)), nil, nil, refusedFor("attestation")},
		{"a certificate of another model", blob(otherModel.statement(aaguidText)), from(t, otherModel), nil, wrongly},
		{"signed by another key", blob(good.statement(aaguidText)), from(t, maker{good.root, good.leaf, stranger.key}), nil, wrongly},
		{"signed over something else", blob(good.statement(aaguidText)), func(*device) func(auth, hash []byte) (string, any) {
			return func(auth, hash []byte) (string, any) { return good.packed(t)(auth, hash[1:]) }
		}, nil, wrongly},
		{"SafetyNet", blob(good.statement(aaguidText)), func(*device) func(auth, hash []byte) (string, any) {
			return func(auth, hash []byte) (string, any) {
				return "android-safetynet", map[string]any{"ver": "1", "response": []byte("x")}
			}
		}, nil, wrongly},
		{"two statements in one", blob(good.statement(aaguidText)), func(*device) func(auth, hash []byte) (string, any) {
			return func(auth, hash []byte) (string, any) {
				_, one := good.packed(t)(auth, hash)
				_, two := good.packed(t)(auth, hash)
				return "compound", []any{map[string]any{"fmt": "packed", "attStmt": one}, map[string]any{"fmt": "packed", "attStmt": two}}
			}
		}, nil, wrongly},
		{"a format of its own", blob(good.statement(aaguidText)), func(*device) func(auth, hash []byte) (string, any) {
			return func(auth, hash []byte) (string, any) { return "mine", map[string]any{} }
		}, nil, wrongly},
		{"revoked", blob(good.statement(aaguidText), map[string]any{"status": "REVOKED", "effectiveDate": "2025-06-01"}), from(t, good), nil,
			refusedFor("model_revoked")},
		{"its attestation key leaked", blob(good.statement(aaguidText), map[string]any{"status": "FIDO_CERTIFIED"},
			map[string]any{"status": "ATTESTATION_KEY_COMPROMISE"}), from(t, good), nil, refusedFor("model_revoked")},
		{"this batch's key leaked", blob(good.statement(aaguidText), map[string]any{"status": "ATTESTATION_KEY_COMPROMISE",
			"batchCertificate": base64.StdEncoding.EncodeToString(good.leaf)}), from(t, good), nil,
			refusedFor("model_revoked")},
		{"another batch's key leaked", blob(good.statement(aaguidText), map[string]any{"status": "ATTESTATION_KEY_COMPROMISE",
			"batchCertificate": base64.StdEncoding.EncodeToString(stranger.leaf)}), from(t, good), nil, outcome{}},
		{"to be revoked one day", blob(good.statement(aaguidText), map[string]any{"status": "REVOKED", "effectiveDate": "2026-06-01"}), from(t, good), nil, outcome{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
				if c.file != nil {
					k.know(c.file)
				}
				h.Settings(func(s *tenant.Settings) {
					s.Passkeys.Attestation = "direct"
					if c.policy != nil {
						c.policy(&s.Passkeys)
					}
				})
				d.aaguid = aaguid
				if c.statement != nil {
					d.statement = c.statement(d)
				}
				want, reason := c.want.err, c.want.reason
				p, err := k.redeemCreate(d.create(k.beginCreate(cus).Challenge), session16, cus)
				if !errors.Is(err, want) || want == nil && p.Attestation != credential.AttestationRooted {
					t.Fatalf("%q %v, want %v", p.Attestation, err, want)
				}
				if got := strings.Join(reasons(t, h, cus), " "); got != reason {
					t.Errorf("told %q, want %q", got, reason)
				}
			})
		})
	}
}

// outcome is what a registration is told, and what the journal is.
type outcome struct {
	err    error
	reason string
}

func from(t *testing.T, m maker) func(*device) func(auth, hash []byte) (string, any) {
	return func(*device) func(auth, hash []byte) (string, any) { return m.packed(t) }
}

func without(m map[string]any, member string) map[string]any {
	delete(m, member)
	return m
}

// Indirect attestation takes what nobody vouches for, and says so; but not what
// the file says is worth nothing.
func TestIndirectAttestationTellsWhatItKnows(t *testing.T) {
	t.Parallel()
	good, stranger := newMaker(t, aaguid[:]), newMaker(t, aaguid[:])
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus := newKeys(t, h).know(blob(good.statement(aaguidText))), h.Customer()
		h.Settings(func(s *tenant.Settings) { s.Passkeys.Attestation = "indirect" })
		for m, want := range map[*maker]string{&good: "rooted", &stranger: "unrooted", nil: "none"} {
			d := newDevice(t, h)
			d.aaguid = aaguid
			if m != nil {
				d.statement = m.packed(t)
			}
			if p := k.register(d, cus); p.Attestation != want {
				t.Errorf("%q, want %q", p.Attestation, want)
			}
		}
		k.know(blob(good.statement(aaguidText), map[string]any{"status": "USER_KEY_REMOTE_COMPROMISE"}))
		d := newDevice(t, h)
		d.aaguid, d.statement = aaguid, good.packed(t)
		if _, err := k.redeemCreate(d.create(k.beginCreate(cus).Challenge), session16, cus); !errors.Is(err, credential.ErrPasskeyRefused) {
			t.Errorf("compromised: %v", err)
		}
	})
}

func TestAModelThatIsRevokedLaterIsNoLongerTakenWhereItMatters(t *testing.T) {
	t.Parallel()
	good := newMaker(t, aaguid[:])
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus, d := newKeys(t, h).know(blob(good.statement(aaguidText))), h.Customer(), newDevice(t, h)
		h.Settings(func(s *tenant.Settings) { s.Passkeys.Attestation = "direct" })
		d.aaguid, d.statement = aaguid, good.packed(t)
		k.register(d, cus)
		if _, _, err := k.use(d); err != nil {
			t.Fatal(err)
		}
		k.know(blob(good.statement(aaguidText), map[string]any{"status": "REVOKED"}))
		if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyRefused) {
			t.Errorf("direct: %v", err)
		}
		h.Settings(func(s *tenant.Settings) { s.Passkeys.Attestation = "" })
		if _, _, err := k.use(d); err != nil {
			t.Errorf("where nobody asks: %v", err)
		}
	})
}

func TestMetadataComesInEveryUsualForm(t *testing.T) {
	t.Parallel()
	m := newMaker(t, aaguid[:])
	payload := asJSON(t, blob(m.statement(aaguidText)))
	enc := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		"payload":    string(payload),
		"JWT":        enc([]byte(`{"alg":"ES256"}`)) + "." + enc(payload) + "." + enc([]byte("sig")) + "\n",
		"statement":  string(asJSON(t, m.statement(aaguidText))),
		"statements": string(asJSON(t, []any{m.statement(aaguidText)})),
	} {
		w, err := credential.NewWebAuthn(strings.NewReader(text))
		if err != nil || w.Models() != 1 || w.ModelName(aaguid) != "Test Key" {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := m.statement(aaguidText)
	broken["attestationRootCertificates"] = []string{"AAAA"}
	twice := blob(m.statement(aaguidText))
	twice["entries"] = append(twice["entries"].([]any), twice["entries"].([]any)...)
	for name, text := range map[string]string{
		"empty": " \n", "no JSON": "<html>", "no payload": "a.b.c", "two parts": "a.b", "no models": `{"entries":[]}`, "a list of nothing": "[]",
		"a broken statement": string(asJSON(t, broken)), "twice the same": string(asJSON(t, twice)), "cut off": string(payload[:len(payload)/2]),
		"a JWT of a JWT": enc([]byte("{}")) + "." + enc([]byte("a.b.c")) + ".",
	} {
		if _, err := credential.NewWebAuthn(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	// One entry that cannot be understood vouches for nobody, and spoils no other.
	mixed := blob(m.statement(aaguidText))
	mixed["entries"] = append(mixed["entries"].([]any), map[string]any{"aaguid": "x", "metadataStatement": broken})
	if w, err := credential.NewWebAuthn(bytes.NewReader(asJSON(t, mixed))); err != nil || w.Models() != 1 {
		t.Errorf("mixed: %v", err)
	}
}

func TestModelsHaveOneNameEach(t *testing.T) {
	t.Parallel()
	known := [16]byte{0xd5, 0x48, 0x82, 0x6e, 0x79, 0xb4, 0xdb, 0x40, 0xa3, 0xd8, 0x11, 0x11, 0x6f, 0x7e, 0x83, 0x49}
	if name := credential.ModelName(known); name != "Bitwarden" {
		t.Errorf("%q", name)
	}
	if name := credential.ModelName([16]byte{}); name != "" {
		t.Errorf("nobody is %q", name)
	}
}

// fuzzHouse is one tenant with one passkey, whose assertion and attestation are
// the first seeds.
func fuzzHouse(f *testing.F) (*keys, *device) {
	h := coretest.Open(f, "sqlite", false)
	k, cus, d := newKeys(f, h), h.Customer(), newDevice(f, h)
	m := newMaker(f, aaguid[:])
	k.know(blob(m.statement(aaguidText)))
	d.aaguid, d.statement = aaguid, m.packed(f)
	k.register(d, cus)
	return k, d
}

// H110: whatever comes as a response is taken or refused, and the refusal is a
// fault of the credential's, never Internal.
func FuzzPasskeyAttestation(f *testing.F) {
	k, d := fuzzHouse(f)
	fresh := newDevice(f, k.House)
	fresh.aaguid, fresh.statement = d.aaguid, d.statement
	challenge := k.beginCreate(k.Customer()).Challenge
	f.Add(fresh.create(challenge))
	fresh.statement = nil
	f.Add(fresh.create(challenge))
	for _, format := range []string{"tpm", "android-key", "apple", "fido-u2f", "compound", "android-safetynet"} {
		fresh.statement = func(auth, hash []byte) (string, any) {
			return format, map[string]any{"alg": -7, "sig": []byte("sig"), "ver": "2.0", "x5c": [][]byte{[]byte("cert")},
				"certInfo": []byte("info"), "pubArea": []byte("area"), "response": []byte("r")}
		}
		f.Add(fresh.create(challenge))
	}
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	cus := k.Customer()
	f.Fuzz(func(t *testing.T, response []byte) {
		if _, err := k.redeemCreate(response, session16, cus); err != nil && !ours(err) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzPasskeyAssertion(f *testing.F) {
	k, d := fuzzHouse(f)
	f.Add(d.get(k.beginGet(customer.ID{}, "").Challenge))
	d.flags |= at
	f.Add(d.get("x"))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30"}}`))
	f.Fuzz(func(t *testing.T, response []byte) {
		if _, _, err := k.redeemGet(response, session16); err != nil && !ours(err) {
			t.Errorf("%v", err)
		}
	})
}

// FuzzPasskeyAuthenticatorData bends what the authenticator alone says, inside a
// response that is well-formed around it.
func FuzzPasskeyAuthenticatorData(f *testing.F) {
	k, d := fuzzHouse(f)
	f.Add(d.authData(false), []byte("{}"))
	f.Add(d.authData(true), d.clientData("webauthn.create", "x"))
	cus := k.Customer()
	f.Fuzz(func(t *testing.T, auth, client []byte) {
		object := cbor(t, map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": auth})
		if _, err := k.redeemCreate(d.answer(map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(object)}), session16, cus); err == nil || !ours(err) {
			t.Errorf("create: %v", err)
		}
		if _, _, err := k.redeemGet(d.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(auth), "signature": "AA"}), session16); err == nil || !ours(err) {
			t.Errorf("get: %v", err)
		}
	})
}

// ours tells whether a refusal is one of the passkeys'.
func ours(err error) bool {
	return slices.ContainsFunc([]error{credential.ErrPasskeyWrong, credential.ErrPasskeyRefused, credential.ErrPasskeyUnknown,
		credential.ErrPasskeyTaken, credential.ErrPasskeyLimit}, func(e error) bool { return errors.Is(err, e) })
}
