package account_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	core "github.com/cardea-id/cardea/internal/core/tenant"
)

// The codes that messages to Alice and to Mallory carry: who reads a mailbox
// knows its code and no other.
const (
	aliceCode = "111111"
	mallCode  = "999999"
)

// walker is somebody who does whatever a browser lets them do, in any order.
type walker struct {
	*door
	rnd            *rand.Rand
	alice, mallory string // their addresses
	kid            string // an address without an account, which Mallory reads, too
	browser        [32]byte
	flows          []signin.ID // of any browser: ids are no secrets
	current        int
	knows          func(*walker) string // a code of a second factor that the walker can make
	code           string               // of the mailbox that the walker reads
	phc            string               // the password that the walker knows
	proven         map[signin.ID]map[string]time.Time
	opened         []session.Session
	registered     []made
	young          map[signin.ID]bool // journeys in which somebody was too young
	asks           app.ID             // the application that cannot do without a name
}

func (w *walker) flow() signin.ID { return w.flows[w.current] }

// in does something in the current journey, as one request.
func (w *walker) in(fn func(tx *db.Tx, f *signin.Flow, e account.Entrance) error) error {
	err := w.Try(func(tx *db.Tx) error {
		f, err := signin.Load(tx, w.T(), w.flow(), w.browser)
		if err != nil {
			return err
		}
		f.Capable = true
		e := account.Entrance{Policy: signin.PolicyOf(w.T()), Device: [16]byte(w.browser[:16])}
		return fn(tx, &f, e)
	})
	if lost := errors.Is(err, signin.ErrExpired) || errors.Is(err, signin.ErrElsewhere); lost && w.rnd.IntN(2) == 0 {
		w.begin(signin.Facts{Kind: signin.SignIn}) // enough of this window
	}
	return err
}

func (w *walker) did(method string, err error) {
	if err != nil {
		return
	}
	if w.proven[w.flow()] == nil {
		w.proven[w.flow()] = map[string]time.Time{}
	}
	w.proven[w.flow()][method] = w.Clock.Now()
}

type flowAct = func(tx *db.Tx, f *signin.Flow, e account.Entrance) error

// steps is everything that can be asked of the front door.
func (w *walker) steps() map[string]func() {
	a := w.acts
	plain := func(act flowAct) func() { return func() { _ = w.in(act) } }
	return map[string]func(){
		"begin":       func() { w.begin(signin.Facts{Kind: signin.SignIn}) },
		"recover":     func() { w.begin(signin.Facts{Kind: signin.Recover}) },
		"another tab": func() { w.current = w.rnd.IntN(len(w.flows)) },
		"wait":        func() { w.Wait(time.Duration(w.rnd.IntN(400)) * time.Second) },
		"name alice": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			return account.Identify(tx, w.T(), f, customer.Email, w.alice)
		}),
		"name mallory": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			return account.Identify(tx, w.T(), f, customer.Email, w.mallory)
		}),
		"by password": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			f.Method = signin.Password
			return signin.Save(tx, w.T(), f)
		}),
		"by code": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			f.Method = signin.Code
			return signin.Save(tx, w.T(), f)
		}),
		"send": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error { return a.SendCode(tx, w.T(), f) }),
		"code": func() {
			w.did("otp_email", w.in(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error { return a.ProveCode(tx, w.T(), f, w.code) }))
		},
		"password": func() {
			w.did("pwd", w.in(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error { return a.ProvePassword(tx, w.T(), f, w.phc) }))
		},
		"second": w.second,
		"choose app": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			return a.ChooseWay(tx, w.T(), f, e, session.TOTP)
		}),
		"choose code": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			return a.ChooseWay(tx, w.T(), f, e, session.Recovery)
		}),
		"skip second": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error { return a.SkipSecond(tx, w.T(), f, e) }),
		"skip enrol":  plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error { return a.SkipEnrol(tx, w.T(), f, e) }),
		"enrol": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			_, err := a.EnrolApp(tx, w.T(), f, e)
			return err
		}),
		"enrolled": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			_, err := a.EnrolledApp(tx, w.T(), f, e, w.knows(w))
			return err
		}),
		"offer": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			_, err := a.OfferOptions(tx, w.T(), f, e, false)
			return err
		}),
		"decline": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			return a.DeclineOffer(tx, w.T(), f, e, false)
		}),
		"again": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error { return a.Again(tx, w.T(), f, e) }),
		"trust": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			f.Trust = true
			return signin.Save(tx, w.T(), f)
		}),
		"reset":   plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error { return a.Reset(tx, w.T(), f, w.phc+"x") }),
		"restore": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error { return a.Restore(tx, w.T(), f) }),
		"turn to recovery": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			f.Kind, f.Method, f.Proofs, f.SentAt = signin.Recover, "", nil, time.Time{}
			return signin.Save(tx, w.T(), f)
		}),
		"another": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			f.Picked(f.Session)
			f.Another, f.Kind = true, signin.SignIn
			return signin.Save(tx, w.T(), f)
		}),
		"sign in": w.signIn,
		"name kid": plain(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) error {
			return account.Identify(tx, w.T(), f, customer.Email, w.kid)
		}),
		"come in":   w.comeIn,
		"sign up":   w.signUp,
		"too young": func() { w.age("2020-02-29") },
		"of age":    func() { w.age("1990-04-27") },
		"accept":    plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error { return account.Accept(tx, w.T(), f, e.Held) }),
		"choose": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			f.From.Agent = "walker"
			shown := []signin.Choice{{Purpose: "tips", Version: 1}}
			return a.Choose(tx, w.T(), f, e, account.Chosen{Shown: shown, Given: shown[:w.rnd.IntN(2)], Locale: "en", Method: "checkbox"})
		}),
		"register": func() {
			var c customer.Customer
			if w.in(func(tx *db.Tx, f *signin.Flow, _ account.Entrance) (err error) {
				c, err = a.Register(tx, w.T(), f)
				return err
			}) == nil {
				w.registered = append(w.registered, made{w.flow(), c.ID})
			}
		},
		"leave out": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			_, err := a.Answer(tx, w.T(), f, e, account.Answers{Skip: true})
			return err
		}),
		"answer": plain(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
			_, err := a.Answer(tx, w.T(), f, e, account.Answers{Values: map[string]string{"given_name": w.phc}})
			return err
		}),
	}
}

