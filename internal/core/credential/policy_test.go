package credential

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

func shop(alone bool) *tenant.Tenant {
	t := &tenant.Tenant{Name: "Fern & Field", Slug: "fern", Host: "id.fernfield.example"}
	t.Settings.Password.Alone = alone
	t.Settings.Password.Words = []string{"monstera"}
	return t
}

func TestPasswordPolicy(t *testing.T) {
	t.Parallel()
	own := PasswordContext{Identifiers: []string{"ada.lovelace@example.com", "+493012345678"}}
	alone := PasswordContext{Identifiers: own.Identifiers, Alone: true}
	rows := []struct {
		name string
		c    PasswordContext
		raw  string
		want error
	}{
		{"seven are too few", own, "x7Kq2vT", ErrShort},
		{"eight suffice beside another proof", own, "x7Kq2vTz", nil},
		{"fourteen are too few alone", alone, "x7Kq2vTzx7Kq2v", ErrShort},
		{"fifteen suffice alone", alone, "x7Kq2vTzw9Lp3mB", nil},
		{"lengths are code points", own, "äöüßéèñ", ErrShort},
		{"eight emoji", own, "🎈🦊🌵🚲🍋🎻🧭🪴", nil},
		{"no composition rules", own, "wandering lanterns hum", nil},
		{"spaces count and stay", own, " lantern ", nil},
		{"256 code points", own, strings.Repeat("lantern umbra kite ", 14)[:256], nil},
		{"257 code points", own, strings.Repeat("lantern umbra kite ", 14)[:257], ErrLong},
		{"1,025 bytes in 205 code points", own, strings.Repeat("🎈🦊🌵🚲", 65)[:1028], ErrLong},
		{"NUL", own, "lantern\x00umbra", ErrBad},
		{"no UTF-8", own, "lantern\xff\xfeumbra", ErrBad},
		{"on the list", own, "password", ErrLeaked},
		{"on the list in capitals", own, "PassWord", ErrLeaked},
		{"on the list, twice over", alone, "superstarsuperstar", ErrLeaked},
		{"the customer's address", own, "ada.lovelace@example.com", ErrWeak},
		{"parts of the address", own, "LovelaceAda", ErrWeak},
		{"parts of the address and a year", own, "lovelace123", ErrWeak},
		{"the address in other letters", own, "L0velace4da", ErrWeak},
		{"the customer's number", own, "493012345678", ErrWeak},
		{"the tenant's name", own, "fernfield!!", ErrWeak},
		{"the tenant's own word", own, "monstera1", ErrWeak},
		{"one letter", alone, "aaaaaaaaaaaaaaaa", ErrWeak},
		{"a repeated pair", alone, "xqxqxqxqxqxqxqxq", ErrWeak},
		{"the alphabet", alone, "abcdefghijklmnopqrs", ErrWeak},
		{"a row of keys", alone, "qwertyuiopasdfghjkl", ErrWeak},
		{"backwards", alone, "zyxwvutsrqponmlkj", ErrWeak},
		{"a word of one's own beside the name", own, "lovelace-tundra", nil},
	}
	for _, r := range rows {
		nfc, _, err := CheckPassword(shop(false), r.c, r.raw)
		if !errors.Is(err, r.want) {
			t.Errorf("%s: %v, want %v", r.name, err, r.want)
		}
		if err == nil && nfc != norm.NFC.String(r.raw) {
			t.Errorf("%s: %q was changed beyond NFC", r.name, r.raw)
		}
	}
}

func TestPasswordAloneIsTheTenantsSetting(t *testing.T) {
	t.Parallel()
	if _, _, err := CheckPassword(shop(true), PasswordContext{}, "x7Kq2vTz"); !errors.Is(err, ErrShort) {
		t.Errorf("eight characters alone: %v", err)
	}
	off := shop(false)
	off.Settings.Password.Off = true
	if _, _, err := CheckPassword(off, PasswordContext{}, "x7Kq2vTzw9Lp3mB"); !errors.Is(err, ErrOff) {
		t.Errorf("a password where there are none: %v", err)
	}
}

func TestH080_LongAndOddPasswords(t *testing.T) {
	t.Parallel()
	composed, ok1 := NormalizePassword("café lanterns")
	decomposed, ok2 := NormalizePassword("cafe\u0301 lanterns")
	if !ok1 || !ok2 || composed != decomposed {
		t.Error("NFC and NFD of one password differ")
	}
	for name, raw := range map[string]string{
		"a megabyte": strings.Repeat("a", 1<<20), "NUL": "a\x00b", "no UTF-8": "\xc0\x80", "a surrogate": "\xed\xa0\x80",
		"257": strings.Repeat("a", 257), "grows in NFC": strings.Repeat("\U0001D15E", 256),
	} {
		if _, ok := NormalizePassword(raw); ok {
			t.Errorf("%s can be a password", name)
		}
	}
	for _, raw := range []string{strings.Repeat("a", 72) + "b", strings.Repeat("x", 256), " a ", "🎈"} {
		if nfc, ok := NormalizePassword(raw); !ok || nfc != raw {
			t.Errorf("%q was cut or refused", raw)
		}
	}
}

