package privacy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Records are a controller's records of processing activities (GDPR Article
// 30(1)) as the live catalogue, purposes and settings make them.
type Records struct {
	Tenant         string           `json:"tenant"`
	Name           string           `json:"name"`
	Locale         string           `json:"locale"` // of the words that the tenant wrote
	At             time.Time        `json:"at"`
	Controller     tenant.Party     `json:"controller,omitzero"`
	Representative tenant.Party     `json:"representative,omitzero"`
	Officer        tenant.Officer   `json:"officer,omitzero"`
	Authority      tenant.Authority `json:"authority,omitzero"`
	Subjects       []string         `json:"data_subjects"`
	Activities     []Activity       `json:"activities"`
	Data           []DataRecord     `json:"data"`
	Limits         []Limit          `json:"limits"`
	Measures       []string         `json:"measures"`
	Findings       []Finding        `json:"findings"`
}

// Activity is a processing activity: a purpose with everything about it.
type Activity struct {
	ID          string        `json:"id"`
	Version     int64         `json:"version"`
	Title       string        `json:"title"`
	Text        string        `json:"text"`
	Basis       string        `json:"basis"`
	Article     string        `json:"article"`
	Data        []string      `json:"data"`
	Classes     []string      `json:"classes"`
	Recipients  []RecipientOf `json:"recipients"`
	Retention   string        `json:"retention"`
	SaleOrShare bool          `json:"sale_or_share,omitempty"`
	purpose     consent.Purpose
}

// RecipientOf is who is given the data of an activity.
type RecipientOf struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // "own application", "application", "named", "processor"
	Country string `json:"country,omitempty"`
	Third   bool   `json:"third_country,omitempty"` // outside of the European Economic Area
	// Transfer says what that means: "inside", "adequate", "partly", "third", or
	// "unknown" if nobody said where; Adequacy the decision of the Commission.
	Transfer  consent.Transfer `json:"transfer"`
	Adequacy  string           `json:"adequacy_decision,omitempty"`
	Safeguard string           `json:"safeguard,omitempty"`
	about     string           // what has to be changed to say it
}

func (r *RecipientOf) place(p consent.Place) {
	r.Country, r.Transfer, r.Third, r.Safeguard = p.Country, p.Transfer, p.Transfer.Outside(), p.Safeguard
	if r.Third {
		r.Adequacy = p.Adequacy.Decision
	}
}

// DataRecord is an entry of the catalogue: a field, or a fact that the house
// notes.
type DataRecord struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"` // "field" or "fact"
	Label     string         `json:"label"`
	Class     string         `json:"class"`
	Source    string         `json:"source"`
	Owner     string         `json:"owner,omitempty"`
	Purposes  []PurposeBasis `json:"purposes"`
	Viewers   []string       `json:"viewers"`
	Editors   []string       `json:"editors"`
	Retention string         `json:"retention"`
	Where     string         `json:"where"`
	Search    string         `json:"search,omitempty"` // "sealed": staff find the customer by its words, kept as keyed digests
}

// PurposeBasis is a purpose with what it rests on.
type PurposeBasis struct {
	ID    string `json:"id"`
	Basis string `json:"basis,omitempty"` // "": nobody published it
}

// Limit is a time limit for erasure.
type Limit struct {
	What string `json:"what"`
	Kept string `json:"kept"`
}

// Finding is something that the records lack. A gap is for the controller to
// fill; a note is for them to know.
type Finding struct {
	Level string `json:"level"` // "gap" or "note"
	Code  string `json:"code"`
	About string `json:"about"`
	Text  string `json:"text"`
}

// Gaps counts the findings that are gaps.
func (r *Records) Gaps() (n int) {
	for _, f := range r.Findings {
		if f.Level == gap {
			n++
		}
	}
	return n
}

const (
	gap  = "gap"
	hint = "note"
)

func (r *Records) find(level, code, about, text string) {
	r.Findings = append(r.Findings, Finding{level, code, about, text})
}

var articles = map[consent.Basis]string{
	consent.ByConsent: "6(1)(a)", consent.ByContract: "6(1)(b)", consent.ByLegalObligation: "6(1)(c)",
	consent.ByVitalInterests: "6(1)(d)", consent.ByPublicTask: "6(1)(e)", consent.ByLegitimateInterest: "6(1)(f)",
}

