package db

import (
	"context"
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// The driver copies the names and the declared types of all columns with every
// execution, takes memory for every argument, asks three times for every column
// and boxes what it finds: together more than SQLite takes for a short read. So
// a statement that the driver has prepared is stepped here, on SQLite's own
// interface (docs/decisions/0047-sqlite-stepped-by-hand.md). The driver opens
// and closes connections, prepares and finalizes statements, and runs what
// somebody may interrupt.

// handleOf is SQLite's handle of a statement that the driver has prepared; 0 if
// it keeps none, or keeps it elsewhere than it does today: then the driver
// executes the statement.
func handleOf(s driver.Stmt) uintptr {
	v := reflect.ValueOf(s)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return 0
	}
	if f := v.Elem().FieldByName("pstmt"); f.IsValid() && f.Kind() == reflect.Uintptr {
		return uintptr(f.Uint())
	}
	return 0
}

// stepper executes the statements of one connection.
type stepper struct {
	tls   *libc.TLS
	arena uintptr // what the arguments of the running statement hold
	room  int
}

func newStepper() *stepper { return &stepper{tls: libc.NewTLS()} }

// close gives back what was taken. The connection's statements are over.
func (p *stepper) close() {
	if p.arena != 0 {
		libc.Xfree(p.tls, p.arena)
		p.arena, p.room = 0, 0
	}
	p.tls.Close()
}

// steppable tells whether nobody can interrupt what runs under a context.
func (s liteStmt) steppable(ctx context.Context) bool { return s.handle != 0 && ctx.Done() == nil }

// exec runs a statement to its end and tells how many rows it touched.
func (p *stepper) exec(h uintptr, args []any) (int64, error) {
	err := p.bind(h, args)
	for err == nil {
		var row bool
		if row, err = p.step(h); !row {
			break
		}
	}
	var n int64
	if err == nil {
		n = int64(sqlite3.Xsqlite3_changes(p.tls, sqlite3.Xsqlite3_db_handle(p.tls, h)))
	}
	sqlite3.Xsqlite3_reset(p.tls, h) // repeats the error that step told
	return n, err
}

// query runs a statement and stores each row where target says.
func (p *stepper) query(watch context.Context, h uintptr, args []any, target func() []Field) (err error) {
	defer func() { sqlite3.Xsqlite3_reset(p.tls, h) }() // target may panic
	if err := p.bind(h, args); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if row, err := p.step(h); !row || err != nil {
			return err
		}
		if err := p.store(h, target()); err != nil {
			return err
		}
		if n%64 == 0 && watch.Err() != nil {
			return watch.Err()
		}
	}
}

func (p *stepper) step(h uintptr) (row bool, err error) {
	switch rc := sqlite3.Xsqlite3_step(p.tls, h); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, p.fault(h, rc)
	}
}

// liteError is what SQLite said, in the driver's words.
type liteError struct {
	code int
	text string
}

func (e *liteError) Error() string { return e.text }

func (p *stepper) fault(h uintptr, rc int32) error {
	short := libc.GoString(sqlite3.Xsqlite3_errstr(p.tls, rc))
	text := fmt.Sprintf("%s (%d)", short, rc)
	if long := libc.GoString(sqlite3.Xsqlite3_errmsg(p.tls, sqlite3.Xsqlite3_db_handle(p.tls, h))); long != short {
		text = fmt.Sprintf("%s: %s (%d)", short, long, rc)
	}
	return &liteError{int(rc), text}
}

// bind gives a statement its arguments. What they hold lies in one piece of
// memory of SQLite's kind until the next statement of the connection: none is
// open then.
func (p *stepper) bind(h uintptr, args []any) error {
	if n := int(sqlite3.Xsqlite3_bind_parameter_count(p.tls, h)); n > len(args) {
		return fmt.Errorf("db: %d arguments are given where %d are wanted", len(args), n)
	} else {
		args = args[:n] // a rewritten text may leave out the last ones
	}
	if err := p.reserve(args); err != nil {
		return err
	}
	free := p.arena
	for i, a := range args {
		slot, rc := int32(i+1), int32(sqlite3.SQLITE_OK)
		switch v := a.(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(p.tls, h, slot)
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(p.tls, h, slot, v)
		case bool:
			var n int64
			if v {
				n = 1
			}
			rc = sqlite3.Xsqlite3_bind_int64(p.tls, h, slot, n)
		case float64:
			rc = sqlite3.Xsqlite3_bind_double(p.tls, h, slot, v)
		case string:
			rc = sqlite3.Xsqlite3_bind_text(p.tls, h, slot, free, int32(len(v)), 0)
			free += uintptr(copy(memory(free, len(v)), v))
		case []byte:
			rc = sqlite3.Xsqlite3_bind_blob(p.tls, h, slot, free, int32(len(v)), 0)
			free += uintptr(copy(memory(free, len(v)), v))
		default:
			return fmt.Errorf("db: a %T cannot be bound", a)
		}
		if rc != sqlite3.SQLITE_OK {
			return p.fault(h, rc)
		}
	}
	return nil
}

