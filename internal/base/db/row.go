package db

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Field binds one column to one Go variable.
type Field struct {
	Column string
	Ptr    any // a pointer, or JSON(pointer)
}

// Row names the columns of a type once, for SELECT, INSERT, RETURNING and Scan.
// Fields has a pointer receiver and always gives the same columns in the same
// order.
type Row interface{ Fields() []Field }

var (
	// ErrNotFound is what Get returns when there is no row.
	ErrNotFound = fault.New(fault.NotFound, "not_found", "There is no such thing.")
	errMany     = errors.New("db: one row was asked for and there are several")
	errReadOnly = errors.New("db: a View cannot write")
)

// shape is what is known of a Row type after it was seen once.
type shape struct {
	columns string // "a, b, c"
	slots   string // "$1, $2, $3"
	width   int
}

var shapes sync.Map // reflect.Type -> *shape

func shapeOf[T any, P interface {
	*T
	Row
}]() *shape {
	typ := reflect.TypeFor[T]()
	if s, ok := shapes.Load(typ); ok {
		return s.(*shape)
	}
	var names, slots []string
	for i, f := range P(new(T)).Fields() {
		names = append(names, f.Column)
		slots = append(slots, "$"+strconv.Itoa(i+1))
	}
	s := &shape{columns: strings.Join(names, ", "), slots: strings.Join(slots, ", "), width: len(names)}
	shapes.Store(typ, s)
	return s
}

// Get reads the one row that from describes ("FROM customer WHERE id = $1");
// the columns are T's. No row is ErrNotFound; several rows are a defect.
func Get[T any, P interface {
	*T
	Row
}](tx *Tx, from string, args ...any) (T, error) {
	v, ok, err := Find[T, P](tx, from, args...)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return v, err
}

// Find is Get for a row that may be missing: it tells so by false.
func Find[T any, P interface {
	*T
	Row
}](tx *Tx, from string, args ...any) (T, bool, error) {
	return one[T, P](tx, "SELECT "+shapeOf[T, P]().columns+" "+from, args)
}

// All reads every row that from describes, in its order. No row is an empty
// list. Page large sets by their key.
func All[T any, P interface {
	*T
	Row
}](tx *Tx, from string, args ...any) ([]T, error) {
	return read(tx, "SELECT "+shapeOf[T, P]().columns+" "+from, args, func(v *T) []Field { return P(v).Fields() })
}

// Insert adds rows to a table. A row that is there already is a fault of kind
// Conflict ("conflict") and ends the transaction, here or at the statement after
// it; use InsertNew where that is expected.
func Insert[T any, P interface {
	*T
	Row
}](tx *Tx, table string, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	s := shapeOf[T, P]()
	sql := "INSERT INTO " + table + " (" + s.columns + ") VALUES (" + s.slots + ")"
	list := make([][]any, len(rows))
	for i := range rows {
		args, err := fieldArgs(P(&rows[i]).Fields())
		if err != nil {
			return tx.fail(err)
		}
		list[i] = args
	}
	return tx.each(sql, list)
}

// InsertNew adds a row unless one of the same key is there, and tells which.
// It never fails for a clash, so the transaction goes on.
func InsertNew[T any, P interface {
	*T
	Row
}](tx *Tx, table string, row T) (inserted bool, err error) {
	s := shapeOf[T, P]()
	args, err := fieldArgs(P(&row).Fields())
	if err != nil {
		return false, tx.fail(err)
	}
	n, err := tx.exec("INSERT INTO "+table+" ("+s.columns+") VALUES ("+s.slots+") ON CONFLICT DO NOTHING", args)
	return n == 1, err
}

// Take changes or deletes one row and gives it back, exactly once: sql is
// "UPDATE ... WHERE ..." or "DELETE FROM ... WHERE ...", whose WHERE holds
// everything that is decided. False means that there was nothing (any more) to
// take. Every single-use secret is redeemed by it.
func Take[T any, P interface {
	*T
	Row
}](tx *Tx, sql string, args ...any) (T, bool, error) {
	if !tx.writable {
		return *new(T), false, tx.fail(errReadOnly)
	}
	return one[T, P](tx, sql+" RETURNING "+shapeOf[T, P]().columns, args)
}

// Value reads one column of one row by a whole SELECT. False: there is no row.
func Value[V any](tx *Tx, sql string, args ...any) (V, bool, error) {
	rows, err := read(tx, sql, args, func(v *V) []Field { return []Field{{Ptr: v}} })
	return single(tx, sql, rows, err)
}

func one[T any, P interface {
	*T
	Row
}](tx *Tx, sql string, args []any) (T, bool, error) {
	rows, err := read(tx, sql, args, func(v *T) []Field { return P(v).Fields() })
	return single(tx, sql, rows, err)
}

// single is the one row that was asked for.
func single[T any](tx *Tx, sql string, rows []T, err error) (T, bool, error) {
	if err == nil && len(rows) > 1 {
		err = tx.fail(fmt.Errorf("%w: %s", errMany, sql))
	}
	if err != nil || len(rows) == 0 {
		return *new(T), false, err
	}
	return rows[0], true, nil
}

// fieldArgs binds a row's own values.
func fieldArgs(fields []Field) ([]any, error) {
	args := make([]any, len(fields))
	for i, f := range fields {
		v, err := bindPtr(f.Ptr)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Column, err)
		}
		args[i] = v
	}
	return args, nil
}