// signUp goes most of the way to an account of a new address, with a slip now
// and then.
func (w *walker) signUp() {
	w.begin(signin.Facts{Kind: signin.SignIn})
	w.kid = fmt.Sprintf("kid%d-%s", len(w.flows), w.mallory)
	todo := w.steps()
	for _, name := range []string{"name kid", "send", "code", "too young", "of age", "choose", "register", "answer"} {
		if often := name != "too young"; w.rnd.IntN(8) > 0 == often {
			todo[name]()
		}
	}
}

// comeIn goes the straight way, as far as it leads.
func (w *walker) comeIn() {
	w.begin(signin.Facts{Kind: signin.SignIn})
	todo := w.steps()
	for _, name := range []string{"name alice", "by password", "wait", "password", "second", "skip enrol", "decline", "sign in"} {
		todo[name]()
	}
}

// made is an account that a walker made in a journey.
type made struct {
	flow signin.ID
	who  customer.ID
}

// age says a date of birth in the current journey, and notes where it was too late.
func (w *walker) age(born string) {
	err := w.in(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
		return account.TellAge(tx, w.T(), f, e, account.Told{Country: "DE", Birthdate: born})
	})
	if err == nil && born > "2010" {
		w.young[w.flow()] = true
	}
}

func (w *walker) begin(facts signin.Facts) {
	w.Update(func(tx *db.Tx) error {
		f, err := signin.Begin(tx, w.T(), signin.New{Browser: w.browser, Facts: facts, Request: signin.Request{Application: w.asks}})
		w.flows = append(w.flows, f.ID)
		return err
	})
	w.current = len(w.flows) - 1
}

func (w *walker) second() {
	w.did("second", w.in(func(tx *db.Tx, f *signin.Flow, e account.Entrance) error {
		return w.acts.ProveSecond(tx, w.T(), f, e, w.knows(w))
	}))
}

func (w *walker) signIn() {
	var out account.Opened
	err := w.in(func(tx *db.Tx, f *signin.Flow, e account.Entrance) (err error) {
		out, err = w.acts.SignIn(tx, w.T(), f, e)
		return err
	})
	if err == nil {
		w.opened = append(w.opened, out.Session)
	}
}

// belongings are what nobody but Alice may change of hers.
type belongings struct {
	Password string
	Apps     []credential.TOTPID
	Passkeys int
	Codes    int
	Sessions []session.ID
	State    customer.State
	Profile  []customer.FieldValue
	Ledger   int
}

