package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const legalFile = `version: 1
tenants:
  - slug: fern
    origin: https://id.fern.example
    documents:
      - kind: terms
        version: 1
        locale: en
        title: Terms of use
        url: https://fern.example/terms/1
        effective: 2026-01-01
        text: ./terms-en.md
      - kind: terms
        version: 1
        locale: de
        title: Nutzungsbedingungen
        url: https://fern.example/de/terms/1
        sha256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
`

// secondTerms is another version of the terms, in one language.
const secondTerms = `      - {kind: terms, version: 2, locale: en, title: Terms of use, url: "https://fern.example/terms/2", text: terms-2.md}
`

// papers are a directory with a cardea.yaml and the words that it names.
type papers struct {
	t    *testing.T
	base *Base
	dir  string
}

func newPapers(t *testing.T, b *Base) papers {
	p := papers{t, b, t.TempDir()}
	p.write("terms-en.md", "Be kind.\n")
	p.write("terms-2.md", "Be kinder.\n")
	return p
}

func (p papers) write(name, words string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(words), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p papers) apply(text string, how Applying) ([]Change, error) {
	return p.base.Apply(context.Background(), filepath.Join(p.dir, "cardea.yaml"), []byte(text), how)
}

func (p papers) must(text string, how Applying) []Change {
	p.t.Helper()
	list, err := p.apply(text, how)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func (p papers) fern() *tenant.Tenant { t, _ := p.base.House.BySlug("fern"); return t }

// asked are the texts that a customer has still to accept.
func (p papers) asked(c customer.ID) (out []string) {
	p.t.Helper()
	err := p.base.DB.View(context.Background(), func(tx *db.Tx) error {
		out = nil
		list, err := consent.Unaccepted(tx, p.fern(), c, "en")
		for _, d := range list {
			out = append(out, d.URL)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// customer makes one in the tenant who has accepted a version of the terms.
func (p papers) customer(address string, accepted int64) customer.ID {
	p.t.Helper()
	var c customer.Customer
	p.base.mustUpdate(p.t, func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, p.fern(), customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "test",
		})
		if err != nil || accepted == 0 {
			return err
		}
		return consent.Record(tx, p.fern(), consent.Decision{
			Customer: c.ID, Purpose: consent.Terms, Item: consent.Terms, Given: true, Version: accepted, Surface: "test", Method: "button",
		})
	})
	return c.ID
}

func TestApplyPublishesLegalTextsAndAsksAgainOnANewVersion(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		list := p.must(legalFile, Applying{})
		if len(list) != 3 || list[1].What != "document" || list[1].Name != "terms 1 en" || list[1].Asks == nil || list[1].Asks.Again || list[2].Asks != nil {
			t.Fatalf("%+v", list)
		}
		before := p.fern().Version
		if list := p.must(legalFile, Applying{Prune: true}); len(list) != 0 || p.fern().Version != before {
			t.Errorf("the second time: %+v", list)
		}
		ada := p.customer("ada@example.com", 1)
		p.customer("new@example.com", 0)
		p.customer("ahead@example.com", 2)
		gone := p.customer("gone@example.com", 1)
		p.base.mustUpdate(t, func(tx *db.Tx) error { _, err := customer.Destroy(tx, p.fern(), gone); return err })
		if asked := p.asked(ada); len(asked) != 0 {
			t.Errorf("asked for what was accepted: %v", asked)
		}
		dry := p.must(legalFile+secondTerms, Applying{DryRun: true})
		if len(dry) != 1 || dry[0].Asks == nil || *dry[0].Asks != (Asks{Customers: 2, Again: true}) {
			t.Fatalf("dry run: %+v %+v", dry, dry[0].Asks)
		}
		if asked := p.asked(ada); len(asked) != 0 {
			t.Errorf("a dry run published something: %v", asked)
		}
		p.must(legalFile+secondTerms, Applying{})
		if asked := p.asked(ada); len(asked) != 1 || asked[0] != "https://fern.example/terms/2" {
			t.Errorf("after the new version %v", asked)
		}
		if _, err := p.apply(legalFile+strings.Replace(secondTerms, "}", ", grace: 7d}", 1), Applying{}); err == nil || !strings.Contains(err.Error(), "another grace") {
			t.Errorf("the grace of a published version was changed: %v", err)
		}
		german := strings.Replace(secondTerms, "locale: en", "locale: de", 1)
		if list := p.must(legalFile+secondTerms+german, Applying{}); len(list) != 1 || list[0].Asks != nil {
			t.Errorf("a translation asks: %+v", list)
		}
	})
}

