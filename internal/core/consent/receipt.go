package consent

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ReceiptType is the typ of a receipt's signature (RFC 7515 section 4.1.9).
const ReceiptType = "consent-receipt+jwt"

// What the structure of a receipt and of the record in it follow: the profile of
// ISO/IEC TS 27560:2023 in terms of the Data Privacy Vocabulary ("Consent Records
// and Receipts as per ISO/IEC TS 27560:2023 using DPV", W3C DPVCG, 2024).
const (
	receiptProfile = "https://w3id.org/dpv/schema/dpv-27560#receipt"
	recordProfile  = "https://w3id.org/dpv/schema/dpv-27560#record"
)

// ReceiptSchema is the version of the form that docs/reference/receipt.md tells.
const ReceiptSchema = "cardea-receipt/2"

// ErrNoReceipt is told for an entry that no receipt can be made of.
var ErrNoReceipt = fault.New(fault.NotFound, "receipt_unknown", "There is no receipt for this.")

// Receipt is a consent receipt after ISO/IEC TS 27560:2023, as JSON-LD in the
// terms of the Data Privacy Vocabulary: what the metadata of the record, the
// processing, the parties and the events are called there. It is made from the
// ledger alone, so the same entry always gives the same receipt, but for the
// instant of its making, and it names its customer by a pseudonym that stands
// only in evidence (customer.Pseudonym).
type Receipt struct {
	Context       []any  `json:"@context"`
	Type          string `json:"@type"`
	ID            string `json:"@id"`
	Schema        string `json:"schema_version"`
	Issuer        string `json:"iss"`
	IssuedAt      int64  `json:"iat"` // seconds: when the receipt was made, not the decision
	Created       string `json:"dct:created"`
	Profile       string `json:"dct:conformsTo"`
	Identifier    string `json:"dct:identifier"`
	ReceiptRecord `json:"dpv:hasRecordOfActivity"`
}

// ReceiptRecord is the consent record that the receipt is a copy of.
type ReceiptRecord struct {
	Type       string            `json:"@type"`
	Profile    string            `json:"dct:conformsTo"`
	Identifier string            `json:"dct:identifier"`
	Subject    ReceiptParty      `json:"dpv:hasDataSubject"`
	Controller ReceiptParty      `json:"dpv:hasDataController"`
	Processing ReceiptProcessing `json:"dpv:hasProcess"`
	Events     []ReceiptEvent    `json:"dpv:hasConsentStatus,omitempty"` // of a purpose that rests on consent
	Objections []ReceiptEvent    `json:"dpv:hasStatus,omitempty"`        // of one that does not
}

// Decision is the one decision that the receipt is about.
func (r *ReceiptRecord) Decision() ReceiptEvent {
	for _, e := range append(r.Events, r.Objections...) {
		return e
	}
	return ReceiptEvent{}
}

// ReceiptParty is somebody on a receipt.
type ReceiptParty struct {
	Type    string `json:"@type"`
	ID      string `json:"@id,omitempty"`
	Name    string `json:"dpv:hasName,omitempty"`
	Country string `json:"dpv:hasCountry,omitempty"` // "loc:DE": ISO 3166-1 alpha-2
}

// ReceiptProcessing is what was decided on.
type ReceiptProcessing struct {
	Type       string           `json:"@type"`
	Purpose    ReceiptPurpose   `json:"dpv:hasPurpose"`
	Basis      string           `json:"dpv:hasLegalBasis"`
	Data       []ReceiptData    `json:"dpv:hasPersonalData"`
	Recipients []ReceiptParty   `json:"dpv:hasRecipient"`
	Retention  ReceiptRetention `json:"dpv:hasStorageCondition"`
	Withdrawal *ReceiptControl  `json:"dpv:hasConsentControl,omitempty"`
	Objection  *ReceiptControl  `json:"dpv:hasEntityControl,omitempty"` // where a purpose does not rest on consent
	Notice     ReceiptNotice    `json:"dpv:hasNotice"`
}

