package release

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
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

// Why a field was withheld.
const (
	Unknown    = "unknown"  // there is no such field
	NotViewer  = "viewer"   // the catalogue does not name this kind of recipient
	NotPurpose = "purpose"  // not for this purpose
	NotScope   = "scope"    // no granted scope carries it
	NotConsent = "consent"  // the customer has not agreed
	Empty      = "no_value" // there is no value
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
	Purpose   string   // a purpose of the catalogue; not looked at for self and message
	Fields    []string // catalogue names
	Scopes    []string // an application's granted scopes
	Reason    string   // staff, operator and export: why, in words
	Counter   *Counter // an application's repeats within a day; nil: not counted
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
	field  catalog.Field
	masked bool
}

// party is a recipient with everything that decisions rest on.
type party struct {
	kind    string
	app     *app.Application
	roles   []access.Role
	consent map[string]bool // scopes with the customer's recorded consent
}

// recordsEach tells who is written down each time, with a reason.
func (p *party) recordsEach() bool { return p.kind == Staff || p.kind == Operator || p.kind == Export }

// recordsDaily tells who is written down once a day.
func (p *party) recordsDaily() bool { return p.kind == Application }

// meet finds out who asks. It fails with ErrRecipient for who is nobody here.
func meet(tx *db.Tx, t *tenant.Tenant, a *Ask) (*party, error) {
	p := &party{kind: a.Recipient.Kind}
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
	return p, nil
}
