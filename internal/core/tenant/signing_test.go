package tenant_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const claims = `{"sub":"s"}`

func draw(t *testing.T, alg string) *tenant.DrawnKey {
	t.Helper()
	k, err := tenant.DrawKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t *testing.T, here *tenant.Tenant, alg, typ string) string {
	t.Helper()
	k, err := here.Signer(alg)
	if err != nil {
		t.Fatal(err)
	}
	token, err := k.Sign(typ, []byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// verifies asks somebody else's library, with the published keys alone.
func verifies(t *testing.T, here *tenant.Tenant, alg, token string) error {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return err
	}
	var set jose.JSONWebKeySet
	for _, k := range here.PublicKeys() {
		var one jose.JSONWebKey
		if err := json.Unmarshal(k.JWK, &one); err != nil {
			t.Fatal(err)
		}
		if !one.IsPublic() {
			t.Fatal("a private key stands in the set")
		}
		set.Keys = append(set.Keys, one)
	}
	plain, err := parsed.Verify(set)
	if err == nil && string(plain) != claims {
		err = errors.New("other claims")
	}
	return err
}

func TestRFC7518_3_1_OthersVerifyWhatWeSign(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		if _, err := h.T().Signer(tenant.RS256); !errors.Is(err, tenant.ErrNoKey) {
			t.Fatal("an RSA key is there before anybody asked for one")
		}
		current, next := draw(t, tenant.RS256), draw(t, tenant.RS256)
		h.Update(func(tx *db.Tx) error { return tenant.AddKeys(tx, h.T(), current, next) })
		h.Update(func(tx *db.Tx) error { return tenant.AddKeys(tx, h.T(), draw(t, tenant.RS256), draw(t, tenant.RS256)) })
		if n := len(h.T().PublicKeys()); n != 6 {
			t.Fatalf("%d keys, want current and next of three algorithms", n)
		}
		for _, alg := range []string{tenant.ES256, tenant.RS256, tenant.EdDSA} {
			token := sign(t, h.T(), alg, "at+jwt")
			if err := verifies(t, h.T(), alg, token); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
			if plain, err := h.T().Verify("at+jwt", token); err != nil || string(plain) != claims {
				t.Errorf("%s: we ourselves: %v", alg, err)
			}
		}
	})
}

func TestH041_H043_OnlyWhatWeSignedForThePurposeVerifies(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		here, other := h.T(), h.Tenant("other", "https://other.example")
		token := sign(t, here, tenant.ES256, "at+jwt")
		part := strings.Split(token, ".")
		b64 := base64.RawURLEncoding.EncodeToString
		kid := here.PublicKeys()[0].KID
		bad := map[string]string{
			"another purpose":  sign(t, here, tenant.ES256, "JWT"),
			"another tenant":   sign(t, other, tenant.ES256, "at+jwt"),
			"no signature":     part[0] + "." + part[1] + ".",
			"alg none":         b64([]byte(`{"alg":"none"}`)) + "." + part[1] + ".",
			"crit":             b64([]byte(`{"alg":"ES256","crit":["b64"],"kid":"`+kid+`","typ":"at+jwt"}`)) + "." + part[1] + "." + part[2],
			"other claims":     part[0] + "." + b64([]byte(`{"sub":"x"}`)) + "." + part[2],
			"trailing newline": token + "\n",
			"newline inside":   part[0] + "." + part[1] + ".\n" + part[2],
			"padding":          token + "=",
			"empty":            "", "dots": "..", "a megabyte of dots": strings.Repeat(".", 1<<20),
		}
		for name, b := range bad {
			if _, err := here.Verify("at+jwt", b); !errors.Is(err, tenant.ErrBadToken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// H046: no other spelling of the same token.
		for i := range token {
			for _, c := range []byte{token[i] ^ 1, token[i] ^ 0x20, '.', '='} {
				flipped := token[:i] + string(c) + token[i+1:]
				if flipped == token {
					continue
				}
				if _, err := here.Verify("at+jwt", flipped); err == nil {
					t.Fatalf("verifies with byte %d as %q", i, c)
				}
			}
			if _, err := here.Verify("at+jwt", token[:i]); err == nil {
				t.Fatalf("verifies cut at %d", i)
			}
		}
	})
}

