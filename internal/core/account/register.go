package account

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// at surveys the journey and makes sure that the step is the next one.
func at(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, step signin.Name) error {
	next, err := Survey(tx, t, f, signin.PolicyOf(t), nil)
	if err == nil && next.Name != step {
		err = ErrStep
	}
	return err
}

// Accept writes that the documents of the Terms step were accepted: to the
// ledger if there is an account, else to the journey until there is one.
func Accept(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, held []session.Session) error {
	next, err := Survey(tx, t, f, signin.PolicyOf(t), held)
	if err == nil && next.Name != signin.Terms {
		err = ErrStep
	}
	if err != nil {
		return err
	}
	f.Accepted = append(f.Accepted, f.World.Terms...)
	if c := f.World.Account.ID; !c.IsZero() {
		if err := record(tx, t, c, f, f.World.Terms, "signin"); err != nil {
			return err
		}
	}
	return signin.Save(tx, t, f)
}

// AcceptLater puts the Terms step off, where every text of it may wait.
func AcceptLater(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, held []session.Session) error {
	next, err := Survey(tx, t, f, signin.PolicyOf(t), held)
	if err == nil && (next.Name != signin.Terms || !f.World.Later) {
		err = ErrStep
	}
	if err != nil {
		return err
	}
	f.Skip(signin.Terms)
	return signin.Save(tx, t, f)
}

