package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

//go:embed archive/index.html archive/locales/*.json
var archiveFiles embed.FS

// archiveSet are the words of the page of an archive: it is a file of its own,
// so that no page of the portal carries them.
func archiveSet() words.Set {
	in, err := fs.Sub(archiveFiles, "archive")
	if err != nil {
		panic(err)
	}
	return words.Set{Name: "archive", Files: in}
}

var (
	archiveBook     = openArchiveBook()
	archiveTemplate = template.Must(template.ParseFS(archiveFiles, "archive/index.html"))
)

func openArchiveBook() *words.Book {
	b, err := words.NewBook(words.Set{Name: "portal", Files: files}, archiveSet())
	if err != nil {
		panic(err)
	}
	return b
}

// wideFrom is from how many columns on a section is written as cards rather than
// as a table, which would not fit on a sheet of paper.
const wideFrom = 6

// report is what the page of an archive shows.
type report struct {
	Lang, Dir                            string
	Title, Lede, Secrets, FilesText      string
	Contents, Empty, EmptyText, ZoneText string
	Sheets                               []leaf
	None                                 []string // titles of sections that hold nothing
	Receipts, ReceiptsText               string   // empty: there are none
}

// leaf is a section of it.
type leaf struct {
	ID, Title, Cut string
	Count          string
	Wide           bool
	Columns        []string
	Rows           [][]shownCell
}

// shownCell is a value under its heading. Link leads to another file.
type shownCell struct{ Head, Text, Link string }

// reader says what stands in a document in the customer's words.
type reader struct {
	d        privacy.Document
	w        *words.Words
	zone     *time.Location
	receipts map[string]bool
}

func newReader(d privacy.Document) *reader {
	locale := words.Negotiate(words.Shipped(), words.Wish{Account: d.Locale, Default: words.Locale(d.Tenant.Locale())})
	r := &reader{d: d, w: archiveBook.In(locale), zone: time.UTC, receipts: map[string]bool{}}
	for _, name := range []string{zoneOf(d), d.Tenant.Zone()} {
		if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			r.zone = zone
			break
		}
	}
	for _, one := range d.Receipts {
		r.receipts[one.Identifier] = true
	}
	return r
}

// zoneOf is the time zone that stands in the customer's profile, or nothing.
func zoneOf(d privacy.Document) string {
	for _, room := range d.Rooms {
		at := slices.IndexFunc(room.Sections, func(s privacy.Section) bool { return s.Name == "profile" })
		if at < 0 {
			continue
		}
		for _, row := range room.Sections[at].Rows {
			if name, ok := row[1].(string); ok && row[0] == "zoneinfo" {
				return name
			}
		}
	}
	return ""
}

func archivePage(d privacy.Document) ([]byte, error) {
	r := newReader(d)
	p := report{
		Lang: string(r.w.Locale), Dir: r.w.Locale.Dir(),
		Title: r.w.T("archive.title", "name", d.Tenant.Name), Lede: r.w.T("archive.lede", "date", r.w.DateTime(d.At, r.zone)),
		Secrets: r.w.T("archive.secrets"), FilesText: r.w.T("archive.files"), ZoneText: r.w.T("archive.zone", "zone", r.zone.String()),
		Contents: r.w.T("archive.contents"), Empty: r.w.T("archive.empty"), EmptyText: r.w.T("archive.empty_text"),
	}
	for _, room := range d.Rooms {
		for _, s := range room.Sections {
			if title := r.w.T("archive.section." + s.Name); len(s.Rows) == 0 {
				p.None = append(p.None, title)
			} else {
				p.Sheets = append(p.Sheets, r.leaf(s, title))
			}
		}
	}
	if len(d.Receipts) > 0 {
		p.Receipts = r.w.T("archive.receipts")
		p.ReceiptsText = r.w.T("archive.receipts_text", "page", d.Tenant.Issuer()+"/receipt", "keys", d.Tenant.Origin+tenant.EvidencePath,
			"command", "cardea receipt verify receipts/….jws --jwks cardea-evidence.json")
	}
	var out bytes.Buffer
	err := archiveTemplate.Execute(&out, p)
	return out.Bytes(), err
}

func (r *reader) leaf(s privacy.Section, title string) leaf {
	l := leaf{ID: s.Name, Title: title, Count: r.w.Number(len(s.Rows))}
	kept := filled(s)
	l.Wide = len(kept) >= wideFrom
	if s.Cut {
		l.Cut = r.w.T("archive.cut")
	}
	for _, n := range kept {
		l.Columns = append(l.Columns, r.w.T("archive.column."+s.Columns[n]))
	}
	for _, row := range s.Rows {
		cells := make([]shownCell, len(kept))
		for i, n := range kept {
			cells[i] = shownCell{Head: l.Columns[i], Text: r.cell(s.Name, s.Columns[n], row[n])}
			if entry, ok := row[n].(string); ok && s.Columns[n] == "entry" && r.receipts[entry] {
				cells[i].Link = receiptFile(entry)
			}
		}
		l.Rows = append(l.Rows, cells)
	}
	return l
}

