package server

import (
	"context"
	"strings"
	"testing"
)

const topicsFile = `version: 1
tenants:
  - slug: fern
    origin: https://id.fern.example
    topics:
      - id: letter
        words: {en: {title: Garden letter, text: What grows this month}, de: {title: Gartenbrief}}
        channels: [email, sms]
        frequencies: [weekly, monthly]
        double_opt_in: true
      - id: care
        words: {en: {title: Care tips}}
        channels: [email]
        basis: legitimate_interest
`

func TestApplyMakesTopicsInTheirOrderAndExportWritesThem(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		if list := apply(t, b, topicsFile, Applying{}); len(list) != 3 || list[1].What != "topic" || list[1].Act != "created" {
			t.Fatalf("%+v", list)
		}
		if list := apply(t, b, topicsFile, Applying{Prune: true}); len(list) != 0 {
			t.Errorf("the second time: %+v", list)
		}
		fern, _ := b.House.BySlug("fern")
		text, err := b.Export(context.Background(), fern)
		if err != nil || !strings.Contains(string(text), "double_opt_in: true") {
			t.Fatalf("%v\n%s", err, text)
		}
		if list := apply(t, b, string(text), Applying{Prune: true}); len(list) != 0 {
			t.Errorf("what was exported changes %+v", list)
		}
		monthly := strings.Replace(topicsFile, "[weekly, monthly]", "[monthly]", 1)
		if list := apply(t, b, monthly, Applying{}); len(list) != 1 || list[0].Members[0] != "frequencies" {
			t.Errorf("%+v", list)
		}
		short := monthly[:strings.Index(monthly, "      - id: care")]
		if list := apply(t, b, short, Applying{}); len(list) != 0 {
			t.Errorf("without --prune: %+v", list)
		}
		if list := apply(t, b, short, Applying{Prune: true}); len(list) != 1 || list[0].Act != "deleted" {
			t.Errorf("with --prune: %+v", list)
		}
		for old, want := range map[string]string{
			"channels: [email]": "tenants[0].topics[1].channels", "id: care": "tenants[0].topics[1].id",
		} {
			wrong := map[string]string{"channels: [email]": "channels: [fax]", "id: care": "id: letter"}[old]
			_, err := b.Apply(context.Background(), "cardea.yaml", []byte(strings.Replace(topicsFile, old, wrong, 1)), Applying{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
	})
}