func (d *door) belongings(c customer.ID) (b belongings) {
	d.View(func(tx *db.Tx) error {
		b.Password, _, _ = credential.Password(tx, d.T(), c)
		apps, _ := credential.TOTPs(tx, d.T(), c)
		for _, one := range apps {
			b.Apps = append(b.Apps, one.ID)
		}
		keys, _ := credential.Passkeys(tx, d.T(), c)
		b.Passkeys = len(keys)
		b.Codes, _, _, _ = credential.RecoveryCodes(tx, d.T(), c)
		list, err := session.List(tx, d.T(), c)
		for _, s := range list {
			b.Sessions = append(b.Sessions, s.ID)
		}
		slices.SortFunc(b.Sessions, func(x, y session.ID) int { return slices.Compare(x[:], y[:]) })
		now, _ := customer.Get(tx, d.T(), c)
		b.State = now.State
		b.Profile, _ = customer.Profile(tx, d.T(), c)
		ledger, _ := consent.Ledger(tx, d.T(), c)
		b.Ledger = len(ledger)
		return err
	})
	return b
}

// app sets up an authenticator app and returns how to make its codes.
func (d *door) app(c customer.ID) func(*walker) string {
	var setup credential.TOTPSetup
	d.Update(func(tx *db.Tx) (err error) {
		setup, err = d.acts.BeginApp(tx, d.T(), c)
		return err
	})
	now := func(*walker) string { return appCode(setup.Secret, d.Clock.Now()) }
	d.Update(func(tx *db.Tx) error {
		_, err := d.acts.ConfirmApp(tx, d.T(), c, session.ID{}, setup.ID, now(nil))
		return err
	})
	d.Wait(time.Minute)
	return now
}

// appCode is what an authenticator app shows (RFC 6238).
func appCode(secret string, now time.Time) string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, now.Unix()/30)
	sum := mac.Sum(nil)
	at := sum[19] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}

func (d *door) walker(seed uint64, browser byte, code, phc string, knows func(*walker) string) *walker {
	w := &walker{
		door: d, rnd: rand.New(rand.NewPCG(seed, uint64(browser))), browser: [32]byte{browser},
		code: code, phc: phc, knows: knows, proven: map[signin.ID]map[string]time.Time{},
		young: map[signin.ID]bool{}, asks: d.asks,
	}
	w.begin(signin.Facts{Kind: signin.SignIn})
	return w
}

// Whatever is done in which order, in however many windows, with the ids of
// other people's journeys and with everything right but one thing: nothing of an
// account changes hands. Mallory knows Alice's password, reads a mailbox of his
// own and has an account, an app and recovery codes of his own. Alice walks at
// random, too, so that half-proven journeys of hers lie about; when she gets in,
// her session holds what she proved in that journey, and no less than two
// factors.
func TestNoOrderOfStepsLeadsAroundAProof(t *testing.T) {
	t.Parallel()
	walks, length := 8, 240
	if testing.Short() {
		walks = 4
	}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		h.Settings(func(s *settings) {
			s.Password.Alone, s.Registration.Age = true, core.Age{Ask: core.AskBirthdate}
		})
		d := open(t, h)
		d.asking()
		d.acts.Codes.Fixed = func(address string) (string, bool) {
			if strings.HasPrefix(address, "alice") {
				return aliceCode, true
			}
			return mallCode, true
		}
		entered := 0
		for seed := range uint64(walks) {
			entered += d.walk(t, seed, length)
		}
		if entered == 0 {
			t.Error("Alice never got in: the walk shows nothing")
		}
		if d.made == 0 {
			t.Error("nobody ever signed up: the walk shows nothing of that")
		}
	})
}

