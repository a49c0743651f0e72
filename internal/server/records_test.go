package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
)

const recordsFile = `version: 1
tenants:
  - slug: fern
    name: Fern & Field
    origin: https://id.fern.example
    settings:
      privacy:
        case_days: 30
        controller: {name: Fern & Field GmbH, address: "Gartenweg 1, 10115 Berlin", country: DE, contact: privacy@fern.example}
        officer: {name: Mia Roth, mail: dpo@fern.example}
        owner: Customer care
      retention:
        inactive_after: 730d
        warn: [60d, 14d]
        purpose_grace: 20d
        journal: {signin: 200d, profile: 1000d}
        messages: 90d
        disclosures: 1095d
        cases: 1825d
    fields:
      - {name: shoe_size, type: number, class: profile, purposes: [account, fit], owner: Fitting, retention: 365d, words: {en: {label: Shoe size}, de: {label: Schuhgröße}}}
    applications:
      - {name: Shop, kind: web, redirect_uris: ["https://shop.fern.example/cb"], purposes: [account, fit], country: DE}
    purposes:
      - id: fit
        version: 1
        basis: consent
        words:
          en: {title: Shoes that fit, text: We suggest shoes in your size.}
        fields: [shoe_size]
        recipients: [{name: Last Mile, country: DE}, {name: Cloud Feet, country: US, role: processor, safeguard: "Clauses, module 2"}]
        retention: 365d
`

func (p papers) records() privacy.Records {
	p.t.Helper()
	r, err := p.base.Records(context.Background(), p.fern())
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func TestRetentionControllerAndOwnersAreAppliedAndExported(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		p.must(recordsFile, Applying{})
		if list := p.must(recordsFile, Applying{Prune: true}); len(list) != 0 {
			t.Errorf("the second time: %+v", list)
		}
		text, err := p.base.Export(context.Background(), p.fern())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"owner: Fitting", "owner: Customer care", "inactive_after: 730d", "purpose_grace: 20d", "signin: 200d", "Gartenweg 1"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the export lacks %q:\n%s", want, text)
			}
		}
		if list := p.must(string(text), Applying{Prune: true}); len(list) != 0 {
			t.Errorf("the export changes %+v", list)
		}
		for _, wrong := range [][2]string{
			{"inactive_after: 730d", "inactive_after: 10d"}, {"[60d, 14d]", "[14d, 60d]"}, {"[60d, 14d]", "[60d, 60d]"}, {"[60d, 14d]", "[731d]"},
			{"signin: 200d", "gossip: 200d"}, {"signin: 200d", "signin: 1h"}, {"messages: 90d", "messages: 1h"}, {"country: DE, contact", "country: XX, contact"},
		} {
			if _, err := p.apply(strings.Replace(recordsFile, wrong[0], wrong[1], 1), Applying{}); err == nil {
				t.Errorf("%s is taken", wrong[1])
			}
		}
	})
}

