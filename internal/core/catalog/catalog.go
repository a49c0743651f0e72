package catalog

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Catalog is a tenant's catalogue at one config version. It is shared: never
// change it.
type Catalog struct {
	fields []Field
	byName map[string]int
}

var cache = tenant.NewCache[struct{}, *Catalog](1)

// For returns the tenant's catalogue, from memory where it can.
func For(tx *db.Tx, t *tenant.Tenant) (*Catalog, error) {
	return cache.Get(tx, t, struct{}{}, func() (*Catalog, error) { return Load(tx, t) })
}

// Peek is For from memory alone.
func Peek(t *tenant.Tenant) (*Catalog, bool) { return cache.Peek(t, struct{}{}) }

// Load reads the tenant's catalogue as it stands now.
func Load(tx *db.Tx, t *tenant.Tenant) (*Catalog, error) {
	rows, err := db.All[row](tx, `FROM catalog_field WHERE tenant_id = $1 ORDER BY position, name`, t.ID)
	if err != nil {
		return nil, err
	}
	own := make([]Field, len(rows))
	for i := range rows {
		own[i] = rows[i].definition
	}
	return Of(own), nil
}

// Of is the catalogue of a tenant with these fields of its own: they lie over the
// standard ones.
func Of(own []Field) *Catalog {
	c := &Catalog{fields: Standard(), byName: map[string]int{}}
	for i := range c.fields {
		c.byName[c.fields[i].Name] = i
	}
	for _, f := range own {
		if i, standard := c.byName[f.Name]; standard {
			c.fields[i] = f
			continue
		}
		c.fields = append(c.fields, f)
	}
	slices.SortStableFunc(c.fields, func(a, b Field) int { return cmp.Compare(a.Position, b.Position) })
	for i := range c.fields {
		c.byName[c.fields[i].Name] = i
		c.fields[i].Claim = c.fields[i].ClaimName()
	}
	return c
}

// Field finds a field by name.
func (c *Catalog) Field(name string) (Field, bool) {
	i, ok := c.byName[name]
	if !ok {
		return Field{}, false
	}
	return c.fields[i], true
}

// Fields are all fields, in the order of forms.
func (c *Catalog) Fields() []Field { return c.fields }

// ByScope are the fields that a scope carries.
func (c *Catalog) ByScope(scope string) []Field {
	return c.which(func(f *Field) bool { return scope != "" && f.Scope == scope })
}

// ByClaim finds the field that leaves in a claim.
func (c *Catalog) ByClaim(claim string) (Field, bool) {
	for _, f := range c.fields {
		if f.Claim == claim && f.Scope != "" {
			return f, true
		}
	}
	return Field{}, false
}

// Scopes are the scopes that carry fields, sorted.
func (c *Catalog) Scopes() []string {
	var out []string
	for _, f := range c.fields {
		if f.Scope != "" {
			out = append(out, f.Scope)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// EditableBy are the profile fields that an editor may set: "customer",
// "application", "staff:support".
func (c *Catalog) EditableBy(editor string) []Field {
	return c.which(func(f *Field) bool { return f.Stored() && slices.Contains(f.Editors, editor) })
}

// Required are the fields that a customer must fill in.
func (c *Catalog) Required() []Field {
	return c.which(func(f *Field) bool { return f.Required && f.Stored() && slices.Contains(f.Editors, Customer) })
}

func (c *Catalog) which(want func(*Field) bool) []Field {
	var out []Field
	for i := range c.fields {
		if want(&c.fields[i]) {
			out = append(out, c.fields[i])
		}
	}
	return out
}

type row struct {
	tenant     tenant.ID
	name       string
	position   int
	definition Field
	changedAt  time.Time
}

func (r *row) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "name", Ptr: &r.name}, {Column: "position", Ptr: &r.position},
		{Column: "definition", Ptr: db.JSON(&r.definition)}, {Column: "changed_at", Ptr: &r.changedAt},
	}
}

// maxFields bounds a tenant's own fields.
const maxFields = 200

// Put replaces the tenant's own fields and its forms of standard ones by those
// given; standard fields that are not among them have their standard form.
// Values of a field that goes stay sealed with their customers and are shown to
// nobody until it comes back. Faults: bad_field, field_fixed.
func Put(tx *db.Tx, t *tenant.Tenant, fields []Field) error {
	if len(fields) > maxFields {
		return ErrBadField.At("fields")
	}
	rows := make([]row, len(fields))
	seen := map[string]bool{}
	for i, f := range fields {
		f, err := f.settle()
		if err != nil {
			return err
		}
		if seen[f.Name] || seen["claim "+f.ClaimName()] {
			return ErrBadField.At(f.Name)
		}
		seen[f.Name], seen["claim "+f.ClaimName()] = true, true
		rows[i] = row{t.ID, f.Name, f.Position, f, tx.Now}
	}
	if _, err := tx.Exec(`DELETE FROM catalog_field WHERE tenant_id = $1`, t.ID); err != nil {
		return err
	}
	if err := db.Insert(tx, "catalog_field", rows...); err != nil {
		return err
	}
	names := make([]string, len(fields))
	for i := range rows {
		names[i] = rows[i].name
	}
	e := journal.Entry{Tenant: t.ID, Subject: t.ID, Event: Changed{Fields: names}, Class: journal.Config}
	if err := journal.Append(tx, e); err != nil {
		return err
	}
	return tenant.Changed(tx, t)
}

// Changed is told when the tenant's fields are replaced.
type Changed struct {
	Fields []string `json:"fields"`
}

// EventName names the event.
func (Changed) EventName() string { return "catalog.changed" }

