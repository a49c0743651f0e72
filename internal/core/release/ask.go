package release

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The kinds of recipients.
const (
	Self        = "self"
	Message     = "message"
	Application = "application"
	Staff       = "staff"
	Operator    = "operator"
	Export      = "export"
)

// SignIn is the purpose of what an application is told when a customer signs in
// to it.
const SignIn = catalog.PurposeAccount

// The faults of the gate.
var (
	// ErrUnrecorded is answered in a View when the release would be the first of
	// its kind today: ask again in an Update.
	ErrUnrecorded = fault.New(fault.Unavailable, "release_unrecorded", "This release must be written down first.")
	ErrReason     = fault.New(fault.Invalid, "reason_missing", "Say in a few words why you need to see this.")
	ErrRecipient  = fault.New(fault.Denied, "release_denied", "This may not be shown to you.")
)

// Why a field was withheld. Of several reasons the one is told that came last on
// the way: a field that its scope would carry is withheld for consent, not for a
// purpose that does not name it.
const (
	Unknown      = "unknown"    // there is no such field
	NotViewer    = "viewer"     // the catalogue does not name this kind of recipient
	NotPurpose   = "purpose"    // no purpose in force, that the recipient states, names it
	NotScope     = "scope"      // no granted scope carries it
	NotRecipient = "recipient"  // the purpose does not name this application
	NotConsent   = "consent:"   // followed by why, as consent tells it: "consent:withdrawn"
	IsRestricted = "restricted" // the customer had the use of data restricted (GDPR Article 18)
	Empty        = "no_value"   // there is no value
)

// Recipient is who gets the values. ID is an application's or a staff member's
// id; staff are customers of the built-in tenant.
type Recipient struct {
	Kind string
	ID   [16]byte
}

// Ask is a request for a customer's fields.
type Ask struct {
	Customer  customer.ID
	Recipient Recipient
	Purpose   string   // what for; an application's "": whatever it declares, in that order; not looked at for self and message
	Fields    []string // catalogue names
	Scopes    []string // an application's granted scopes
	Reason    string   // staff, operator and export: why, in words
	Outline   bool     // staff and operator: outlines alone, also of what they might see whole
	Counter   *Counter // an application's repeats within a day; nil: not counted
	Occasion  [16]byte // an application's: the webhook that carries it, which has lines of its own; zero: a line a day
}

// Value is one field's value. Masked text is the outline of the value alone.
type Value struct {
	Field    string
	Text     string
	Verified bool // identifiers: the customer has proven it
	Masked   bool
}

// Disclosure is what the gate lets through, and why not the rest.
type Disclosure struct {
	Values   map[string]Value
	Withheld map[string]string // field -> why
}

// verdict is what is decided of one field before anything is opened.
type verdict struct {
	field   catalog.Field
	purpose string // under which it goes
	masked  bool
}

// name is how the record calls it: who saw an outline alone saw less.
func (v *verdict) name() string {
	if v.masked {
		return v.field.Name + catalog.Masked
	}
	return v.field.Name
}

// party is a recipient with everything that decisions rest on.
type party struct {
	kind     string
	app      *app.Application
	roles    []access.Role
	purposes []consent.Purpose // stated by the recipient and in force
	standing *consent.Standing // nil: not asked for yet
	now      time.Time
}

// recordsEach tells who is written down each time, with a reason.
func (p *party) recordsEach() bool { return p.kind == Staff || p.kind == Operator || p.kind == Export }

// free tells who gets what is the customer's own: it is not for a purpose.
func (p *party) free() bool { return p.kind == Self || p.kind == Message || p.kind == Export }

// recordsDaily tells who is written down once a day.
func (p *party) recordsDaily() bool { return p.kind == Application }

// meet finds out who asks. It fails with ErrRecipient for who is nobody here.
func meet(tx *db.Tx, t *tenant.Tenant, a *Ask) (*party, error) {
	p := &party{kind: a.Recipient.Kind, now: tx.Now}
	var err error
	switch p.kind {
	case Self:
		if id := customer.ID(a.Recipient.ID); !id.IsZero() && id != a.Customer {
			return nil, ErrRecipient
		}
	case Message, Export:
	case Operator:
		p.roles = []access.Role{access.Operator}
	case Staff:
		p.roles, err = access.RolesIn(tx, t.BuiltInTenant(), customer.ID(a.Recipient.ID))
		if err == nil && len(p.roles) == 0 {
			err = ErrRecipient
		}
	case Application:
		err = p.meetApplication(tx, t, a)
	default:
		err = ErrRecipient
	}
	if err != nil {
		return nil, err
	}
	return p, p.state(tx, t, a)
}

// state finds the purposes that the recipient states and that are in force.
func (p *party) state(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	if p.free() {
		return nil
	}
	all, err := consent.Purposes(tx, t)
	if err != nil {
		return err
	}
	stated := []string{a.Purpose}
	if p.app != nil && a.Purpose == "" {
		stated = p.app.Settings.Purposes
	}
	for _, id := range stated {
		if i := slices.IndexFunc(all, func(o consent.Purpose) bool { return o.ID == id }); i >= 0 {
			p.purposes = append(p.purposes, all[i])
		}
	}
	return nil
}
