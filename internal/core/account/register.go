package account

import (
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
		if err := record(tx, t, c, f.World.Terms, f.Locale); err != nil {
			return err
		}
	}
	return signin.Save(tx, t, f)
}

// record writes acceptances to the ledger, with the digest of the very text.
func record(tx *db.Tx, t *tenant.Tenant, c customer.ID, list []signin.Acceptance, locale string) error {
	texts, err := consent.Documents(tx, t, locale)
	if err != nil {
		return err
	}
	for _, d := range texts {
		for _, a := range list {
			if a.Kind != d.Kind || a.Version != d.Version {
				continue
			}
			err := consent.Record(tx, t, consent.Decision{
				Customer: c, Purpose: "terms", Item: d.Kind, Given: true, Version: d.Version, TextDigest: d.Digest,
				Locale: d.Locale, Surface: "signin", Method: "button",
			})
			if err != nil {
				return err
			}
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
	if err := record(tx, t, c.ID, f.Accepted, f.Locale); err != nil {
		return customer.Customer{}, err
	}
	f.Became(c.ID)
	f.CustomerID = c.ID
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
}

// SignIn ends a journey whose next step is Done: in the session of the browser
// that answers it, or in a new one, for which token is what the browser keeps
// ("" if none was opened). Every new session goes through permit.May.
func (a Acts) SignIn(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (token string, s session.Session, err error) {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err != nil {
		return "", s, err
	}
	if next.Name != signin.Done || f.Kind == signin.Confirm || f.Kind == signin.Address {
		return "", s, ErrStep
	}
	if next.Session.IsZero() {
		token, s, err = start(tx, t, f, e)
	} else {
		s, err = standing(e.Held, next.Session)
	}
	if err != nil {
		return "", s, err
	}
	return token, s, signin.End(tx, t, f, signin.Outcome{Customer: s.CustomerID, Session: s.ID})
}

func standing(held []session.Session, id session.ID) (session.Session, error) {
	for _, s := range held {
		if s.ID == id {
			return s, nil
		}
	}
	return session.Session{}, ErrStep
}

func start(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (string, session.Session, error) {
	p, err := permit.May(tx, t, permit.Ask{Customer: f.World.Account.ID, Purpose: permit.ForSession})
	if err != nil {
		return "", session.Session{}, err
	}
	return session.Start(tx, t, p, session.New{Proofs: proofs(f), Remembered: f.Remember, Device: e.Device, Place: e.Place})
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
	for _, scope := range f.World.Scopes {
		err := consent.Record(tx, t, consent.Decision{
			Customer: f.World.Account.ID, Purpose: "scope", Recipient: f.Request.Application, Item: scope, Given: true,
			Locale: f.Locale, Surface: "signin", Method: "button",
		})
		if err != nil {
			return err
		}
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