func TestStrengthInWords(t *testing.T) {
	t.Parallel()
	rows := []struct {
		raw        string
		least, top Strength
	}{
		{"password", VeryWeak, VeryWeak},
		{"aaaaaaaaaaaaaaaaaaaaa", VeryWeak, VeryWeak},
		{"lovelace1815", VeryWeak, Weak},
		{"dragon1987", VeryWeak, Weak},
		{"monkey dragon", Weak, Good},
		{"x7Kq2vTz", Good, Strong},
		{"correct horse battery staple", Good, Strong},
		{"x7Kq2vTzw9Lp3mB", Strong, Strong},
		{"zwölf Boxkämpfer jagen Viktor", Good, Strong},
	}
	c := PasswordContext{Identifiers: []string{"ada.lovelace@example.com"}}
	for _, r := range rows {
		if s := StrengthOf(shop(false), c, r.raw); s < r.least || s > r.top {
			t.Errorf("%q is %s, want %s to %s", r.raw, s, r.least, r.top)
		}
	}
}

func TestCommonListHoldsItsWords(t *testing.T) {
	t.Parallel()
	for _, w := range []string{"123456", "qwerty", "password", "iloveyou", "1q2w3e4r", "passwordpassword"} {
		if !common().has(w) {
			t.Errorf("%q is not on the list", w)
		}
	}
	wrong := 0
	for i := range 20000 {
		if common().has("never-leaked-" + string(rune('a'+i%26)) + strings.Repeat("q", i/26)) {
			wrong++
		}
	}
	if wrong > 5 { // one in 65,536 is expected
		t.Errorf("%d of 20,000 are taken for known", wrong)
	}
}

func TestH089_CodesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"012345", " 012345", "012 345\n", "012-345", "012\u2011345", "0\u00a01\u20092345", "\u200e012345\u200f", "\ufeff012345",
		"٠١٢٣٤٥", "۰۱۲۳۴۵", "०१२३४५", "０１２３４５", "𝟎𝟏𝟐𝟑𝟒𝟓", "𝟬𝟭𝟮𝟯𝟰𝟱", "0１٢३𝟒5",
	} {
		if got, ok := CanonicalCode(raw); !ok || got != "012345" {
			t.Errorf("%q is %q, %v", raw, got, ok)
		}
	}
	for _, raw := range []string{"", "12345", "1234567", "12345a", "½12345", "Ⅵ12345", "123.456", "+123456", "12345\x00", strings.Repeat(" ", 100) + "012345"} {
		if got, ok := CanonicalCode(raw); ok {
			t.Errorf("%q is taken for %q", raw, got)
		}
	}
}

func TestEveryDecimalDigitHasItsValue(t *testing.T) {
	t.Parallel()
	last, run := rune(-2), 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		if r != last+1 {
			run = 0
		}
		if int(digitValue(r)) != run%10 {
			t.Fatalf("%U is %d, want %d", r, digitValue(r), run%10)
		}
		last, run = r, run+1
	}
}

func FuzzCanonicalCode(f *testing.F) {
	f.Add("012 345")
	f.Add("٠١٢٣٤٥")
	f.Fuzz(func(t *testing.T, raw string) {
		got, ok := CanonicalCode(raw)
		if !ok {
			return
		}
		if again, ok := CanonicalCode(got); !ok || again != got || len(got) != codeLen {
			t.Errorf("%q gives %q, which gives %q", raw, got, again)
		}
	})
}

func FuzzPasswordPolicy(f *testing.F) {
	f.Add("lantern umbra kite", "ada@example.com")
	f.Add("🎈🦊🌵", "")
	f.Fuzz(func(t *testing.T, raw, own string) {
		c := PasswordContext{Identifiers: []string{own}}
		nfc, _, err := CheckPassword(shop(false), c, raw)
		if err == nil && (len(nfc) > LongestBytes || nfc == "") {
			t.Errorf("%q is accepted as %q", raw, nfc)
		}
		StrengthOf(shop(false), c, raw)
	})
}

func BenchmarkCheckPassword(b *testing.B) {
	c := PasswordContext{Identifiers: []string{"ada.lovelace@example.com"}}
	long := strings.Repeat("4@8({6!1|0$5+7%2z", 15)
	for b.Loop() {
		CheckPassword(shop(false), c, long)
	}
}