// filled are the columns in which any row says something.
func filled(s privacy.Section) (out []int) {
	for n := range s.Columns {
		if slices.ContainsFunc(s.Rows, func(row []any) bool { return row[n] != nil }) {
			out = append(out, n)
		}
	}
	return out
}

func (r *reader) cell(section, column string, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return r.w.DateTime(v, r.zone)
	case []string:
		out := make([]string, len(v))
		for i := range v {
			out[i] = r.word(section, column, v[i])
		}
		return r.w.List(out)
	case bool:
		if v {
			return r.w.T("archive.yes")
		}
		return r.w.T("archive.no")
	case string:
		return r.word(section, column, v)
	case int64:
		if strings.HasPrefix(column, "quiet_") {
			return fmt.Sprintf("%02d:%02d", v/60, v%60)
		}
		return r.w.Number(int(v))
	}
	return fmt.Sprint(v)
}

// How the words of a column are said; those that are not named are the
// customer's own, or numbers, and are shown as they are.
var archiveSays = map[string]func(*reader, string) string{
	"profile.field": (*reader).field, "profile.purposes": (*reader).purpose, "disclosures.fields": (*reader).field,
	"disclosures.purpose": (*reader).purpose, "disclosures.reason": (*reader).value, "consents.item": (*reader).item,
	"consents_before_account.item": (*reader).item, "asked_for.item": (*reader).item, "requests.about": (*reader).item,
	"notices.about": (*reader).value, "verdicts.about": (*reader).value,

	"state": (*reader).value, "source": (*reader).value, "withheld": (*reader).value, "kind": (*reader).value, "recipient_kind": (*reader).value,
	"purpose": (*reader).value, "reason": (*reader).value, "channel": (*reader).value, "by": (*reader).value, "methods": (*reader).value,
	"end_reason": (*reader).value, "lost": (*reader).value, "offer": (*reader).value, "decision": (*reader).value, "surface": (*reader).value,
	"method": (*reader).value, "verdict": (*reader).value, "identity": (*reader).value, "outcome": (*reader).value, "act": (*reader).value,
	"frequency": (*reader).value, "topic": (*reader).item, "event": (*reader).event, "template": (*reader).template,
}

func (r *reader) word(section, column, v string) string {
	say := archiveSays[section+"."+column]
	if say == nil {
		say = archiveSays[column]
	}
	if say == nil || section == "request_history" && column == "words" {
		return v
	}
	return say(r, v)
}

// value is a word of the house; what is unknown is written with spaces.
func (r *reader) value(v string) string {
	key := strings.NewReplacer(" ", "_", ":", "_", ".", "_").Replace(v)
	for at := len(key); at > 0; at = strings.LastIndexByte(key[:at], '_') {
		if k := "archive.value." + key[:at]; r.w.Has(k) {
			return r.w.T(k)
		}
	}
	if _, after, ok := strings.Cut(v, ":"); ok {
		return r.value(after)
	}
	return strings.ReplaceAll(v, "_", " ")
}

func (r *reader) field(name string) string {
	if own := r.d.Names["field/"+name]; own != "" {
		return own
	}
	for _, key := range []string{labels[name], "portal.privacy.field." + name, "portal.field." + name} {
		if key != "" && r.w.Has(key) {
			return r.w.T(key)
		}
	}
	return strings.ReplaceAll(name, "_", " ")
}

func (r *reader) purpose(id string) string {
	if own := r.d.Names["purpose/"+id]; own != "" {
		return own
	}
	if key := "portal.privacy.purpose." + id; r.w.Has(key) {
		return r.w.T(key)
	}
	return r.value(id)
}

// item is what a decision or a request is about: a purpose, a topic, a field or
// a document.
func (r *reader) item(id string) string {
	for _, kind := range []string{"purpose/", "topic/", "field/"} {
		if own := r.d.Names[kind+id]; own != "" {
			return own
		}
	}
	return r.field(id)
}

// event is what happened, as exactly as there are words for it.
func (r *reader) event(name string) string {
	key := strings.ReplaceAll(name, ".", "_")
	for at := len(key); at > 0; at = strings.LastIndexByte(key[:at], '_') {
		if k := "archive.event." + key[:at]; r.w.Has(k) {
			return r.w.T(k)
		}
	}
	return strings.NewReplacer(".", " ", "_", " ").Replace(name)
}

// template is what a message was about.
func (r *reader) template(name string) string {
	about := "security"
	first, _, _ := strings.Cut(name, "_")
	switch first {
	case "code", "bootstrap", "test":
		about = "code"
	case "account", "erasure", "inactive":
		about = "account"
	case "case":
		about = "request"
	case "archive":
		about = "archive"
	case "consent", "topic":
		about = "consent"
	}
	return r.w.T("archive.template." + about)
}