// Settled returns the definition as Put stores it, with its claim spelled out.
// Faults are those of Put.
func (f Field) Settled() (Field, error) {
	f, err := f.settle()
	f.Claim = f.ClaimName()
	return f, err
}

// settle checks a definition and fills in what it leaves out: for a standard
// field its standard form, else what suits a field of the customer's own. A
// list that is there and empty stays empty.
func (f Field) settle() (Field, error) {
	for _, s := range Standard() {
		if s.Name == f.Name {
			return f.settleStandard(&s)
		}
		if s.ClaimName() == f.ClaimName() {
			return f, ErrBadField.At(f.Name)
		}
	}
	f.fill(&Field{
		Source: Given, Viewers: []string{Customer, "staff:operator", "staff:privacy"}, Editors: []string{Customer},
		Purposes: []string{PurposeAccount, PurposePrivacy}, Position: 1000,
	})
	if f.Source == FromIdentifier || f.Source == Derived || f.Class == Identifier {
		return f, ErrBadField.At(f.Name)
	}
	return f, f.check()
}

func (f Field) settleStandard(s *Field) (Field, error) {
	f.fill(s)
	if f.Type != s.Type || f.Class != s.Class || f.Source != s.Source || f.ClaimName() != s.ClaimName() ||
		!s.Stored() && len(f.Editors) > 0 {
		return f, ErrFixedField.At(f.Name)
	}
	return f, f.check()
}

func (f *Field) fill(from *Field) {
	f.Type, f.Class = cmp.Or(f.Type, from.Type), cmp.Or(f.Class, from.Class)
	f.Source, f.Scope = cmp.Or(f.Source, from.Source), cmp.Or(f.Scope, from.Scope)
	f.Claim, f.Autocomplete = cmp.Or(f.Claim, from.Claim), cmp.Or(f.Autocomplete, from.Autocomplete)
	f.Max, f.Position = cmp.Or(f.Max, from.Max), cmp.Or(f.Position, from.Position)
	if f.Search = cmp.Or(f.Search, from.Search); f.Search == SearchOff && !from.Search.Indexed() {
		f.Search = ""
	}
	for _, list := range []struct{ own, from *[]string }{
		{&f.Viewers, &from.Viewers}, {&f.Editors, &from.Editors}, {&f.Purposes, &from.Purposes},
	} {
		if *list.own == nil {
			*list.own = *list.from
		}
	}
}

var (
	types   = []Type{Text, Date, Bool, Number, Locale, Zone, URL, Address, Choice, Mail, Phone}
	classes = []Class{Identifier, Contact, Profile, Sensitive, Special, Behavioural, Technical}
	staff   = []string{"operator", "support", "privacy"}
	// taken are claims that tokens use for themselves (RFC 7519, RFC 9068,
	// OpenID Connect Core 2).
	taken = []string{
		"sub", "iss", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "acr", "amr", "auth_time", "sid", "cnf",
		"scope", "client_id", "at_hash", "c_hash", "events", "act", "may_act", "roles", "groups", "entitlements",
	}
)

func (f *Field) check() error {
	_, err := tenant.ParseDuration(f.Retention)
	if !validName(f.Name) || !slices.Contains(types, f.Type) || !slices.Contains(classes, f.Class) ||
		!validName(f.ClaimName()) || slices.Contains(taken, f.ClaimName()) ||
		f.Scope != "" && !validName(f.Scope) || f.Scope == "openid" || f.Scope == "offline_access" ||
		f.Retention != "" && err != nil || f.Max < 0 || f.Max > 4000 ||
		(f.Type == Choice) != (len(f.Choices) > 0) || len(f.Choices) > 300 {
		return ErrBadField.At(f.Name)
	}
	for _, v := range f.Viewers {
		if !validParty(strings.TrimSuffix(v, Masked)) || strings.HasSuffix(v, Masked) && !strings.HasPrefix(v, StaffPrefix) {
			return ErrBadField.At(f.Name)
		}
	}
	for _, e := range f.Editors {
		if !validParty(e) {
			return ErrBadField.At(f.Name)
		}
	}
	for _, p := range f.Purposes {
		if !validName(p) {
			return ErrBadField.At(f.Name)
		}
	}
	if err := f.checkSearch(); err != nil {
		return err
	}
	return f.checkWords()
}

func (f *Field) checkWords() error {
	for _, c := range f.Choices {
		if c == "" || !tenant.ShortText(c, 100) {
			return ErrBadField.At(f.Name)
		}
	}
	if !tenant.ShortText(f.Owner, 100) {
		return ErrBadField.At(f.Name)
	}
	for locale, w := range f.Words {
		if !tenant.ValidLocale(locale) || w.Label == "" || !tenant.ShortText(w.Label, 100) || !tenant.ShortText(w.Hint, 300) {
			return ErrBadField.At(f.Name)
		}
		for choice, word := range w.Choices {
			if !slices.Contains(f.Choices, choice) || !tenant.ShortText(word, 100) {
				return ErrBadField.At(f.Name)
			}
		}
	}
	if strings.Trim(f.Autocomplete, "abcdefghijklmnopqrstuvwxyz0123456789- ") != "" {
		return ErrBadField.At(f.Name)
	}
	return nil
}

func validParty(s string) bool {
	role, isStaff := strings.CutPrefix(s, StaffPrefix)
	return s == Customer || s == Application || isStaff && slices.Contains(staff, role)
}

// validName is what stands in forms, files and claims: lower case, digits and
// underscores, at most 60 characters.
func validName(s string) bool {
	if s == "" || len(s) > 60 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