// ReceiptRetention is for how long the data is kept.
type ReceiptRetention struct {
	Type     string          `json:"@type"`
	Duration ReceiptDuration `json:"dpv:hasDuration"`
}

// ReceiptDuration is a time (ISO 8601), or what ends it in words.
type ReceiptDuration struct {
	Type  string `json:"@type"`
	Value string `json:"rdf:value"`
}

// ReceiptControl is where a decision is taken back.
type ReceiptControl struct {
	Type string `json:"@type"`
	At   string `json:"dpv:isExercisedAt"`
}

// ReceiptPurpose is the purpose in the words that were shown.
type ReceiptPurpose struct {
	Type    string `json:"@type"`
	ID      string `json:"dct:identifier"`
	Version int64  `json:"schema:version,omitempty"`
	Title   string `json:"skos:prefLabel"`
	Text    string `json:"skos:definition,omitempty"`
}

// ReceiptData is a category of data.
type ReceiptData struct {
	Type  string `json:"@type"`
	Name  string `json:"dct:identifier"`
	Class string `json:"dct:subject,omitempty"` // of the catalogue
}

// ReceiptNotice is the text that was shown.
type ReceiptNotice struct {
	Type     string           `json:"@type"`
	ID       string           `json:"@id,omitempty"` // of the tenant's privacy notice
	Language string           `json:"dct:language,omitempty"`
	Checksum *ReceiptChecksum `json:"spdx:checksum,omitempty"`
}

// Digest is the SHA-256 of the text, hexadecimal, "" if none was kept.
func (n *ReceiptNotice) Digest() string {
	if n.Checksum == nil {
		return ""
	}
	return n.Checksum.Value
}

// ReceiptChecksum is a digest by its algorithm.
type ReceiptChecksum struct {
	Type      string `json:"@type"`
	Algorithm string `json:"spdx:algorithm"`
	Value     string `json:"spdx:checksumValue"`
}

// ReceiptEvent is the decision.
type ReceiptEvent struct {
	Type    string `json:"@type"`
	At      string `json:"dpv:isIndicatedAtTime"` // RFC 3339, UTC
	Method  string `json:"dpv:hasIndicationMethod"`
	Surface string `json:"dpv:hasContext"`
	By      string `json:"dpv:isIndicatedBy"`
	Until   string `json:"dct:valid,omitempty"`
}

// receiptContext maps the terms to their vocabularies, inline: whoever expands
// the document fetches nothing.
func receiptContext() []any {
	iri := func() map[string]string { return map[string]string{"@type": "@id"} }
	return []any{map[string]any{
		"dpv": "https://w3id.org/dpv#", "loc": "https://w3id.org/dpv/loc#", "dct": "http://purl.org/dc/terms/",
		"skos": "http://www.w3.org/2004/02/skos/core#", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
		"spdx": "http://spdx.org/rdf/terms#", "schema": "https://schema.org/", "xsd": "http://www.w3.org/2001/XMLSchema#",
		"dct:conformsTo": iri(), "dpv:hasLegalBasis": iri(), "dpv:hasCountry": iri(), "dpv:isExercisedAt": iri(),
		"dpv:isIndicatedBy": iri(), "spdx:algorithm": iri(),
		"dct:created": map[string]string{"@type": "xsd:dateTime"}, "dpv:isIndicatedAtTime": map[string]string{"@type": "xsd:dateTime"},
	}}
}

// statuses are DPV's words for what the ledger says.
var statuses = map[string]string{
	Given: "dpv:ConsentGiven", Withdrawn: "dpv:ConsentWithdrawn", Objected: "dpv:ConsentRefused", Expired: "dpv:ConsentExpired",
}

// legalBases are DPV's words for the lawful bases.
var legalBases = map[Basis]string{
	ByConsent: "dpv:Consent", ByContract: "dpv:Contract", ByLegalObligation: "dpv:LegalObligation",
	ByVitalInterests: "dpv:VitalInterest", ByPublicTask: "dpv:PublicInterest", ByLegitimateInterest: "dpv:LegitimateInterest",
}

