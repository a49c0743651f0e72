package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ErasureProof is what a search for everything of an erased customer found, in
// the house's database or in a copy of it.
type ErasureProof struct {
	Customer  string    `json:"customer"`
	Database  string    `json:"database"` // "live", or the file
	ErasedAt  time.Time `json:"erased_at"`
	FinalAt   time.Time `json:"final_at"`
	Holds     bool      `json:"holds"`                // nothing opens, and nothing is left that should be gone
	Opens     bool      `json:"opens"`                // a living wrapping key opens the data key that is there
	Until     time.Time `json:"opens_until,omitzero"` // with Opens: when that key is destroyed at the latest
	Under     string    `json:"wrapping_key,omitempty"`
	Keys      int       `json:"keys_tried"`   // living wrapping keys
	Values    int       `json:"values_tried"` // values of bytes that were tried with each of them
	Sealed    int       `json:"sealed"`       // profile values and identifiers that are there
	Opened    int       `json:"opened"`       // of these, those that opened
	Readable  int       `json:"readable"`     // words of the profile that stand in the clear, of fields that were searched open
	Left      []Left    `json:"left,omitempty"`
	Plaintext []string  `json:"plaintext,omitempty"` // where something that was looked for stands in the clear
}

// Left is a table that holds rows of the customer, and why.
type Left struct {
	Table string `json:"table"`
	Rows  int    `json:"rows"`
	Why   string `json:"why,omitempty"` // "": it should hold none
}

// ProveErasure searches for everything of an erased customer: in the house's
// database, or in a copy of the file of a SQLite database, which may be a backup
// of before and is not changed. words are looked for in the clear, in the files.
// It returns no plaintext. The house itself must know that the customer is
// erased.
func (b *Base) ProveErasure(ctx context.Context, t *tenant.Tenant, who, file string, words [][]byte) (ErasureProof, error) {
	id, err := customer.ParseID(who)
	if err != nil {
		return ErasureProof{}, failed(who+" is not the id of a customer.", "An erased customer has no address any more: name them by the id, as certificates and the journal do not, but 'cardea case show' and your own records do.", nil)
	}
	p := ErasureProof{Customer: id.String(), Database: "live", Keys: len(b.Ring.WrappingKeys())}
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		e, ok, err := customer.FindErasure(tx, t, id)
		if err == nil && !ok {
			err = failed("This customer is not erased.", "There is nothing to prove yet.", nil)
		}
		p.ErasedAt, p.FinalAt = e.ErasedAt, e.FinalAt
		return err
	})
	if err != nil {
		return p, err
	}
	d, files := b.DB, []string(nil)
	if !b.Config.Postgres() {
		files, _ = filepath.Glob(filepath.Join(b.Config.Data, databaseName+"*"))
	}
	if file != "" {
		p.Database = file
		copied, drop, err := b.openCopy(ctx, file)
		if err != nil {
			return p, err
		}
		defer drop()
		d, files = copied, []string{file, file + "-wal"}
	}
	if err := d.View(ctx, func(tx *db.Tx) error { return p.search(tx, b.Ring, t.ID, id) }); err != nil {
		return p, err
	}
	if err := p.lookFor(files, words); err != nil {
		return p, err
	}
	p.Holds = !p.Opens && p.Opened == 0 && len(p.Plaintext) == 0 && p.Readable == 0 && (file != "" || !slices.ContainsFunc(p.Left, func(l Left) bool { return l.Why == "" }))
	return p, nil
}

// openCopy opens a copy of a database file, so that nothing is written to the
// file itself.
func (b *Base) openCopy(ctx context.Context, file string) (*db.DB, func(), error) {
	dir, err := os.MkdirTemp("", "cardea-prove-")
	if err != nil {
		return nil, nil, err
	}
	drop := func() { _ = os.RemoveAll(dir) }
	to := filepath.Join(dir, databaseName)
	err = copyFile(file, to)
	if err == nil {
		if _, there := os.Stat(file + "-wal"); there == nil {
			err = copyFile(file+"-wal", to+"-wal")
		}
	}
	if err != nil {
		drop()
		return nil, nil, failed("The database file cannot be read.", "Name the file itself, like backup/"+databaseName+".", err)
	}
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + to, Clock: b.Clock.Now, Migrations: schema.Files})
	if err != nil {
		drop()
		return nil, nil, failed("This is not a database of cardea.", "Name the file itself, like backup/"+databaseName+".", err)
	}
	return d, func() { _ = d.Close(); drop() }, nil
}

