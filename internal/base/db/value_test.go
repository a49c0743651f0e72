package db

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/id"
)

type (
	status string
	level  uint8
	digest [32]byte
	sealed []byte
	flag   bool
	kind   struct{}
)

func (kind) Prefix() string { return "tst" }

type settings2 struct {
	Lang string `json:"lang"`
}

// Each value goes through bind, the drivers' types and assign.
func TestEveryKindOfValueComesBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, v := range []any{
		"text", "", status("on"), 7, int8(-7), int32(7), int64(math.MinInt64), level(255), uint32(9),
		true, flag(true), []byte{1}, []byte{}, []byte(nil), sealed{2}, [16]byte{3}, [32]byte{4}, digest{5},
		at, time.Time{}, 90 * time.Second, 1.5, id.New[kind](at), id.ID[kind]{},
	} {
		bound, err := bind(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
			continue
		}
		for _, src := range asDriversGive(bound) {
			p := reflect.New(reflect.TypeOf(v))
			if err := assign(p.Interface(), src); err != nil || !reflect.DeepEqual(p.Elem().Interface(), v) {
				t.Errorf("%T %v came back as %v, err %v", v, v, p.Elem().Interface(), err)
			}
			again, err := bindPtr(p.Interface())
			if err != nil || fmt.Sprint(again) != fmt.Sprint(bound) {
				t.Errorf("%T: by its pointer it is bound as %v, not %v, err %v", v, again, bound, err)
			}
		}
	}
}

// asDriversGive: SQLite has no booleans.
func asDriversGive(v any) []any {
	if b, ok := v.(bool); ok && b {
		return []any{v, int64(1)}
	}
	return []any{v}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []any{uint64(math.MaxUint64), struct{}{}, []string{"a"}, "a\x00", status("\xff"), make(chan int)} {
		if got, err := bind(v); err == nil {
			t.Errorf("%T was bound as %v", v, got)
		}
	}
	for _, c := range []struct{ ptr, src any }{
		{new(string), int64(1)}, {new(int64), "1"}, {new(level), int64(256)}, {new(level), int64(-1)}, {new(int8), int64(200)},
		{new([16]byte), []byte{1}}, {new(digest), "x"}, {new(bool), "t"}, {new(time.Time), "now"}, {struct{}{}, int64(1)}, {(*status)(nil), "x"},
	} {
		if err := assign(c.ptr, c.src); err == nil {
			t.Errorf("%v went into a %T", c.src, c.ptr)
		}
	}
}

func TestNullIsTheZeroValue(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"x", 7, true, []byte{1}, time.Now(), time.Second, status("x"), level(3), digest{1}, sealed{1}, flag(true), 1.5, [16]byte{1}} {
		p := reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
		if err := assign(p.Interface(), nil); err != nil || !p.Elem().IsZero() {
			t.Errorf("%T: %v, err %v", v, p.Elem(), err)
		}
	}
}

func TestJSONIsOpaqueText(t *testing.T) {
	t.Parallel()
	in := settings2{Lang: "de"}
	bound, err := bindPtr(JSON(&in))
	if err != nil || bound != `{"lang":"de"}` {
		t.Fatalf("%v, %v", bound, err)
	}
	var out settings2
	if err := assign(JSON(&out), bound); err != nil || out != in {
		t.Errorf("%v, %v", out, err)
	}
	if err := assign(JSON(&out), ""); err != nil || out != in {
		t.Errorf("the empty text changed it: %v, %v", out, err)
	}
	if err := assign(JSON(&out), "{"); err == nil {
		t.Error("broken JSON was read")
	}
}
