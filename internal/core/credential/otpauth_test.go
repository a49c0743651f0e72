package credential

import (
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The vectors are those of appendix B for SHA-1, cut to six digits; the appendix
// shows eight.
func TestRFC6238_AppendixB_CodesOfTheVectors(t *testing.T) {
	t.Parallel()
	key := []byte("12345678901234567890")
	for at, eight := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := totpCode(key, at/totpStep); got != eight[2:] {
			t.Errorf("at %d the code is %s, want %s", at, got, eight[2:])
		}
		steps := totpSteps(key, time.Unix(at, 0), eight[2:])
		if len(steps) != 1 || steps[0] != at/totpStep {
			t.Errorf("at %d the code is found at %v", at, steps)
		}
	}
}

func TestRFC4226_AppendixD_CodesOfTheVectors(t *testing.T) {
	t.Parallel()
	key := []byte("12345678901234567890")
	for n, want := range strings.Fields("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489") {
		if got := totpCode(key, int64(n)); got != want {
			t.Errorf("counter %d: %s, want %s", n, got, want)
		}
	}
}

func TestRFC6238_5_2_TheWindowIsOneStepEitherSide(t *testing.T) {
	t.Parallel()
	key, now := []byte("12345678901234567890"), time.Unix(1234567890, 0)
	current := now.Unix() / totpStep
	for off := int64(-4); off <= 4; off++ {
		steps := totpSteps(key, now, totpCode(key, current+off))
		if inside := off >= -1 && off <= 1; inside != (len(steps) == 1) {
			t.Errorf("the code of %d steps off is found at %v", off, steps)
		}
	}
}

func TestOtpauthURIsAreReadAlikeByEveryApp(t *testing.T) {
	t.Parallel()
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for _, r := range []struct{ issuer, label, uri string }{
		{"Fern & Field", "mia+1@example.com", "otpauth://totp/Fern%20%26%20Field:mia%2B1%40example.com?secret=" + key +
			"&issuer=Fern%20%26%20Field&algorithm=SHA1&digits=6&period=30"},
		{"A: B?", "x#y/z:w", "otpauth://totp/A%20B%3F:x%23y%2Fz%20w?secret=" + key + "&issuer=A%20B%3F&algorithm=SHA1&digits=6&period=30"},
		{"مشتل", "", "otpauth://totp/%D9%85%D8%B4%D8%AA%D9%84?secret=" + key +
			"&issuer=%D9%85%D8%B4%D8%AA%D9%84&algorithm=SHA1&digits=6&period=30"},
		{"Safe\u202etxet", "a\x00b\nc\xff", "otpauth://totp/Safetxet:ab%20c?secret=" + key + "&issuer=Safetxet&algorithm=SHA1&digits=6&period=30"},
	} {
		if got := otpauth(r.issuer, r.label, key); got != r.uri {
			t.Errorf("%q, %q:\n%s, want\n%s", r.issuer, r.label, got, r.uri)
		}
	}
}

func FuzzOtpauth(f *testing.F) {
	f.Add("Fern & Field", "mia@example.com")
	f.Add("a:b%3A?secret=X&issuer=Y", "x\u2028#\u202e:\x00")
	f.Add(strings.Repeat("🌵", 300), strings.Repeat("é", 300))
	f.Fuzz(func(t *testing.T, issuer, label string) {
		raw := otpauth(issuer, label, "ABCD")
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Fragment != "" {
			t.Fatalf("%q is %v, %v", raw, u, err)
		}
		q := u.Query()
		if len(q) != 5 || len(q["secret"]) != 1 || q.Get("secret") != "ABCD" || q.Get("digits") != "6" || q.Get("algorithm") != "SHA1" {
			t.Fatalf("%q holds %v", raw, q)
		}
		path := strings.TrimPrefix(u.Path, "/")
		before, _, _ := strings.Cut(path, ":")
		if before != q.Get("issuer") || strings.Count(path, ":") > 1 || utf8.RuneCountInString(path) > 2*otpauthLen+1 {
			t.Fatalf("the path of %q is %q", raw, path)
		}
		if _, err := QR(raw); err != nil {
			t.Fatalf("%q fits no QR code: %v", raw, err)
		}
	})
}

func TestSetupShowsItsKeyInGroupsOfFour(t *testing.T) {
	t.Parallel()
	key := []byte("12345678901234567890")
	s := newSetup(&tenant.Tenant{Name: "Fern"}, TOTPID{}, key, "mia")
	back, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(s.Manual(), " ", ""))
	if err != nil || string(back) != string(key) {
		t.Errorf("%s is %q, %v", s.Manual(), back, err)
	}
	for _, group := range strings.Split(s.Manual(), " ") {
		if len(group) != 4 {
			t.Errorf("a group of %s is %q", s.Manual(), group)
		}
	}
	if !strings.Contains(s.URI, "secret="+s.Secret+"&") {
		t.Errorf("%s holds another key than %s", s.URI, s.Secret)
	}
}
