package consent

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Basis is the lawful basis of a purpose (GDPR Article 6(1)).
type Basis string

// The lawful bases, in the order of Article 6(1).
const (
	ByConsent            Basis = "consent"
	ByContract           Basis = "contract"
	ByLegalObligation    Basis = "legal_obligation"
	ByVitalInterests     Basis = "vital_interests"
	ByPublicTask         Basis = "public_task"
	ByLegitimateInterest Basis = "legitimate_interest"
)

var bases = []Basis{ByConsent, ByContract, ByLegalObligation, ByVitalInterests, ByPublicTask, ByLegitimateInterest}

// Objectable reports whether a customer may object (GDPR Article 21(1)).
func (b Basis) Objectable() bool { return b == ByPublicTask || b == ByLegitimateInterest }

// Purpose is what data is used for, in one version. `cardea apply` reads the
// same members from cardea.yaml, strictly, under "purposes".
type Purpose struct {
	ID      string           `json:"id" yaml:"id"`
	Version int64            `json:"version" yaml:"version"`
	Basis   Basis            `json:"basis" yaml:"basis"`
	Words   map[string]Words `json:"words" yaml:"words"` // by locale; the tenant's own must be there
	// Fields are names of the catalogue, whose entries must name the purpose too.
	Fields     []string    `json:"fields,omitempty" yaml:"fields,omitempty"`
	Recipients []Recipient `json:"recipients,omitempty" yaml:"recipients,omitempty"`
	// Retention is how long the data is kept for the purpose; zero: as long as
	// the account.
	Retention tenant.Duration `json:"retention,omitempty" yaml:"retention,omitempty"`
	// SaleOrShare says that a Global Privacy Control signal objects to it.
	SaleOrShare bool `json:"sale_or_share,omitempty" yaml:"sale_or_share,omitempty"`
	// Expiry is how long consent holds, zero: until it is taken back. Remind is
	// how long before that it may be renewed.
	Expiry tenant.Duration `json:"expiry,omitempty" yaml:"expiry,omitempty"`
	Remind tenant.Duration `json:"remind,omitempty" yaml:"remind,omitempty"`
	// AskAgain ends consent to earlier versions, after Grace. A version that
	// widens the one before does so in any case.
	AskAgain bool            `json:"ask_again,omitempty" yaml:"ask_again,omitempty"`
	Grace    tenant.Duration `json:"grace,omitempty" yaml:"grace,omitempty"`
	// Ask says when the house asks for consent by itself: "signup", when an
	// account is made, and "signin", when there is no answer yet or the consent
	// ends soon, has expired or was ended by a later version.
	Ask []string `json:"ask,omitempty" yaml:"ask,omitempty"`

	Standard    bool      `json:"-" yaml:"-"` // as the house made it
	PublishedAt time.Time `json:"-" yaml:"-"`
	AskedFrom   int64     `json:"-" yaml:"-"` // consent to versions before this one holds until AskedAt
	AskedAt     time.Time `json:"-" yaml:"-"`
}

// Words is what customers read of a purpose.
type Words struct {
	Title string `json:"title" yaml:"title"`
	Text  string `json:"text" yaml:"text"`
}

// Recipient gets the data of a purpose: an application of the house, by its
// client id, or somebody named.
type Recipient struct {
	Application string `json:"application,omitempty" yaml:"application,omitempty"`
	Name        string `json:"name,omitempty" yaml:"name,omitempty"`
	Country     string `json:"country,omitempty" yaml:"country,omitempty"` // ISO 3166-1 alpha-2
	// Role is "processor" for who uses the data on the tenant's behalf alone (GDPR
	// Article 28); "" for who uses it for purposes of their own.
	Role string `json:"role,omitempty" yaml:"role,omitempty"`
	// Safeguard says on what ground data goes to a country outside of the European
	// Economic Area, in words. It is no part of what customers decide on: it may
	// change under the same version. An application's stands with itself.
	Safeguard string `json:"safeguard,omitempty" yaml:"safeguard,omitempty"`
}

// The faults of purposes.
var (
	ErrBadPurpose   = fault.New(fault.Invalid, "bad_purpose", "The definition of this purpose is not valid.")
	ErrPurposeField = fault.New(fault.Invalid, "purpose_field", "A purpose names fields of the catalogue, and each of them names the purpose under its own purposes.")
	ErrFixedPurpose = fault.New(fault.Conflict, "purpose_fixed", "Customers may have decided on this version as it is. Publish a new version instead.")
	ErrOldPurpose   = fault.New(fault.Conflict, "purpose_old", "There is a later version of this purpose.")
	ErrNoPurpose    = fault.New(fault.NotFound, "purpose_unknown", "There is no such purpose.")
)

// WordsIn are the words in a language, else in its base language, else in the
// fallback, else in English, with the language that they are in.
func (p *Purpose) WordsIn(locale, fallback string) (Words, string) {
	for _, l := range []string{locale, base(locale), fallback, base(fallback), "en"} {
		if w, ok := p.Words[l]; ok {
			return w, l
		}
	}
	for _, l := range p.locales() {
		return p.Words[l], l
	}
	return Words{Title: p.ID}, "en"
}

func (p *Purpose) locales() []string {
	var out []string
	for l := range p.Words {
		out = append(out, l)
	}
	slices.Sort(out)
	return out
}

// Shown is the text that a customer decides on, byte for byte.
func (w Words) Shown() string { return w.Title + "\n\n" + w.Text + "\n" }

// Digest is the SHA-256 of Shown.
func (w Words) Digest() [32]byte { return sha256.Sum256([]byte(w.Shown())) }

