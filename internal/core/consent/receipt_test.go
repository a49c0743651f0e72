package consent_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func (o *office) receipt(c customer.ID, id consent.ID) (r consent.Receipt, err error) {
	o.View(func(tx *db.Tx) error { r, err = consent.MakeReceipt(tx, o.T(), c, id); return nil })
	return r, err
}

// TestISO27560_AReceiptSaysWhatWasDecidedOnWhat: metadata, parties, processing
// and event, from the ledger alone, the same each time, with no customer id.
func TestISO27560_AReceiptSaysWhatWasDecidedOnWhat(t *testing.T) {
	offices(t, func(o *office) {
		partner := o.App(false)
		o.must(news(func(p *consent.Purpose) {
			p.Recipients = []consent.Recipient{{Application: partner.ID.String()}, {Name: "Post", Country: "DE"}}
			p.Retention, p.Expiry = 90*days, 365*days
		}))
		if err := o.decide(consent.Given, "news", 1); err != nil {
			t.Fatal(err)
		}
		e := o.ledger()[0]
		r, err := o.receipt(o.mia, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		digest := news().Words["de"].Digest()
		p := r.Processing
		if r.Controller.ID != o.T().Issuer() || r.Identifier != e.ID.String() || p.Basis != "dpv:Consent" || p.Purpose.Title != "Neues" ||
			p.Retention.Duration.Value != "P90D" || len(p.Data) != 1 || p.Data[0].Name != "shoe_size" || len(p.Recipients) != 2 || p.Recipients[0].Name != partner.Name ||
			p.Recipients[1].Country != "loc:DE" || p.Notice.Language != "de" || p.Notice.Digest() != hex.EncodeToString(digest[:]) ||
			!strings.HasSuffix(p.Withdrawal.At, "/account/consents") || r.Events[0].Type != "dpv:ConsentGiven" || r.Events[0].Until == "" {
			t.Errorf("%+v", r)
		}
		o.Wait(time.Hour)
		o.must(news(func(p *consent.Purpose) {
			p.Version, p.Words["de"] = 2, consent.Words{Title: "Anderes", Text: "Anders."}
		}))
		again, _ := o.receipt(o.mia, e.ID)
		if again.IssuedAt != r.IssuedAt+3600 {
			t.Errorf("made at %d, and an hour later at %d", r.IssuedAt, again.IssuedAt)
		}
		if again.IssuedAt, again.Created = r.IssuedAt, r.Created; !reflect.DeepEqual(again, r) {
			t.Errorf("the same entry gives another receipt:\n%+v\n%+v", r, again)
		}
		text, _ := json.Marshal(r)
		if strings.Contains(string(text), o.mia.String()) || strings.Contains(string(text), hex.EncodeToString(o.mia[:])) {
			t.Errorf("the customer's id stands on the receipt: %s", text)
		}
		if _, err := o.receipt(o.Customer(), e.ID); !errors.Is(err, consent.ErrNoDecision) {
			t.Errorf("somebody else's receipt: %v", err)
		}
	})
}

// TestH221_AnAlteredReceiptDoesNotVerify: nor one of another tenant, nor another
// kind of token of the same key.
func TestH221_AnAlteredReceiptDoesNotVerify(t *testing.T) {
	offices(t, func(o *office) {
		o.must(news())
		if err := o.decide(consent.Given, "news", 1); err != nil {
			t.Fatal(err)
		}
		r, _ := o.receipt(o.mia, o.ledger()[0].ID)
		token, err := consent.SignReceipt(o.T(), r)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := consent.OpenReceipt(o.T(), token); err != nil || back.Identifier != r.Identifier {
			t.Errorf("%+v %v", back, err)
		}
		for _, bad := range coretest.Altered(token) {
			if _, err := consent.OpenReceipt(o.T(), bad); !errors.Is(err, tenant.ErrBadToken) {
				t.Errorf("%v for %s", err, bad)
			}
		}
		parts := strings.Split(token, ".")
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), "dpv:ConsentGiven", "dpv:ConsentWithdrawn", 1)))
		if _, err := consent.OpenReceipt(o.T(), strings.Join(parts, ".")); !errors.Is(err, tenant.ErrBadToken) {
			t.Errorf("another decision: %v", err)
		}
		if _, err := consent.OpenReceipt(o.Tenant("other", "https://other.example"), token); !errors.Is(err, tenant.ErrBadToken) {
			t.Errorf("another tenant: %v", err)
		}
		key, _ := o.T().Signer("")
		access, _ := key.Sign("at+jwt", claims)
		if _, err := consent.OpenReceipt(o.T(), access); !errors.Is(err, tenant.ErrBadToken) {
			t.Errorf("an access token: %v", err)
		}
	})
}