// record writes acceptances to the ledger, with the digest of the very text and
// sealed evidence of where they came from.
func record(tx *db.Tx, t *tenant.Tenant, c customer.ID, f *signin.Flow, list []signin.Acceptance, surface string) error {
	texts, err := consent.Documents(tx, t, f.Locale)
	if err != nil {
		return err
	}
	for _, d := range texts {
		if !slices.ContainsFunc(list, func(a signin.Acceptance) bool { return a.Kind == d.Kind && a.Version == d.Version }) {
			continue
		}
		sealed, err := consent.Evidence{Network: f.From.Network, Agent: f.From.Agent}.Seal(tx, t, c)
		if err != nil {
			return err
		}
		err = consent.Record(tx, t, consent.Decision{
			Customer: c, Purpose: consent.Terms, Item: d.Kind, Given: true, Version: d.Version, TextDigest: d.Digest,
			Locale: d.Locale, Surface: surface, Method: "button", Evidence: sealed,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Register makes the account of a proven address. The journey's data key
// becomes the customer's. If somebody else registered the address meanwhile,
// the first one wins: the proof, which was given as nobody, is forgotten, and
// it fails with ErrTaken, kept by the database; the journey asks for a new code.
func (a Acts) Register(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (customer.Customer, error) {
	next, err := Survey(tx, t, f, signin.PolicyOf(t), nil)
	if err != nil {
		return customer.Customer{}, err
	}
	if len(f.Proofs) > 0 && next.Name == signin.Code && !f.World.Account.ID.IsZero() {
		return customer.Customer{}, lost(tx, t, f)
	}
	if next.Name != signin.Register {
		return customer.Customer{}, ErrStep
	}
	key := f.Key()
	c, err := customer.Register(tx, t, customer.New{
		Identifiers: []customer.NewIdentifier{{Kind: f.Identifier.Kind, Value: f.Identifier.Value, Verified: true}},
		Source:      "signup", Key: &key, Flow: f.ID,
	})
	if err != nil {
		return customer.Customer{}, err
	}
	if f.Locale != "" {
		if err := customer.SetField(tx, t, c.ID, "locale", f.Locale, "customer"); err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Denied) {
			return customer.Customer{}, err
		}
	}
	if err := record(tx, t, c.ID, f, f.Accepted, consent.AtSignUp); err != nil {
		return customer.Customer{}, err
	}
	if err := consent.Merge(tx, t, c.ID, f.Identifier.Digest); err != nil {
		return customer.Customer{}, err
	}
	f.Became(c.ID)
	f.CustomerID = c.ID
	if err := settle(tx, t, f); err != nil {
		return customer.Customer{}, err
	}
	f.OfAge, f.Chosen = nil, nil // they stand with the account
	return c, signin.Save(tx, t, f)
}

func lost(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	f.Proofs = nil
	f.SentAt = f.SentAt.Add(-Cooldown)
	if err := signin.Save(tx, t, f); err != nil {
		return err
	}
	return db.Keep(ErrTaken.At(f.Identifier.Kind))
}

// Entrance is what is known of the browser that a session is opened for.
type Entrance struct {
	Held   []session.Session // alive sessions that it holds already
	Place  session.Place
	Device [16]byte
	Policy signin.Policy // as the page asked Next

	Shown map[string]consent.Words // what the page said of each scope, for Agree
}

// Opened is what a browser keeps of a journey that has ended.
type Opened struct {
	session.Session
	Token string // of the session; "": the browser holds it already, unchanged
	Trust string // by which it skips the second factor from now on; "": it does not
}

// SignIn ends a journey whose next step is Done: in the session of the browser
// that answers it, whose token is a new one if something was proven in it, or in
// a new session. Both go through permit.May.
func (a Acts) SignIn(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (out Opened, err error) {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err != nil {
		return out, err
	}
	if next.Name != signin.Done || f.Kind == signin.Confirm || f.Kind == signin.Address {
		return out, ErrStep
	}
	if next.Session.IsZero() {
		out, err = a.start(tx, t, f, e)
	} else {
		out, err = a.stand(tx, t, f, e, next.Session)
	}
	if err == nil {
		err = heed(tx, t, f, out.CustomerID)
	}
	if err == nil {
		err = count(tx, t, f)
	}
	if err != nil {
		return Opened{}, err
	}
	return out, signin.End(tx, t, f, signin.Outcome{Customer: out.CustomerID, Session: out.ID})
}

// stand goes on with a session of this browser. What was proven beside it makes
// it worth more, and gives it a new token.
func (a Acts) stand(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, id session.ID) (Opened, error) {
	for _, s := range e.Held {
		if s.ID != id {
			continue
		}
		if !f.Fresh() {
			return Opened{Session: s}, nil
		}
		p, err := permit.May(tx, t, permit.Ask{Customer: s.CustomerID, Session: &s, Purpose: permit.ForSession, ACR: worth(f), Proofs: proofs(f)})
		if err != nil {
			return Opened{}, err
		}
		token, s, err := session.Prove(tx, t, p, s, proofs(f)...)
		if err != nil {
			return Opened{}, err
		}
		trust, err := a.trust(tx, t, f, e)
		return Opened{Session: s, Token: token, Trust: trust}, err
	}
	return Opened{}, ErrStep
}

// worth is the assurance without which the permit is refused: what the journey
// needs, unless a trusted browser or a time of grace does in its place.
func worth(f *signin.Flow) string {
	if f.Reaches(f.World.Need.ACR) || !f.MaySkip() {
		return f.World.Need.ACR
	}
	return ""
}

func (a Acts) start(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (Opened, error) {
	c := f.World.Account.ID
	p, err := permit.May(tx, t, permit.Ask{Customer: c, Purpose: permit.ForSession, ACR: worth(f), Proofs: proofs(f)})
	if err != nil {
		return Opened{}, err
	}
	token, s, err := session.Start(tx, t, p, session.New{Proofs: proofs(f), Remembered: f.Remember, Device: e.Device, Place: e.Place})
	if err != nil {
		return Opened{}, err
	}
	if err := a.seen(tx, t, f, e, s); err != nil {
		return Opened{}, err
	}
	trust, err := a.trust(tx, t, f, e)
	return Opened{Session: s, Token: token, Trust: trust}, err
}

// trust lets the browser skip the second factor from now on, if its customer
// asked for that and has just given one.
func (a Acts) trust(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (string, error) {
	_, second := f.Proven(signin.Second)
	if !f.Trust || !second || t.TrustFor() == 0 || e.Device == ([16]byte{}) {
		return "", nil
	}
	return session.Trust(tx, t, f.World.Account.ID, e.Device, t.TrustFor())
}

func proofs(f *signin.Flow) []session.Proof {
	var out []session.Proof
	for _, p := range f.Valid() {
		out = append(out, session.Proof{Method: session.Method(p.Method), At: p.At, Credential: p.Credential})
	}
	return out
}

// Refuse ends a journey with a reason, for the application to hear.
func Refuse(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, why signin.Reason) error {
	return signin.End(tx, t, f, signin.Outcome{Customer: f.CustomerID, Reason: why})
}

// Agree writes that the customer lets the application have the scopes that the
// Consent step showed.
func Agree(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err == nil && next.Name != signin.Consent {
		err = ErrStep
	}
	if err != nil {
		return err
	}
	err = consent.Allow(tx, t, f.Request.Application, f.World.Scopes, e.Shown, consent.Choice{
		Customer: f.World.Account.ID, Locale: f.Locale, Surface: "signin", Method: "button", Network: e.Place.Network, Agent: e.Place.Agent,
	})
	if err != nil {
		return err
	}
	f.Consented = true
	return signin.Save(tx, t, f)
}

// Name gives a newly registered customer the username that they chose.
func Name(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, raw string) error {
	if err := at(tx, t, f, signin.Username); err != nil {
		return err
	}
	canonical, err := customer.NormalizeFor(t, customer.Username, raw)
	if err != nil {
		return err
	}
	err = customer.AddIdentifier(tx, t, f.World.Account.ID, customer.NewIdentifier{Kind: customer.Username, Value: canonical, Verified: true})
	if err != nil {
		return err
	}
	return signin.Save(tx, t, f)
}
