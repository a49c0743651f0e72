package signin

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
)

func by(step Name, m session.Method) change {
	return set(func(f *Facts) { f.Prove(step, string(m), [16]byte{}) })
}
func needs(acr string) change { return set(func(f *Facts) { f.World.Need.ACR = acr }) }
func hard(acr string) change {
	return set(func(f *Facts) { f.World.Need.ACR, f.World.Need.Hard = acr, true })
}
func wishes(acr string) change            { return set(func(f *Facts) { f.World.Need.Wish = acr }) }
func has(ways ...session.Method) change   { return set(func(f *Facts) { f.World.Ways = ways }) }
func could(ways ...session.Method) change { return set(func(f *Facts) { f.World.Setups = ways }) }
func stood(ago time.Duration, ms ...session.Method) change {
	return set(func(f *Facts) {
		for _, m := range ms {
			f.World.Standing = append(f.World.Standing, session.Proof{Method: m, At: noon.Add(-ago)})
		}
	})
}
func notBefore(ago time.Duration) change {
	return set(func(f *Facts) { f.World.Need.After = noon.Add(-ago) })
}
func skips(n Name) change { return set(func(f *Facts) { f.Skip(n) }) }

var (
	trusts   = set(func(f *Facts) { f.World.Trusted = true })
	inGrace  = set(func(f *Facts) { f.World.Need.Grace = noon.Add(time.Hour) })
	offered  = set(func(f *Facts) { f.World.Offer, f.Capable = true, true })
	passkeys = want(func(p *Policy) { p.Passkeys = true })
	held     = set(func(f *Facts) { f.Held(alice) })
	denied   = set(func(f *Facts) { f.Verdict = "deny" })
	delayed  = set(func(f *Facts) { f.Verdict, f.HoldUntil = "delay", noon.Add(time.Minute) })
	stepUp   = set(func(f *Facts) { f.Verdict = "step_up" })
	sso      = []change{holds(Known{Session: sesA, Customer: alice, AuthenticatedAt: noon.Add(-time.Hour)}), want(func(p *Policy) { p.Silent = true }), is(alice, customer.Active)}
)

