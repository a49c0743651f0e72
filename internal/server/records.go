package server

import (
	"context"
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Records makes the tenant's records of processing activities from what is
// configured now. It reads no customer.
func (b *Base) Records(ctx context.Context, t *tenant.Tenant) (r privacy.Records, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		now, err := b.House.Read(tx, t.ID)
		if err != nil {
			return err
		}
		r, err = privacy.Keep(tx, now, account.Facts(now))
		return err
	})
	return r, err
}

//go:embed records.html
var recordsPage string

var recordsTemplate = template.Must(template.New("records").Funcs(template.FuncMap{
	"join": strings.Join, "day": func(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04 UTC") },
	"dir": direction, "words": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"bases": func(list []privacy.PurposeBasis) string { return purposeBases(list, ", ") },
}).Parse(recordsPage))

// direction is in which direction a language is written.
func direction(locale string) string {
	tag, err := language.Parse(locale)
	if err != nil {
		return "auto"
	}
	switch script, _ := tag.Script(); script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm":
		return "rtl"
	}
	return "ltr"
}

func purposeBases(list []privacy.PurposeBasis, between string) string {
	var out []string
	for _, p := range list {
		text := p.ID
		if p.Basis != "" {
			text += " (" + strings.ReplaceAll(p.Basis, "_", " ") + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, between)
}

// WriteRecordsPage writes the records as one page that prints well and needs
// nothing else.
func WriteRecordsPage(w io.Writer, r privacy.Records) error { return recordsTemplate.Execute(w, r) }

// WriteRecordsSheet writes the records as one table: the parties, a line for
// each activity, a line for each entry of the catalogue, the limits, the
// measures and the findings. No cell is taken for a formula (H166).
func WriteRecordsSheet(w io.Writer, r privacy.Records) error {
	s := ui.NewSheet(w, "record", "id", "title", "text", "basis", "class", "purposes", "data", "recipients", "countries",
		"third_countries", "retention", "owner", "source", "viewers", "editors", "where", "version_or_level")
	line := func(cells map[string]string) {
		var row []string
		for _, name := range []string{"record", "id", "title", "text", "basis", "class", "purposes", "data", "recipients", "countries", "third", "retention", "owner", "source", "viewers", "editors", "where", "more"} {
			row = append(row, cells[name])
		}
		s.Row(row...)
	}
	for _, p := range []struct {
		role string
		who  tenant.Party
	}{{"controller", r.Controller}, {"representative", r.Representative}} {
		line(map[string]string{"record": p.role, "title": p.who.Name, "text": strings.TrimSpace(p.who.Address + " " + p.who.Contact), "countries": p.who.Country})
	}
	line(map[string]string{"record": "officer", "title": r.Officer.Name, "text": strings.TrimSpace(r.Officer.Mail + " " + r.Officer.URL)})
	for i := range r.Activities {
		line(activityCells(&r.Activities[i], r.Subjects))
	}
	for _, d := range r.Data {
		line(map[string]string{
			"record": d.Kind, "id": d.Name, "title": d.Label, "class": d.Class, "purposes": purposeBases(d.Purposes, "; "), "retention": d.Retention,
			"owner": d.Owner, "source": d.Source, "viewers": strings.Join(d.Viewers, "; "), "editors": strings.Join(d.Editors, "; "), "where": d.Where,
		})
	}
	for _, l := range r.Limits {
		line(map[string]string{"record": "limit", "title": l.What, "retention": l.Kept})
	}
	for _, m := range r.Measures {
		line(map[string]string{"record": "measure", "text": m})
	}
	for _, f := range r.Findings {
		line(map[string]string{"record": "finding", "id": f.Code, "title": f.About, "text": f.Text, "more": f.Level})
	}
	return s.End()
}

func activityCells(a *privacy.Activity, subjects []string) map[string]string {
	var names, countries, third []string
	for _, to := range a.Recipients {
		names = append(names, to.Name)
		if to.Country != "" {
			countries = append(countries, to.Country)
		}
		if to.Third {
			third = append(third, to.Country)
		}
	}
	return map[string]string{
		"record": "activity", "id": a.ID, "title": a.Title, "text": a.Text + " Data subjects: " + strings.Join(subjects, "; "),
		"basis": a.Basis + " (" + a.Article + ")", "class": strings.Join(a.Classes, "; "), "data": strings.Join(a.Data, "; "),
		"recipients": strings.Join(names, "; "), "countries": strings.Join(countries, "; "), "third": strings.Join(third, "; "),
		"retention": a.Retention, "more": a.VersionText(),
	}
}