// MakeReceipt makes the receipt of an entry of the customer's ledger: of a
// decision on a purpose or on an application's scope. Sign its JSON with
// SignReceipt, outside of the transaction. Faults: decision_unknown,
// receipt_unknown.
func MakeReceipt(tx *db.Tx, t *tenant.Tenant, c customer.ID, id ID) (Receipt, error) {
	e, err := GetEntry(tx, t, c, id)
	if err != nil {
		return Receipt{}, err
	}
	r := receiptOf(t, &e, tx.Now)
	switch e.Purpose {
	case ForPurpose:
		err = r.purpose(tx, t, &e)
	case Scope:
		err = r.scope(tx, t, &e)
	default:
		err = ErrNoReceipt
	}
	return r, err
}

// actors are DPV's words for who decided.
var actors = map[string]string{"customer": "dpv:DataSubject", "application": "dpv:Recipient"}

func receiptOf(t *tenant.Tenant, e *Entry, now time.Time) Receipt {
	event := ReceiptEvent{
		Type: statuses[e.Decision], At: stamp(e.MadeAt), Method: e.Method, Surface: e.Surface, By: actors[e.ActorKind], Until: stamp(e.ExpiresAt),
	}
	if event.Type == "" {
		event.Type = statuses[Withdrawn]
	}
	if event.By == "" {
		event.By = "dpv:DataController"
	}
	notice := ReceiptNotice{Type: "dpv:ConsentNotice", ID: t.Settings.PrivacyURL, Language: e.Locale}
	if e.TextDigest != [32]byte{} {
		notice.Checksum = &ReceiptChecksum{"spdx:Checksum", "spdx:checksumAlgorithm_sha256", hex.EncodeToString(e.TextDigest[:])}
	}
	return Receipt{
		Context: receiptContext(), Type: "dpv:ConsentReceipt", ID: t.Issuer() + "/receipt#" + e.ID.String(), Schema: ReceiptSchema,
		Issuer: t.Issuer(), IssuedAt: now.Unix(), Created: stamp(now), Profile: receiptProfile, Identifier: e.ID.String(),
		ReceiptRecord: ReceiptRecord{
			Type: "dpv:ConsentRecord", Profile: recordProfile, Identifier: e.ID.String(),
			Subject:    ReceiptParty{Type: "dpv:DataSubject", ID: customer.Pseudonym(t, e.CustomerID)},
			Controller: ReceiptParty{Type: "dpv:DataController", ID: t.Issuer(), Name: t.Name},
			Processing: ReceiptProcessing{
				Type: "dpv:Process", Data: []ReceiptData{}, Recipients: []ReceiptParty{}, Notice: notice,
				Withdrawal: &ReceiptControl{"dpv:WithdrawConsent", t.Issuer() + "/account/consents"},
			},
			Events: []ReceiptEvent{event},
		},
	}
}

// kept is for how long data is kept, as the vocabulary says it.
func kept(d tenant.Duration, until string) ReceiptRetention {
	if d == 0 {
		return ReceiptRetention{"dpv:StorageDuration", ReceiptDuration{"dpv:UntilEventDuration", until}}
	}
	hours := int64(time.Duration(d) / time.Hour)
	text := fmt.Sprintf("P%dD", hours/24)
	if hours%24 != 0 {
		text = fmt.Sprintf("PT%dH", hours)
	}
	return ReceiptRetention{"dpv:StorageDuration", ReceiptDuration{"dpv:TemporalDuration", text}}
}

// object moves the decision to where those on other bases than consent stand.
func (r *Receipt) object(decision string) {
	r.Objections, r.Events = r.Events, nil
	if r.Objections[0].Type = "dpv:LegitimateInterestNotObjected"; decision != Given {
		r.Objections[0].Type = "dpv:LegitimateInterestObjected"
	}
	r.Processing.Objection = &ReceiptControl{"dpv:ObjectingToProcess", r.Processing.Withdrawal.At}
	r.Processing.Withdrawal = nil
}

