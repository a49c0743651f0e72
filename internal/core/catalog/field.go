package catalog

import (
	"github.com/cardea-id/cardea/internal/base/fault"
)

// Type says how a value is written.
type Type string

// The types. A value is always text; its one spelling is what Check returns.
const (
	Text    Type = "text"    // one line, NFC
	Date    Type = "date"    // 2006-01-02; also 2006 or 0000-01-02 (OpenID Connect Core 5.1)
	Bool    Type = "bool"    // true or false
	Number  Type = "number"  // decimal: -12.5
	Locale  Type = "locale"  // BCP 47
	Zone    Type = "zone"    // IANA name
	URL     Type = "url"     // https or http
	Address Type = "address" // JSON object of OpenID Connect Core 5.1.1
	Choice  Type = "choice"  // one of Choices
	Mail    Type = "email"
	Phone   Type = "phone" // E.164
)

// Class says what kind of personal data a field is.
type Class string

// The classes. Special is special-category data (GDPR Art. 9), which leaves to
// an application only with a recorded consent, first-party ones included.
const (
	Identifier  Class = "identifier"
	Contact     Class = "contact"
	Profile     Class = "profile"
	Sensitive   Class = "sensitive"
	Special     Class = "special"
	Behavioural Class = "behavioural"
	Technical   Class = "technical"
)

// Viewers and editors. A viewer "staff:<role>:masked" sees a masked value.
const (
	Customer    = "customer"
	Application = "application"
	StaffPrefix = "staff:"
	Masked      = ":masked"
)

// The purposes that every tenant has. A tenant's own are any scope-like words.
const (
	PurposeAccount = "account" // signing in and running the account at an application
	PurposeSupport = "support" // helping the customer who asked
	PurposePrivacy = "privacy" // answering requests about one's data
)

// The sources of fields that are not set as profile values.
const (
	FromIdentifier = "identifier" // the customer's primary identifier of that kind
	Derived        = "derived"    // computed from other facts
	Given          = "customer"   // told by the customer
)

// Field is one entry of the catalogue. `cardea apply` reads the same members
// from cardea.yaml, strictly, under "fields".
type Field struct {
	Name   string `json:"name" yaml:"name"`
	Type   Type   `json:"type" yaml:"type"`
	Class  Class  `json:"class" yaml:"class"`
	Source string `json:"source,omitempty" yaml:"source,omitempty"` // "customer" if empty
	// Viewers and Editors are "customer", "application", "staff:operator",
	// "staff:support", "staff:privacy"; viewers also "staff:support:masked".
	Viewers []string `json:"viewers,omitempty" yaml:"viewers"`
	Editors []string `json:"editors,omitempty" yaml:"editors"`
	// Purposes are what the field may be used for: "account", "support",
	// "privacy", or the tenant's own.
	Purposes []string `json:"purposes,omitempty" yaml:"purposes"`
	// Scope carries the field to applications, in the claim named Claim (Name
	// if empty). Without a scope it never leaves to one.
	Scope string `json:"scope,omitempty" yaml:"scope,omitempty"`
	Claim string `json:"claim,omitempty" yaml:"claim,omitempty"`
	// Owner is the team that answers for the field, in words; the one that the
	// tenant's settings name if empty.
	Owner string `json:"owner,omitempty" yaml:"owner,omitempty"`
	// Retention is how long the value is kept after it was set ("730d"); as
	// long as the account if empty.
	Retention string `json:"retention,omitempty" yaml:"retention,omitempty"`
	// Search is how staff find the customer by the words of the value: sealed,
	// open or off; off if empty.
	Search   Search `json:"search,omitempty" yaml:"search,omitempty"`
	Required bool   `json:"required,omitempty" yaml:"required,omitempty"`
	// Max is the greatest number of characters; 200 if 0.
	Max          int              `json:"max,omitempty" yaml:"max,omitempty"`
	Choices      []string         `json:"choices,omitempty" yaml:"choices,omitempty"`
	Autocomplete string           `json:"autocomplete,omitempty" yaml:"autocomplete,omitempty"` // WHATWG autofill token
	Words        map[string]Words `json:"words,omitempty" yaml:"words,omitempty"`               // by locale
	Position     int              `json:"position,omitempty" yaml:"position,omitempty"`         // order in forms
}

// Words is what a form says of a field.
type Words struct {
	Label string `json:"label" yaml:"label"`
	Hint  string `json:"hint,omitempty" yaml:"hint,omitempty"`
	// Choices are what people read for each of the field's choices.
	Choices map[string]string `json:"choices,omitempty" yaml:"choices,omitempty"`
}