func TestRecordsTellWhatArticle30Demands(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		p.must(recordsFile, Applying{})
		r := p.records()
		if r.Controller.Name != "Fern & Field GmbH" || r.Officer.Name != "Mia Roth" || len(r.Subjects) == 0 || len(r.Measures) == 0 || len(r.Limits) < 8 {
			t.Errorf("%+v", r)
		}
		i := slices.IndexFunc(r.Activities, func(a privacy.Activity) bool { return a.ID == "fit" })
		fit := r.Activities[i]
		if fit.Article != "6(1)(a)" || !slices.Equal(fit.Data, []string{"shoe_size"}) || fit.Retention != "365d after the purpose is over" ||
			len(fit.Recipients) != 3 || fit.Recipients[1].Third || !fit.Recipients[2].Third || fit.Recipients[2].Safeguard != "Clauses, module 2" ||
			fit.Recipients[2].Kind != "processor" || fit.Recipients[2].Adequacy != "(EU) 2023/1795" || fit.Recipients[0].Country != "DE" || fit.Recipients[0].Kind != "own application" {
			t.Errorf("%+v", fit)
		}
		j := slices.IndexFunc(r.Data, func(d privacy.DataRecord) bool { return d.Name == "shoe_size" })
		if d := r.Data[j]; d.Owner != "Fitting" || d.Label != "Shoe size" || d.Retention != "365d after it was set" || d.Purposes[1] != (privacy.PurposeBasis{ID: "fit", Basis: "consent"}) {
			t.Errorf("%+v", d)
		}
		if !slices.ContainsFunc(r.Data, func(d privacy.DataRecord) bool {
			return d.Kind == "fact" && d.Name == "session" && d.Owner == "Customer care"
		}) {
			t.Error("sessions are not told of")
		}
		if r.Gaps() != 0 {
			t.Errorf("gaps: %+v", r.Findings)
		}
		if !strings.Contains(strings.Join(r.Measures, " "), "no name, address or number stands readable") {
			t.Errorf("%q", r.Measures)
		}
		p.must(strings.Replace(recordsFile, "    applications:", "      - {name: family_name, search: open}\n    applications:", 1), Applying{})
		if all := strings.Join(p.records().Measures, " "); strings.Contains(all, "no name, address or number") || !strings.Contains(all, "words of family_name") {
			t.Errorf("what is readable is not told: %q", all)
		}
		if !slices.ContainsFunc(r.Findings, func(f privacy.Finding) bool { return f.Code == "third_country" }) {
			t.Error("the third country is not noted")
		}
	})
}

func TestRecordsFindWhatIsMissing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		p.must(recordsFile, Applying{})
		version := 1
		for code, change := range map[string][2]string{
			"no_controller":    {"{name: Fern & Field GmbH, address", "{address"},
			"no_owner":         {"        owner: Customer care\n", ""},
			"no_retention":     {"module 2\"}]\n        retention: 365d", "module 2\"}]\n        expiry: 400d"},
			"no_purpose":       {"    applications:", "      - {name: stray, type: text, class: profile, purposes: []}\n    applications:"},
			"unknown_purpose":  {"    applications:", "      - {name: stray, type: text, class: profile, purposes: [nowhere]}\n    applications:"},
			"special_category": {"    applications:", "      - {name: stray, type: text, class: special, purposes: [account]}\n    applications:"},
			"no_safeguard":     {", safeguard: \"Clauses, module 2\"", ""},
			"no_data":          {"        fields: [shoe_size]\n", ""},
		} {
			text := strings.Replace(recordsFile, change[0], change[1], 1)
			version++
			text = strings.Replace(text, "        version: 1\n", "        version: "+strconv.Itoa(version)+"\n", 1)
			p.must(text, Applying{Prune: true})
			r := p.records()
			if !slices.ContainsFunc(r.Findings, func(f privacy.Finding) bool { return f.Code == code && f.Level == "gap" }) || r.Gaps() == 0 {
				t.Errorf("%s is not found: %+v", code, r.Findings)
			}
		}
	})
}

