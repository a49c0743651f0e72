package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestTokenIs256BitsOfBase64URL(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		tok := Token()
		raw, err := base64.RawURLEncoding.Strict().DecodeString(tok)
		if err != nil || len(raw) != 32 || len(tok) != 43 || seen[tok] {
			t.Fatalf("token %q: %d bytes, %v, seen %v", tok, len(raw), err, seen[tok])
		}
		seen[tok] = true
	}
}

func TestDigitsAreUniform(t *testing.T) {
	t.Parallel()
	const draws = 20000
	var count [10]int
	for range draws {
		code := Digits(6)
		if len(code) != 6 {
			t.Fatalf("code %q", code)
		}
		for _, c := range code {
			count[c-'0']++
		}
	}
	// Chi-square with 9 degrees of freedom: above 45 one run in a million. The
	// bias of taking a byte modulo ten would give over 100 here.
	expect, chi := float64(draws*6)/10, 0.0
	for _, n := range count {
		chi += (float64(n) - expect) * (float64(n) - expect) / expect
	}
	if chi > 45 {
		t.Fatalf("digits are biased: %v, chi-square %.1f", count, chi)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	if !Equal([]byte("ab"), []byte("ab")) || Equal([]byte("ab"), []byte("ac")) || Equal([]byte("ab"), []byte("abc")) {
		t.Fatal("Equal does not compare")
	}
}

// A byte moved across the border of two fields changes the result.
func TestH064_FieldsOfAMACDoNotRunTogether(t *testing.T) {
	t.Parallel()
	key := Random(32)
	seen := map[[32]byte]string{}
	lists := [][]string{{"abcd"}, {"abc", "d"}, {"ab", "cd"}, {"a", "bcd"}, {"", "abcd"}, {"abcd", ""}, {"a", "b", "cd"}, {"", "", "abcd"}, {}, {""}, {"", ""}}
	for _, list := range lists {
		parts := make([][]byte, len(list))
		for i, s := range list {
			parts[i] = []byte(s)
		}
		sum, name := HMAC(key, parts...), fmt.Sprintf("%q", list)
		if other, dup := seen[sum]; dup {
			t.Errorf("%s and %s share a MAC", name, other)
		}
		seen[sum] = name
	}
	if HMAC(Random(32), []byte("abcd")) == HMAC(key, []byte("abcd")) {
		t.Error("the key does not matter")
	}
}

func TestDeriveSeparatesPurposes(t *testing.T) {
	t.Parallel()
	key := Random(32)
	all := [][32]byte{
		Derive(key, "a"), Derive(key, "ab"), Derive(key, "a", []byte("b")), Derive(key, "a", []byte("b"), nil),
		Derive(key, "", []byte("a")), Derive(Random(32), "a"),
	}
	seen := map[[32]byte]bool{}
	for i, d := range all {
		if seen[d] {
			t.Errorf("derivation %d is not its own", i)
		}
		seen[d] = true
	}
	if once, again := Derive(key, "a"), Derive(key, "a"); once != again {
		t.Error("a derivation is not repeatable")
	}
}

func TestRFC5869_DeriveIsHKDFSHA256(t *testing.T) {
	t.Parallel()
	// HKDF written out: PRK = HMAC(zeros, ikm); OKM = HMAC(PRK, info || 0x01).
	ikm := []byte("input keying material")
	prk := plainHMAC(make([]byte, 32), ikm)
	info := append([]byte{0, 0, 0, 0, 0, 0, 0, 1, 'L', 0, 0, 0, 0, 0, 0, 0, 2}, 'p', 'q')
	want := plainHMAC(prk, append(info, 1))
	if got := Derive(ikm, "L", []byte("pq")); !bytes.Equal(got[:], want) {
		t.Fatalf("got %x, want %x", got, want)
	}
}

func TestSealedValueOpensOnlyWhole(t *testing.T) {
	t.Parallel()
	key, plain, ad := NewKey(), []byte("Ada Lovelace"), []byte("tenant/customer/name/1")
	sealed := key.Seal(plain, ad)
	if len(sealed) != len(plain)+Overhead || bytes.Contains(sealed, plain) {
		t.Fatalf("sealed to %d bytes", len(sealed))
	}
	got, err := key.Open(sealed, ad)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("open: %q, %v", got, err)
	}
	if bytes.Equal(sealed, key.Seal(plain, ad)) {
		t.Error("two seals are the same")
	}
	for i := range sealed {
		if _, err := key.Open(sealed[:i], ad); err == nil {
			t.Fatalf("opens when cut to %d bytes", i)
		}
		bent := bytes.Clone(sealed)
		bent[i] ^= 1 << (i % 8)
		if _, err := key.Open(bent, ad); err == nil {
			t.Fatalf("opens with byte %d bent", i)
		}
	}
	if _, err := key.Open(sealed, []byte("tenant/customer/name/2")); err == nil {
		t.Error("opens in another context")
	}
	if _, err := NewKey().Open(sealed, ad); err == nil {
		t.Error("opens under another key")
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	t.Parallel()
	key := Key([]byte("0123456789abcdef0123456789abcdef"))
	var log bytes.Buffer
	timeless := func(_ []string, a slog.Attr) slog.Attr { // the time's digits may be any
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	handler := slog.NewJSONHandler(&log, &slog.HandlerOptions{ReplaceAttr: timeless})
	slog.New(handler).Info("x", "key", key, "ptr", &key, "in", struct{ K Key }{key})
	out := fmt.Sprintf("%v %s %x %#v %d %q %v %+v", key, key, key, key, key, key, &key, struct{ K Key }{key}) + log.String()
	if strings.Contains(out, "0123") || strings.Contains(out, "3031") || strings.Contains(out, "48") || strings.Contains(out, "0x30") {
		t.Fatalf("the key shows: %s", out)
	}
	if text, err := json.Marshal(key); err == nil {
		t.Fatalf("the key marshals: %s", text)
	}
}
