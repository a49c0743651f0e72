package tenant

import (
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var (
	aaguid    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	appleApp  = regexp.MustCompile(`^[A-Z0-9]{10}\.[A-Za-z0-9.-]{1,155}$`)
	javaName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
	siteKey   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,200}$`)
	ruleNames = map[string][]string{
		"action": {"", "signin", "password", "address", "factor", "close", "recover", "export"},
		"risk":   {"", "elevated", "high"},
		"need":   {"single", "multi", "phishing-resistant"},
	}
)

// cose are the COSE algorithms that credentials may use (RFC 9053, RFC 8812).
var cose = []int{-7, -8, -35, -36, -37, -38, -39, -257, -258, -259}

func (p *Passkeys) check(loopback bool) error {
	switch {
	case !oneOf(p.UserVerification, "", "required", "preferred"):
		return ErrBadSetting.At("settings.passkeys.user_verification")
	case !oneOf(p.Attestation, "", "none", "indirect", "direct"):
		return ErrBadSetting.At("settings.passkeys.attestation")
	case len(p.Allow)+len(p.Block) > 0 && p.Attestation != "direct":
		return ErrBadSetting.At("settings.passkeys.attestation")
	}
	for _, a := range p.Algorithms {
		if !slices.Contains(cose, a) {
			return ErrBadSetting.At("settings.passkeys.algorithms")
		}
	}
	for _, a := range slices.Concat(p.Allow, p.Block) {
		if !aaguid.MatchString(a) {
			return ErrBadSetting.At("settings.passkeys.allow")
		}
	}
	return p.checkPlaces(loopback)
}

func (p *Passkeys) checkPlaces(loopback bool) error {
	for _, o := range p.Origins {
		origin, _, err := ParseOrigin(o)
		if err != nil || origin != o || !loopback && loopbackOrigin(origin) {
			return ErrBadURL.At("settings.passkeys.origins")
		}
	}
	for _, a := range p.AppleApps {
		if !appleApp.MatchString(a) {
			return ErrBadSetting.At("settings.passkeys.apple_apps")
		}
	}
	for _, a := range p.AndroidApps {
		if !javaName.MatchString(a.Package) || len(a.Fingerprints) == 0 || slices.ContainsFunc(a.Fingerprints, badFingerprint) {
			return ErrBadSetting.At("settings.passkeys.android_apps")
		}
	}
	return nil
}

func badFingerprint(s string) bool {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	return err != nil || len(b) != 32 || len(s) != 95 || strings.ToUpper(s) != s
}

func (s *SecondFactor) check() error {
	if t := s.Trust.Or(day); t < day || t > 400*day {
		return ErrBadSetting.At("settings.second_factor.trust")
	}
	if w := s.RecoveryWait.Or(day); w < day/24 || w > 30*day {
		return ErrBadSetting.At("settings.second_factor.recovery_wait")
	}
	return nil
}

func (a *Assurance) check() error {
	if a.Grace < 0 || a.Grace.Or(day) > 400*day {
		return ErrBadSetting.At("settings.assurance.grace")
	}
	for _, r := range a.Rules {
		for member, value := range map[string]string{"action": r.Action, "risk": r.Risk, "need": r.Need} {
			if !oneOf(value, ruleNames[member]...) {
				return ErrBadSetting.At("settings.assurance.rules." + member)
			}
		}
		if r.Within < 0 || r.Application != "" && !strings.HasPrefix(r.Application, "app_") || !ShortText(r.Role, 64) {
			return ErrBadSetting.At("settings.assurance.rules")
		}
	}
	return nil
}

func (r *Risk) check() error {
	if !oneOf(r.Mode, "", "monitor", "enforce", "off") {
		return ErrBadSetting.At("settings.risk.mode")
	}
	for name, w := range r.Weights {
		if w < 0 || w > 100 || !ShortText(name, 64) {
			return ErrBadSetting.At("settings.risk.weights")
		}
	}
	stepUp, delay, deny := r.Thresholds()
	if stepUp < 1 || delay < stepUp || deny < delay {
		return ErrBadSetting.At("settings.risk.step_up")
	}
	for _, n := range slices.Concat(r.Block, r.Trust) {
		if p, err := netip.ParsePrefix(n); err != nil || p != p.Masked() {
			return ErrBadSetting.At("settings.risk.block")
		}
	}
	return nil
}

// Thresholds are the scores from which a verdict is step-up, delay and deny.
func (r *Risk) Thresholds() (stepUp, delay, deny int) {
	or := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	return or(r.StepUp, 30), or(r.Delay, 60), or(r.Deny, 90)
}

func (b *Bots) check(loopback bool) error {
	switch {
	case b.Work < 0 || b.Work > 22:
		return ErrBadSetting.At("settings.bots.work")
	case !oneOf(b.Provider, "", "turnstile", "hcaptcha", "friendlycaptcha"):
		return ErrBadSetting.At("settings.bots.provider")
	case b.Provider != "" && (!siteKey.MatchString(b.SiteKey) || b.Secret == ""):
		return ErrBadSetting.At("settings.bots.site_key")
	case b.Endpoint != "" && !ValidURL(b.Endpoint, loopback):
		return ErrBadURL.At("settings.bots.endpoint")
	}
	return b.Secret.check("settings.bots.secret")
}
