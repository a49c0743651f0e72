package server

import (
	"context"
	"strings"
	"testing"
)

// A difference is told value by value, also of what only stands in the house,
// and looking changes nothing.
func TestDiffTellsEachValueAndChangesNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) { diffs(t, setUp(t, c)) })
}

func diffs(t *testing.T, b *Base) {
	t.Helper()
	first := `
version: 1
tenants:
  - slug: fern
    origin: https://id.fern.example
    fields:
      - {name: shoe_size, type: number, class: profile, purposes: [account, privacy, fit]}
    purposes:
      - {id: fit, basis: consent, words: {en: {title: Fit, text: Shoes in your size.}}, fields: [shoe_size]}
    applications:
      - {name: Shop, kind: web, redirect_uris: ["https://shop.example/cb"]}
      - {name: Old, kind: service}
`
	apply(t, b, first, Applying{})
	then := strings.NewReplacer("shop.example/cb", "shop.example/callback", "- {name: Old, kind: service}", "- {name: New, kind: service}",
		"{id: fit, ", "{id: fit, version: 2, ", "in your size", "in your own size").Replace(first)
	list, err := b.Diff(context.Background(), "cardea.yaml", []byte(then), true)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, d := range list {
		told = append(told, d.Path+" "+d.Text(d.House)+" "+d.Text(d.File))
	}
	want := []string{
		`applications[New].kind null "service"`,
		`applications[New].name null "New"`,
		`applications[Old].kind "service" null`,
		`applications[Old].name "Old" null`,
		`applications[Shop].redirect_uris ["https://shop.example/cb"] ["https://shop.example/callback"]`,
		`purposes[fit].version 1 2`,
		`purposes[fit].words.en.text "Shoes in your size." "Shoes in your own size."`,
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told:\n%s", strings.Join(told, "\n"))
	}
	if list, err = b.Diff(context.Background(), "cardea.yaml", []byte(first), true); err != nil || len(list) != 0 {
		t.Errorf("looking changed something: %+v %v", list, err)
	}
}
