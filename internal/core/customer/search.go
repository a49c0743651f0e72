package customer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	maxWords  = 8  // of a query
	maxTokens = 64 // of a customer
)

type tokenRow struct {
	tenant   tenant.ID
	token    [32]byte
	customer ID
}

func (r *tokenRow) Fields() []db.Field {
	return []db.Field{{Column: "tenant_id", Ptr: &r.tenant}, {Column: "token", Ptr: &r.token}, {Column: "customer_id", Ptr: &r.customer}}
}

// Search finds customers for staff: by the exact address, number or user name,
// by the last four digits of a number ("1234"), by a domain ("@example.com"),
// and by whole words of their searchable fields, all of which must match. It
// returns at most limit ids, the oldest customer first; what to show of them is
// release's.
func Search(tx *db.Tx, t *tenant.Tenant, query string, limit int) ([]ID, error) {
	return Browse(tx, t, query, nil, limit)
}

// Browse is Search that takes each word for the beginning of a word too, in
// fields that are searched open; which of them may be looked into is release's.
func Browse(tx *db.Tx, t *tenant.Tenant, query string, fields []string, limit int) ([]ID, error) {
	if id, err := ParseID(strings.TrimSpace(query)); err == nil {
		c, found, err := db.Find[Customer](tx, `FROM customer WHERE tenant_id = $1 AND id = $2`, t.ID, id)
		if err != nil || !found {
			return nil, err
		}
		return []ID{c.ID}, nil
	}
	words := queryTokens(t, query)
	if len(words) == 0 || len(words) > maxWords {
		return nil, nil
	}
	var q searching
	tenant := q.arg(t.ID)
	for n, w := range words {
		q.word(t, tenant, n, w, fields)
	}
	rows, err := db.All[hit](tx, `FROM (`+strings.Join(q.parts, " UNION ")+`) AS hit GROUP BY customer_id
		HAVING count(*) = `+q.arg(len(words))+` ORDER BY customer_id LIMIT `+q.arg(limit), q.args...)
	ids := make([]ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].id
	}
	return ids, err
}

// searching is a statement in the making: for each word of the query those whom
// it fits.
type searching struct {
	parts []string
	args  []any
}

func (q *searching) arg(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *searching) word(t *tenant.Tenant, tenant string, n int, token string, fields []string) {
	who := `SELECT customer_id, ` + strconv.Itoa(n) + ` AS n FROM `
	q.parts = append(q.parts, who+`search_token WHERE tenant_id = `+tenant+` AND token = `+q.arg(t.Index("search", token)))
	word, isWord := strings.CutPrefix(token, wordMark)
	if !isWord {
		return
	}
	q.parts = append(q.parts, who+`search_word WHERE tenant_id = `+tenant+` AND word = `+q.arg(word))
	if len(fields) == 0 || utf8.RuneCountInString(word) < shortestBeginning {
		return
	}
	q.parts = append(q.parts, who+`search_word WHERE tenant_id = `+tenant+` AND word >= `+q.arg(word)+
		` AND word < `+q.arg(word+lastRune)+` AND field IN (`+q.list(fields)+`)`)
}

func (q *searching) list(values []string) string {
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = q.arg(v)
	}
	return strings.Join(marks, ", ")
}

const (
	wordMark          = "word:"
	shortestBeginning = 2            // characters
	lastRune          = "\U0010ffff" // above whatever may follow a beginning
)

// Matched names, for each word of a query that a customer was found by, the
// fields in which it is the beginning of a longer word; none for a word that fits
// whole, or that is no word.
func Matched(tx *db.Tx, t *tenant.Tenant, id ID, query string, fields []string) ([][]string, error) {
	if _, err := ParseID(strings.TrimSpace(query)); err == nil {
		return nil, nil
	}
	var out [][]string
	for _, token := range queryTokens(t, query) {
		word, isWord := strings.CutPrefix(token, wordMark)
		if !isWord {
			continue
		}
		whole, _, err := db.Value[int64](tx, `SELECT (SELECT count(*) FROM search_token WHERE tenant_id = $1 AND token = $2 AND customer_id = $3)
			+ (SELECT count(*) FROM search_word WHERE tenant_id = $1 AND word = $4 AND customer_id = $3)`, t.ID, t.Index("search", token), id, word)
		if err != nil {
			return nil, err
		}
		if whole > 0 {
			out = append(out, nil)
			continue
		}
		rows, err := db.All[WordRow](tx, `FROM search_word WHERE tenant_id = $1 AND customer_id = $2 AND word >= $3 AND word < $4
			ORDER BY field, word`, t.ID, id, word, word+lastRune)
		if err != nil {
			return nil, err
		}
		in := []string{}
		for _, r := range rows {
			if slices.Contains(fields, r.Field) && !slices.Contains(in, r.Field) {
				in = append(in, r.Field)
			}
		}
		out = append(out, in)
	}
	return out, nil
}

