package db

import (
	endian "encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// memo remembers what a transaction has read. A View and an Update see one
// snapshot and their own writes, so the same question has the same answer until
// the transaction writes to a table that the question names. Rooms ask what they
// need to know without knowing what others have asked before them; the memo
// makes that free, most of all on PostgreSQL, where each question is a journey.
//
// Rows are handed out by value; what their slices point at is shared and must
// not be changed in place. Strict mode finds who does.
type memo struct {
	answers map[string]answer
	strict  bool
	once    bool // READ COMMITTED: an answer that was foreseen serves once, others are not kept
}

// answer is what a statement gave: a list of rows or nothing more than one.
type answer struct {
	sql   string
	rows  any    // []T
	print string // of the rows, in strict mode
}

// Bounds of what is remembered. A transaction that asks for more is no request.
const (
	memoMost = 48
	memoRows = 16
	memoArgs = 512 // bytes
)

// keyOf names a question; false: it is not one that is remembered.
func (m *memo) keyOf(sql string, args []any) (string, bool) {
	if m == nil || !strings.HasPrefix(sql, "SELECT ") {
		return "", false
	}
	key := make([]byte, 0, len(sql)+16*len(args)+64)
	key = append(key, sql...)
	for _, a := range args {
		switch v := a.(type) {
		case nil:
			key = append(key, 0)
		case int64:
			key = endian.BigEndian.AppendUint64(append(key, 1), uint64(v))
		case bool:
			if key = append(key, 2); v {
				key = append(key, 1)
			}
		case string:
			key = append(endian.BigEndian.AppendUint32(append(key, 3), uint32(len(v))), v...)
		case []byte:
			key = append(endian.BigEndian.AppendUint32(append(key, 4), uint32(len(v))), v...)
		default:
			return "", false
		}
	}
	return string(key), len(key) <= len(sql)+memoArgs
}

// recall gives the rows that a question was answered by.
func recall[T any](m *memo, key string) ([]T, bool) {
	a, ok := m.answers[key]
	if !ok {
		return nil, false
	}
	rows, ok := a.rows.([]T)
	if !ok {
		return nil, false
	}
	if m.strict && fmt.Sprintf("%+v", rows) != a.print {
		panic("db: a row that was read was changed in place: " + a.sql)
	}
	if m.once {
		delete(m.answers, key)
	}
	return slices.Clone(rows), true
}

// has tells whether an answer is remembered.
func (m *memo) has(key string) bool {
	_, ok := m.answers[key]
	return ok
}

// note remembers an answer.
func note[T any](m *memo, key, sql string, rows []T) {
	if len(rows) > memoRows || len(m.answers) >= memoMost {
		return
	}
	if m.answers == nil {
		m.answers = map[string]answer{}
	}
	a := answer{sql: sql, rows: slices.Clone(rows)}
	if m.strict {
		a.print = fmt.Sprintf("%+v", rows)
	}
	m.answers[key] = a
}

// wrote forgets every answer that a statement may have changed.
func (m *memo) wrote(sql string) {
	if m == nil || len(m.answers) == 0 {
		return
	}
	table := written(sql)
	for key, a := range m.answers {
		if table == "" || names(a.sql, table) {
			delete(m.answers, key)
		}
	}
}

// written is the table that a statement writes to; "": it does not say so at
// its beginning.
func written(sql string) string {
	for _, verb := range [...]string{"INSERT INTO ", "UPDATE ", "DELETE FROM "} {
		if rest, ok := strings.CutPrefix(sql, verb); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return !wordRune(r) })
			if end > 0 {
				return rest[:end]
			}
		}
	}
	return ""
}

// names tells whether a word stands in a statement.
func names(sql, word string) bool {
	for from := 0; ; {
		i := strings.Index(sql[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !wordRune(rune(sql[i-1]))) && (end == len(sql) || !wordRune(rune(sql[end]))) {
			return true
		}
		from = end
	}
}

func wordRune(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