// maxKept bounds the memory that a connection keeps for its arguments.
const (
	leastRoom = 1 << 10
	maxKept   = 64 << 10
)

// reserve makes room for texts and bytes.
func (p *stepper) reserve(args []any) error {
	need := leastRoom
	for _, a := range args {
		switch v := a.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		}
	}
	if need <= p.room && p.room <= maxKept {
		return nil
	}
	if p.arena != 0 {
		libc.Xfree(p.tls, p.arena)
	}
	p.arena, p.room = libc.Xmalloc(p.tls, libc.Tsize_t(need)), need
	if p.arena == 0 {
		p.room = 0
		return &liteError{sqlite3.SQLITE_NOMEM, "out of memory"}
	}
	return nil
}

// memory is a view of memory that SQLite or libc holds.
func memory(at uintptr, n int) []byte {
	if n == 0 {
		return nil
	}
	// No Go memory: nothing moves it, and nothing but its owner frees it.
	return (*libc.RawMem)(*(*unsafe.Pointer)(unsafe.Pointer(&at)))[:n:n]
}

// store puts the row that a statement stands on where fields say.
func (p *stepper) store(h uintptr, fields []Field) error {
	if n := int(sqlite3.Xsqlite3_column_count(p.tls, h)); n != len(fields) {
		return fmt.Errorf("db: %d columns do not fit %d fields", n, len(fields))
	}
	for i, f := range fields {
		if err := p.cell(sqlite3.Xsqlite3_column_value(p.tls, h, int32(i)), f.Ptr); err != nil {
			return fmt.Errorf("column %s: %w", f.Column, err)
		}
	}
	return nil
}

// wide is what holds bytes in an array: ids.
type wide interface{ Raw() []byte }

// cell is assign for a value of SQLite's, without a box round the usual kinds.
func (p *stepper) cell(value uintptr, ptr any) error {
	kind := sqlite3.Xsqlite3_value_type(p.tls, value)
	switch kind {
	case sqlite3.SQLITE_INTEGER:
		n := sqlite3.Xsqlite3_value_int64(p.tls, value)
		switch d := ptr.(type) {
		case *int64:
			*d = n
		case *bool:
			*d = n != 0
		case *time.Time:
			*d = time.UnixMicro(n).UTC()
		default:
			return assign(ptr, n)
		}
		return nil
	case sqlite3.SQLITE_FLOAT:
		return assign(ptr, sqlite3.Xsqlite3_value_double(p.tls, value))
	case sqlite3.SQLITE_NULL:
		return assign(ptr, nil)
	}
	// The pointer first: taking it may move what is counted after it.
	at := sqlite3.Xsqlite3_value_blob(p.tls, value)
	raw := memory(at, int(sqlite3.Xsqlite3_value_bytes(p.tls, value)))
	if kind == sqlite3.SQLITE_TEXT {
		if d, ok := ptr.(*string); ok {
			*d = string(raw)
			return nil
		}
		return assign(ptr, string(raw))
	}
	switch d := ptr.(type) {
	case *[]byte:
		*d = append(make([]byte, 0, len(raw)), raw...)
	case *[32]byte:
		return fill(d[:], raw)
	case *[16]byte:
		return fill(d[:], raw)
	case wide:
		return fill(d.Raw(), raw)
	default:
		return assign(ptr, append(make([]byte, 0, len(raw)), raw...))
	}
	return nil
}

func fill(dst, src []byte) error {
	if len(src) != len(dst) {
		return fmt.Errorf("db: a column's %d bytes do not fit %d bytes", len(src), len(dst))
	}
	copy(dst, src)
	return nil
}