// Data are the fields that the purpose uses: those that it names, or, for a
// standard purpose that names none, those of the catalogue that name it.
func (p *Purpose) Data(c *catalog.Catalog) []catalog.Field {
	var out []catalog.Field
	for _, f := range c.Fields() {
		if slices.Contains(p.Fields, f.Name) || len(p.Fields) == 0 && standardBasis[p.ID] != "" && slices.Contains(f.Purposes, p.ID) {
			out = append(out, f)
		}
	}
	return out
}

// Names reports whether the purpose hands data to an application.
func (p *Purpose) Names(a app.ID) bool {
	return slices.ContainsFunc(p.Recipients, func(r Recipient) bool { return r.Application == a.String() })
}

// Material names the first member in which a purpose says something else to
// customers than was: it needs a version of its own. "" for none. A further
// language, the reminder and the grace are not material.
func (p *Purpose) Material(was Purpose) string {
	for l, w := range was.Words {
		if p.Words[l] != w {
			return "words"
		}
	}
	switch {
	case p.Basis != was.Basis:
		return "basis"
	case !sameSet(p.Fields, was.Fields):
		return "fields"
	case !sameSet(deciding(p.Recipients), deciding(was.Recipients)):
		return "recipients"
	case p.Retention != was.Retention:
		return "retention"
	case p.SaleOrShare != was.SaleOrShare:
		return "sale_or_share"
	case p.Expiry != was.Expiry:
		return "expiry"
	}
	return ""
}

// Widens reports whether a version takes more than the one before: another
// basis, a field, a recipient, longer keeping, sale or sharing.
func (p *Purpose) Widens(was Purpose) bool {
	longer := func(is, was tenant.Duration) bool { return was != 0 && (is == 0 || is > was) }
	return p.Basis != was.Basis || p.SaleOrShare && !was.SaleOrShare || longer(p.Retention, was.Retention) ||
		longer(p.Expiry, was.Expiry) || !within(p.Fields, was.Fields) || !within(deciding(p.Recipients), lenient(was.Recipients))
}

// Processor is the role of who uses data on the tenant's behalf.
const Processor = "processor"

// deciding are recipients as customers decide on them.
func deciding(list []Recipient) []Recipient {
	out := slices.Clone(list)
	for i := range out {
		out[i].Safeguard = ""
	}
	return out
}

// lenient are the recipients whom consent covers: who might use data for
// themselves may do so as a processor too.
func lenient(list []Recipient) []Recipient {
	out := deciding(list)
	for _, r := range deciding(list) {
		r.Role = Processor
		out = append(out, r)
	}
	return out
}

func within[T comparable](list, in []T) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !slices.Contains(in, v) })
}

func sameSet[T comparable](a, b []T) bool { return within(a, b) && within(b, a) }

// wrong tells what keeps a purpose from being published.
func (p *Purpose) wrong(t *tenant.Tenant, c *catalog.Catalog) error {
	switch {
	case !validPurpose(p.ID):
		return ErrBadPurpose.At("id")
	case p.Version < 1:
		return ErrBadPurpose.At("version")
	case !slices.Contains(bases, p.Basis) || standardBasis[p.ID] != "" && p.Basis != standardBasis[p.ID]:
		return ErrBadPurpose.At("basis")
	case p.SaleOrShare && p.Basis != ByConsent && p.Basis != ByLegitimateInterest:
		return ErrBadPurpose.At("sale_or_share")
	case p.Expiry != 0 && p.Basis != ByConsent:
		return ErrBadPurpose.At("expiry")
	case p.Remind != 0 && p.Remind >= p.Expiry:
		return ErrBadPurpose.At("remind")
	case len(p.Ask) > 0 && p.Basis != ByConsent || !distinct(p.Ask, []string{AtSignUp, AtSignIn}):
		return ErrBadPurpose.At("ask")
	case !p.readable(t):
		return ErrBadPurpose.At("words")
	case slices.ContainsFunc(p.Recipients, func(r Recipient) bool { return !r.sound() }):
		return ErrBadPurpose.At("recipients")
	}
	return p.fits(c)
}

// fits compares the fields with the catalogue, so that the two never tell
// customers different things.
func (p *Purpose) fits(c *catalog.Catalog) error {
	for _, name := range p.Fields {
		if f, ok := c.Field(name); !ok || !slices.Contains(f.Purposes, p.ID) {
			return ErrPurposeField.At("fields")
		}
	}
	return nil
}

func (p *Purpose) readable(t *tenant.Tenant) bool {
	for l, w := range p.Words {
		if !tenant.ValidLocale(l) || w.Title == "" || w.Text == "" || !tenant.ShortText(w.Title, 100) || !tenant.ShortText(w.Text, 1000) {
			return false
		}
	}
	_, own := p.Words[t.Locale()]
	return own || standardBasis[p.ID] != "" && len(p.Words) == 0
}

func (r Recipient) sound() bool {
	if r.Role != "" && r.Role != Processor {
		return false
	}
	if r.Application != "" {
		var id app.ID
		return r.Name == "" && r.Country == "" && r.Safeguard == "" && id.UnmarshalText([]byte(r.Application)) == nil
	}
	return r.Name != "" && tenant.ShortText(r.Name, 100) && tenant.ValidCountry(r.Country) && tenant.ShortText(r.Safeguard, app.MaxSafeguard)
}

// validPurpose is what the catalogue lets a field name under purposes.
func validPurpose(s string) bool {
	if s == "" || len(s) > 60 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