// TestISO27560_TheFormOfAReceiptIsWrittenDown: testdata/receipt.json is what
// docs/reference/receipt.md shows; whoever changes the form sees it here and
// gives it another version.
func TestISO27560_TheFormOfAReceiptIsWrittenDown(t *testing.T) {
	offices(t, func(o *office) {
		o.must(news(func(p *consent.Purpose) {
			p.Recipients = []consent.Recipient{{Name: "Post", Country: "DE"}}
			p.Retention, p.Expiry = 90*days, 365*days
		}))
		o.must(consent.Purpose{
			ID: "fit", Version: 1, Basis: consent.ByLegitimateInterest, Fields: []string{"shoe_size"},
			Words: map[string]consent.Words{"en": {Title: "Fitting", Text: "We suggest sizes."}},
		})
		if err := o.decide(consent.Given, "news", 1); err != nil {
			t.Fatal(err)
		}
		if err := o.decide(consent.Objected, "fit", 1); err != nil {
			t.Fatal(err)
		}
		o.Wait(time.Hour)
		var out []string
		for _, e := range o.ledger() {
			r, err := o.receipt(o.mia, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.MarshalIndent(r, "", "  ")
			pairs := []string{
				e.ID.String(), "con_ENTRY", strings.TrimPrefix(r.Subject.ID, "urn:cardea:"), "PSEUDONYM", r.Created, "CREATED",
				r.Decision().At, "DECIDED", r.Issuer, "https://issuer.example", strconv.FormatInt(r.IssuedAt, 10), "0",
			}
			if until := r.Decision().Until; until != "" {
				pairs = append(pairs, until, "UNTIL")
			}
			out = append(out, strings.NewReplacer(pairs...).Replace(string(text)))
		}
		got := strings.Join(out, "\n") + "\n"
		want, err := os.ReadFile("testdata/receipt.json")
		if err != nil || got != string(want) {
			t.Errorf("testdata/receipt.json is not what a receipt looks like (%v):\n%s", err, got)
		}
		for _, term := range regexp.MustCompile(`"(dpv:[A-Za-z]+)"`).FindAllStringSubmatch(got, -1) {
			if !vocabulary[strings.TrimPrefix(term[1], "dpv:")] {
				t.Errorf("%s is no term of the Data Privacy Vocabulary that was looked up", term[1])
			}
		}
	})
}

// vocabulary are the terms of the Data Privacy Vocabulary, version 2, that
// receipts use, as the W3C group published them.
var vocabulary = func() map[string]bool {
	out := map[string]bool{}
	for _, term := range strings.Fields(`ConsentReceipt ConsentRecord hasRecordOfActivity hasDataSubject DataSubject hasDataController
		DataController hasName hasCountry hasProcess Process hasPurpose Purpose hasLegalBasis Consent Contract LegalObligation VitalInterest
		PublicInterest LegitimateInterest hasPersonalData PersonalData SensitivePersonalData SpecialCategoryPersonalData hasRecipient Recipient
		hasStorageCondition StorageDuration hasDuration TemporalDuration UntilEventDuration hasConsentControl WithdrawConsent hasEntityControl
		ObjectingToProcess isExercisedAt hasNotice ConsentNotice hasConsentStatus hasStatus ConsentGiven ConsentWithdrawn ConsentRefused
		ConsentExpired LegitimateInterestObjected LegitimateInterestNotObjected isIndicatedAtTime hasIndicationMethod hasContext isIndicatedBy`) {
		out[term] = true
	}
	return out
}()
