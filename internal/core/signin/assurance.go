package signin

import (
	"slices"

	"github.com/cardea-id/cardea/internal/core/session"
)

// Given is everything that counts now: what was proven in the session that
// answers, and in this journey. It is computed at use (security law 4).
func (f *Facts) Given() []session.Proof {
	var out []session.Proof
	for _, p := range f.World.Standing {
		if !p.At.Before(f.World.Need.After) {
			out = append(out, p)
		}
	}
	for _, p := range f.Valid() {
		out = append(out, session.Proof{Method: session.Method(p.Method), At: p.At, Credential: p.Credential})
	}
	return out
}

// Reaches reports whether what counts now, with one more proof of each of the
// methods, is worth the assurance.
func (f *Facts) Reaches(acr string, more ...session.Method) bool {
	all := f.Given()
	for _, m := range more {
		all = append(all, session.Proof{Method: m})
	}
	return session.Meets(session.Assure(all).ACR, acr)
}

// Met reports whether the need of the journey is met. A trusted browser stands
// for a second factor beside a first one that counts, and not for both.
func (f *Facts) Met() bool {
	n := f.World.Need
	return f.Reaches(n.ACR) || !n.Hard && f.World.Trusted && f.Reaches(session.Single)
}

// Enough are those of the methods of which one would do for the assurance.
func (f *Facts) Enough(acr string, list []session.Method) []session.Method {
	return slices.DeleteFunc(slices.Clone(list), func(m session.Method) bool { return !f.Reaches(acr, m) })
}

// Seconds are the second factors that lead on from here: for what is needed, or
// else for what is wished. Where none of the account's is worth what is needed,
// one is asked for all the same: whoever has only the first factor must not set
// up a better way past it, nor put that off (H086, H095).
func (f *Facts) Seconds() []session.Method {
	if !f.Met() {
		enough := f.Enough(f.World.Need.ACR, f.World.Ways)
		if len(enough) > 0 || !f.Fresh() || f.Shown() {
			return enough
		}
		return f.World.Ways
	}
	if !f.Reaches(f.World.Need.Wish) {
		return f.Enough(f.World.Need.Wish, f.World.Ways)
	}
	return nil
}

// Shown reports whether a second factor of the account, or a passkey, counts now.
func (f *Facts) Shown() bool {
	for _, step := range []Name{Second, Passkey} {
		if _, ok := f.Proven(step); ok {
			return true
		}
	}
	return slices.ContainsFunc(f.Given(), func(p session.Proof) bool {
		return p.Method == session.TOTP || p.Method == session.Recovery || p.Method.IsPasskey()
	})
}

// Lacking are the ways that the customer could set up to get on.
func (f *Facts) Lacking() []session.Method {
	if !f.Met() {
		return f.Enough(f.World.Need.ACR, f.World.Setups)
	}
	return f.Enough(f.World.Need.Wish, f.World.Setups)
}

// MaySkip reports whether setting up a way can be put off. The grace is the
// tenant's: what an application cannot do without is not put off.
func (f *Facts) MaySkip() bool {
	return f.Met() || f.World.Now.Before(f.World.Need.Grace) && (!f.Essential || f.Reaches(f.ACR))
}

// second asks for a second factor. Where none leads on from what the session
// proved too long ago, everything is proven anew.
func second(f Facts, _ Policy) Step {
	if f.World.Account.ID.IsZero() || f.skipped(Second) && f.Met() {
		return Step{}
	}
	if len(f.Seconds()) > 0 {
		return Step{Name: Second}
	}
	anew := len(f.World.Ways) > 0 || !f.World.Need.After.IsZero()
	if !f.Met() && !f.Fresh() && anew {
		return Step{Name: Again}
	}
	return Step{}
}

// enrol asks a customer who has no way to the proof that is needed to set one up.
// Where none could do, the journey ends: what is needed is not done without.
//
// It is asked before the account's own steps, so that nothing of an account is
// changed by who has not met its need (H095), and once more when an account has
// just been made. A browser that is trusted to skip a factor is not trusted to
// set one up (H097).
func enrol(f Facts, _ Policy) Step {
	if f.World.Account.ID.IsZero() {
		return Step{}
	}
	if f.Met() && (f.Reaches(f.World.Need.Wish) || f.Prompt.None || f.World.Trusted) || f.skipped(Enrol) && f.MaySkip() {
		return Step{}
	}
	if len(f.Lacking()) > 0 {
		if !f.Fresh() {
			return Step{Name: Again}
		}
		return Step{Name: Enrol}
	}
	if f.MaySkip() {
		return Step{}
	}
	return refuse(Unmet)
}

// Fresh reports whether something was proven in this journey, so that a new way
// in is not set up by who finds a screen unlocked (ASVS 6.4.3).
func (f *Facts) Fresh() bool { return len(f.Valid()) > 0 }

// offer asks, at the end, whether the next time is to be easier.
func offer(f Facts, p Policy) Step {
	_, by := f.Proven(Passkey)
	if !p.Passkeys || by || !f.World.Offer || f.World.Trusted || !f.Capable || !f.Fresh() || f.Prompt.None || f.Kind == Confirm || f.skipped(Offer) {
		return Step{}
	}
	return Step{Name: Offer}
}

// judged does what risk made of the first proof.
func judged(f Facts, _ Policy) Step {
	switch {
	case f.Verdict == "deny":
		return refuse(RiskDenied)
	case f.World.Now.Before(f.HoldUntil):
		return Step{Name: Hold}
	}
	return Step{}
}