// purpose fills in the purpose as it was in the entry's version.
func (r *Receipt) purpose(tx *db.Tx, t *tenant.Tenant, e *Entry) error {
	p, ok, err := PurposeAt(tx, t, e.Item, e.Version)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNoReceipt
	}
	w, _ := p.WordsIn(e.Locale, t.Locale())
	r.Processing.Purpose = ReceiptPurpose{Type: "dpv:Purpose", ID: p.ID, Version: p.Version, Title: w.Title, Text: w.Text}
	r.Processing.Basis = legalBases[p.Basis]
	r.Processing.Retention = kept(p.Retention, "end of the account")
	if p.Basis != ByConsent {
		r.object(e.Decision)
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return err
	}
	for _, name := range p.Fields {
		f, _ := c.Field(name)
		r.Processing.Data = append(r.Processing.Data, dataOf(name, f.Class))
	}
	for _, to := range p.Recipients {
		party, err := recipient(tx, t, to)
		if err != nil {
			return err
		}
		r.Processing.Recipients = append(r.Processing.Recipients, party)
	}
	return nil
}

func dataOf(name string, class catalog.Class) ReceiptData {
	d := ReceiptData{Type: "dpv:PersonalData", Name: name, Class: string(class)}
	switch class {
	case catalog.Special:
		d.Type = "dpv:SpecialCategoryPersonalData"
	case catalog.Sensitive:
		d.Type = "dpv:SensitivePersonalData"
	}
	return d
}

func recipient(tx *db.Tx, t *tenant.Tenant, r Recipient) (ReceiptParty, error) {
	party := ReceiptParty{Type: "dpv:Recipient", Name: r.Name}
	if r.Country != "" {
		party.Country = "loc:" + r.Country
	}
	var id app.ID
	if r.Application == "" || id.UnmarshalText([]byte(r.Application)) != nil {
		return party, nil
	}
	party.ID = "urn:cardea:client:" + r.Application
	a, found, err := app.Book{}.ByID(tx, t, id)
	if found {
		party.Name = a.Name
		if a.Settings.Country != "" {
			party.Country = "loc:" + a.Settings.Country
		}
	}
	return party, err
}

// scope fills in what an application may have by a scope.
func (r *Receipt) scope(tx *db.Tx, t *tenant.Tenant, e *Entry) error {
	to, err := recipient(tx, t, Recipient{Application: app.ID(e.Recipient).String()})
	if err != nil {
		return err
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return err
	}
	r.Processing.Purpose = ReceiptPurpose{Type: "dpv:Purpose", ID: "scope:" + e.Item, Title: e.Item}
	r.Processing.Basis, r.Processing.Retention = legalBases[ByConsent], kept(0, "withdrawal of the consent")
	r.Processing.Recipients = append(r.Processing.Recipients, to)
	for _, f := range c.ByScope(e.Item) {
		r.Processing.Data = append(r.Processing.Data, dataOf(f.Name, f.Class))
	}
	return nil
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// SignReceipt gives the receipt as a compact JWS under the tenant's key. Call it
// outside of a transaction.
func SignReceipt(t *tenant.Tenant, r Receipt) (string, error) {
	claims, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	key, err := t.Signer(tenant.ES256)
	if err != nil {
		return "", err
	}
	return key.Sign(ReceiptType, claims)
}

// OpenReceipt returns a receipt that this tenant signed, however long ago.
// Faults: bad_token, signed_out_of_time.
func OpenReceipt(t *tenant.Tenant, token string) (Receipt, error) {
	claims, err := t.VerifyEvidence(ReceiptType, token)
	if err != nil {
		return Receipt{}, err
	}
	r, err := ReadReceipt(claims)
	if err == nil && r.Issuer != t.Issuer() {
		err = tenant.ErrBadToken
	}
	return r, err
}

// ReadReceipt reads the claims of a receipt whose signature holds.
func ReadReceipt(claims []byte) (Receipt, error) {
	var r Receipt
	if json.Unmarshal(claims, &r) != nil || r.Decision().Type == "" || r.Identifier == "" {
		return Receipt{}, tenant.ErrBadToken
	}
	return r, nil
}
