package catalog_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/catalog"
)

func TestEmailAddressesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"mia@example.com":                   "mia@example.com",
		"  Mia.Li+Shop@EXAMPLE.com ":        "mia.li+shop@example.com",
		"o'brien@mail.example.co.uk":        "o'brien@mail.example.co.uk",
		"mia@bücher.example":                "mia@xn--bcher-kva.example",
		"mia@BÜCHER.example":                "mia@xn--bcher-kva.example",
		"mia@xn--bcher-kva.example":         "mia@xn--bcher-kva.example",
		"mia@\uff45xample.com":              "mia@example.com", // full-width e, as UTS 46 maps it
		"mia@例え。jp":                         "mia@xn--r8jz45g.jp",
		strings.Repeat("a", 64) + "@ex.com": strings.Repeat("a", 64) + "@ex.com",
	} {
		if got, err := catalog.ParseEmail(raw); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestH127_H128_OneAddressOrNone(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", " ", "mia", "@example.com", "mia@", "mia@@example.com", "a@evil.test@example.com", "mia@localhost", "mia@example",
		"a@x.example,b@y.example", `["a@x.example","b@y.example"]`, "a@x.example;b@y.example", "a@x.example b@y.example",
		"a@x.example\nb@y.example", "a@x.example\r\nBcc: b@y.example", "a@x.example%0ab@y.example", "a@x.example\x00",
		`"a b"@example.com`, `"a@b.com> SIZE=1"@example.com`, "mia(comment)@example.com", "mia@example.com(comment)",
		"Mia <mia@example.com>", "<mia@example.com>", "mia@[127.0.0.1]", "mia@[IPv6:::1]", "mia@127.0.0.1", "mia@1.2.3.4",
		"mia@example.com.", ".mia@example.com", "mia.@example.com", "m..ia@example.com", "mia@.example.com", "mia@example..com",
		"mia@-example.com", "mia@example-.com", "mia@exa_mple.com", "mia@ex ample.com", "müa@example.com", "\u0430@example.com",
		"mia\u200b@example.com", "mia@example.com\u200b", "mia@exam\u202eple.com", "mia@\uff0eexample.com", "mia＠example.com",
		"mia@xn--zzzzzz-.example", "mia@a\u0300\u202e.example", strings.Repeat("a", 65) + "@example.com",
		"mia@" + strings.Repeat("a.", 130) + "example.com", strings.Repeat("x", 2000) + "@example.com", "mia\t@example.com",
		"mia@\u05d0a.example", "mia@exam\\ple.com", "mailto:mia@example.com@", "mia\xff@example.com", "mia@\xffexample.com",
	} {
		if got, err := catalog.ParseEmail(raw); !errors.Is(err, catalog.ErrBadEmail) {
			t.Errorf("%q is read as %q, %v", raw, got, err)
		}
	}
}

// Whatever is accepted is one plain address to everybody else's parser too, and
// its own spelling.
func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"mia@example.com", "a@b@c.de", `"a b"@c.de`, "a@bücher.de", "a@x.example,b@y.example", "A.b+C@xn--bcher-kva.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := catalog.ParseEmail(raw)
		if err != nil {
			return
		}
		if again, err := catalog.ParseEmail(got); err != nil || again != got {
			t.Fatalf("%q is %q, which is %q, %v", raw, got, again, err)
		}
		a, err := mail.ParseAddress("<" + got + ">")
		if err != nil || a.Address != got {
			t.Fatalf("%q: others read %v, %v", got, a, err)
		}
		if strings.Count(got, "@") != 1 || len(got) > 254 || strings.ToLower(got) != got || strings.ContainsAny(got, " ,;<>()[]\"\\\r\n\x00") {
			t.Fatalf("%q", got)
		}
		for i := range len(got) {
			if got[i] >= 0x80 {
				t.Fatalf("%q is not ASCII", got)
			}
		}
	})
}

