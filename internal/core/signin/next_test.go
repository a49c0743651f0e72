package signin

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	alice = customer.ID{1}
	bob   = customer.ID{2}
	sesA  = session.ID{0xa}
	sesB  = session.ID{0xb}
	mail  = Identifier{Kind: "email", Value: "alice@example.com", Digest: [32]byte{1}}
	name  = Identifier{Kind: "username", Value: "alice", Digest: [32]byte{2}}
	here  = Context{Tenant: tenant.ID{9}, Flow: ID{8}, Browser: [32]byte{7}}
)

// A change alters a journey or the policy. Journeys of the table are made of
// changes to a journey that has just begun.
type change func(*Facts, *Policy)

func begun() (Facts, Policy) {
	return Facts{Kind: SignIn, Here: here, World: World{Now: noon}}, Policy{Password: true}
}

func typed(i Identifier) change { return func(f *Facts, _ *Policy) { f.Identified(i) } }
func is(id customer.ID, s customer.State) change {
	return func(f *Facts, _ *Policy) { f.World.Account = Account{ID: id, State: s} }
}
func proved(step Name) change {
	return func(f *Facts, _ *Policy) { f.Prove(step, "x", [16]byte{}) }
}
func holds(list ...Known) change {
	return func(f *Facts, _ *Policy) { f.World.Sessions = list }
}
func picked(s session.ID) change { return func(f *Facts, _ *Policy) { f.Picked(s) } }
func set(fn func(*Facts)) change { return func(f *Facts, _ *Policy) { fn(f) } }
func want(fn func(*Policy)) change {
	return func(_ *Facts, p *Policy) { fn(p) }
}
func prompt(p Prompt) change { return set(func(f *Facts) { f.Prompt = p }) }
func kind(k Kind) change     { return set(func(f *Facts) { f.Kind = k }) }
func method(m Name) change   { return set(func(f *Facts) { f.Method = m }) }
func later(d time.Duration) change {
	return set(func(f *Facts) { f.World.Now = f.World.Now.Add(d) })
}
func aged(d time.Duration) change {
	return set(func(f *Facts) { f.Aged, f.MaxAge = true, d })
}
func pinned(id customer.ID) change { return set(func(f *Facts) { f.Pinned = id }) }

