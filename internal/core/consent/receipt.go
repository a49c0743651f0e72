package consent

import (
	"encoding/hex"
	"encoding/json"
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

// receiptProfile is what the structure of a receipt follows.
const receiptProfile = "https://www.iso.org/standard/80392.html" // ISO/IEC TS 27560:2023

// ErrNoReceipt is told for an entry that no receipt can be made of.
var ErrNoReceipt = fault.New(fault.NotFound, "receipt_unknown", "There is no receipt for this.")

// Receipt is a consent receipt after ISO/IEC TS 27560:2023, as JSON-LD in the
// terms of the Data Privacy Vocabulary: what the metadata of the record, the
// processing, the parties and the events are called there. It is made from the
// ledger alone, so the same entry always gives the same receipt, but for the
// instant of its making, and it names its customer by a pseudonym that stands
// only in evidence (customer.Pseudonym).
type Receipt struct {
	Context    []any             `json:"@context"`
	Type       []string          `json:"@type"`
	ID         string            `json:"@id"`
	Issuer     string            `json:"iss"`
	IssuedAt   int64             `json:"iat"` // seconds: when the receipt was made, not the decision
	Profile    string            `json:"dct:conformsTo"`
	Identifier string            `json:"dct:identifier"`
	Subject    ReceiptParty      `json:"dpv:hasDataSubject"`
	Controller ReceiptParty      `json:"dpv:hasDataController"`
	Processing ReceiptProcessing `json:"dpv:hasProcess"`
	Events     []ReceiptEvent    `json:"dpv:hasConsentStatus"`
}

// ReceiptParty is somebody on a receipt.
type ReceiptParty struct {
	Type    string `json:"@type"`
	ID      string `json:"@id,omitempty"`
	Name    string `json:"dct:title,omitempty"`
	URL     string `json:"dpv:hasPolicy,omitempty"`
	Country string `json:"dpv:hasCountry,omitempty"` // ISO 3166-1 alpha-2
}

// ReceiptProcessing is what was decided on.
type ReceiptProcessing struct {
	Type       string         `json:"@type"`
	Purpose    ReceiptPurpose `json:"dpv:hasPurpose"`
	Basis      string         `json:"dpv:hasLegalBasis"`
	Data       []ReceiptData  `json:"dpv:hasPersonalData"`
	Recipients []ReceiptParty `json:"dpv:hasRecipient"`
	Retention  string         `json:"dpv:hasStorageCondition"`
	Withdrawal ReceiptControl `json:"dpv:hasConsentControl"`
	Notice     ReceiptNotice  `json:"dpv:hasNotice"`
}

// ReceiptControl is where a decision is taken back.
type ReceiptControl struct {
	Type string `json:"@type"`
	ID   string `json:"@id"`
}

// ReceiptPurpose is the purpose in the words that were shown.
type ReceiptPurpose struct {
	Type    string `json:"@type"`
	ID      string `json:"dct:identifier"`
	Version int64  `json:"dct:hasVersion,omitempty"`
	Title   string `json:"dct:title"`
	Text    string `json:"dct:description,omitempty"`
}

// ReceiptData is a category of data.
type ReceiptData struct {
	Type  string `json:"@type"`
	Name  string `json:"dct:identifier"`
	Class string `json:"dct:subject,omitempty"`
}

// ReceiptNotice is the text that was shown.
type ReceiptNotice struct {
	Type     string `json:"@type"`
	Language string `json:"dct:language,omitempty"`
	Digest   string `json:"spdx:checksumValue,omitempty"` // SHA-256, hexadecimal
}

// ReceiptEvent is the decision.
type ReceiptEvent struct {
	Type    string `json:"@type"`
	At      string `json:"dct:date"` // RFC 3339, UTC
	Method  string `json:"dpv:hasIndicationMethod"`
	Surface string `json:"dct:source"`
	By      string `json:"dpv:isIndicatedBy"`
	Until   string `json:"dct:valid,omitempty"`
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
	r := receiptOf(t, &e)
	r.IssuedAt = tx.Now.Unix()
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

func receiptOf(t *tenant.Tenant, e *Entry) Receipt {
	event := ReceiptEvent{
		Type: statuses[e.Decision], At: stamp(e.MadeAt), Method: e.Method, Surface: e.Surface, By: e.ActorKind, Until: stamp(e.ExpiresAt),
	}
	if event.Type == "" {
		event.Type = statuses[Withdrawn]
	}
	notice := ReceiptNotice{Type: "dpv:Notice", Language: e.Locale}
	if e.TextDigest != [32]byte{} {
		notice.Digest = hex.EncodeToString(e.TextDigest[:])
	}
	return Receipt{
		Context: []any{"https://w3id.org/dpv", map[string]string{
			"dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/", "spdx": "http://spdx.org/rdf/terms#",
		}},
		Type: []string{"dpv:ConsentRecord", "dpv:ConsentReceipt"}, ID: t.Issuer() + "/receipt#" + e.ID.String(),
		Issuer: t.Issuer(), Profile: receiptProfile, Identifier: e.ID.String(),
		Subject:    ReceiptParty{Type: "dpv:DataSubject", ID: customer.Pseudonym(t, e.CustomerID)},
		Controller: ReceiptParty{Type: "dpv:DataController", ID: t.Issuer(), Name: t.Name, URL: t.Settings.PrivacyURL},
		Processing: ReceiptProcessing{
			Type: "dpv:Process", Data: []ReceiptData{}, Recipients: []ReceiptParty{}, Notice: notice,
			Withdrawal: ReceiptControl{"dpv:WithdrawConsent", t.Issuer() + "/account/consents"},
		},
		Events: []ReceiptEvent{event},
	}
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
	r.Processing.Retention = "for as long as the account"
	if p.Retention != 0 {
		r.Processing.Retention = p.Retention.String()
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return err
	}
	for _, name := range p.Fields {
		d := ReceiptData{Type: "dpv:PersonalData", Name: name}
		if f, ok := c.Field(name); ok {
			d.Class = string(f.Class)
		}
		r.Processing.Data = append(r.Processing.Data, d)
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

func recipient(tx *db.Tx, t *tenant.Tenant, r Recipient) (ReceiptParty, error) {
	party := ReceiptParty{Type: "dpv:Recipient", Name: r.Name, Country: r.Country}
	var id app.ID
	if r.Application == "" || id.UnmarshalText([]byte(r.Application)) != nil {
		return party, nil
	}
	party.ID = "urn:cardea:client:" + r.Application
	a, found, err := app.Book{}.ByID(tx, t, id)
	if found {
		party.Name = a.Name
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
	r.Processing.Basis, r.Processing.Retention = legalBases[ByConsent], "until it is withdrawn"
	r.Processing.Recipients = append(r.Processing.Recipients, to)
	for _, f := range c.ByScope(e.Item) {
		r.Processing.Data = append(r.Processing.Data, ReceiptData{Type: "dpv:PersonalData", Name: f.Name, Class: string(f.Class)})
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
	if json.Unmarshal(claims, &r) != nil || len(r.Events) == 0 || r.Identifier == "" {
		return Receipt{}, tenant.ErrBadToken
	}
	return r, nil
}