func (d *door) walk(t *testing.T, seed uint64, length int) (entered int) {
	alices, mallorys := fmt.Sprintf("alice%d@example.test", seed), fmt.Sprintf("mallory%d@example.test", seed)
	alice, mallory := d.known(alices), d.known(mallorys)
	password := fmt.Sprintf("$argon2id$alice-%d", seed)
	d.Update(func(tx *db.Tx) error {
		if err := customer.SetField(tx, d.T(), alice, "given_name", "Alice", "customer"); err != nil {
			return err
		}
		return credential.SetPassword(tx, d.T(), alice, password)
	})
	a := d.walker(seed, 1, aliceCode, password, d.app(alice))
	m := d.walker(seed, 2, mallCode, password, d.app(mallory))
	for _, w := range []*walker{a, m} {
		w.alice, w.mallory, w.kid = alices, mallorys, fmt.Sprintf("kid%d@example.test", seed)
	}
	for n := range length {
		who := a
		if n%2 != 0 {
			who = m
			m.flows = append(m.flows, a.flow()) // ids are no secrets
		}
		before := d.belongings(alice)
		todo := who.steps()
		name := who.pick(todo)
		todo[name]()
		after := d.belongings(alice)
		if who == m && name != "wait" && !reflect.DeepEqual(before, after) {
			t.Fatalf("seed %d, step %d: %q by Mallory changed Alice's account:\n%+v\n%+v", seed, n, name, before, after)
		}
		if before.Password != after.Password {
			a.phc, m.phc = after.Password, after.Password
		}
	}
	own := map[customer.ID]bool{mallory: true}
	for _, one := range append(a.registered, m.registered...) {
		own[one.who] = true
		d.made++
		d.ofAge(t, seed, one.who, a.young[one.flow] || m.young[one.flow])
	}
	for _, s := range m.opened {
		if !own[s.CustomerID] || s.CustomerID == alice {
			t.Fatalf("seed %d: Mallory has a session of somebody else", seed)
		}
	}
	for _, s := range append(a.opened, m.opened...) {
		d.nameTold(t, seed, s.CustomerID)
	}
	for _, s := range a.opened {
		if s.CustomerID == alice {
			entered++
			d.worthTwo(t, seed, s)
		}
	}
	return entered
}

// pick takes a step at random, those that lead on more often than others.
func (w *walker) pick(todo map[string]func()) string {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range todo {
			if w.code != mallCode && (name == "sign up" || name == "name kid") || name == "come in" {
				continue // Alice has an account
			}
			if !yield(name) {
				return
			}
		}
	})
	likely := []string{"name alice", "by password", "password", "send", "code", "second", "sign in"}
	if w.code != mallCode {
		likely = append(likely, "come in")
	} else if w.rnd.IntN(4) == 0 {
		likely = []string{"sign up", "of age", "too young", "choose", "register", "answer", "sign in"}
	}
	if w.rnd.IntN(4) > 0 {
		return likely[w.rnd.IntN(len(likely))]
	}
	return names[w.rnd.IntN(len(names))]
}

// asking makes an application that cannot do without a name, and a purpose that
// newcomers are asked about.
func (d *door) asking() {
	d.Update(func(tx *db.Tx) error {
		a, _, err := app.Register(tx, d.T(), app.New{Kind: app.Web, Name: "Shop", FirstParty: true, Settings: app.Settings{
			RedirectURIs: []string{"https://shop.example/cb"}, Asks: []app.Asked{{Field: "given_name", Purpose: "account", Needed: true}},
		}})
		if d.asks = a.ID; err != nil {
			return err
		}
		_, err = consent.PutPurpose(tx, d.T(), consent.Purpose{
			ID: "tips", Version: 1, Basis: consent.ByConsent, Words: map[string]consent.Words{"en": {Title: "Tips", Text: "For your garden."}},
			Ask: []string{consent.AtSignUp},
		})
		return err
	})
}

// ofAge checks that an account that was made stands with its age, and was not
// made in a journey in which somebody was too young.
func (d *door) ofAge(t *testing.T, seed uint64, c customer.ID, young bool) {
	d.View(func(tx *db.Tx) error {
		list, err := consent.Ledger(tx, d.T(), c)
		if young || !slices.ContainsFunc(list, func(e consent.Entry) bool { return e.Purpose == consent.OfAge }) {
			t.Fatalf("seed %d: an account without an age, or of somebody too young (%v)", seed, young)
		}
		return err
	})
}

// nameTold checks that nobody got in without the name that the application needs.
func (d *door) nameTold(t *testing.T, seed uint64, c customer.ID) {
	d.View(func(tx *db.Tx) error {
		has, err := customer.Filled(tx, d.T(), c)
		if !has["given_name"] {
			t.Fatalf("seed %d: somebody got in without a name", seed)
		}
		return err
	})
}

func (d *door) worthTwo(t *testing.T, seed uint64, s session.Session) {
	d.View(func(tx *db.Tx) error {
		proofs, err := session.Proofs(tx, s)
		if got := session.Assure(proofs); err == nil && got.ACR != session.Multi {
			t.Fatalf("seed %d: a session with %v", seed, got)
		}
		return err
	})
}

// known is the account of an address, which is made if there is none.
func (d *door) known(address string) customer.ID {
	var c customer.Customer
	found := false
	d.View(func(tx *db.Tx) (err error) {
		c, found, err = customer.ByIdentifier(tx, d.T(), customer.Email, address)
		return err
	})
	if found {
		return c.ID
	}
	d.Update(func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, d.T(), customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "test",
		})
		return err
	})
	return c.ID
}