// Keep makes the records as they stand now. facts are what the rooms note beyond
// the fields (account.Facts).
func Keep(tx *db.Tx, t *tenant.Tenant, facts []catalog.Fact) (Records, error) {
	c, err := catalog.Load(tx, t)
	if err != nil {
		return Records{}, err
	}
	purposes, err := consent.Purposes(tx, t)
	if err != nil {
		return Records{}, err
	}
	apps, err := app.List(tx, t)
	if err != nil {
		return Records{}, err
	}
	p := t.Settings.Privacy
	r := Records{
		Tenant: t.Slug, Name: t.Name, Locale: t.Locale(), At: tx.Now.UTC(),
		Controller: p.Controller, Representative: p.Representative, Officer: p.Officer, Authority: p.Authority,
		Subjects: []string{"Customers with an account", "People who began to make an account", "People who signed up for messages without an account"},
		Findings: []Finding{}, Measures: measures(t, c),
	}
	if t.BuiltIn {
		r.Subjects = []string{"Members of staff"}
	}
	r.activities(t, c, purposes, apps, facts)
	r.data(t, c, purposes, facts)
	r.limits(t)
	r.look(t, c)
	return r, nil
}

func (r *Records) activities(t *tenant.Tenant, c *catalog.Catalog, purposes []consent.Purpose, apps []app.Application, facts []catalog.Fact) {
	for _, p := range purposes {
		w, _ := p.WordsIn(t.Locale(), t.Locale())
		a := Activity{
			ID: p.ID, Version: p.Version, Title: w.Title, Text: w.Text, Basis: string(p.Basis), Article: articles[p.Basis],
			Data: []string{}, Classes: []string{}, Recipients: []RecipientOf{}, SaleOrShare: p.SaleOrShare, purpose: p,
			Retention: "as long as the account",
		}
		if p.Retention != 0 {
			a.Retention = p.Retention.String() + " after the purpose is over"
		} else if !p.Standard {
			a.Retention = "as long as the purpose holds, then " + tenant.Duration(t.Settings.Retention.Grace()).String()
		}
		for _, f := range p.Data(c) {
			a.Data = append(a.Data, f.Name)
			a.Classes = append(a.Classes, string(f.Class))
		}
		for _, f := range facts {
			if slices.Contains(f.Purposes, p.ID) {
				a.Data = append(a.Data, f.Name)
				a.Classes = append(a.Classes, string(f.Class))
			}
		}
		slices.Sort(a.Classes)
		a.Classes = slices.Compact(a.Classes)
		a.recipients(&p, apps, r.At)
		r.Activities = append(r.Activities, a)
	}
}

// recipients are the applications that may get data for the purpose, then those
// that it names.
func (a *Activity) recipients(p *consent.Purpose, apps []app.Application, now time.Time) {
	for i := range apps {
		if x := &apps[i]; p.Admits(x) {
			kind := "application"
			if x.FirstParty {
				kind = "own application"
			}
			to := RecipientOf{Name: x.Name, Kind: kind, about: "application " + x.Name}
			to.place((&consent.Recipient{}).PlaceOf(x, now))
			a.Recipients = append(a.Recipients, to)
		}
	}
	for _, to := range p.Recipients {
		if to.Name != "" {
			named := RecipientOf{Name: to.Name, Kind: "named", about: "purpose " + p.ID}
			if to.Role == consent.Processor {
				named.Kind = "processor"
			}
			named.place(to.PlaceOf(nil, now))
			a.Recipients = append(a.Recipients, named)
		}
	}
}