func TestNoVerificationFailsOverRotations(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		published := map[string]time.Time{} // kid -> since when anybody could know it
		see := func() {
			for _, k := range h.T().PublicKeys() {
				if _, known := published[k.KID]; !known {
					published[k.KID] = h.Clock.Now()
				}
			}
		}
		see()
		born := h.Clock.Now()
		signed := map[string]bool{}
		var tokens []string
		for _, wait := range []time.Duration{0, 0, time.Minute, 2 * time.Hour, 0, 24 * time.Hour} {
			h.Wait(wait)
			next := draw(t, tenant.ES256)
			h.Update(func(tx *db.Tx) error { return tenant.RotateKeys(tx, h.T(), next) })
			see()
			h.Wait(time.Second)
			if err := h.House.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			k, err := h.T().Signer("")
			if err != nil {
				t.Fatal(err)
			}
			signed[k.KID] = true
			if since := published[k.KID]; !since.Equal(born) && h.Clock.Now().Sub(since) < tenant.KeyPublished {
				t.Errorf("a key signs that was published %v ago", h.Clock.Now().Sub(since))
			}
			tokens = append(tokens, sign(t, h.T(), tenant.ES256, "JWT"))
			for _, token := range tokens {
				if err := verifies(t, h.T(), tenant.ES256, token); err != nil {
					t.Errorf("an older token does not verify: %v", err)
				}
			}
		}
		if len(signed) < 3 {
			t.Errorf("only %d keys ever signed", len(signed))
		}
	})
}

func TestAPublishedKeyBeginsToSignWithoutAnotherChange(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for range 2 {
			next := draw(t, tenant.ES256)
			h.Wait(time.Minute)
			h.Update(func(tx *db.Tx) error { return tenant.RotateKeys(tx, h.T(), next) })
		}
		before, _ := h.T().Signer("")
		h.Wait(tenant.KeyPublished)
		if err := h.House.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, _ := h.T().Signer("")
		if before.KID == after.KID || after.State != tenant.Current {
			t.Fatalf("signs %s (%s), before %s", after.KID, after.State, before.KID)
		}
	})
}

func TestOldKeysLeaveTheSetAndAStolenOneAtOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		old := sign(t, h.T(), tenant.ES256, "JWT")
		rotate := func() {
			next := draw(t, tenant.ES256)
			h.Update(func(tx *db.Tx) error { return tenant.RotateKeys(tx, h.T(), next) })
		}
		rotate()
		h.Wait(tenant.KeyKept + time.Second)
		rotate()
		if err := verifies(t, h.T(), tenant.ES256, old); err == nil {
			t.Error("a key older than KeyKept still stands in the set")
		}
		stolen := sign(t, h.T(), tenant.ES256, "JWT")
		current, next := draw(t, tenant.ES256), draw(t, tenant.ES256)
		h.Update(func(tx *db.Tx) error { return tenant.RenewKeys(tx, h.T(), current, next) })
		if err := verifies(t, h.T(), tenant.ES256, stolen); err == nil {
			t.Error("a stolen key still stands in the set")
		}
		if k, _ := h.T().Signer(""); k.KID != current.KID() {
			t.Error("another key signs")
		}
	})
}

