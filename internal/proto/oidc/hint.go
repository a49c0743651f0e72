package oidc

import "encoding/json"

// hint is what an ID token of ours still says when it is shown back to us
// (id_token_hint). Its expiry does not matter (OpenID Connect Core 1.0,
// 3.1.2.1; RP-Initiated Logout 1.0, 2).
type hint struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Sid      string `json:"sid"`
}

// readHint believes only what this tenant signed as an ID token, with a key
// that still stands in its key set.
func readHint(t tenantRef, raw string) (hint, bool) {
	payload, err := t.Verify(typID, raw)
	if err != nil {
		return hint{}, false
	}
	var h hint
	err = json.Unmarshal(payload, &h)
	return h, err == nil && h.Issuer == t.Issuer() && h.Subject != "" && h.Audience != ""
}