// hostileTexts are what a spreadsheet or a page would take for more than text.
var hostileTexts = []string{
	`=HYPERLINK("http://evil.example")`, `+1+1`, `-2+3`, `@SUM(A1)`, `a;=1+1`, `＝cmd`,
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><svg onload=alert(1)>`, `javascript:alert(1)`, `{{.}}`,
}

func hostileRecords(text string) privacy.Records {
	r := privacy.Records{Tenant: text, Name: text, Locale: `ar" onload="alert(1)`, Subjects: []string{text}, Measures: []string{text}}
	r.Controller.Name, r.Controller.Address, r.Controller.Contact = text, text, text
	r.Representative, r.Officer.Name, r.Officer.Mail, r.Officer.URL, r.Authority.Name = r.Controller, text, text, text, text
	r.Activities = []privacy.Activity{{ID: text, Title: text, Text: text, Data: []string{text}, Recipients: []privacy.RecipientOf{{Name: text, Kind: "named", Country: "US", Third: true}}}}
	r.Data = []privacy.DataRecord{{Name: text, Kind: "field", Label: text, Owner: text, Purposes: []privacy.PurposeBasis{{ID: text}}, Viewers: []string{text}}}
	r.Limits = []privacy.Limit{{What: text, Kept: text}}
	r.Findings = []privacy.Finding{{Level: "gap", Code: text, About: text, Text: text}}
	return r
}

func TestH166_NoCellOfTheRecordsIsAFormula(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts {
		var out bytes.Buffer
		if err := WriteRecordsSheet(&out, hostileRecords(text)); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) < 8 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";,\t\r\n", r) }) {
					if part = strings.TrimSpace(part); part != "" && strings.ContainsAny(part[:1], "=+-@") {
						t.Errorf("%q begins a formula in %q", part, cell)
					}
				}
			}
		}
	}
}

// H160: whatever staff wrote stays text on the page, which loads nothing.
func TestH160_ThePageOfRecordsHoldsNothingThatActs(t *testing.T) {
	t.Parallel()
	allowed := "html head meta title style body header main section article footer nav ul li a h1 h2 h3 p bdi code dl dt dd div span table thead tbody tr th td br"
	for _, text := range hostileTexts {
		var out bytes.Buffer
		if err := WriteRecordsPage(&out, hostileRecords(text)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(html.UnescapeString(out.String()), text) {
			t.Errorf("%q is not on the page", text)
		}
		z := html.NewTokenizer(&out)
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			tag := z.Token()
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			if !slices.Contains(strings.Fields(allowed), tag.Data) {
				t.Errorf("%q makes a <%s>", text, tag.Data)
			}
			for _, a := range tag.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%q makes <%s %s=%q>", text, tag.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func TestRetentionPlannedAtTheMachineIsWhatTheRunTakes(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		p.must(strings.Replace(recordsFile, "retention: 365d, words", "retention: 1s, words", 1), Applying{})
		var who []customer.ID
		for _, address := range []string{"ada@example.com", "bob@example.com"} {
			id := p.customer(address, 0)
			who = append(who, id)
			p.agree(id, "fit", 1)
			p.base.mustUpdate(t, func(tx *db.Tx) error {
				if err := customer.SetField(tx, p.fern(), id, "shoe_size", "38", customer.SourceImport); err != nil {
					return err
				}
				_, err := tx.Exec(`UPDATE customer_field SET set_at = $1`, tx.Now.AddDate(-1, 0, 0))
				return err
			})
		}
		ctx := context.Background()
		plan, err := p.base.PlanRetention(ctx, p.fern())
		if err != nil || len(plan.Lines) == 0 {
			t.Fatalf("%+v %v", plan, err)
		}
		if _, err := p.base.RunRetention(ctx, p.fern(), " "); err == nil {
			t.Error("it runs without a reason")
		}
		did, err := p.base.RunRetention(ctx, p.fern(), "the auditors come")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(plan.Lines, func(l RetentionLine) bool { return l.Rule == "field:shoe_size" })
		j := slices.IndexFunc(did.Lines, func(l RetentionLine) bool { return l.Rule == "field:shoe_size" })
		if i < 0 || j < 0 || plan.Lines[i] != did.Lines[j] || did.Lines[j].Values != 2 || did.Lines[j].Customers != 2 {
			t.Errorf("planned %+v, did %+v", plan.Lines, did.Lines)
		}
		p.base.mustUpdate(t, func(tx *db.Tx) error {
			for _, id := range who {
				if list, err := customer.Profile(tx, p.fern(), id); err != nil || len(list) > 0 {
					t.Errorf("%v %v", list, err)
				}
				if _, ok, err := consent.Holds(tx, p.fern(), id, "fit", [16]byte{}); err != nil || !ok {
					t.Errorf("the consent went too: %v", err)
				}
			}
			return nil
		})
		if again, err := p.base.PlanRetention(ctx, p.fern()); err != nil || again.LastRun.IsZero() {
			t.Errorf("%+v %v", again, err)
		}
	})
}
