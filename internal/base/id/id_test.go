package id

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

type kind struct{}

func (kind) Prefix() string { return "tst" }

var now = time.UnixMilli(1_790_000_000_000)

func TestAnIDIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for range 200 {
		a := New[kind](now)
		b, err := Parse[kind](a.String())
		if err != nil || a != b || len(a.String()) != 30 {
			t.Fatalf("%s -> %v (%v)", a, b, err)
		}
	}
}

func TestALaterIDStandsLaterInOrder(t *testing.T) {
	t.Parallel()
	a, b := New[kind](now), New[kind](now.Add(time.Millisecond))
	if a.String() >= b.String() {
		t.Fatalf("%s is not before %s", a, b)
	}
}

func TestIDsOfOneInstantKeepTheirOrder(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1_700_000_000_123_456)
	before := Next(at)
	if before[6]>>4 != 7 || before[8]>>6 != 2 {
		t.Fatalf("not an UUIDv7: %x", before)
	}
	for range 1000 {
		next := Next(at)
		if string(next[:]) <= string(before[:]) && turns.Load()&(1<<22-1) > 2000 {
			t.Fatalf("%x comes after %x", next, before)
		}
		before = next
	}
	if later := Next(at.Add(time.Microsecond)); string(later[:]) <= string(before[:]) {
		t.Fatal("a later microsecond sorts before")
	}
}

func TestOnlyOneSpellingIsRead(t *testing.T) {
	t.Parallel()
	good := New[kind](now).String()
	for _, bad := range []string{
		"", "tst_", good + "0", good[:29], strings.ToUpper(good), "cus" + good[3:], " " + good[1:],
		"tst_8" + good[5:], "tst_" + strings.Repeat("0", 26), good[:29] + "u", good[:29] + "é",
	} {
		if v, err := Parse[kind](bad); err == nil {
			t.Errorf("%q was read as %v", bad, v)
		}
	}
}

func TestTheZeroIDIsNullAndEmpty(t *testing.T) {
	t.Parallel()
	var z ID[kind]
	if v, _ := z.Value(); v != nil || z.String() != "" {
		t.Fatalf("zero id: %v %q", v, z)
	}
	a := New[kind](now)
	if err := a.Scan(nil); err != nil || !a.IsZero() {
		t.Fatalf("NULL was scanned as %v (%v)", a, err)
	}
	if err := a.Scan([]byte("short")); err == nil {
		t.Fatal("five bytes were scanned")
	}
}

func TestAnIDTravelsInJSON(t *testing.T) {
	t.Parallel()
	in := struct{ A, B ID[kind] }{A: New[kind](now)}
	text, err := json.Marshal(in)
	out := in
	out.A = ID[kind]{}
	if err != nil || json.Unmarshal(text, &out) != nil || out != in {
		t.Fatalf("%s -> %v", text, out)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(New[kind](now).String())
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := Parse[kind](s); err == nil && v.String() != s {
			t.Fatalf("%q and %q are one id", s, v)
		}
	})
}
