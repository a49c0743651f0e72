package portal

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/release"
)

const recordPath = privacyPath + "/record"

// fullRecord is how many lines of the record the download has.
const fullRecord = 10_000

// witnesses are the words for who and what the record names.
type witnesses struct {
	apps     map[app.ID]string
	purposes []consent.Purpose
	fields   *catalog.Catalog
}

func (v *visit) witnesses(tx *db.Tx) (w witnesses, err error) {
	if w.purposes, err = consent.Purposes(tx, v.t); err != nil {
		return w, err
	}
	if w.fields, err = catalog.For(tx, v.t); err != nil {
		return w, err
	}
	list, err := app.List(tx, v.t)
	w.apps = map[app.ID]string{}
	for i := range list {
		w.apps[list[i].ID] = list[i].Name
	}
	return w, err
}

// purpose is what it was for, in the words of the house or the tenant's own.
func (w *witnesses) purpose(s ui.Shell, id string) string {
	if key := "portal.privacy.purpose." + id; s.Has(key) {
		return s.T(key)
	}
	for i := range w.purposes {
		if w.purposes[i].ID == id {
			words, _ := w.purposes[i].WordsIn(string(s.Locale), string(s.Look.Locale))
			return words.Title
		}
	}
	return id
}

// field is what was seen. Who saw an outline alone saw less.
func (w *witnesses) field(s ui.Shell, name string) string {
	name, masked := strings.CutSuffix(name, catalog.Masked)
	name, matched := strings.CutSuffix(name, release.Matched)
	text := name
	if key := "portal.privacy.field." + name; s.Has(key) {
		text = s.T(key)
	} else if key := "portal.field." + name; s.Has(key) {
		text = s.T(key)
	} else if w.fields != nil {
		if f, ok := w.fields.Field(name); ok {
			text = label(s, f)
		}
	}
	if matched {
		return s.T("portal.privacy.matched", "field", text)
	}
	if masked {
		return s.T("portal.privacy.outline", "field", text)
	}
	return text
}

// look says a line of the record in the customer's words. Staff are not named:
// their names are personal data of their own.
func look(s ui.Shell, e release.Entry, w witnesses) Look {
	l := Look{Why: w.purpose(s, e.Purpose), Reason: e.Reason, Last: e.LastAt, Times: int(e.Times)}
	switch e.RecipientKind {
	case release.Application:
		l.Who = w.apps[app.ID(e.Recipient)]
	case release.Export:
		l.Who, l.Reason = s.T("portal.privacy.by_you"), ""
	default:
		l.Who = s.T("portal.privacy.by_staff")
	}
	if e.Country != "" && l.Who != "" {
		where := consent.Place{Country: e.Country}
		where.Transfer, where.Adequacy = consent.TransferTo(e.Country, e.LastAt)
		l.Who = placed(s, l.Who, where)
	}
	if l.Who == "" {
		l.Who = s.T("portal.privacy.by_app")
	}
	var fields []string
	for _, f := range strings.Fields(e.Names) {
		fields = append(fields, w.field(s, f))
	}
	l.What = s.List(fields)
	return l
}

// takeRecord hands out the record of who saw what, as a table for programs and
// spreadsheets.
func (v *visit) takeRecord() error {
	var record []release.Entry
	var w witnesses
	err := v.view(func(tx *db.Tx) (err error) {
		if record, err = release.Record(tx, v.t, v.me.CustomerID, fullRecord); err != nil {
			return err
		}
		w, err = v.witnesses(tx)
		return err
	})
	if err != nil {
		return err
	}
	s := v.shell(privacyPath)
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="who-saw-my-data.csv"`)
	h.Set("Cache-Control", "no-store")
	sheet := ui.NewSheet(v.w, s.T("portal.privacy.col.who"), s.T("portal.privacy.col.what"), s.T("portal.privacy.col.why"),
		s.T("portal.privacy.col.reason"), s.T("portal.privacy.col.times"), s.T("portal.privacy.col.first"), s.T("portal.privacy.col.last"))
	for _, e := range record {
		l := look(s, e, w)
		sheet.Row(l.Who, l.What, l.Why, l.Reason, strconv.Itoa(l.Times), e.FirstAt.UTC().Format(time.RFC3339), e.LastAt.UTC().Format(time.RFC3339))
	}
	return sheet.End()
}