// ChoiceIn is what people read for a choice, in the first of the languages that
// has a word for it; else the choice itself.
func (f *Field) ChoiceIn(choice string, locales ...string) string {
	for _, l := range locales {
		if word := f.Words[l].Choices[choice]; word != "" {
			return word
		}
	}
	return choice
}

// The faults of this room. Faults of a value are returned At the field's name.
var (
	ErrUnknownField = fault.New(fault.NotFound, "field_unknown", "There is no such field.")
	ErrReadOnly     = fault.New(fault.Denied, "field_read_only", "This field cannot be changed here.")
	ErrBadField     = fault.New(fault.Invalid, "bad_field", "The definition of this field is not valid.")
	ErrFixedField   = fault.New(fault.Conflict, "field_fixed", "Type, class, source and claim of a standard field are fixed.")
	ErrBadValue     = fault.New(fault.Invalid, "bad_value", "This value is not valid here.")
	ErrTooLong      = fault.New(fault.Invalid, "too_long", "This is too long.")
	ErrBadEmail     = fault.New(fault.Invalid, "bad_email", "Write one e-mail address, like name@example.com.")
	ErrBadPhone     = fault.New(fault.Invalid, "bad_phone", "Write one phone number with its country code, like +49 30 123456.")
)

// ClaimName is the claim in which the field leaves.
func (f *Field) ClaimName() string {
	if f.Claim != "" {
		return f.Claim
	}
	return f.Name
}

// Stored reports whether the field is a profile value that can be set.
func (f *Field) Stored() bool { return f.Source != FromIdentifier && f.Source != Derived }

// Standard are the fields that every tenant has: the standard claims of OpenID
// Connect Core 5.1, with names of their own only where a claim is an identifier.
func Standard() []Field {
	f := func(name string, typ Type, class Class, scope, autocomplete string) Field {
		return Field{
			Name: name, Type: typ, Class: class, Scope: scope, Autocomplete: autocomplete, Source: Given,
			Viewers:  []string{Customer, Application, "staff:operator", "staff:support", "staff:privacy"},
			Editors:  []string{Customer, "staff:operator", "staff:support"},
			Purposes: []string{PurposeAccount, PurposeSupport, PurposePrivacy},
		}
	}
	fields := []Field{
		identifier("email", Mail, "email", "email"),
		derived("email_verified", Bool, "email", "email_verified"),
		identifier("phone", Phone, "phone", "phone_number"),
		derived("phone_verified", Bool, "phone", "phone_number_verified"),
		identifier("username", Text, "profile", "preferred_username"),
		searched(f("name", Text, Profile, "profile", "name")),
		searched(f("given_name", Text, Profile, "profile", "given-name")),
		searched(f("middle_name", Text, Profile, "profile", "additional-name")),
		searched(f("family_name", Text, Profile, "profile", "family-name")),
		searched(f("nickname", Text, Profile, "profile", "nickname")),
		f("profile", URL, Profile, "profile", "url"),
		f("picture", URL, Profile, "profile", "photo"),
		f("website", URL, Profile, "profile", "url"),
		guarded(f("gender", Text, Sensitive, "profile", "sex")),
		guarded(f("birthdate", Date, Sensitive, "profile", "bday")),
		f("zoneinfo", Zone, Technical, "profile", ""),
		f("locale", Locale, Technical, "profile", "language"),
		guarded(f("address", Address, Contact, "address", "")),
		derived("updated_at", Number, "profile", "updated_at"),
	}
	for i := range fields {
		fields[i].Position = 10 * (i + 1)
	}
	return fields
}

func identifier(name string, typ Type, scope, claim string) Field {
	return Field{
		Name: name, Type: typ, Class: Identifier, Source: FromIdentifier, Scope: scope, Claim: claim, Search: SearchSealed, Max: 254,
		Viewers:  []string{Customer, Application, "staff:operator", "staff:privacy", "staff:support:masked"},
		Purposes: []string{PurposeAccount, PurposeSupport, PurposePrivacy},
	}
}

func derived(name string, typ Type, scope, claim string) Field {
	return Field{
		Name: name, Type: typ, Class: Technical, Source: Derived, Scope: scope, Claim: claim,
		Viewers:  []string{Customer, Application, "staff:operator", "staff:support", "staff:privacy"},
		Purposes: []string{PurposeAccount, PurposeSupport, PurposePrivacy},
	}
}

func searched(f Field) Field { f.Search = SearchSealed; return f }

// guarded fields are no business of support.
func guarded(f Field) Field {
	f.Viewers = []string{Customer, Application, "staff:operator", "staff:privacy"}
	f.Editors = []string{Customer, "staff:operator"}
	return f
}
