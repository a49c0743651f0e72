package customer

import (
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
	marks := make([]string, len(words))
	args := []any{t.ID}
	for i, w := range words {
		args = append(args, t.Index("search", w))
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	args = append(args, len(words), limit)
	rows, err := db.All[hit](tx, `FROM search_token WHERE tenant_id = $1 AND token IN (`+strings.Join(marks, ", ")+`)
		GROUP BY customer_id HAVING count(*) = $`+strconv.Itoa(len(args)-1)+` ORDER BY customer_id LIMIT $`+strconv.Itoa(len(args)), args...)
	ids := make([]ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].id
	}
	return ids, err
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
		tokens = append(tokens, "word:"+w)
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
		tokens = append(tokens, "word:"+w)
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

// reindex makes a customer's tokens anew. It opens what is searchable, here and
// for no other purpose, and nothing opened leaves the room.
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
	for _, v := range values {
		for _, w := range words(string(v)) {
			tokens = append(tokens, "word:"+w)
		}
	}
	if _, err := tx.Exec(`DELETE FROM search_token WHERE tenant_id = $1 AND customer_id = $2`, t.ID, id); err != nil {
		return err
	}
	return storeTokens(tx, t, id, tokens)
}

// searchable opens the profile values that the catalogue lets be searched.
func searchable(tx *db.Tx, t *tenant.Tenant, id ID) ([][]byte, error) {
	c, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	profile, err := Profile(tx, t, id)
	if err != nil {
		return nil, err
	}
	var items []Item
	for i := range profile {
		if f, ok := c.Field(profile[i].Name); ok && f.Search && f.Stored() {
			items = append(items, profile[i].Item())
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	key, err := dataKey(tx, t, id)
	if err != nil {
		return nil, err
	}
	return openAll(key, t, id, items)
}