func TestNextAsksForAssurance(t *testing.T) {
	t.Parallel()
	pwd := []change{typed(mail), method(Password), alone, is(alice, customer.Active), by(Password, session.Password)}
	code := []change{typed(mail), is(alice, customer.Active), by(Code, session.OTPEmail)}
	with := func(base []change, more ...change) []change { return append(append([]change{}, base...), more...) }
	rows := []struct {
		name string
		by   []change
		want Name
		why  Reason
	}{
		{"a password alone, nothing needed", pwd, Done, ""},
		{"a password, an app set up (H086)", with(pwd, needs(session.Multi), has(session.TOTP)), Second, ""},
		{"a code by mail, an app set up (H088)", with(code, needs(session.Multi), has(session.TOTP)), Second, ""},
		{"a password and the app", with(pwd, needs(session.Multi), has(session.TOTP), by(Second, session.TOTP)), Done, ""},
		{"a password on a trusted device", with(pwd, needs(session.Multi), has(session.TOTP), trusts), Done, ""},
		{"a trusted device does not make up for what is hard", with(pwd, hard(session.Multi), has(session.TOTP), trusts), Second, ""},
		{"a recovery code is a way", with(pwd, needs(session.Multi), has(session.Recovery)), Second, ""},
		{"phishing-resistant with an app only: the app first", with(pwd, hard(session.Resistant), has(session.TOTP), could(session.TOTP, session.Passkey)), Second, ""},
		{"then set up a passkey", with(pwd, hard(session.Resistant), has(session.TOTP), could(session.TOTP, session.Passkey), by(Second, session.TOTP)), Enrol, ""},
		{"an app that adds nothing to a text message is asked for", []change{typed(mail), is(alice, customer.Active), by(Code, session.OTPSMS), needs(session.Multi), has(session.TOTP), could(session.Passkey), inGrace, skips(Enrol)}, Second, ""},
		{"trust in a browser makes nothing fresh", with(sso, needs(session.Multi), stood(time.Hour, session.Password, session.TOTP), has(session.TOTP), notBefore(time.Minute), trusts), Again, ""},
		{"nor sets up another way", with(pwd, needs(session.Multi), wishes(session.Resistant), has(session.TOTP), could(session.Passkey), trusts, passkeys, offered), Done, ""},
		{"phishing-resistant with a passkey", with(pwd, hard(session.Resistant), has(session.TOTP, session.Passkey)), Second, ""},
		{"phishing-resistant, nothing can do", with(pwd, hard(session.Resistant), could(session.TOTP)), Refuse, Unmet},
		{"multi needed, nothing there", with(pwd, needs(session.Multi), could(session.TOTP)), Enrol, ""},
		{"within grace it can be put off", with(pwd, needs(session.Multi), could(session.TOTP), inGrace, skips(Enrol)), Done, ""},
		{"what an application must have is not put off", with(pwd, hard(session.Multi), could(session.TOTP), inGrace, skips(Enrol), set(func(f *Facts) { f.ACR, f.Essential = session.Multi, true })), Enrol, ""},
		{"after grace it cannot", with(pwd, needs(session.Multi), could(session.TOTP), skips(Enrol)), Enrol, ""},
		{"a wish that the customer has a way to", with(pwd, wishes(session.Multi), has(session.TOTP)), Second, ""},
		{"a wish without a way is offered", with(pwd, wishes(session.Multi), could(session.TOTP)), Enrol, ""},
		{"and done without", with(pwd, wishes(session.Multi), could(session.TOTP), skips(Enrol)), Done, ""},
		{"an unknown wish", with(pwd, wishes("urn:else"), has(session.TOTP), could(session.TOTP)), Done, ""},
		{"a passkey is both factors", []change{held, passkeys, is(alice, customer.Active), by(Passkey, session.Passkey), needs(session.Multi)}, Done, ""},
		{"a passkey without verification is one", []change{held, is(alice, customer.Active), by(Passkey, "passkey_presence"), needs(session.Multi), could(session.TOTP, session.Passkey)}, Enrol, ""},
		{"a passkey shown by nobody named", []change{held, is(alice, customer.Active)}, Code, ""},
		{"a passkey for an account that recovers", []change{held, is(alice, customer.Recovery), by(Passkey, session.Passkey)}, Again, ""},
		{"a locked one is refused before any factor", with(pwd, is(alice, customer.Locked), by(Password, session.Password), needs(session.Multi), has(session.TOTP)), Refuse, CustomerLocked},
		{"recovery does not skip the factor (H095)", []change{kind(Recover), typed(mail), is(alice, customer.Active), by(Code, session.OTPEmail), hard(session.Multi), has(session.TOTP)}, Second, ""},
		{"after it, the new password", []change{kind(Recover), typed(mail), is(alice, customer.Active), by(Code, session.OTPEmail), hard(session.Multi), has(session.TOTP), by(Second, session.TOTP)}, Reset, ""},
		{"signed in, multi needed", with(sso, needs(session.Multi), stood(time.Hour, session.Password), has(session.TOTP)), Second, ""},
		{"signed in, second given", with(sso, needs(session.Multi), stood(time.Hour, session.Password), has(session.TOTP), by(Second, session.TOTP)), Done, ""},
		{"signed in with both", with(sso, needs(session.Multi), stood(time.Hour, session.Password, session.TOTP)), Done, ""},
		{"signed in too long ago for the rule", with(sso, needs(session.Multi), stood(time.Hour, session.Password, session.TOTP), has(session.TOTP), notBefore(time.Minute)), Again, ""},
		{"signed in, nothing to prove it with: prove anew, then set up", with(sso, hard(session.Multi), stood(time.Hour, session.Password), could(session.TOTP)), Again, ""},
		{"quiet, and something is missing", with(sso, needs(session.Multi), stood(time.Hour, session.Password), has(session.TOTP), prompt(Prompt{None: true})), Refuse, InteractionNeeded},
		{"denied", with(pwd, denied), Refuse, RiskDenied},
		{"delayed", with(pwd, delayed), Hold, ""},
		{"over the delay, a code beside the password", with(pwd, delayed, later(2*time.Minute)), Code, ""},
		{"over the delay", with(pwd, delayed, by(Code, session.OTPEmail), later(2*time.Minute)), Done, ""},
		{"a suspicious password is followed by a code", with(pwd, stepUp), Code, ""},
		{"or by the app", with(pwd, stepUp, hard(session.Multi), has(session.TOTP)), Second, ""},
		{"a passkey is offered", with(code, passkeys, offered), Offer, ""},
		{"and declined", with(code, passkeys, offered, skips(Offer)), Done, ""},
		{"a passkey is not offered to who used one", []change{held, passkeys, offered, is(alice, customer.Active), by(Passkey, session.Passkey)}, Done, ""},
		{"nor by a session that answers", with(sso, passkeys, offered, stood(time.Hour, session.Password)), Done, ""},
	}
	for _, r := range rows {
		f, p := begun()
		for _, c := range r.by {
			c(&f, &p)
		}
		if got := Next(f, p); got.Name != r.want || got.Reason != r.why {
			t.Errorf("%s: %+v, want %s %s", r.name, got, r.want, r.why)
		}
	}
}

// A proof counts for its own step, journey, browser, purpose and customer alone
// (law 3): whatever is changed about any of them, it is worth nothing.
func TestProofsOfEveryStepCountInTheirContextAlone(t *testing.T) {
	t.Parallel()
	for _, step := range []Name{Code, Password, Passkey, Second} {
		for name, spoil := range map[string]func(*Context){
			"tenant": func(c *Context) { c.Tenant[0]++ }, "flow": func(c *Context) { c.Flow[0]++ },
			"browser": func(c *Context) { c.Browser[0]++ }, "customer": func(c *Context) { c.Customer[0]++ },
			"purpose": func(c *Context) { c.Purpose += "x" }, "since": func(c *Context) { c.Since++ },
			"target": func(c *Context) { c.Target[0]++ }, "state": func(c *Context) { c.State += "x" }, "step": func(c *Context) { c.Step += "x" },
		} {
			f, p := begun()
			for _, c := range []change{typed(mail), is(alice, customer.Active), by(step, session.Passkey)} {
				c(&f, &p)
			}
			if _, ok := f.Proven(step); !ok {
				t.Fatalf("%s does not count at all", step)
			}
			spoil(&f.Proofs[0].Context)
			if _, ok := f.Proven(step); ok || len(f.Given()) > 0 {
				t.Errorf("%s counts with another %s", step, name)
			}
		}
	}
}
