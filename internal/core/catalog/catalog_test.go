package catalog_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/coretest"
)

func put(h *coretest.House, fields ...catalog.Field) error {
	return h.Try(func(tx *db.Tx) error { return catalog.Put(tx, h.T(), fields) })
}

func load(t *testing.T, h *coretest.House) (c *catalog.Catalog) {
	t.Helper()
	h.View(func(tx *db.Tx) (err error) { c, err = catalog.For(tx, h.T()); return err })
	return c
}

// OpenID Connect Core 1.0, sections 5.1 and 5.4.
func TestOIDC_5_4_ScopesCarryTheirStandardClaims(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		c := load(t, h)
		for scope, want := range map[string][]string{
			"profile": {
				"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
				"website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
			},
			"email": {"email", "email_verified"}, "phone": {"phone_number", "phone_number_verified"}, "address": {"address"}, "": {},
		} {
			got := []string{}
			for _, f := range c.ByScope(scope) {
				got = append(got, f.Claim)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%q carries %v, want %v", scope, got, want)
			}
		}
		if f, ok := c.ByClaim("phone_number"); !ok || f.Name != "phone" {
			t.Errorf("phone_number is %q", f.Name)
		}
	})
}

func TestATenantAddsFieldsAndFormsStandardOnes(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		size := catalog.Field{Name: "shoe_size", Type: catalog.Number, Class: catalog.Profile, Scope: "shoes"}
		if err := put(h, size, catalog.Field{Name: "given_name", Required: true}); err != nil {
			t.Fatal(err)
		}
		c := load(t, h)
		f, ok := c.Field("shoe_size")
		if !ok || !slices.Contains(f.Viewers, catalog.Customer) || slices.Contains(f.Viewers, catalog.Application) || f.Claim != "shoe_size" {
			t.Errorf("%+v", f)
		}
		g, _ := c.Field("given_name")
		if !g.Required || g.Scope != "profile" || !slices.Contains(g.Viewers, catalog.Application) || len(c.Required()) != 1 {
			t.Errorf("%+v", g)
		}
		if err := put(h); err != nil {
			t.Fatal(err)
		}
		if _, ok := load(t, h).Field("shoe_size"); ok || len(load(t, h).Required()) > 0 {
			t.Error("what is not applied any more is still there")
		}
	})
}

func TestDefinitionsThatAreRefused(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ok := catalog.Field{Name: "x", Type: catalog.Text, Class: catalog.Profile}
		for name, change := range map[string]func(*catalog.Field){
			"name":              func(f *catalog.Field) { f.Name = "X y" },
			"no type":           func(f *catalog.Field) { f.Type = "" },
			"no class":          func(f *catalog.Field) { f.Class = "" },
			"identifier":        func(f *catalog.Field) { f.Class = catalog.Identifier },
			"derived":           func(f *catalog.Field) { f.Source = catalog.Derived },
			"claim of a token":  func(f *catalog.Field) { f.Claim = "sub" },
			"standard claim":    func(f *catalog.Field) { f.Claim = "email_verified" },
			"viewer":            func(f *catalog.Field) { f.Viewers = []string{"everybody"} },
			"masked customer":   func(f *catalog.Field) { f.Viewers = []string{"customer:masked"} },
			"editor":            func(f *catalog.Field) { f.Editors = []string{"staff:root"} },
			"retention":         func(f *catalog.Field) { f.Retention = "long" },
			"choices":           func(f *catalog.Field) { f.Choices = []string{"a"} },
			"no choices":        func(f *catalog.Field) { f.Type = catalog.Choice },
			"autocomplete":      func(f *catalog.Field) { f.Autocomplete = `"><script>` },
			"scope":             func(f *catalog.Field) { f.Scope = "openid" },
			"label":             func(f *catalog.Field) { f.Words = map[string]catalog.Words{"en": {Label: "a\u202eb"}} },
			"verified editable": func(f *catalog.Field) { *f = catalog.Field{Name: "email_verified", Editors: []string{"customer"}} },
			"other type":        func(f *catalog.Field) { *f = catalog.Field{Name: "birthdate", Type: catalog.Text} },
			"other class":       func(f *catalog.Field) { *f = catalog.Field{Name: "gender", Class: catalog.Profile} },
		} {
			f := ok
			change(&f)
			if err := put(h, f); !errors.Is(err, catalog.ErrBadField) && !errors.Is(err, catalog.ErrFixedField) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := put(h, ok, ok); !errors.Is(err, catalog.ErrBadField) {
			t.Errorf("twice the same: %v", err)
		}
	})
}

func TestChoicesAreReadInTheLanguageThatHasAWord(t *testing.T) {
	t.Parallel()
	f := catalog.Field{Name: "garden", Type: catalog.Choice, Class: catalog.Profile, Choices: []string{"balcony", "roof"}, Words: map[string]catalog.Words{
		"en": {Label: "Garden", Choices: map[string]string{"balcony": "On a balcony"}},
		"de": {Label: "Garten", Choices: map[string]string{"balcony": "Auf dem Balkon"}},
	}}
	for _, want := range [][]string{{"balcony", "Auf dem Balkon", "de-AT", "de", "en"}, {"balcony", "On a balcony", "fr", "en"}, {"roof", "roof", "de", "en"}} {
		if got := f.ChoiceIn(want[0], want[2:]...); got != want[1] {
			t.Errorf("%s in %v is %q", want[0], want[2:], got)
		}
	}
	if _, err := f.Settled(); err != nil {
		t.Error(err)
	}
	f.Words["en"].Choices["cellar"] = "In a cellar"
	if _, err := f.Settled(); !errors.Is(err, catalog.ErrBadField) {
		t.Errorf("a word for a choice that is none: %v", err)
	}
}