func (r *Records) data(t *tenant.Tenant, c *catalog.Catalog, purposes []consent.Purpose, facts []catalog.Fact) {
	basis := map[string]string{}
	for _, p := range purposes {
		basis[p.ID] = string(p.Basis)
	}
	with := func(list []string) []PurposeBasis {
		out := []PurposeBasis{}
		for _, id := range list {
			out = append(out, PurposeBasis{id, basis[id]})
		}
		return out
	}
	owner := t.Settings.Privacy.Owner
	for _, f := range c.Fields() {
		d := DataRecord{
			Name: f.Name, Kind: "field", Label: label(&f, t), Class: string(f.Class), Source: f.Source, Owner: f.Owner,
			Purposes: with(f.Purposes), Viewers: some(f.Viewers), Editors: some(f.Editors), Retention: "as long as the account",
			Where: catalog.SealedFor,
		}
		if d.Owner == "" {
			d.Owner = owner
		}
		if f.Retention != "" {
			d.Retention = f.Retention + " after it was set"
		}
		if f.Source == catalog.FromIdentifier {
			d.Where += ", and a keyed digest"
		}
		if f.Source == catalog.Derived {
			d.Where = "derived when it is asked for"
		}
		if f.Search.Indexed() {
			d.Search = string(f.Search)
		}
		if f.Search == catalog.SearchOpen {
			d.Where += "; its words readable, for staff to search"
		}
		r.Data = append(r.Data, d)
	}
	for _, f := range facts {
		r.Data = append(r.Data, DataRecord{
			Name: f.Name, Kind: "fact", Label: f.Label, Class: string(f.Class), Source: f.Source, Owner: owner,
			Purposes: with(f.Purposes), Viewers: some(f.Viewers), Editors: []string{}, Retention: f.Kept, Where: f.Where,
		})
	}
}

func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func label(f *catalog.Field, t *tenant.Tenant) string {
	for _, l := range []string{t.Locale(), "en"} {
		if w, ok := f.Words[l]; ok {
			return w.Label
		}
	}
	return strings.ReplaceAll(f.Name, "_", " ")
}

func (r *Records) limits(t *tenant.Tenant) {
	k := t.Settings.Retention
	r.Limits = []Limit{{"a closed account", "erased 14 days after it was closed; the key that opens its data is destroyed"}}
	unused := "never closed by itself"
	if k.InactiveAfter != 0 {
		unused = fmt.Sprintf("closed after %s without use, after %d warnings", k.InactiveAfter, len(k.Warnings()))
	}
	r.Limits = append(r.Limits, Limit{"an account that nobody uses", unused},
		Limit{"a value whose purposes are all over", tenant.Duration(k.Grace()).String() + " after the last one ended, or as that purpose says"})
	for _, class := range tenant.JournalClasses {
		if d := k.JournalKept(class); d != 0 {
			r.Limits = append(r.Limits, Limit{"journal details of class " + class, tenant.Duration(d).String()})
		}
	}
	for _, l := range []struct {
		what string
		kept tenant.Duration
	}{{"records of disclosures", k.Disclosures}, {"records of messages", k.Messages}, {"answered requests", k.Cases}} {
		text := "as long as the account"
		if l.kept != 0 {
			text = l.kept.String()
		}
		r.Limits = append(r.Limits, Limit{l.what, text})
	}
	r.Limits = append(r.Limits, Limit{"anything under a legal hold or a restriction", "kept until that ends"})
}

// measures are technical measures (Article 32(1)) that hold for every tenant of
// this program, and those that its settings turn on.
func measures(t *tenant.Tenant, c *catalog.Catalog) []string {
	out := []string{
		"Profile values, identifiers, network addresses and the words of requests are encrypted with AES-256-GCM under a data key of each customer, which lies wrapped under keys that are kept apart from the database.",
		lookUp(c),
		"Erasing destroys the customer's data key; backups of before lose their meaning when the wrapping keys of their time are destroyed.",
		"Every release of personal data passes one gate that asks catalogue, purpose, lawful basis and the customer's decisions, and writes down who was given which fields for what.",
		"Staff state a reason for each look; looks are on record and shown to the customer.",
		"Passwords are kept as hashes of argon2id; sessions, tokens and codes as SHA-256 digests of random values.",
		"What happens is written into a journal whose entries are chained by digests and signed at intervals, so that a later change is found.",
		"Attempts to sign in are throttled and judged by risk; passkeys and second factors are supported.",
		"Rules of retention are run each night, and each run is on record.",
	}
	if n := len(t.Settings.Assurance.Rules); n > 0 {
		out = append(out, fmt.Sprintf("A policy of assurance with %d rules demands stronger proofs where it says so.", n))
	}
	return out
}

// lookUp says how customers are found: what is readable is told by name.
func lookUp(c *catalog.Catalog) string {
	var open []string
	for _, f := range c.Fields() {
		if f.Search == catalog.SearchOpen {
			open = append(open, f.Name)
		}
	}
	text := "Identifiers are looked up, and customers searched, by keyed digests: "
	if len(open) == 0 {
		return text + "no name, address or number stands readable in the database, its log or its backups."
	}
	return text + "nothing personal stands readable in the database, its log or its backups but words of " + strings.Join(open, ", ") + ", which staff search in the clear."
}