var (
	alone     = want(func(p *Policy) { p.Alone = true })
	off       = want(func(p *Policy) { p.Password = false })
	silent    = want(func(p *Policy) { p.Silent = true })
	closed    = want(func(p *Policy) { p.Closed = true })
	names     = want(func(p *Policy) { p.Username = true })
	hint      = set(func(f *Facts) { f.Hint = "alice@example.com" })
	another   = set(func(f *Facts) { f.Another = true })
	client    = set(func(f *Facts) { f.World.Client = true })
	asks      = set(func(f *Facts) { f.World.Client, f.World.Scopes = true, []string{"email"} })
	agreed    = set(func(f *Facts) { f.Consented = true })
	cancel    = set(func(f *Facts) { f.Cancelled = true })
	refused   = set(func(f *Facts) { f.World.Refused = true })
	mustSwap  = set(func(f *Facts) { f.World.Account.MustChange = true })
	unproven  = set(func(f *Facts) { f.World.Account.Unproven = true })
	renewed   = set(func(f *Facts) { f.Reset = true })
	mayWait   = set(func(f *Facts) { f.World.Later = true })
	newTerms  = set(func(f *Facts) { f.World.Terms = []Acceptance{{Kind: "terms", Version: 2}} })
	took1     = set(func(f *Facts) { f.Accepted = append(f.Accepted, Acceptance{Kind: "terms", Version: 1}) })
	took2     = set(func(f *Facts) { f.Accepted = append(f.Accepted, Acceptance{Kind: "terms", Version: 2}) })
	lacks     = set(func(f *Facts) { f.World.Fields = []string{"given_name"} })
	justMade  = set(func(f *Facts) { f.Registered = true })
	named     = set(func(f *Facts) { f.World.Username = true })
	skipName  = set(func(f *Facts) { f.Skip(Username) })
	ages      = want(func(p *Policy) { p.Age = true })
	ofAge     = set(func(f *Facts) { f.OfAge = &OfAge{Years: 16} })
	tooYoung  = set(func(f *Facts) { f.TooYoung() })
	offers    = set(func(f *Facts) { f.World.Choices = []Choice{{Purpose: "tips", Version: 1}} })
	wished    = set(func(f *Facts) { f.World.Asks = []Wanted{{Field: "garden"}} })
	mustTell  = set(func(f *Facts) { f.World.Asks = []Wanted{{Field: "name", Needed: true}, {Field: "garden"}} })
	known     = is(alice, customer.Active)
	email     = typed(mail)
	code      = proved(Code)
	password  = proved(Password)
	usePass   = method(Password)
	sessionA  = Known{Session: sesA, Customer: alice, AuthenticatedAt: noon.Add(-time.Hour)}
	sessionB  = Known{Session: sesB, Customer: bob, AuthenticatedAt: noon.Add(-time.Minute)}
	none      = prompt(Prompt{None: true})
	loginP    = prompt(Prompt{Login: true})
	createP   = prompt(Prompt{Create: true})
	selectP   = prompt(Prompt{Select: true})
	consentP  = prompt(Prompt{Consent: true})
	recovers  = kind(Recover)
	confirms  = kind(Confirm)
	addresses = kind(Address)
	forAlice  = pinned(alice)
	forBob    = pinned(bob)
	done      = Step{Name: Done}
	doneWithA = Step{Name: Done, Session: sesA}
	doneWithB = Step{Name: Done, Session: sesB}
)

func page(n Name) Step { return Step{Name: n} }

