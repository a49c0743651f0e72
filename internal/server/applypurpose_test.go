package server

import (
	"context"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
)

const purposeFile = `version: 1
tenants:
  - slug: fern
    origin: https://id.fern.example
    fields:
      - {name: shoe_size, type: number, class: profile, purposes: [account, fit], words: {en: {label: Shoe size}}}
    applications:
      - {name: Shop, kind: web, redirect_uris: ["https://shop.fern.example/cb"]}
    purposes:
      - id: fit
        version: 1
        basis: consent
        words:
          en: {title: Shoes that fit, text: We suggest shoes in your size.}
        fields: [shoe_size]
        recipients: [{application: Shop}, {name: Last Mile, country: DE}]
        retention: 365d
        expiry: 730d
        remind: 30d
`

func (p papers) agree(c customer.ID, purpose string, version int64) {
	p.t.Helper()
	p.base.mustUpdate(p.t, func(tx *db.Tx) error {
		_, err := consent.Decide(tx, p.fern(), consent.Choice{
			Customer: c, Purpose: purpose, Decision: consent.Given, Version: version, Locale: "en", Surface: "portal", Method: "button",
		})
		return err
	})
}

func TestApplyPublishesPurposesAndSaysWhomAVersionAsksAgain(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		list := p.must(purposeFile, Applying{})
		if last := list[len(list)-1]; last.What != "purpose" || last.Name != "fit 1" || last.Act != "created" || last.Asks != nil {
			t.Fatalf("%+v", list)
		}
		if list := p.must(purposeFile, Applying{Prune: true}); len(list) != 0 {
			t.Errorf("the second time: %+v", list)
		}
		p.agree(p.customer("ada@example.com", 0), "fit", 1)
		p.customer("bob@example.com", 0)
		wider := strings.NewReplacer("version: 1\n        basis", "version: 2\n        basis", "country: DE}", "country: DE}, {name: Ad Co, country: US}").Replace(purposeFile)
		for _, how := range []Applying{{DryRun: true}, {}} {
			list := p.must(wider, how)
			if len(list) != 1 || list[0].Act != "changed" || list[0].Asks == nil || *list[0].Asks != (Asks{Customers: 1, Again: true}) {
				t.Errorf("%+v", list)
			}
		}
		if _, err := p.apply(purposeFile, Applying{}); err == nil || !strings.Contains(err.Error(), "purposes[0].version: There is a later version") {
			t.Errorf("an older file: %v", err)
		}
		without, _, _ := strings.Cut(purposeFile, "    purposes:")
		if list := p.must(without, Applying{Prune: true}); len(list) != 0 {
			t.Errorf("a part that is left out: %+v", list)
		}
		if _, err := p.apply(strings.Replace(without, "[account, fit]", "[account]", 1), Applying{}); err == nil || !strings.Contains(err.Error(), "The purpose fit uses the field shoe_size") {
			t.Errorf("a field taken away: %v", err)
		}
		list = p.must(without+"    purposes: []\n", Applying{Prune: true})
		if len(list) != 1 || list[0].Act != "deleted" || list[0].Name != "fit" {
			t.Errorf("%+v", list)
		}
	})
}

func TestAWrongPurposeIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	for _, c := range []struct{ old, fresh, want string }{
		{"basis: consent", "basis: because", "cardea.yaml:12: tenants[0].purposes[0].basis"},
		{"fields: [shoe_size]", "fields: [hat_size]", "cardea.yaml:15: tenants[0].purposes[0].fields"},
		{"application: Shop}", "application: Shed}", "cardea.yaml:16: tenants[0].purposes[0].recipients[0].application"},
		{"retention: 365d", "retention: long", "cardea.yaml"},
		{"remind: 30d", "remnid: 30d", "unknown field"},
	} {
		_, err := p.apply(strings.Replace(purposeFile, c.old, c.fresh, 1), Applying{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.fresh, err)
		}
	}
	p.must(purposeFile, Applying{})
	_, err := p.apply(strings.Replace(purposeFile, "in your size", "in any size", 1), Applying{})
	if err == nil || !strings.Contains(err.Error(), "Version 1 of fit was published with other words") || !strings.Contains(Advise(err).Do, "version to 2") {
		t.Errorf("%v", err)
	}
}

func TestExportWritesPurposesThatApplyTakesForPublished(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	p.must(purposeFile, Applying{})
	text, err := p.base.Export(context.Background(), p.fern())
	if err != nil || !strings.Contains(string(text), "application: Shop") {
		t.Fatalf("%v\n%s", err, text)
	}
	if list := p.must(string(text), Applying{Prune: true}); len(list) != 0 {
		t.Errorf("%s\n%+v", text, list)
	}
	twin := setUp(t, liteConfig(t))
	apply(t, twin, string(text), Applying{})
	fern, _ := twin.House.BySlug("fern")
	if copied, err := twin.Export(context.Background(), fern); err != nil || string(copied) != string(text) {
		t.Errorf("%v\n%s\n%s", err, text, copied)
	}
}
