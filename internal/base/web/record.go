package web

import (
	"encoding/base32"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cardea-id/cardea/internal/base/secret"
)

const (
	factBytes  = 256
	causeBytes = 4096
	factsMost  = 40
)

var reference = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Rec is the record of one request: one line in the log, written when the
// request ends. It holds the route's pattern and not the path, and no query,
// cookie, body or address of a person; who adds a fact keeps to that.
type Rec struct {
	id string

	mu    sync.Mutex
	facts []slog.Attr
	stack string
}

func newRec() *Rec { return &Rec{id: reference.EncodeToString(secret.Random(10))} }

// ID is the request's short id: 16 characters of lower-case base32.
func (rec *Rec) ID() string { return rec.id }

// Add puts a fact on the record. Strings, errors, Stringers, numbers, booleans,
// times and durations are written; of anything else only the type's name, so
// that no struct spills what it carries. Text is made one clean line and cut
// (H167). A repeated key is written twice; facts beyond forty are dropped.
// Safe for concurrent use.
func (rec *Rec) Add(key string, value any) {
	rec.add(slog.Any(Clean(key, 64), tame(value)))
}

func (rec *Rec) add(attrs ...slog.Attr) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, a := range attrs {
		if len(rec.facts) < factsMost {
			rec.facts = append(rec.facts, a)
		}
	}
}

// tame turns a value into one that the log may hold.
func tame(value any) any {
	switch v := value.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, time.Duration, time.Time:
		return v
	case string:
		return Clean(v, factBytes)
	case error:
		return Clean(v.Error(), causeBytes)
	case fmt.Stringer:
		return Clean(v.String(), factBytes)
	}
	return fmt.Sprintf("(%T)", value)
}

// Clean makes text of outside origin fit for one line of a log or a list: bytes
// that are not UTF-8, control characters, direction marks and other invisible
// format characters and the Unicode line ends are written as \u escapes, and
// the result is cut to at most max bytes on a character's border.
func Clean(s string, max int) string {
	if len(s) > max {
		s = s[:max]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if r, n := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && n == 1 {
			s = s[:len(s)-1]
		}
	}
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	return escape(s, max)
}

func escape(s string, max int) string {
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < max; {
		r, n := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+n]
		if r == utf8.RuneError && n == 1 {
			piece = `\x` + strconv.FormatUint(uint64(s[i]), 16)
		} else if hidden(r) {
			piece = `\u` + strconv.FormatUint(uint64(r), 16)
		}
		if b.Len()+len(piece) > max {
			break
		}
		b.WriteString(piece)
		i += n
	}
	return b.String()
}

// hidden reports characters that a reader of a log cannot see or that move what
// stands around them: Cc, Cf (direction marks among them), line ends, private
// use and unassigned ones.
func hidden(r rune) bool { return !unicode.IsGraphic(r) }
