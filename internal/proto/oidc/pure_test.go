package oidc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/permit"
)

func TestOIDC_3_1_3_6_AtHash(t *testing.T) {
	t.Parallel()
	// The example of OpenID Connect Core 1.0, A.3.
	const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	if got := halfHash("RS256", token); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("RS256: %s", got)
	}
	if es, ed := halfHash("ES256", token), halfHash("EdDSA", token); es != "77QmUPtjPfzWtF2AnpK9RQ" || len(ed) != 43 {
		t.Errorf("ES256 %s, Ed25519 (SHA-512, RFC 8032) %s", es, ed)
	}
}

func TestH044_AudienceIsAStringOrAListOfStrings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`"a"`: 1, `["a"]`: 1, `["a","b"]`: 2, `""`: 1, `[""]`: 1,
		`[]`: -1, `null`: -1, `["a",1]`: -1, `["a",null]`: -1, `{}`: -1, `{"a":"a"}`: -1, `1`: -1, `true`: -1, `[["a"]]`: -1,
	} {
		var a audience
		err := json.Unmarshal([]byte(text), &a)
		if (err != nil) != (want < 0) || err == nil && len(a) != want {
			t.Errorf("%s: %v %v", text, a, err)
		}
		if (&accessClaims{Audience: a}).meantFor("b") != (text == `["a","b"]`) {
			t.Errorf("%s is for b", text)
		}
	}
	var c accessClaims
	if err := json.Unmarshal([]byte(`{"iss":"x"}`), &c); err != nil || c.meantFor("") {
		t.Errorf("no aud is for nobody: %v", err)
	}
	for want, a := range map[string]audience{`"a"`: {"a"}, `["a","b"]`: {"a", "b"}} {
		if got, err := json.Marshal(a); err != nil || string(got) != want {
			t.Errorf("%s: %s %v", want, got, err)
		}
	}
}

func TestRFC6749_3_3_Scopes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", " ": "", "a": "a", "a b": "a b", "  b   a b ": "b a", "a:b/c": "a:b/c",
		"a\tb": "-", "a\nb": "-", `a"b`: "-", `a\b`: "-", "é": "-", strings.Repeat("a", 4097): "-",
	} {
		got, ok := scopes(text)
		if !ok {
			got = []string{"-"}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.20q: %v", text, got)
		}
	}
}

func TestMaxAgeIsWholeSeconds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, "2147483647": 2147483647 * time.Second,
		"-1": -1, "+1": -1, "01": -1, "1.0": -1, "1e3": -1, " 1": -1, "2147483648": -1, "x": -1, "": -1,
	} {
		if got, ok := age(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
}

func TestRFC6749_3_1_2_WithQuery(t *testing.T) {
	t.Parallel()
	fields := [][2]string{{"code", "a&b"}, {"state", " +é"}}
	const added = "code=a%26b&state=+%2B%C3%A9"
	for uri, want := range map[string]string{
		"https://a/b": "https://a/b?", "https://a/b?": "https://a/b?", "https://a/b?c=d": "https://a/b?c=d&", "https://a/b?c=d&": "https://a/b?c=d&", "a.b:/c": "a.b:/c?",
	} {
		if got := withQuery(uri, fields); got != want+added {
			t.Errorf("%s: %s", uri, got)
		}
	}
}

// TestApplicationsHearWhatToDoAndNotWhatIsTheMatter: no word of the gate goes
// out as it is.
func TestApplicationsHearWhatToDoAndNotWhatIsTheMatter(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]error{
		"access_denied":                     {permit.ErrLocked, permit.ErrRecovering, permit.ErrClosing, permit.ErrGone, permit.ErrOrganization, permit.ErrTenant, permit.ErrApplication},
		"login_required":                    {permit.ErrSession, permit.ErrStale, refuseLogin},
		"unmet_authentication_requirements": {permit.ErrAssurance},
		"consent_required":                  {permit.ErrConsent},
		"":                                  {errors.New("disk"), fault.New(fault.Unavailable, "busy", ""), fault.New(fault.Internal, "x", ""), consent.ErrBadDecision},
	} {
		for _, err := range list {
			f, ok := gate(err)
			if ok != (want != "") || ok && (code(f) != want || f.Code == fault.Of(err).Code && err != refuseLogin) {
				t.Errorf("%v: %v", err, f)
			}
		}
	}
}

func TestRFC6749_A8_DescriptionsHaveOnlyAllowedCharacters(t *testing.T) {
	t.Parallel()
	if got := description(fault.New(fault.Invalid, "x", "a \"b\" \\ c\r\nd é …")); got != "a 'b' ' cd  " {
		t.Errorf("%q", got)
	}
}

func TestEveryCodeHasAKindThatAnswersIt(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]*fault.Error{
		"invalid_request":         fault.New(fault.Invalid, "bad_form", ""),
		"temporarily_unavailable": fault.New(fault.Unavailable, "busy", ""),
		"server_error":            fault.New(fault.Internal, "internal", ""),
		"invalid_grant":           errGrant,
		"invalid_client":          errClient,
	} {
		if got := code(f); got != want {
			t.Errorf("%s: %s", f.Code, got)
		}
	}
	if f := settle(fault.New(fault.Denied, "customer_locked", "")); f.Code != "invalid_grant" {
		t.Errorf("%v", f)
	}
	if f := settle(fault.New(fault.Unavailable, "busy", "")); f.Code != "busy" {
		t.Errorf("a failure of ours is not the client's fault: %v", f)
	}
}

// FuzzOutsideText feeds the parsers of what comes from outside.
func FuzzOutsideText(f *testing.F) {
	f.Add("openid profile", "3600", `{"id_token":{"acr":{"essential":true,"values":["a"]}}}`, "a.b.c")
	f.Fuzz(func(t *testing.T, scope, maxAge, claims, token string) {
		if list, ok := scopes(scope); ok && len(list) > maxScopes {
			t.Error("too many")
		}
		if d, ok := age(maxAge); ok && d < 0 {
			t.Error("negative")
		}
		var c claimsRequest
		if json.Unmarshal([]byte(claims), &c) == nil {
			q := request{Claims: c}
			q.wish()
			if _, err := q.claimsText(); err != nil {
				t.Error(err)
			}
		}
		var a audience
		_ = json.Unmarshal([]byte(claims), &a)
		_ = unverifiedIssuer(token)
	})
}