type hit struct{ id ID }

func (h *hit) Fields() []db.Field { return []db.Field{{Column: "customer_id", Ptr: &h.id}} }

// queryTokens reads a query as the most exact thing that it can be.
func queryTokens(t *tenant.Tenant, query string) []string {
	query = strings.TrimSpace(query)
	if domain, ok := strings.CutPrefix(query, "@"); ok {
		if mail, err := catalog.ParseEmail("x@" + domain); err == nil {
			return []string{"domain:" + catalog.EmailDomain(mail)}
		}
		return nil
	}
	if mail, err := catalog.ParseEmail(query); err == nil {
		return []string{"email:" + mail}
	}
	if phone, err := catalog.ParsePhone(query, t.Settings.Identifiers.PhoneRegion); err == nil {
		return []string{"phone:" + phone}
	}
	if len(query) == 4 && strings.Trim(query, "0123456789") == "" {
		return []string{"last4:" + query}
	}
	var tokens []string
	for _, w := range words(query) {
		tokens = append(tokens, wordMark+w)
	}
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

// identifierTokens are what an identifier is found by.
func identifierTokens(kind, value string) []string {
	switch kind {
	case Email:
		return []string{"email:" + value, "domain:" + catalog.EmailDomain(value)}
	case Phone:
		return []string{"phone:" + value, "last4:" + value[len(value)-4:]}
	}
	var tokens []string
	for _, w := range words(value) {
		tokens = append(tokens, wordMark+w)
	}
	return tokens
}

var fold = cases.Fold()

// words are the whole words of a text, as they are compared: folded, without
// diacritics.
func words(s string) []string {
	if len(s) > 1000 {
		return nil
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(fold.String(s)) {
		if r < 0x0300 || r > 0x036f {
			b.WriteRune(r)
		}
	}
	parts := strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	return slices.DeleteFunc(parts, func(w string) bool { return utf8.RuneCountInString(w) > 60 })
}

func storeTokens(tx *db.Tx, t *tenant.Tenant, id ID, tokens []string) error {
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	rows := make([]tokenRow, 0, len(tokens))
	for _, w := range tokens[:min(len(tokens), maxTokens)] {
		rows = append(rows, tokenRow{t.ID, t.Index("search", w), id})
	}
	return db.Insert(tx, "search_token", rows...)
}

// reindex makes a customer's tokens and readable words anew, as the catalogue
// stands in this transaction and not as some node remembers it. It opens what is
// searchable, here and for no other purpose, and nothing opened leaves the room
// but the words of fields that the tenant has searched in the clear.
func reindex(tx *db.Tx, t *tenant.Tenant, id ID) error {
	list, err := formers(tx, t, id)
	if err != nil {
		return err
	}
	var tokens []string
	for _, f := range list {
		tokens = append(tokens, identifierTokens(f.Kind, f.Value)...)
	}
	values, err := searchable(tx, t, id)
	if err != nil {
		return err
	}
	var open []wordRow
	for _, v := range values {
		for _, w := range words(v.text) {
			if v.field.Search == catalog.SearchOpen {
				open = append(open, wordRow{t.ID, id, WordRow{w, v.field.Name}})
				continue
			}
			tokens = append(tokens, wordMark+w)
		}
	}
	for _, table := range []string{"search_token", "search_word"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE tenant_id = $1 AND customer_id = $2`, t.ID, id); err != nil {
			return err
		}
	}
	if err := storeTokens(tx, t, id, tokens); err != nil {
		return err
	}
	slices.SortFunc(open, func(a, b wordRow) int {
		return cmp.Or(strings.Compare(a.Word, b.Word), strings.Compare(a.Field, b.Field))
	})
	open = slices.Compact(open)
	return db.Insert(tx, "search_word", open[:min(len(open), maxTokens)]...)
}

// found is a value that staff find the customer by.
type found struct {
	field catalog.Field
	text  string
}

// searchable opens the profile values that the catalogue lets be searched.
func searchable(tx *db.Tx, t *tenant.Tenant, id ID) ([]found, error) {
	c, err := catalog.Load(tx, t)
	if err != nil {
		return nil, err
	}
	profile, err := Profile(tx, t, id)
	if err != nil {
		return nil, err
	}
	var items []Item
	var out []found
	for i := range profile {
		if f, ok := c.Field(profile[i].Name); ok && f.Search.Indexed() && f.Stored() {
			items = append(items, profile[i].Item())
			out = append(out, found{field: f})
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	key, err := dataKey(tx, t, id)
	if err != nil {
		return nil, err
	}
	plain, err := openAll(key, t, id, items)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].text = out[i].field.Text(string(plain[i]))
	}
	return out, nil
}
