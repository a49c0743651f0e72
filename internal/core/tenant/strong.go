package tenant

import "time"

// Passkeys says which WebAuthn credentials this tenant takes. All of it is
// enforced by the server when a credential comes, not only asked of the browser
// (H104). The relying party id is Tenant.RPID and never changes.
type Passkeys struct {
	Off bool `json:"off,omitempty" yaml:"off,omitempty"`
	// UserVerification is "required" (also if empty) or "preferred". A passkey
	// without user verification is one factor, not two.
	UserVerification string `json:"user_verification,omitempty" yaml:"user_verification,omitempty"`
	// Attestation is "none" (also if empty), "indirect" or "direct". With
	// "direct", a credential whose attestation does not lead to a root of the
	// metadata file (fido_metadata of the configuration) is refused.
	Attestation string `json:"attestation,omitempty" yaml:"attestation,omitempty"`
	// Algorithms are COSE algorithm numbers in the order of preference; -7
	// (ES256), -8 (EdDSA) and -257 (RS256) if empty.
	Algorithms []int `json:"algorithms,omitempty" yaml:"algorithms,omitempty"`
	// Allow, if any, are the only authenticator models (AAGUIDs) that are taken;
	// Block are never taken. Either means something only with Attestation "direct":
	// without it, the model is the browser's own word.
	Allow []string `json:"allow,omitempty" yaml:"allow,omitempty"`
	Block []string `json:"block,omitempty" yaml:"block,omitempty"`
	// Origins are further origins of the company's brands on which this tenant's
	// passkeys work (Related Origin Requests, /.well-known/webauthn).
	Origins []string `json:"origins,omitempty" yaml:"origins,omitempty"`
	// AppleApps are "TEAMID.bundle.id" and AndroidApps package names with the
	// SHA-256 fingerprints of their signing certificates: native applications
	// that may use this tenant's passkeys.
	AppleApps   []string     `json:"apple_apps,omitempty" yaml:"apple_apps,omitempty"`
	AndroidApps []AndroidApp `json:"android_apps,omitempty" yaml:"android_apps,omitempty"`
}

// AndroidApp is a native application for Android.
type AndroidApp struct {
	Package      string   `json:"package" yaml:"package"`
	Fingerprints []string `json:"fingerprints" yaml:"fingerprints"` // "AB:CD:..." of 32 bytes
}

// SecondFactor says which second factors customers may set up, and how long a
// browser may be trusted to skip them.
type SecondFactor struct {
	NoTOTP bool `json:"no_totp,omitempty" yaml:"no_totp,omitempty"`
	// SMS lets a code sent to a verified phone be the second factor. A code by
	// e-mail follows a password wherever passwords do not stand alone
	// (Password.Alone), and is no possession: it never raises the level
	// (NIST SP 800-63B-4 section 3.1.3.1).
	SMS bool `json:"sms,omitempty" yaml:"sms,omitempty"`
	// Trust is for how long "don't ask on this device" holds; 30 days if 0.
	// NoTrust takes the choice away, at once also from devices that were trusted.
	Trust   Duration `json:"trust,omitempty" yaml:"trust,omitempty"`
	NoTrust bool     `json:"no_trust,omitempty" yaml:"no_trust,omitempty"`
	// RecoveryWait is how long a recovery waits that has no proof of the same
	// strength as what was lost; 72 hours if 0.
	RecoveryWait Duration `json:"recovery_wait,omitempty" yaml:"recovery_wait,omitempty"`
}

// Assurance is the one policy that says when which proof is needed. Every rule
// that fits counts, and the strongest need wins; no rule makes another weaker.
type Assurance struct {
	Rules []AssuranceRule `json:"rules,omitempty" yaml:"rules,omitempty"`
	// Grace is how long, after a second factor was first owed, a customer who has
	// none may put off setting one up; none if 0.
	Grace Duration `json:"grace,omitempty" yaml:"grace,omitempty"`
}

// AssuranceRule says what is needed where all of its conditions hold. An empty
// condition holds always.
type AssuranceRule struct {
	Application string `json:"application,omitempty" yaml:"application,omitempty"` // its id
	Role        string `json:"role,omitempty" yaml:"role,omitempty"`               // of the customer
	// Action is "signin", "password", "address", "factor", "close", "recover" or
	// "export".
	Action string `json:"action,omitempty" yaml:"action,omitempty"`
	Risk   string `json:"risk,omitempty" yaml:"risk,omitempty"` // "elevated" or "high": this verdict or a worse one
	// Need is "single", "multi" or "phishing-resistant".
	Need string `json:"need" yaml:"need"`
	// Within is how old the proof may be; any age if 0.
	Within Duration `json:"within,omitempty" yaml:"within,omitempty"`
}

// Risk says what is made of suspicion. The weights and thresholds of signals are
// documented in docs/guides/risk.md.
type Risk struct {
	// Mode is "monitor" (also if empty: verdicts are stored and change nothing),
	// "enforce" or "off".
	Mode string `json:"mode,omitempty" yaml:"mode,omitempty"`
	// Weights replaces the weight of signals, by their names; 0 silences one.
	Weights map[string]int `json:"weights,omitempty" yaml:"weights,omitempty"`
	// StepUp, Delay and Deny are the scores from which the verdict is that; 30,
	// 60 and 90 if 0.
	StepUp int `json:"step_up,omitempty" yaml:"step_up,omitempty"`
	Delay  int `json:"delay,omitempty" yaml:"delay,omitempty"`
	Deny   int `json:"deny,omitempty" yaml:"deny,omitempty"`
	// Block and Trust are networks (CIDR) that are always denied, or never
	// suspicious for where they are.
	Block []string `json:"block,omitempty" yaml:"block,omitempty"`
	Trust []string `json:"trust,omitempty" yaml:"trust,omitempty"`
}

// Bots says how robots are kept off. The house's own proof of work needs no
// third party and shows no puzzle.
type Bots struct {
	Off bool `json:"off,omitempty" yaml:"off,omitempty"`
	// Work is the difficulty of the proof of work in bits at rest; 14 if 0. It
	// rises by itself under attack.
	Work int `json:"work,omitempty" yaml:"work,omitempty"`
	// Provider is "turnstile", "hcaptcha" or "friendlycaptcha" in place of the
	// proof of work; none if empty.
	Provider string    `json:"provider,omitempty" yaml:"provider,omitempty"`
	SiteKey  string    `json:"site_key,omitempty" yaml:"site_key,omitempty"`
	Secret   SecretRef `json:"secret,omitempty" yaml:"secret,omitempty"`
	// Endpoint is the https address at which the provider verifies, if not its
	// usual one: Friendly Captcha's in the EU, or a relay of the company's own.
	Endpoint string `json:"endpoint,omitempty" yaml:"endpoint,omitempty"`
}

// TrustFor is for how long a browser is trusted to skip the second factor; 0:
// not at all.
func (t *Tenant) TrustFor() time.Duration {
	s := t.Settings.SecondFactor
	if s.NoTrust {
		return 0
	}
	return s.Trust.Or(30 * day)
}

// RecoveryWait is how long a recovery without an equal proof waits.
func (t *Tenant) RecoveryWait() time.Duration {
	return t.Settings.SecondFactor.RecoveryWait.Or(3 * day)
}