// row is a value of bytes in some table.
type anyBytes struct{ value []byte }

// Fields names the column.
func (r *anyBytes) Fields() []db.Field { return []db.Field{{Column: "value", Ptr: &r.value}} }

// search walks every table that has rows of the customer, and tries every value
// of bytes in them with every living wrapping key.
func (p *ErasureProof) search(tx *db.Tx, ring *secret.Keyring, t tenant.ID, id customer.ID) error {
	r, err := customer.Examine(tx, ring, t, id)
	if err != nil {
		return err
	}
	p.Opens, p.Until, p.Sealed, p.Opened = r.Opens, r.Until, r.Sealed, r.Opened
	if r.Wrapped {
		p.Under = r.WrappingKey
	}
	words, err := customer.OpenWords(tx, &tenant.Tenant{ID: t}, id)
	if err != nil {
		return err
	}
	p.Readable = len(words)
	columns, err := db.Columns(tx)
	if err != nil {
		return err
	}
	of := map[string][]db.Column{}
	for _, c := range columns {
		of[c.Table] = append(of[c.Table], c)
	}
	for i, c := range columns {
		if i > 0 && columns[i-1].Table == c.Table {
			continue
		}
		if err := p.table(tx, ring, t, id, of[c.Table]); err != nil {
			return err
		}
	}
	return nil
}

// whose is the column by which a table's rows are a customer's, "" for none.
func whose(columns []db.Column) string {
	has := func(name string) bool {
		return slices.ContainsFunc(columns, func(c db.Column) bool { return c.Name == name && c.Bytes })
	}
	switch {
	case !has("tenant_id"):
		return ""
	case columns[0].Table == "customer":
		return "id"
	case has("customer_id"):
		return "customer_id"
	case has("subject_id"):
		return "subject_id"
	}
	return ""
}

func (p *ErasureProof) table(tx *db.Tx, ring *secret.Keyring, t tenant.ID, id customer.ID, columns []db.Column) error {
	by, table := whose(columns), columns[0].Table
	if by == "" {
		return nil
	}
	rows, _, err := db.Value[int64](tx, "SELECT count(*) FROM "+table+" WHERE tenant_id = $1 AND "+by+" = $2", t, id)
	if err != nil || rows == 0 {
		return err
	}
	why := privacy.Kept[table]
	if why == "" {
		why = privacy.KeptApart[table]
	}
	p.Left = append(p.Left, Left{Table: table, Rows: int(rows), Why: why})
	for _, c := range columns {
		if !c.Bytes {
			continue
		}
		list, err := db.All[anyBytes](tx, "FROM (SELECT "+c.Name+" AS value FROM "+table+" WHERE tenant_id = $1 AND "+by+" = $2 AND "+c.Name+" IS NOT NULL) AS found", t, id)
		if err != nil {
			return err
		}
		for _, v := range list {
			p.try(ring, t, id, v.value)
		}
	}
	return nil
}

// inJSON finds what could be sealed bytes in a payload.
var inJSON = regexp.MustCompile(`"[A-Za-z0-9+/_=-]{38,}"`)

// try tries a value, and what lies in it if it is a payload.
func (p *ErasureProof) try(ring *secret.Keyring, t tenant.ID, id customer.ID, value []byte) {
	all := [][]byte{value}
	for _, m := range inJSON.FindAll(value, -1) {
		if inner, err := base64.StdEncoding.DecodeString(string(m[1 : len(m)-1])); err == nil {
			all = append(all, inner)
		}
	}
	for _, v := range all {
		if len(v) <= secret.Overhead {
			continue
		}
		p.Values++
		if key := customer.Unwraps(ring, t, id, v); key != "" {
			p.Opens, p.Under = true, key
		}
	}
}

// lookFor looks for words in files, as a thief would who has no key.
func (p *ErasureProof) lookFor(files []string, words [][]byte) error {
	for _, name := range files {
		if len(words) == 0 {
			return nil
		}
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for i, w := range words {
			if len(w) > 0 && bytes.Contains(bytes.ToLower(text), bytes.ToLower(w)) {
				p.Plaintext = append(p.Plaintext, fmt.Sprintf("line %d in %s", i+1, filepath.Base(name)))
			}
		}
	}
	return nil
}