func TestPhoneNumbersAreE164(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, region, want string }{
		{"+49 30 901820", "", "+4930901820"},
		{"+49 (0)30 901820", "", "+4930901820"},
		{"0049 30 901820", "", "+4930901820"},
		{"030 901820", "DE", "+4930901820"},
		{"(202) 456-1111", "US", "+12024561111"},
		{"+966 ٥٠ ١٢٣ ٤٥٦٧", "", "+966501234567"},
		{"＋１２０２４５６１１１１", "", "+12024561111"},
		{"030 901820", "", ""}, {"+49", "", ""}, {"+49 30 901820 ext 5", "", ""}, {"+49 30 901820;ext=5", "", ""},
		{"+49 30 901820, +49 30 901821", "", ""}, {"1-800-FLOWERS", "US", ""}, {"+1 202 456 1111 +1", "", ""},
		{"+999 12345678", "", ""}, {"", "DE", ""}, {"+", "", ""}, {"112", "DE", ""}, {strings.Repeat("1", 100), "DE", ""},
		{"+49218800 91001212", "", ""}, {"mia@example.com", "DE", ""}, {"+49\x0030901820", "", ""},
	} {
		got, err := catalog.ParsePhone(c.raw, c.region)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q in %q: %q, %v; want %q", c.raw, c.region, got, err, c.want)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	f.Add("+49 30 901820", "DE")
	f.Add("(202) 456-1111", "US")
	f.Fuzz(func(t *testing.T, raw, region string) {
		got, err := catalog.ParsePhone(raw, region)
		if err != nil {
			return
		}
		if again, err := catalog.ParsePhone(got, ""); err != nil || again != got || got[0] != '+' || len(got) > 16 {
			t.Fatalf("%q is %q, which is %q, %v", raw, got, again, err)
		}
	})
}

func TestValuesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	choice := catalog.Field{Type: catalog.Choice, Choices: []string{"tea", "coffee"}}
	for _, c := range []struct {
		f         catalog.Field
		raw, want string
	}{
		{catalog.Field{Type: catalog.Text}, "  Zoe\u0308 ", "Zoë"},
		{catalog.Field{Type: catalog.Text}, "a\nb", ""},
		{catalog.Field{Type: catalog.Text}, "a\u202eb", ""},
		{catalog.Field{Type: catalog.Text}, "\xff", ""},
		{catalog.Field{Type: catalog.Text}, " ", ""},
		{catalog.Field{Type: catalog.Text, Max: 3}, "abcd", ""},
		{catalog.Field{Type: catalog.Text, Max: 3}, "äöü", "äöü"},
		{catalog.Field{Type: catalog.Date}, "2000-02-29", "2000-02-29"},
		{catalog.Field{Type: catalog.Date}, "1984", "1984"},
		{catalog.Field{Type: catalog.Date}, "0000-02-29", "0000-02-29"},
		{catalog.Field{Type: catalog.Date}, "2001-02-29", ""},
		{catalog.Field{Type: catalog.Date}, "2001-2-3", ""},
		{catalog.Field{Type: catalog.Bool}, "true", "true"},
		{catalog.Field{Type: catalog.Bool}, "yes", ""},
		{catalog.Field{Type: catalog.Number}, "-12.50", "-12.50"},
		{catalog.Field{Type: catalog.Number}, "1e9999", ""},
		{catalog.Field{Type: catalog.Number}, "007", ""},
		{catalog.Field{Type: catalog.Locale}, "de-at", "de-AT"},
		{catalog.Field{Type: catalog.Locale}, "klingon!", ""},
		{catalog.Field{Type: catalog.Zone}, "Europe/Berlin", "Europe/Berlin"},
		{catalog.Field{Type: catalog.Zone}, "../etc/passwd", ""},
		{catalog.Field{Type: catalog.URL}, "http://mia.example/x", "http://mia.example/x"},
		{catalog.Field{Type: catalog.URL}, "javascript:alert(1)", ""},
		{catalog.Field{Type: catalog.Mail}, "Mia@Example.com", "mia@example.com"},
		{catalog.Field{Type: catalog.Phone}, "+49 30 901820", "+4930901820"},
		{choice, "tea", "tea"}, {choice, "beer", ""},
		{catalog.Field{Type: catalog.Address}, `{"country":"DE", "locality":" Berlin"}`, `{"locality":"Berlin","country":"DE"}`},
		{catalog.Field{Type: catalog.Address}, `{"planet":"Mars"}`, ""},
		{catalog.Field{Type: catalog.Address}, `{}`, ""},
		{catalog.Field{Type: catalog.Address}, `{"country":"DE"}{}`, ""},
	} {
		got, err := c.f.Check(c.raw)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: %q, %v; want %q", c.f.Type, c.raw, got, err, c.want)
		}
		if err == nil {
			if again, err := c.f.Check(got); err != nil || again != got {
				t.Errorf("%s %q is not its own spelling: %q %v", c.f.Type, got, again, err)
			}
		}
	}
}
