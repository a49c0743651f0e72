package db

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Glance is a View whose questions are known beforehand: ahead names them as of
// an instant, each giving one row or a short list without an order, and fn finds
// their answers in the transaction's memory. On PostgreSQL all of them are one
// statement, which is a snapshot by itself, so there is one journey and no
// transaction round it. If fn asks for something else as well, or ahead names
// nothing, fn is run in a View: it assigns its results from scratch. On SQLite,
// where a question is no journey, Glance is View.
func (d *DB) Glance(ctx context.Context, ahead func(now time.Time) []Question, fn func(*Tx) error) error {
	if d.pg == nil || isBackground(ctx) {
		return d.View(ctx, fn)
	}
	list := ahead(d.Now())
	if len(list) == 0 {
		return d.View(ctx, fn)
	}
	more := false
	err := d.Look(ctx, func(tx *Tx) error {
		err := tx.together(list)
		if err == nil {
			err = fn(tx)
		}
		more = errors.Is(tx.failed, errSecond)
		return err
	})
	if more {
		return d.View(ctx, fn)
	}
	return err
}

// part is one question of a statement that asks several: its columns begin with
// a mark that there is a row.
type part struct {
	hearing
	key         string
	first, last int // of its columns, the mark left out
}

// together asks a list in one statement and keeps the answers. It is the one
// question of a Look.
func (tx *Tx) together(list []Question) error {
	s := tx.s.(*pgSession)
	tx.memo, tx.asked = &memo{strict: tx.texts.strict}, true
	parts, args, columns := make([]part, 0, len(list)), make([]any, 0, 4*len(list)), 0
	var name strings.Builder
	for _, q := range list {
		bound, err := bindAll(q.args)
		if err != nil {
			return tx.fail(err)
		}
		key, ok := tx.memo.keyOf(q.sql, bound)
		if !ok {
			continue
		}
		name.WriteString(q.sql)
		name.WriteByte(0)
		args = append(args, bound...)
		parts = append(parts, part{q.open(), key, columns + 1, columns + 1 + q.width})
		columns += 1 + q.width
	}
	text, err := tx.texts.together(name.String())
	if err != nil {
		return tx.fail(err)
	}
	if err := s.send(tx.ctx, s.askedTogether(text, args, parts)); err != nil {
		return tx.fail(err)
	}
	for _, p := range parts {
		p.keep(tx.memo, p.key)
	}
	return nil
}

// hear stores a row of the whole statement where its parts want it. Where there
// are several lists each row of one comes with each of another: what has been
// heard is passed over.
func hear(parts []part, row []any, before [][]any) error {
	for _, p := range parts {
		if row[p.first-1] != true || heard(row[p.first:p.last], p.first, before) {
			continue
		}
		fields := p.target()
		for i, f := range fields {
			if err := assign(f.Ptr, row[p.first+i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func heard(cells []any, first int, before [][]any) bool {
	for _, row := range before {
		if row[first-1] == true && alike(cells, row[first:first+len(cells)]) {
			return true
		}
	}
	return false
}

func alike(a, b []any) bool {
	for i := range a {
		x, bytesA := a[i].([]byte)
		y, bytesB := b[i].([]byte)
		if bytesA != bytesB || bytesA && !bytes.Equal(x, y) || !bytesA && a[i] != b[i] {
			return false
		}
	}
	return true
}

// together joins questions, each ended by a zero byte, into one statement: each
// is a table of its own, of which there may be no row.
func (t *texts) together(list string) (string, error) {
	if s, ok := t.known.Load(list); ok {
		return s.(string), nil
	}
	var columns, tables strings.Builder
	args := 0
	for i, sql := range strings.Split(strings.TrimSuffix(list, "\x00"), "\x00") {
		text, err := t.of(sql)
		if err != nil {
			return "", err
		}
		table := "q" + strconv.Itoa(i)
		if i > 0 {
			columns.WriteString(", ")
		}
		columns.WriteString(table + ".*")
		text, last := shifted(text, args)
		args = last
		tables.WriteString(" LEFT JOIN (SELECT TRUE AS there, " + strings.TrimPrefix(text, "SELECT ") + ") AS " + table + " ON TRUE")
	}
	s := "SELECT " + columns.String() + " FROM (SELECT 1) AS begun" + tables.String()
	if t.count.Add(1) <= maxTexts {
		t.known.Store(strings.Clone(list), s)
	}
	return s, nil
}

// shifted renumbers the parameters of a statement to come after others, and
// tells the highest.
func shifted(sql string, by int) (text string, last int) {
	var b strings.Builder
	last = by
	for _, t := range lex(sql) {
		if t.kind != tokenParam {
			b.WriteString(t.text)
			continue
		}
		n, _ := strconv.Atoi(t.text[1:]) // the lexer took digits
		last = max(last, n+by)
		b.WriteString("$" + strconv.Itoa(n+by))
	}
	return b.String(), last
}
