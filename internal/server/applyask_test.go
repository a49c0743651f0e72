package server

import (
	"context"
	"strings"
	"testing"
)

// A file says what it asks customers for, or is refused as a whole with why.
func TestApplyChecksWhatCustomersAreAskedFor(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		file := func(ask, more string) string {
			s := strings.Replace(purposeFile, "https://shop.fern.example/cb\"]}", "https://shop.fern.example/cb\"], purposes: [account, fit], asks: ["+ask+"]}", 1)
			return strings.Replace(s, "    fields:\n", more+"    fields:\n", 1)
		}
		age := func(text string) string { return "    settings: {registration: {age: {" + text + "}}}\n" }
		for what, text := range map[string]string{
			"no such field":              file("{field: hat_size, purpose: account}", ""),
			"nobody's to write":          file("{field: email, purpose: account}", ""),
			"another purpose":            file("{field: given_name, purpose: fit}", ""),
			"not the application's":      file("{field: given_name, purpose: support}", ""),
			"consent cannot be needed":   file("{field: shoe_size, purpose: fit, needed: true}", ""),
			"twice":                      file("{field: shoe_size, purpose: fit}, {field: shoe_size, purpose: account}", ""),
			"a sign-in before the first": file("{field: shoe_size, purpose: fit, from: -1}", ""),
			"no way to ask":              file("", age("ask: nicely")),
			"a statement for nowhere":    file("", age("ask: statement")),
			"no such country":            file("", age("ask: birthdate, country: XX")),
			"an age of nobody":           file("", age("ask: birthdate, minimum: {DE: 99}")),
			"asked for without choice":   strings.NewReplacer("basis: consent", "basis: contract\n        ask: [signup]", "        expiry: 730d\n        remind: 30d\n", "").Replace(file("", "")),
		} {
			if _, err := p.base.Apply(context.Background(), "cardea.yaml", []byte(text), Applying{}); err == nil {
				t.Errorf("%s: is applied", what)
			}
		}
		good := strings.Replace(file("{field: shoe_size, purpose: fit, from: 3}, {field: given_name, purpose: account, needed: true}", age("ask: birthdate, minimum: {DE: 18}")),
			"basis: consent", "basis: consent\n        ask: [signup, signin]", 1)
		if list := p.must(good, Applying{}); len(list) == 0 {
			t.Error("nothing is applied")
		}
		if list := p.must(good, Applying{}); len(list) != 0 {
			t.Errorf("the second time: %+v", list)
		}
	})
}