func BenchmarkSignES256(b *testing.B) {
	h := coretest.Open(b, "sqlite", false)
	k, err := h.T().Signer("")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Sign("at+jwt", []byte(claims)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRetiredKeysVerifyEvidenceOfTheirTimeAlone: what a key signed verifies for
// ever as evidence, never as a token; what somebody signs with it afterwards
// does not; and its private half is gone from the database.
func TestRetiredKeysVerifyEvidenceOfTheirTimeAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		const typ = "consent-receipt+jwt"
		signer, err := h.T().Signer("")
		if err != nil {
			t.Fatal(err)
		}
		at := func(when time.Time) string {
			token, err := signer.Sign(typ, []byte(`{"iat":`+strconv.FormatInt(when.Unix(), 10)+`}`))
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		signed := h.Clock.Now()
		genuine := at(signed)
		h.Wait(time.Hour)
		next := draw(t, tenant.ES256)
		h.Update(func(tx *db.Tx) error { return tenant.RotateKeys(tx, h.T(), next) })
		h.Wait(tenant.KeyKept + time.Second)
		n := 0
		h.Update(func(tx *db.Tx) (err error) { n, err = tenant.RetireKeys(tx, h.T()); return err })
		if n != 1 {
			t.Fatalf("%d keys retired", n)
		}
		if _, there := h.T().PublicKey(signer.KID); there {
			t.Error("the key still stands in the key set")
		}
		if _, err := h.T().Verify(typ, genuine); !errors.Is(err, tenant.ErrBadToken) {
			t.Error("a retired key verifies tokens")
		}
		if _, err := h.T().VerifyEvidence(typ, genuine); err != nil {
			t.Errorf("evidence of its time: %v", err)
		}
		if _, err := h.T().VerifyEvidence("JWT", genuine); !errors.Is(err, tenant.ErrBadToken) {
			t.Errorf("for another purpose: %v", err)
		}
		for what, when := range map[string]time.Time{"late": h.Clock.Now(), "early": signed.Add(-24 * time.Hour)} {
			if _, err := h.T().VerifyEvidence(typ, at(when)); !errors.Is(err, tenant.ErrSignedLate) {
				t.Errorf("%s: %v", what, err)
			}
		}
		h.View(func(tx *db.Tx) error {
			left, _, err := db.Value[int64](tx, `SELECT count(*) FROM signing_key WHERE kid = $1`, signer.KID)
			if left != 0 {
				t.Error("the private half is kept")
			}
			return err
		})
		for _, k := range h.T().EvidenceKeys() {
			text, err := k.Published()
			if err != nil || strings.Contains(string(text), `"d"`) || k.KID == signer.KID != strings.Contains(string(text), `"exp"`) {
				t.Errorf("published: %s %v", text, err)
			}
		}
	})
}

// TestAKeyVouchesForNothingOlderThanItself: who has stolen the key of today makes
// no evidence of last year with it, neither before nor after it is retired.
func TestAKeyVouchesForNothingOlderThanItself(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		const typ = "erasure-certificate+jwt"
		h.Wait(time.Hour)
		next := draw(t, tenant.ES256)
		h.Update(func(tx *db.Tx) error { return tenant.RotateKeys(tx, h.T(), next) })
		h.Wait(tenant.KeyPublished + time.Hour)
		began := h.Clock.Now()
		h.Update(func(tx *db.Tx) error { return tenant.RotateKeys(tx, h.T(), draw(t, tenant.ES256)) })
		for _, k := range h.T().PublicKeys() {
			at := func(when time.Time) error {
				token, err := k.Sign(typ, []byte(`{"iat":`+strconv.FormatInt(when.Unix(), 10)+`}`))
				if err != nil {
					t.Fatal(err)
				}
				_, err = h.T().VerifyEvidence(typ, token)
				return err
			}
			if err := at(began.AddDate(-1, 0, 0)); !errors.Is(err, tenant.ErrSignedLate) {
				t.Errorf("%s, of last year: %v", k.State, err)
			}
			if k.State == tenant.Previous {
				continue // one that was current an hour ago may sign yet
			}
			if err := at(h.Clock.Now()); (err == nil) != (k.State == tenant.Current) {
				t.Errorf("%s, of now: %v", k.State, err)
			}
		}
	})
}
