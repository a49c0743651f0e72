package session

import "slices"

// The levels of assurance, from the lowest. They are this house's own URNs
// (OpenID Connect Core 1.0, section 2, acr) and are computed from what was
// proven in the session, never from what an account could prove.
const (
	// Single: one factor. A password, or the command of an address.
	Single = "urn:cardea:acr:single"
	// Multi: something that the customer has, and a proof of another kind beside
	// it, or one passkey with user verification, which is two.
	Multi = "urn:cardea:acr:multi"
	// Resistant: two factors of different kinds, of which one is a proof that a
	// false page cannot relay: a passkey. One with presence alone is one factor.
	Resistant = "urn:cardea:acr:phishing-resistant"
)

var levels = []string{Single, Multi, Resistant}

// Levels lists the levels from the lowest, for discovery's acr_values_supported.
func Levels() []string { return slices.Clone(levels) }

// Meets reports whether a session of level acr does for what is wanted. Nothing
// wanted is met by anything; an unknown wish is met by nothing.
func Meets(acr, wanted string) bool {
	if wanted == "" {
		return true
	}
	w := slices.Index(levels, wanted)
	return w >= 0 && slices.Index(levels, acr) >= w
}

// Assurance is what a list of proofs is worth: a level, and the methods in the
// words of RFC 8176.
type Assurance struct {
	ACR string // "" if nothing was proven
	AMR []string
}

// factor is the kind of a proof. Proofs of one kind do not add up.
type factor uint8

const (
	knows   factor = 1 << iota // something that the customer knows
	mailbox                    // who reads the customer's mail
	has                        // something that the customer has
	is                         // user verification by the device
)

// worth says what each method is worth. E-mail is no possession of anything
// (NIST SP 800-63B-4, section 3.1.3.1), and a mailbox also opens a forgotten
// password: it makes no second factor beside one. It is a first one, beside
// which something that the customer has makes two. A recovery code is a look-up
// secret, an upstream identity is worth one factor until it says more. A passkey
// is of hardware unless it is synced (RFC 8176, hwk and swk).
var worth = map[Method]struct {
	factor    factor
	resistant bool
	amr       string
}{
	Password:  {knows, false, "pwd"},
	OTPEmail:  {mailbox, false, "otp"},
	LinkEmail: {mailbox, false, "otp"},
	OTPSMS:    {has, false, "sms"},
	LinkSMS:   {has, false, "sms"},
	TOTP:      {has, false, "otp"},
	Recovery:  {has, false, "otp"},
	Upstream:  {mailbox, false, "fed"},

	Passkey:               {has | is, true, "hwk"},
	PasskeySynced:         {has | is, true, "swk"},
	PasskeyPresence:       {has, true, "hwk"},
	PasskeySyncedPresence: {has, true, "swk"},
}

// Assure computes what the proofs are worth together.
func Assure(proofs []Proof) Assurance {
	var a Assurance
	var all factor
	resistant := false
	for _, p := range proofs {
		w, known := worth[p.Method]
		if !known {
			continue
		}
		all |= w.factor
		resistant = resistant || w.resistant
		a.add(w.amr)
		if w.factor&is != 0 {
			a.add("user")
		}
	}
	a.ACR = level(all, resistant)
	if a.ACR == Multi || a.ACR == Resistant {
		a.add("mfa")
	}
	return a
}

func level(all factor, resistant bool) string {
	switch {
	case all == 0:
		return ""
	case all&has == 0 || all == has:
		return Single
	case resistant && all&(knows|is) != 0:
		return Resistant
	}
	return Multi
}

func (a *Assurance) add(word string) {
	if !slices.Contains(a.AMR, word) {
		a.AMR = append(a.AMR, word)
	}
}
