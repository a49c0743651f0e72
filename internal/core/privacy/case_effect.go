package privacy

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// effect does what a case was decided to.
func (c *Case) effect(tx *db.Tx, t *tenant.Tenant, d Decision) error {
	switch c.Kind {
	case Access, Portability:
		return c.handOut(tx, t)
	case Rectification:
		return c.rectify(tx, t, d)
	case Restriction:
		return c.restrict(tx, t, d)
	case Objection:
		_, err := consent.Decide(tx, t, consent.Choice{
			Customer: c.CustomerID, Purpose: c.Item, Decision: consent.Objected, Surface: "case", Method: c.Channel, Actor: d.Actor,
		})
		return err
	}
	return nil
}

// handOut has a copy of the data made, if none stands, which is given to the
// customer's own portal and to nobody else.
func (c *Case) handOut(tx *db.Tx, t *tenant.Tenant) error {
	a, there, err := FindArchive(tx, t, c.CustomerID)
	if err != nil || there && a.State != Failed {
		return err
	}
	_, err = makeArchive(tx, t, c.CustomerID)
	return err
}

// rectify sets a field of the profile, whoever may edit it otherwise: what is
// wrong is put right (GDPR Art. 16). A case that names no field was put right by
// other means.
func (c *Case) rectify(tx *db.Tx, t *tenant.Tenant, d Decision) error {
	switch {
	case c.Item == "":
		return nil
	case d.Value == "" && !d.Clear:
		return ErrCaseValue
	}
	return customer.SetField(tx, t, c.CustomerID, c.Item, d.Value, customer.SourceCase)
}

func (c *Case) restrict(tx *db.Tx, t *tenant.Tenant, d Decision) error {
	as := consent.Choice{Customer: c.CustomerID, Surface: "case", Method: c.Channel, Actor: d.Actor}
	if c.Item == Lift {
		return consent.Lift(tx, t, as)
	}
	return consent.Restrict(tx, t, as)
}

// itself finds the open case that the house opened, if there is one.
func itself(tx *db.Tx, t *tenant.Tenant, c customer.ID, kind CaseKind) (Case, bool, error) {
	return db.Find[Case](tx, `FROM privacy_case WHERE tenant_id = $1 AND customer_id = $2 AND kind = $3 AND state <> 'closed' AND by_itself
		ORDER BY opened_at LIMIT 1`, t.ID, c, string(kind))
}

// OpenItself opens the case of what a customer does by themselves, freshly
// signed in at a level: a download (Access), the closing of the account
// (Erasure). One that is open already goes on.
func OpenItself(tx *db.Tx, t *tenant.Tenant, c customer.ID, kind CaseKind, level string) error {
	_, there, err := itself(tx, t, c, kind)
	if err != nil || there {
		return err
	}
	_, err = OpenCase(tx, t, CaseOpening{
		Customer: c, Kind: kind, Channel: ByPortal, ByItself: true, Identity: Identity{How: SignedIn, Level: level},
	})
	return err
}

// EndItself ends the open case of a kind that the house opened, if there is one.
func EndItself(tx *db.Tx, t *tenant.Tenant, c customer.ID, kind CaseKind, o Outcome) error {
	now, there, err := itself(tx, t, c, kind)
	if err != nil || !there {
		return err
	}
	l := line{act: ActDecided, actor: journal.Actor{Kind: "system"}, told: true}
	if o == Withdrawn {
		l = line{act: ActWithdrawn, told: true}
	}
	_, err = now.end(tx, t, o, l)
	return err
}

// EraseCases ends the cases of a customer who is erased: the erasure is done,
// what was not answered has lapsed. Words and histories lose what was said; that
// there were requests, when and how they ended stays under the pseudonym.
func EraseCases(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	list, err := CasesOf(tx, t, c)
	if err != nil {
		return err
	}
	for _, now := range list {
		if now.State == CaseClosed {
			continue
		}
		outcome, act := Lapsed, ActLapsed
		if now.Kind == Erasure {
			outcome, act = Done, ActDecided
		}
		if _, err := now.end(tx, t, outcome, line{act: act, actor: journal.Actor{Kind: "system"}, told: true}); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`UPDATE case_entry SET words_sealed = NULL WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return err
}

// Destroy takes away what the room keeps of a customer who is erased.
func Destroy(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	if err := EraseCases(tx, t, c); err != nil {
		return err
	}
	return DestroyArchives(tx, t, c)
}

// Editable lists the fields that a rectification may name: what is stored and
// the customer may see.
func Editable(tx *db.Tx, t *tenant.Tenant) ([]catalog.Field, error) {
	book, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	var out []catalog.Field
	for _, f := range book.Fields() {
		if f.Stored() && slices.Contains(f.Viewers, catalog.Customer) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Objectionable lists the purposes that a customer may object to.
func Objectionable(tx *db.Tx, t *tenant.Tenant) ([]consent.Purpose, error) {
	all, err := consent.Purposes(tx, t)
	var out []consent.Purpose
	for _, p := range all {
		if p.Basis.Objectable() || p.SaleOrShare {
			out = append(out, p)
		}
	}
	return out, err
}
