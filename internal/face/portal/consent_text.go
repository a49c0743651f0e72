package portal

import (
	"encoding/hex"
	"html/template"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ConsentText is the text that a decision was made on.
type ConsentText struct {
	ui.Shell
	Words  consent.Words
	Lang   string
	Facts  ui.KeyValue
	Return ui.Button
}

// Template implements ui.Page.
func (ConsentText) Template() string { return "portal/consent_text" }

func (v *visit) consentText() error {
	id, err := v.entry()
	if err != nil {
		return err
	}
	var e consent.Entry
	var shown consent.Purpose
	err = v.view(func(tx *db.Tx) (err error) {
		e, shown, err = textOf(tx, v.t, v.me.CustomerID, id)
		return err
	})
	if err != nil {
		return err
	}
	p := newConsentText(v.shell(consentsPath), e, shown)
	return v.render(p, p.Shell)
}

func textOf(tx *db.Tx, t *tenant.Tenant, c customer.ID, id consent.ID) (consent.Entry, consent.Purpose, error) {
	e, err := consent.GetEntry(tx, t, c, id)
	if err != nil {
		return e, consent.Purpose{}, err
	}
	p, ok, err := consent.PurposeAt(tx, t, e.Item, e.Version)
	if err == nil && (!ok || e.Purpose != consent.ForPurpose) {
		err = errNothing
	}
	return e, p, err
}

func newConsentText(s ui.Shell, e consent.Entry, p consent.Purpose) ConsentText {
	w, lang := p.WordsIn(e.Locale, string(s.Look.Locale))
	s.Title = s.T("portal.consent.shown")
	digest := w.Digest()
	page := ConsentText{Shell: s, Words: w, Lang: lang, Return: ui.Button{Text: s.T("portal.consent.back"), Href: consentsPath}}
	page.Facts = ui.KeyValue{Rows: []ui.Pair{
		{Key: s.T("portal.consent.when"), HTML: s.DateTime(e.MadeAt)},
		{Key: s.T("portal.consent.what"), Value: s.T("portal.consent.event." + decision(e.Decision))},
		{Key: s.T("portal.consent.text"), Value: s.T("portal.consent.version", "n", int(e.Version))},
		{Key: "SHA-256", HTML: code(hex.EncodeToString(digest[:]))},
	}}
	return page
}

// code is text for machines, in pieces so that it breaks on narrow screens.
func code(s string) template.HTML {
	var b strings.Builder
	b.WriteString(`<code dir="ltr">`)
	for len(s) > 16 {
		b.WriteString(template.HTMLEscapeString(s[:16]) + "<wbr>")
		s = s[16:]
	}
	b.WriteString(template.HTMLEscapeString(s) + "</code>")
	return template.HTML(b.String())
}
