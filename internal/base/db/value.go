package db

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// JSON wraps a pointer (in Fields) or a value (as an argument) so that it is
// stored as JSON in a TEXT column. The database never looks inside. NULL and
// the empty text leave the value as it is.
func JSON(ptr any) any { return jsonValue{ptr} }

type jsonValue struct{ v any }

var errText = fault.New(fault.Invalid, "bad_text", "The text holds characters that cannot be stored.")

// bind turns an argument into what both drivers take: nil, int64, float64,
// bool, string or []byte.
func bind(arg any) (any, error) {
	switch v := arg.(type) {
	case nil:
		return nil, nil
	case string:
		return text(v)
	case int:
		return int64(v), nil
	case int64, bool, float64:
		return v, nil
	case []byte:
		return blob(v), nil
	case [16]byte:
		return v[:], nil
	case [32]byte:
		return v[:], nil
	case time.Time:
		return instant(v), nil
	case time.Duration:
		return v.Microseconds(), nil
	case jsonValue:
		return v.bind()
	case driver.Valuer:
		return valued(v)
	}
	return reflected(arg)
}

func valued(v driver.Valuer) (any, error) {
	got, err := v.Value()
	if err != nil {
		return nil, err
	}
	if _, again := got.(driver.Valuer); again {
		return nil, fmt.Errorf("db: %T answers with another Valuer", v)
	}
	return bind(got)
}

// text refuses what PostgreSQL cannot store and SQLite would store silently.
func text(s string) (any, error) {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return nil, errText
	}
	return s, nil
}

// blob keeps nil as NULL, which a []byte(nil) in an interface would not be.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func (j jsonValue) bind() (any, error) {
	b, err := json.Marshal(j.v)
	if err != nil {
		return nil, err
	}
	return text(string(b))
}

// reflected binds named kinds: type Status string, type Digest [32]byte.
func reflected(arg any) (any, error) {
	v := reflect.ValueOf(arg)
	switch v.Kind() {
	case reflect.String:
		return text(v.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsigned(v.Uint())
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return blob(v.Bytes()), nil
		}
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			return b, nil
		}
	}
	return nil, fmt.Errorf("db: a %T cannot be stored", arg)
}

func unsigned(u uint64) (any, error) {
	if u > math.MaxInt64 {
		return nil, fmt.Errorf("db: %d does not fit a BIGINT", u)
	}
	return int64(u), nil
}

// bindAll binds a statement's arguments in place of a fresh slice.
func bindAll(args []any) ([]any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	out := make([]any, len(args))
	for i, a := range args {
		v, err := bind(a)
		if err != nil {
			return nil, fmt.Errorf("argument $%d: %w", i+1, err)
		}
		out[i] = v
	}
	return out, nil
}

// assign stores a column's value where ptr points. src is nil, int64, bool,
// string, []byte or float64 and is ptr's to keep.
func assign(ptr, src any) error {
	switch p := ptr.(type) {
	case *string:
		return keep(p, src)
	case *int64:
		return keep(p, src)
	case *float64:
		return keep(p, src)
	case *int:
		return number(src, func(n int64) error { *p = int(n); return nil })
	case *bool:
		return truth(p, src)
	case *[]byte:
		return binary(p, src)
	case *[16]byte:
		return exact(p[:], src)
	case *[32]byte:
		return exact(p[:], src)
	case *time.Time:
		return moment(p, src)
	case *time.Duration:
		return number(src, func(n int64) error { *p = time.Duration(n) * time.Microsecond; return nil })
	case jsonValue:
		return p.assign(src)
	case sql.Scanner:
		return p.Scan(src)
	}
	return assignReflected(ptr, src)
}

func wrong(ptr, src any) error { return fmt.Errorf("db: a column's %T does not fit a %T", src, ptr) }

func keep[T any](p *T, src any) error {
	if src == nil {
		*p = *new(T)
		return nil
	}
	v, ok := src.(T)
	if !ok {
		return wrong(p, src)
	}
	*p = v
	return nil
}

func number(src any, set func(int64) error) error {
	switch n := src.(type) {
	case nil:
		return set(0)
	case int64:
		return set(n)
	}
	return wrong(new(int64), src)
}

func truth(p *bool, src any) error {
	switch b := src.(type) {
	case nil:
		*p = false
	case bool:
		*p = b
	case int64:
		*p = b != 0
	default:
		return wrong(p, src)
	}
	return nil
}

// binary keeps an empty value apart from NULL: SQLite's driver gives both as nil
// slices, the one inside an interface.
func binary(p *[]byte, src any) error {
	if src == nil {
		*p = nil
		return nil
	}
	b, ok := src.([]byte)
	if !ok {
		return wrong(p, src)
	}
	if b == nil {
		b = []byte{}
	}
	*p = b
	return nil
}

func exact(dst []byte, src any) error {
	if src == nil {
		clear(dst)
		return nil
	}
	b, ok := src.([]byte)
	if !ok || len(b) != len(dst) {
		return fmt.Errorf("db: a column's %T of %d bytes does not fit %d bytes", src, len(b), len(dst))
	}
	copy(dst, b)
	return nil
}

func moment(p *time.Time, src any) error {
	if src == nil {
		*p = time.Time{}
		return nil
	}
	return number(src, func(n int64) error { *p = time.UnixMicro(n).UTC(); return nil })
}

func (j jsonValue) assign(src any) error {
	switch s := src.(type) {
	case nil:
		return nil
	case string:
		if s == "" {
			return nil
		}
		return json.Unmarshal([]byte(s), j.v)
	}
	return wrong(j.v, src)
}

var errPointer = errors.New("db: a field's Ptr must be a pointer")

func assignReflected(ptr, src any) error {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errPointer
	}
	e := v.Elem()
	switch e.Kind() {
	case reflect.String:
		var s string
		err := keep(&s, src)
		e.SetString(s)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return number(src, func(n int64) error { return setInt(e, n) })
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return number(src, func(n int64) error { return setUint(e, n) })
	case reflect.Bool:
		var b bool
		err := truth(&b, src)
		e.SetBool(b)
		return err
	case reflect.Slice, reflect.Array:
		return assignBytes(e, src)
	}
	return wrong(ptr, src)
}

func setInt(e reflect.Value, n int64) error {
	if e.OverflowInt(n) {
		return fmt.Errorf("db: %d does not fit a %s", n, e.Type())
	}
	e.SetInt(n)
	return nil
}

func setUint(e reflect.Value, n int64) error {
	if n < 0 || e.OverflowUint(uint64(n)) {
		return fmt.Errorf("db: %d does not fit a %s", n, e.Type())
	}
	e.SetUint(uint64(n))
	return nil
}

func assignBytes(e reflect.Value, src any) error {
	if e.Type().Elem().Kind() != reflect.Uint8 {
		return wrong(e.Addr().Interface(), src)
	}
	if e.Kind() == reflect.Array {
		return exact(e.Bytes(), src)
	}
	var b []byte
	err := binary(&b, src)
	e.SetBytes(b)
	return err
}

// bindPtr binds what a field points at.
func bindPtr(ptr any) (any, error) {
	switch p := ptr.(type) {
	case *string:
		return text(*p)
	case *int64:
		return *p, nil
	case *bool:
		return *p, nil
	case *[]byte:
		return blob(*p), nil
	case *time.Time:
		return instant(*p), nil
	case jsonValue:
		return p.bind()
	}
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, errPointer
	}
	return bind(v.Elem().Interface())
}