func TestApplyRefusesOtherWordsUnderAPublishedVersion(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	p.must(legalFile, Applying{})
	for _, c := range []struct{ old, fresh, want string }{
		{"sha256: 5891", "sha256: 5892", "cardea.yaml:18: tenants[0].documents[1].sha256: Version 1 of terms (de) was published with another sha256"},
		{"title: Terms of use", "title: Terms", "cardea.yaml:9: tenants[0].documents[0].title"},
		{"effective: 2026-01-01", "effective: 2026-01-02", "cardea.yaml:11: tenants[0].documents[0].effective"},
		{"https://fern.example/terms/1", "https://fern.example/terms/2", "cardea.yaml:10: tenants[0].documents[0].url"},
	} {
		_, err := p.apply(strings.Replace(legalFile, c.old, c.fresh, 1), Applying{})
		wants(t, err, c.want)
	}
	p.write("terms-en.md", "Be cruel.\n")
	_, err := p.apply(legalFile, Applying{DryRun: true})
	var a *Advice
	if !errors.As(err, &a) || !strings.Contains(a.Text, "cardea.yaml:12: tenants[0].documents[0].text: Version 1 of terms (en)") || !strings.Contains(a.Do, "a version of its own, 2") {
		t.Errorf("changed words: %v", err)
	}
}

func TestApplyNamesTheLineOfALegalText(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	for _, c := range []struct{ old, fresh, want string }{
		{"kind: terms", "kind: cookies", "cardea.yaml:6: tenants[0].documents[0].kind"},
		{"version: 1\n        locale", "version: 0\n        locale", "cardea.yaml:7: tenants[0].documents[0].version"},
		{"locale: en", "locale: e n", "cardea.yaml:8: tenants[0].documents[0].locale"},
		{"locale: de", "locale: en", "stands in the file once"},
		{"https://fern.example/terms/1", "http://fern.example/terms/1", "cardea.yaml:10: tenants[0].documents[0].url"},
		{"2026-01-01", "January", "cardea.yaml:11: tenants[0].documents[0].effective"},
		{"./terms-en.md", "./nothing.md", "cardea.yaml:12: tenants[0].documents[0].text"},
		{"text: ./terms-en.md", "text: ./terms-en.md\n        sha256: " + strings.Repeat("ab", 32), "another digest"},
		{"sha256: 5891", "sha256: 58", "64 hexadecimal digits"},
		{"        text: ./terms-en.md\n", "", "The words are missing"},
		{"text: ./terms-en.md", "txet: ./terms-en.md", "unknown field"},
	} {
		_, err := p.apply(strings.Replace(legalFile, c.old, c.fresh, 1), Applying{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.fresh, err)
		}
	}
	if p.fern() != nil {
		t.Error("a refused file left something")
	}
}

func TestExportWritesLegalTextsThatApplyTakesForPublished(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	p.must(legalFile+secondTerms, Applying{})
	text, err := p.base.Export(context.Background(), p.fern())
	if err != nil || !strings.Contains(string(text), "effective: \"2026-01-01\"") && !strings.Contains(string(text), "effective: 2026-01-01\n") {
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

func TestALegalTextMayComeIntoForceLater(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	p.must(legalFile, Applying{})
	ada := p.customer("ada@example.com", 1)
	day := time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly)
	list := p.must(legalFile+strings.Replace(secondTerms, "text:", "effective: "+day+", text:", 1), Applying{})
	if len(list) != 1 || list[0].Asks.Customers != 1 || list[0].Asks.From.Format(time.DateOnly) != day {
		t.Errorf("%+v", list)
	}
	if asked := p.asked(ada); len(asked) != 0 {
		t.Errorf("asked before its day: %v", asked)
	}
}
