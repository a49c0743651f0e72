package words

import (
	"html/template"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func book(t *testing.T, en, ar string) *Book {
	t.Helper()
	files := fstest.MapFS{}
	for _, l := range Shipped() {
		files["locales/"+string(l)+".json"] = &fstest.MapFile{Data: []byte(en)}
	}
	files["locales/ar.json"] = &fstest.MapFile{Data: []byte(ar)}
	b, err := NewBook(Set{Name: "x", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const english = `{"x.hello": "Hello {name}", "x.n": {"m": "{n, plural, =0 {none} one {# thing} other {# things}}", "max": 90},
	"x.g": "{g, select, a {alpha} other {rest}}", "x.q": "it''s '{'raw'}'"}`

const arabic = `{"reviewed": false, "x.hello": "مرحبا {name}",
	"x.n": "{n, plural, zero {#Z} one {#O} two {#T} few {#F} many {#M} other {#X}}", "x.g": "{g, select, a {أ} other {ب}}", "x.q": "x"}`

func TestMessagesAreSaidWithTheirArguments(t *testing.T) {
	t.Parallel()
	w := book(t, english, arabic).In("en")
	for _, c := range []struct{ got, want string }{
		{w.T("x.hello", "name", "Mia"), "Hello Mia"},
		{w.T("x.n", "n", 0), "none"},
		{w.T("x.n", "n", 1), "1 thing"},
		{w.T("x.n", "n", 48210), "48,210 things"},
		{w.T("x.g", "g", "a"), "alpha"},
		{w.T("x.g", "g", "zzz"), "rest"},
		{w.T("x.q"), "it's {raw}"},
		{w.T("x.hello"), "Hello ⟦name⟧"},
		{w.T("x.nothing"), "⟦x.nothing⟧"},
		{string(w.Rich("x.hello", "name", "<b>")), "Hello <bdi>&lt;b&gt;</bdi>"},
		{string(w.Rich("x.hello", "name", template.HTML("<b>x</b>"))), "Hello <b>x</b>"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestArabicHasSixPluralClasses(t *testing.T) {
	t.Parallel()
	w := book(t, english, arabic).In("ar")
	for n, want := range map[int]string{0: "0Z", 1: "1O", 2: "2T", 3: "3F", 11: "11M", 100: "100X"} {
		if got := w.T("x.n", "n", n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	if got := w.T("x.hello", "name", "Mia"); got != "مرحبا \u2068Mia\u2069" {
		t.Errorf("a Latin name is not isolated: %q", got)
	}
	if got := w.T("x.hello", "name", "482913"); strings.ContainsRune(got, '\u2068') {
		t.Errorf("a code carries control characters: %q", got)
	}
}

func TestPseudoLocaleIsLongerAndKeepsArguments(t *testing.T) {
	t.Parallel()
	b := book(t, english, arabic)
	got := b.In(Accented).T("x.hello", "name", "Mia")
	if !strings.HasSuffix(got, " Mia") || !strings.HasPrefix(got, "Ĥéļļóóó") {
		t.Errorf("got %q", got)
	}
	if slices.Contains(b.Locales(), Accented) {
		t.Error("the pseudo-locale is offered to people")
	}
}

func TestMessagesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"{", "}", "{}", "{a", "{a,b}", "{n, plural, one {x}}", "{n, plural, tree {x} other {x}}", "{n, date}", "{n, plural, other {x}",
		"{a, select, other {{b, select, other {{c, select, other {{d, select, other {{e}}}}}}}}}}", "{n, plural, =x {1} other {2}}", "{n, plural, other {x} other {y}}"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestTenantTextsUseKnownArgumentsOnly(t *testing.T) {
	t.Parallel()
	w, errs := book(t, english, arabic).In("en").With(map[string]string{"x.hello": "Hi {name}", "x.q": "{evil}", "x.none": "x", "x.g": "{"})
	if len(errs) != 3 {
		t.Errorf("got %v", errs)
	}
	if got := w.T("x.hello", "name", "Mia"); got != "Hi Mia" {
		t.Errorf("got %q", got)
	}
	if got := w.T("x.q"); got != "it's {raw}" {
		t.Errorf("a refused text replaced %q", got)
	}
}

func TestLocaleIsNegotiatedInOrder(t *testing.T) {
	t.Parallel()
	offered := Shipped()
	for _, c := range []struct {
		wish Wish
		want Locale
	}{
		{Wish{UILocales: "xx fr-CA en", Cookie: "de", Account: "es", Accept: "ar"}, "fr"},
		{Wish{Cookie: "de", Account: "es", Accept: "ar"}, "de"},
		{Wish{Account: "es", Accept: "ar"}, "es"},
		{Wish{Accept: "sv;q=0.9, ar-EG;q=0.8, de;q=0.1"}, "ar"},
		{Wish{Accept: "sv", Default: "de"}, "de"},
		{Wish{Default: "pl"}, "en"},
		{Wish{UILocales: "\x00;;", Cookie: "<script>", Accept: strings.Repeat("a,", 400), Default: "es"}, "es"},
	} {
		if got := Negotiate(offered, c.wish); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.wish, got, c.want)
		}
	}
	if got := Negotiate([]Locale{"en", "pt-BR"}, Wish{Accept: "pt-PT"}); got != "pt-BR" {
		t.Errorf("pt-PT: got %s", got)
	}
}

func TestDatesNumbersAndLists(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	b, err := NewBook()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 13, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		l                 Locale
		when, ago, number string
	}{
		{"en", "1 March 2026, 14:05", "5 minutes ago", "48,210"},
		{"de", "1. März 2026, 14:05", "vor 5 Minuten", "48.210"},
		{"fr", "1er mars 2026 à 14:05", "il y a 5 minutes", "48\u202f210"},
		{"es", "1 de marzo de 2026, 14:05", "hace 5 minutos", "48.210"},
		{"pl", "1 marca 2026, 14:05", "5 minut temu", "48\u00a0210"},
		{"ja", "2026年3月1日 14:05", "5分前", "48,210"},
		{"ar", "1 مارس 2026، 14:05", "قبل 5 دقائق", "48,210"},
	} {
		w := b.In(c.l)
		if got := w.DateTime(at, berlin); got != c.when {
			t.Errorf("%s: %q, want %q", c.l, got, c.when)
		}
		if got := w.Ago(at, at.Add(5*time.Minute), berlin); got != c.ago {
			t.Errorf("%s: %q, want %q", c.l, got, c.ago)
		}
		if got := w.Number(48210); got != c.number {
			t.Errorf("%s: %q, want %q", c.l, got, c.number)
		}
	}
	en, es := b.In("en"), b.In("es")
	for got, want := range map[string]string{
		en.List([]string{"a", "b", "c"}): "a, b and c", en.Ago(at, at.Add(20*time.Hour), berlin): "yesterday",
		en.Ago(at, at.Add(-10*time.Minute), berlin): "in 10 minutes", en.Span(90 * time.Second): "2 minutes",
		en.Span(72 * time.Hour): "3 days", en.Ago(at, at.Add(240*time.Hour), berlin): "1 March 2026",
		es.Number(1234): "1234", en.Ago(at, at, berlin): "just now", en.Span(time.Second / 2): "1 second", en.Span(48 * time.Hour): "2 days",
		en.Number(-1234567): "-1,234,567", en.Term(3650 * 24 * time.Hour): "10 years", en.Term(3653 * 24 * time.Hour): "10 years",
		en.Term(3654 * 24 * time.Hour): "3,654 days", en.Term(365 * 24 * time.Hour): "1 year", en.Term(183 * 24 * time.Hour): "6 months",
		en.Term(547 * 24 * time.Hour): "18 months", en.Term(90 * 24 * time.Hour): "90 days", en.Term(36 * time.Hour): "36 hours",
		b.In("ar").Term(730 * 24 * time.Hour): "سنتين", b.In("pl").Term(1826 * 24 * time.Hour): "5 lat",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWordsOfTimeAreCompleteInTwelveLocales(t *testing.T) {
	t.Parallel()
	s := Set{Name: "words", Files: own}
	found, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range Planned() {
		if found[l] == nil {
			t.Errorf("%s is missing", l)
		}
	}
	for _, f := range faults(s) {
		// Chinese and Japanese write the number of the month, others its name.
		if !strings.Contains(f, "words.date ") {
			t.Error(f)
		}
	}
}

type recorder []string

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(_ string, a ...any) { *r = append(*r, a[0].(string)) }

func TestReadersAreAddressedPolitely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		locale Locale
		key    string
		text   string
		want   int
	}{
		{"de", "x.a", "Prüfe dein Konto", 1}, {"de", "x.a", "Prüfen Sie Ihr Konto, die Duldung und das Dir-Kommando", 1},
		{"de", "x.a", "Ihr Code: {code}. Die Duldung endet", 0}, {"fr", "x.a", "C’est à toi", 1}, {"fr", "x.a", "Étape\u00a0: la tutelle", 0},
		{"es", "x.a", "¿Eres tú?", 1}, {"es", "x.a", "El título y la actitud de usted", 0},
		{"fr", "x.a", "Une question ?", 1}, {"fr", "x.sms", "{tenant} : un message", 0}, {"en", "x.a", "Is that you ?", 0},
	} {
		if got := manners(c.key, Entry{Message: c.text}, c.locale); len(got) != c.want {
			t.Errorf("%s %q: %v", c.locale, c.text, got)
		}
	}
}

func TestCheckTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"locales/en.json": {Data: []byte(`{"x.a": {"m": "A {n}", "max": 10}, "x.b": "B", "x.c": "{n, plural, one {1} other {2}}"}`)},
		"locales/de.json": {Data: []byte(`{"x.a": "A much longer text {m}", "x.b": "<b>B</b>", "x.d": "", "x.c": "{n, plural, other {2}}"}`)},
	}
	var r recorder
	Check(&r, files, "x")
	all := strings.Join(r, "\n")
	for _, want := range []string{"fr.json", "[m]", "longer than 10", "markup", "x.d is not in English", "no form for one"} {
		if !strings.Contains(all, want) {
			t.Errorf("not told: %s in\n%s", want, all)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"{a}", "{n, plural, one {#} other {#s}}", "'{'", "{g, select, other {}}", "''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parse(s)
		if err != nil {
			return
		}
		w := &Words{tag: Source.tag(), said: map[string]message{"k": m}}
		w.T("k", "n", 3)
		if html := string(w.Rich("k", "a", "<x>")); strings.Contains(html, "<x>") {
			t.Errorf("an argument was not escaped: %q", html)
		}
	})
}
