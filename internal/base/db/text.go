package db

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
)

// Marks around the two spellings of a Pick. They cannot occur in honest SQL.
const (
	pickOpen  = '\x01'
	pickOr    = '\x02'
	pickClose = '\x03'
)

// Pick gives a piece of SQL two spellings, for the few places where the engines
// must differ. The result is used as, or inside, any statement of this package.
// The reason is for the reader and is kept by the test that counts the uses.
func Pick(pg, lite, reason string) string {
	if reason == "" {
		panic("db: Pick needs a reason")
	}
	return string(pickOpen) + pg + string(pickOr) + lite + string(pickClose)
}

// texts turns the house's SQL into an engine's own and remembers the result.
type texts struct {
	lite   bool
	strict bool
	known  sync.Map // house text -> engine text
	count  atomic.Int64
}

// maxTexts bounds what is remembered, should somebody compose SQL from data.
const maxTexts = 4096

func (t *texts) of(sql string) (string, error) {
	if s, ok := t.known.Load(sql); ok {
		return s.(string), nil
	}
	if t.strict {
		if err := Check(sql); err != nil {
			return "", err
		}
	}
	s, err := resolve(sql, t.lite)
	if err != nil {
		return "", err
	}
	if t.lite {
		s = numbered(s)
	}
	if t.count.Add(1) <= maxTexts {
		t.known.Store(strings.Clone(sql), s)
	}
	return s, nil
}

var errPick = errors.New("db: a Pick was cut in two")

// resolve chooses the spelling of every Pick in sql.
func resolve(sql string, lite bool) (string, error) {
	for {
		i := strings.IndexByte(sql, pickOpen)
		if i < 0 {
			return sql, nil
		}
		or, end := strings.IndexByte(sql, pickOr), strings.IndexByte(sql, pickClose)
		if or < i || end < or {
			return "", errPick
		}
		chosen := sql[i+1 : or]
		if lite {
			chosen = sql[or+1 : end]
		}
		sql = sql[:i] + chosen + sql[end+1:]
	}
}

// numbered spells $n as ?n, which SQLite numbers as PostgreSQL does; a bare $n
// would be a name there, numbered by first appearance.
func numbered(sql string) string {
	var b strings.Builder
	b.Grow(len(sql))
	for _, t := range lex(sql) {
		if t.kind == tokenParam {
			b.WriteByte('?')
			b.WriteString(t.text[1:])
			continue
		}
		b.WriteString(t.text)
	}
	return b.String()
}