func TestNext(t *testing.T) {
	t.Parallel()
	rows := []struct {
		what string
		why  []change
		next Step
	}{
		// Who.
		{"nobody yet", nil, page(Identify)},
		{"nobody yet, login_hint", []change{hint}, page(Identify)},
		{"one session: the chooser", []change{holds(sessionA)}, page(Choose)},
		{"one session, silent", []change{holds(sessionA), silent, known}, doneWithA},
		{"two sessions are never silent", []change{holds(sessionA, sessionB), silent}, page(Choose)},
		{"one session and a hint of somebody: ask", []change{holds(sessionA), silent, hint}, page(Identify)},
		{"picked A", []change{holds(sessionA, sessionB), picked(sesA), known}, doneWithA},
		{"picked B", []change{holds(sessionA, sessionB), picked(sesB), is(bob, customer.Active)}, doneWithB},
		{"picked one that this browser does not hold", []change{holds(sessionA), picked(sesB)}, page(Identify)},
		{"picked one that ended meanwhile", []change{picked(sesA)}, page(Identify)},
		{"another account", []change{holds(sessionA), another}, page(Identify)},
		{"typed an address although a session is there", []change{holds(sessionA), silent, email}, page(Code)},
		{"typed, then picked after all", []change{holds(sessionA), email, picked(sesA), known}, doneWithA},
		{"cancelled", []change{cancel}, refuse(AccessDenied)},
		{"cancelled although proven", []change{email, known, code, cancel}, refuse(AccessDenied)},

		// Prompts.
		{"prompt=login with a session", []change{loginP, holds(sessionA), silent}, page(Identify)},
		{"prompt=login, session picked by force", []change{loginP, holds(sessionA), picked(sesA)}, page(Identify)},
		{"prompt=login, proven now", []change{loginP, holds(sessionA), email, known, code}, done},
		{"prompt=create with a session", []change{createP, holds(sessionA), silent}, page(Identify)},
		{"prompt=create, address known after all: signs in", []change{createP, email, known, code}, done},
		{"prompt=create, new", []change{createP, email, code}, page(Register)},
		{"prompt=select_account, one silent session", []change{selectP, holds(sessionA), silent}, page(Choose)},
		{"prompt=select_account, hint", []change{selectP, holds(sessionA), hint}, page(Choose)},
		{"prompt=select_account, picked", []change{selectP, holds(sessionA), picked(sesA), known}, doneWithA},
		{"prompt=select_account, no session", []change{selectP}, page(Identify)},
		{"prompt=select_account, another", []change{selectP, holds(sessionA), another}, page(Identify)},
		{"prompt=login select_account", []change{prompt(Prompt{Login: true, Select: true}), holds(sessionA)}, page(Choose)},
		{"prompt=login select_account, picked: prove it", []change{prompt(Prompt{Login: true, Select: true}), holds(sessionA), picked(sesA)}, page(Identify)},
		{"prompt=consent, nothing new", []change{consentP, client, holds(sessionA), picked(sesA), known}, page(Consent)},
		{"prompt=consent, agreed", []change{consentP, client, holds(sessionA), picked(sesA), known, agreed}, doneWithA},
		{"prompt=consent without an application", []change{consentP, holds(sessionA), picked(sesA), known}, doneWithA},

		// prompt=none shows nothing.
		{"none: nobody", []change{none}, refuse(LoginRequired)},
		{"none: one session", []change{none, holds(sessionA), known}, doneWithA},
		{"none: two sessions", []change{none, holds(sessionA, sessionB)}, refuse(ChoiceRequired)},
		{"none: two sessions, id_token_hint", []change{none, holds(sessionA, sessionB), forBob, is(bob, customer.Active)}, doneWithB},
		{"none: id_token_hint of somebody else", []change{none, holds(sessionA), forBob}, refuse(LoginRequired)},
		{"none: two sessions, login_hint", []change{none, holds(sessionA, sessionB), hint}, refuse(LoginRequired)},
		{"none: too old", []change{none, holds(sessionA), aged(time.Minute)}, refuse(ChoiceRequired)},
		{"none: one of two is fresh", []change{none, holds(sessionA, sessionB), aged(10 * time.Minute), is(bob, customer.Active)}, doneWithB},
		{"none: scopes", []change{none, holds(sessionA), known, asks}, refuse(ConsentRequired)},
		{"none: terms", []change{none, holds(sessionA), known, newTerms}, refuse(InteractionNeeded)},
		{"none: fields", []change{none, holds(sessionA), known, lacks}, refuse(InteractionNeeded)},
		{"none: locked", []change{none, holds(sessionA), is(alice, customer.Locked)}, refuse(CustomerLocked)},
		{"none: closing", []change{none, holds(sessionA), is(alice, customer.Closing)}, refuse(InteractionNeeded)},

		// max_age.
		{"max_age fresh enough", []change{holds(sessionA), picked(sesA), aged(2 * time.Hour), known}, doneWithA},
		{"max_age to the second", []change{holds(sessionA), picked(sesA), aged(time.Hour), known}, doneWithA},
		{"max_age one second over", []change{holds(sessionA), picked(sesA), aged(time.Hour), later(time.Second), known}, page(Identify)},
		{"max_age=0", []change{holds(sessionA), picked(sesA), aged(0), known}, page(Identify)},
		{"max_age over, proven now", []change{holds(sessionA), aged(time.Minute), email, known, code}, done},
		{"max_age over, silent", []change{holds(sessionA), aged(time.Minute), silent}, page(Choose)},

		// id_token_hint.
		{"hinted session answers", []change{holds(sessionA, sessionB), forAlice, known}, doneWithA},
		{"hinted, no session", []change{forAlice}, page(Identify)},
		{"hinted, old session", []change{holds(sessionA), forAlice, aged(0)}, page(Identify)},
		{"hinted, other one proven", []change{forBob, email, known, code}, refuse(LoginRequired)},
		{"hinted, nobody proven", []change{forBob, email, code}, refuse(LoginRequired)},
		{"hinted, right one proven", []change{forAlice, email, known, code}, done},
		{"picked another than hinted", []change{holds(sessionA, sessionB), forAlice, picked(sesB)}, page(Identify)},

		// Proof.
		{"typed, unknown", []change{email}, page(Code)},
		{"typed, known", []change{email, known}, page(Code)},
		{"typed, locked", []change{email, is(alice, customer.Locked)}, page(Code)},
		{"password asked, unknown", []change{email, usePass}, page(Password)},
		{"password asked, known", []change{email, known, usePass}, page(Password)},
		{"password asked, but there are none here", []change{email, known, usePass, off}, page(Code)},
		{"password, not alone: a code too", []change{email, known, usePass, password}, page(Code)},
		{"password and code", []change{email, known, usePass, password, code}, done},
		{"password alone", []change{email, known, usePass, alone, password}, done},
		{"password alone, address never proven", []change{email, known, unproven, usePass, alone, password}, page(Code)},
		{"code alone", []change{email, known, code}, done},
		{"code although password was chosen", []change{email, known, usePass, code}, done},
		{"a password proof counts only on its own way", []change{email, known, alone, password, method(Code)}, page(Code)},
		{"proof at its last moment", []change{email, known, code, later(ProofLife - 1)}, done},
		{"proof too old", []change{email, known, code, later(ProofLife)}, page(Code)},
		{"proof from the future", []change{email, known, code, later(-time.Second)}, page(Code)},
		{"username, unknown", []change{typed(name)}, page(Code)},
		{"username, known", []change{typed(name), known}, page(Code)},
		{"username, proven", []change{typed(name), known, code}, done},
		{"username that nobody has cannot register", []change{typed(name), code}, refuse(AddressRefused)},
		{"typed another address after the proof", []change{email, known, code, typed(name)}, page(Code)},
		{"account changed hands after the proof", []change{email, known, code, is(bob, customer.Active)}, page(Code)},
		{"password reset after the proof", []change{email, known, code, set(func(f *Facts) { f.World.Account.Since++ })}, page(Code)},
		{"password reset in this journey", []change{email, known, code, set(func(f *Facts) { f.Stands(Account{ID: alice, State: customer.Active, Since: 7}) })}, done},
		{"somebody registered the address after the proof", []change{email, code, known}, page(Code)},
		{"account gone after the proof", []change{email, known, code, is(customer.ID{}, "")}, page(Code)},

		// The account's state, told only after proof.
		{"locked", []change{email, is(alice, customer.Locked), code}, refuse(CustomerLocked)},
		{"locked, by password", []change{email, is(alice, customer.Locked), usePass, alone, password}, refuse(CustomerLocked)},
		{"locked, by session", []change{holds(sessionA), picked(sesA), is(alice, customer.Locked)}, refuse(CustomerLocked)},
		{"erased", []change{email, is(alice, customer.Erased), code}, refuse(CustomerLocked)},
		{"closing", []change{email, is(alice, customer.Closing), code}, page(Reopen)},
		{"recovery", []change{email, is(alice, customer.Recovery), code}, page(Reset)},
		{"recovery, no passwords here", []change{email, is(alice, customer.Recovery), code, off}, page(Restore)},
		{"recovery: a password is not enough", []change{email, is(alice, customer.Recovery), usePass, alone, password}, page(Code)},
		{"must change", []change{email, known, mustSwap, code}, page(Reset)},
		{"must change, changed", []change{email, known, mustSwap, code, renewed}, done},

		// Recovery.
		{"recover, nobody yet", []change{recovers}, page(Identify)},
		{"recover ignores sessions", []change{recovers, holds(sessionA), silent}, page(Identify)},
		{"recover, typed", []change{recovers, email}, page(Code)},
		{"recover never by password", []change{recovers, email, known, usePass}, page(Code)},
		{"recover, proven", []change{recovers, email, known, code}, page(Reset)},
		{"recover, new password", []change{recovers, email, known, code, renewed}, done},
		{"recover, no passwords here", []change{recovers, email, known, code, off}, done},
		{"recover, unknown: may register", []change{recovers, email, code}, page(Register)},
		{"recover, unknown and closed", []change{recovers, email, code, closed}, refuse(RegistrationClosed)},
		{"recover, locked", []change{recovers, email, is(alice, customer.Locked), code}, refuse(CustomerLocked)},
		{"a sign-in code is no recovery", []change{email, known, code, recovers}, page(Code)},
		{"a recovery code is no sign-in", []change{recovers, email, known, code, kind(SignIn)}, page(Code)},

		// Fresh proof by somebody signed in.
		{"confirm", []change{confirms, forAlice, email, known}, page(Code)},
		{"confirm, password", []change{confirms, forAlice, email, known, usePass, alone}, page(Password)},
		{"confirm, proven", []change{confirms, forAlice, email, known, code}, done},
		{"confirm does not ask for terms or fields", []change{confirms, forAlice, email, known, newTerms, lacks, code}, done},
		{"confirm, somebody else", []change{confirms, forBob, email, known, code}, refuse(OtherAccount)},
		{"confirm, nobody", []change{confirms, forBob, email, code}, refuse(OtherAccount)},
		{"confirm is not answered by a session", []change{confirms, holds(sessionA), picked(sesA), forAlice}, page(Identify)},

		// A new address of somebody signed in.
		{"address", []change{addresses, forAlice, email}, page(Code)},
		{"address, never by password", []change{addresses, forAlice, email, usePass, alone}, page(Code)},
		{"address, proven", []change{addresses, forAlice, email, code}, done},
		{"address, proven for somebody else", []change{addresses, forAlice, email, code, forBob}, page(Code)},
		{"a code for an address is no sign-in", []change{addresses, forAlice, email, known, code, kind(SignIn)}, page(Code)},

		// Registering.
		{"new", []change{email, code}, page(Register)},
		{"new, closed: told after proof", []change{email, code, closed}, refuse(RegistrationClosed)},
		{"new, closed: not before", []change{email, closed}, page(Code)},
		{"new, refused address", []change{email, code, refused}, refuse(AddressRefused)},
		{"new, refused address: not before", []change{email, refused}, page(Code)},
		{"known although closed and refused", []change{email, known, code, closed, refused}, done},
		{"new, terms first", []change{email, code, newTerms}, page(Terms)},
		{"new, terms accepted", []change{email, code, newTerms, took2}, page(Register)},
		{"new, an older version accepted", []change{email, code, newTerms, took1}, page(Terms)},
		{"known, new terms", []change{email, known, code, newTerms}, page(Terms)},
		{"known, new terms that may wait", []change{email, known, code, newTerms, mayWait}, page(Terms)},
		{"known, new terms put off", []change{email, known, code, newTerms, mayWait, skips(Terms)}, done},
		{"known, new terms that may not wait any more", []change{email, known, code, newTerms, skips(Terms)}, page(Terms)},
		{"none: terms that may wait", []change{none, holds(sessionA), known, newTerms, mayWait}, doneWithA},
		{"known, new terms accepted", []change{email, known, code, newTerms, took2}, done},
		{"session, new terms", []change{holds(sessionA), picked(sesA), known, newTerms}, page(Terms)},
		{"registered, username offered", []change{email, known, code, justMade, names}, page(Username)},
		{"registered, username skipped", []change{email, known, code, justMade, names, skipName}, done},
		{"registered, username there", []change{email, known, code, justMade, names, named}, done},
		{"registered, no usernames here", []change{email, known, code, justMade}, done},
		{"returning customers are not asked for one", []change{email, known, code, names}, done},
		{"required fields", []change{email, known, code, lacks}, page(Profile)},
		{"username before fields", []change{email, known, code, justMade, names, lacks}, page(Username)},

		// Age: of newcomers alone, after the proof, before anything else.
		{"new, age", []change{email, code, ages}, page(Age)},
		{"new, age: not before the proof", []change{email, ages}, page(Code)},
		{"new, age before terms and choices", []change{email, code, ages, newTerms, offers}, page(Age)},
		{"new, of age", []change{email, code, ages, ofAge}, page(Register)},
		{"new, of age, terms", []change{email, code, ages, ofAge, newTerms}, page(Terms)},
		{"known, age", []change{email, known, code, ages}, done},
		{"new, closed and age", []change{email, code, ages, closed}, refuse(RegistrationClosed)},
		{"too young", []change{email, code, ages, tooYoung}, refuse(TooYoung)},
		{"too young, then old enough", []change{email, code, ages, tooYoung, email, code, ofAge}, refuse(TooYoung)},
		{"too young, then somebody known", []change{email, code, ages, tooYoung, email, known, code}, refuse(TooYoung)},
		{"too young, then a session", []change{ages, tooYoung, holds(sessionA), picked(sesA), known}, refuse(TooYoung)},
		{"too young, then a passkey", []change{ages, tooYoung, set(func(f *Facts) { f.Held(alice) }), known}, refuse(TooYoung)},
		{"too young, cancelled", []change{tooYoung, cancel}, refuse(AccessDenied)},
		{"of age, then another address", []change{email, code, ages, ofAge, typed(name), is(customer.ID{}, "")}, page(Code)},

		// Choices: with the account, and again at a sign-in.
		{"new, choices", []change{email, code, offers}, page(Choices)},
		{"new, choices after terms", []change{email, code, offers, newTerms}, page(Terms)},
		{"new, choices answered", []change{email, code, offers, skips(Choices)}, page(Register)},
		{"registered: not again", []change{email, known, code, offers, justMade}, done},
		{"known, choices", []change{email, known, code, offers}, page(Choices)},
		{"known, choices answered", []change{email, known, code, offers, skips(Choices)}, done},
		{"session: choices do not stop it", []change{holds(sessionA), picked(sesA), known, offers}, doneWithA},
		{"none: choices do not stop it", []change{none, holds(sessionA), known, offers}, doneWithA},
		{"recover: no choices", []change{recovers, email, known, code, renewed, offers}, done},
		{"confirm: no choices", []change{confirms, forAlice, email, known, code, offers}, done},
		{"choices after scopes", []change{email, known, code, asks, offers}, page(Consent)},

		// Fields that an application asks for.
		{"asked for", []change{email, known, code, wished}, page(Ask)},
		{"asked for and left out", []change{email, known, code, wished, skips(Ask)}, done},
		{"asked for in the sign-up", []change{email, known, code, wished, justMade}, done},
		{"asked for, by session", []change{holds(sessionA), picked(sesA), known, wished}, doneWithA},
		{"none: asked for", []change{none, holds(sessionA), known, wished}, doneWithA},
		{"needed", []change{email, known, code, mustTell}, page(Ask)},
		{"needed, left out all the same", []change{email, known, code, mustTell, skips(Ask)}, page(Ask)},
		{"needed in the sign-up", []change{email, known, code, mustTell, justMade}, page(Ask)},
		{"needed, by session", []change{holds(sessionA), picked(sesA), known, mustTell}, page(Ask)},
		{"none: needed", []change{none, holds(sessionA), known, mustTell}, refuse(InteractionNeeded)},
		{"needed after scopes", []change{email, known, code, mustTell, asks}, page(Consent)},
		{"needed: not before the proof", []change{email, known, mustTell}, page(Code)},
		{"one page at a time", []change{email, known, code, wished, offers}, page(Ask)},
		{"and no second one", []change{email, known, code, wished, offers, skips(Ask)}, done},

		// Scope consent.
		{"scopes", []change{email, known, code, asks}, page(Consent)},
		{"scopes agreed", []change{email, known, code, asks, agreed}, done},
		{"scopes, by session", []change{holds(sessionA), picked(sesA), known, asks}, page(Consent)},
		{"fields before scopes", []change{email, known, code, asks, lacks}, page(Profile)},
		{"scopes are not shown before proof", []change{email, known, asks}, page(Code)},
	}
	if len(rows) < 100 {
		t.Errorf("only %d rows", len(rows))
	}
	for _, row := range rows {
		f, p := begun()
		for _, c := range row.why {
			c(&f, &p)
		}
		if got := Next(f, p); got != row.next {
			t.Errorf("%s: got %+v, want %+v", row.what, got, row.next)
		}
	}
}

