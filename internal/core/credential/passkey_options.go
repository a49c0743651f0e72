package credential

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The members of the options are named by WebAuthn Level 3 sections 5.4 and 5.5.
type (
	requestOptions struct {
		Challenge        string       `json:"challenge"`
		Timeout          int64        `json:"timeout"`
		RPID             string       `json:"rpId"`
		AllowCredentials []descriptor `json:"allowCredentials,omitempty"`
		UserVerification string       `json:"userVerification"`
	}
	creationOptions struct {
		RP                     rpEntity      `json:"rp"`
		User                   userEntity    `json:"user"`
		Challenge              string        `json:"challenge"`
		PubKeyCredParams       []parameter   `json:"pubKeyCredParams"`
		Timeout                int64         `json:"timeout"`
		ExcludeCredentials     []descriptor  `json:"excludeCredentials,omitempty"`
		AuthenticatorSelection selection     `json:"authenticatorSelection"`
		Attestation            string        `json:"attestation"`
		Extensions             extensionsAsk `json:"extensions"`
	}
	rpEntity struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	userEntity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}
	parameter struct {
		Type string `json:"type"`
		Alg  int    `json:"alg"`
	}
	descriptor struct {
		Type       string   `json:"type"`
		ID         string   `json:"id"`
		Transports []string `json:"transports,omitempty"`
	}
	selection struct {
		ResidentKey        string `json:"residentKey"`
		RequireResidentKey bool   `json:"requireResidentKey"`
		UserVerification   string `json:"userVerification"`
	}
	extensionsAsk struct {
		CredProps bool `json:"credProps"`
	}
)

const (
	required  = "required"
	preferred = "preferred"
	publicKey = "public-key"
)

func asked(needed bool) string {
	if needed {
		return required
	}
	return preferred
}

// verification is the tenant's policy.
func verification(t *tenant.Tenant) string {
	return asked(t.Settings.Passkeys.UserVerification != preferred)
}

// algorithms are the COSE algorithms that the tenant takes, preferred first.
func algorithms(t *tenant.Tenant) []int {
	if a := t.Settings.Passkeys.Algorithms; len(a) > 0 {
		return a
	}
	return []int{-7, -8, -257}
}

func attestation(t *tenant.Tenant) string {
	if a := t.Settings.Passkeys.Attestation; a != "" {
		return a
	}
	return "none"
}

func creationOptionsOf(t *tenant.Tenant, o CreateOptions, challenge string, have []Passkey) creationOptions {
	handle := UserHandle(t, o.Customer)
	if o.DisplayName == "" {
		o.DisplayName = o.Name
	}
	c := creationOptions{
		RP: rpEntity{t.RPID, t.Name}, User: userEntity{b64(handle[:]), o.Name, o.DisplayName},
		Challenge: challenge, Timeout: PasskeyChallengeFor.Milliseconds(), ExcludeCredentials: describe(t, have),
		AuthenticatorSelection: selection{required, true, asked(verification(t) == required && !o.Quietly)},
		Attestation:            attestation(t), Extensions: extensionsAsk{true},
	}
	for _, a := range algorithms(t) {
		c.PubKeyCredParams = append(c.PubKeyCredParams, parameter{publicKey, a})
	}
	return c
}

// describe lists passkeys for the browser, which is told of those alone that
// are good for the tenant's RP id.
func describe(t *tenant.Tenant, list []Passkey) []descriptor {
	out := make([]descriptor, 0, len(list))
	for _, p := range list {
		if p.RPID == t.RPID {
			out = append(out, descriptor{publicKey, b64(p.CredentialID), p.Transports})
		}
	}
	return out
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// fromHere tells whether client data may come from the origin (H107): the
// tenant's own, its brands' (Related Origin Requests), and its native
// applications': Android names the signing certificate, Apple the RP id.
// Origins are compared as they are written, and nothing is folded.
func fromHere(t *tenant.Tenant, origin string) bool {
	p := &t.Settings.Passkeys
	switch {
	case origin == t.Origin, slices.Contains(p.Origins, origin):
		return true
	case slices.Contains(t.Origins, origin) && under(t.RPID, origin):
		return true
	case len(p.AppleApps) > 0 && origin == "https://"+t.RPID:
		return true
	}
	return strings.HasPrefix(origin, androidOrigin) && slices.Contains(androidOrigins(p.AndroidApps), origin)
}

// under tells whether the origin's host is the RP id or below it.
func under(rpID, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Hostname() == rpID || strings.HasSuffix(u.Hostname(), "."+rpID))
}

const androidOrigin = "android:apk-key-hash:"

func androidOrigins(apps []tenant.AndroidApp) []string {
	var out []string
	for _, a := range apps {
		for _, f := range a.Fingerprints {
			if raw, err := hex.DecodeString(strings.ReplaceAll(f, ":", "")); err == nil {
				out = append(out, androidOrigin+b64(raw))
			}
		}
	}
	return out
}