// look finds what is missing.
func (r *Records) look(t *tenant.Tenant, c *catalog.Catalog) {
	r.lookParties(t)
	for i := range r.Activities {
		r.lookActivity(&r.Activities[i])
	}
	for _, f := range c.Fields() {
		r.lookField(t, &f)
	}
	if t.Settings.Retention.InactiveAfter == 0 {
		r.find(hint, "no_inactive_after", "settings.retention.inactive_after", "Accounts that nobody uses are kept for ever.")
	}
}

func (r *Records) lookParties(t *tenant.Tenant) {
	p := t.Settings.Privacy
	for _, m := range []struct{ member, value string }{
		{"controller.name", p.Controller.Name}, {"controller.address", p.Controller.Address}, {"controller.contact", p.Controller.Contact},
	} {
		if m.value == "" {
			r.find(gap, "no_controller", "settings.privacy."+m.member, "The records name who decides over the data and how to reach them (Article 30(1)(a)).")
		}
	}
	if p.Officer == (tenant.Officer{}) {
		r.find(hint, "no_officer", "settings.privacy.officer", "No data protection officer is named; some controllers need none (Article 37).")
	}
	if to, _ := consent.TransferTo(p.Controller.Country, r.At); to.Outside() && p.Representative.Name == "" {
		r.find(hint, "no_representative", "settings.privacy.representative", "A controller outside of the Union may need a representative in it (Article 27).")
	}
}

func (r *Records) lookActivity(a *Activity) {
	p := &a.purpose
	if _, standard := standardPurposes[p.ID]; !standard {
		if p.Retention == 0 {
			r.find(gap, "no_retention", "purpose "+p.ID, "The purpose does not say how long its data is kept after it is over (Article 30(1)(f)).")
		}
		if len(a.Data) == 0 {
			r.find(gap, "no_data", "purpose "+p.ID, "The purpose names no field of the catalogue (Article 30(1)(c)).")
		}
	}
	for _, to := range a.Recipients {
		r.lookTransfer(&to)
	}
}

// lookTransfer finds out whether a recipient's country, and the ground on which
// data goes there, are told (Articles 30(1)(e) and 44 to 49).
func (r *Records) lookTransfer(to *RecipientOf) {
	code, level, text := "third_country", hint, to.Name+" is in "+to.Country+", outside of the European Economic Area."
	switch {
	case to.Transfer == consent.Nowhere:
		code, text = "no_country", to.Name+" does not say in which country it has the data (Article 30(1)(e))."
	case to.Transfer.Needs() && to.Safeguard == "":
		code, level = "no_safeguard", gap
		text += " Say with safeguard on what ground it is given data (Articles 45 to 49)."
	case !to.Third:
		return
	}
	found := Finding{level, code, to.about, text}
	if !slices.Contains(r.Findings, found) {
		r.Findings = append(r.Findings, found)
	}
}

var standardPurposes = map[string]bool{catalog.PurposeAccount: true, catalog.PurposeSupport: true, catalog.PurposePrivacy: true}

func (r *Records) lookField(t *tenant.Tenant, f *catalog.Field) {
	if len(f.Purposes) == 0 {
		r.find(gap, "no_purpose", "field "+f.Name, "The field is for no purpose: say what it is for, or take it out (Article 5(1)(b)).")
	}
	consented := false
	for _, id := range f.Purposes {
		i := slices.IndexFunc(r.Activities, func(a Activity) bool { return a.ID == id })
		if i < 0 {
			r.find(gap, "unknown_purpose", "field "+f.Name, "The field names the purpose "+id+", which nobody published: it is used for nothing and kept.")
			continue
		}
		consented = consented || r.Activities[i].purpose.Basis == consent.ByConsent
	}
	if f.Class == catalog.Special && !consented {
		r.find(gap, "special_category", "field "+f.Name, "Special categories of data need a ground of Article 9(2); none of the field's purposes asks for consent.")
	}
	if f.Owner == "" && t.Settings.Privacy.Owner == "" {
		r.find(gap, "no_owner", "field "+f.Name, "Nobody answers for the field: name an owner, or settings.privacy.owner for all.")
	}
}

// VersionText is the version as text.
func (a *Activity) VersionText() string { return strconv.FormatInt(a.Version, 10) }