// Every proof that differs from what is expected in one member counts for
// nothing (security law 3).
func TestProofCountsInItsOwnContextAlone(t *testing.T) {
	t.Parallel()
	bend := map[string]func(*Context){
		"tenant":   func(c *Context) { c.Tenant[0]++ },
		"flow":     func(c *Context) { c.Flow[0]++ },
		"browser":  func(c *Context) { c.Browser[0]++ },
		"step":     func(c *Context) { c.Step = Password },
		"purpose":  func(c *Context) { c.Purpose = "verify" },
		"customer": func(c *Context) { c.Customer = bob },
		"target":   func(c *Context) { c.Target[0]++ },
		"since":    func(c *Context) { c.Since++ },
	}
	for what, fn := range bend {
		f, p := begun()
		email(&f, &p)
		known(&f, &p)
		code(&f, &p)
		if Next(f, p) != done {
			t.Fatal("the straight proof does not count")
		}
		fn(&f.Proofs[0].Context)
		if got := Next(f, p); got != page(Code) {
			t.Errorf("%s: got %+v", what, got)
		}
	}
}

// Until the address is proven, nothing tells a known one from an unknown one
// (ui.md 1.3, rule 1).
func TestNothingIsToldBeforeProof(t *testing.T) {
	t.Parallel()
	states := []Account{{}}
	for _, s := range []customer.State{customer.Active, customer.Locked, customer.Recovery, customer.Closing, customer.Erased} {
		states = append(states, Account{ID: alice, State: s}, Account{ID: alice, State: s, MustChange: true})
	}
	for bits := range 1 << 9 {
		on := func(i int) bool { return bits>>i&1 == 1 }
		var first Step
		for i, account := range states {
			f, p := begun()
			p.Alone, p.Password, p.Closed, p.Username, f.World.Refused = on(0), on(1), on(2), on(3), on(4)
			f.Prompt = Prompt{Login: on(5), Create: on(6)}
			f.World.Client = on(7)
			f.Identified(mail)
			if on(8) {
				f.Method = Password
			}
			f.World.Account = account
			f.World.Username, f.World.Fields = i%2 == 0, make([]string, i%3)
			f.World.Asks, f.World.Choices, p.Age = make([]Wanted, i%2), make([]Choice, i%3), true
			got := Next(f, p)
			if i == 0 {
				first = got
			}
			if got != first {
				t.Fatalf("bits %09b: %+v for %+v, %+v for nobody", bits, got, account, first)
			}
		}
	}
}

func TestPromptNoneShowsNoPage(t *testing.T) {
	t.Parallel()
	for _, n := range []Name{Choose, Identify, Code, Password, Reopen, Reset, Age, Terms, Choices, Username, Profile, Ask, Consent, Restore, Register} {
		if s := quiet(page(n)); s.Name != Refuse || s.Reason == "" {
			t.Errorf("%s: %+v", n, s)
		}
	}
	if quiet(doneWithA) != doneWithA || fmt.Sprint(quiet(refuse(CustomerLocked))) != fmt.Sprint(refuse(CustomerLocked)) {
		t.Error("what is decided already must stay")
	}
}
