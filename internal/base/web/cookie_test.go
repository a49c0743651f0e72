package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestH140_CookiesBelongToThisHostAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		origin string
		cookie Cookie
		want   string
	}{
		{testOrigin, Cookie{Name: "s", Value: "v"}, "__Host-s=v; Path=/; HttpOnly; SameSite=Lax; Secure"},
		{testOrigin, Cookie{Name: "s", Value: "v", MaxAge: time.Hour, Strict: true}, "__Host-s=v; Max-Age=3600; Path=/; HttpOnly; SameSite=Strict; Secure"},
		{testOrigin, Cookie{Name: "s", Value: "v", MaxAge: 5000 * 24 * time.Hour}, "__Host-s=v; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax; Secure"},
		{testOrigin, Cookie{Name: "s", Value: "v", MaxAge: time.Millisecond}, "__Host-s=v; Max-Age=1; Path=/; HttpOnly; SameSite=Lax; Secure"},
		{"http://localhost:8080", Cookie{Name: "s", Value: "v"}, "s=v; Path=/; HttpOnly; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		r := WithOrigin(ask("GET", "/", ""), c.origin)
		SetCookie(w, r, Cookie{Name: "s", Value: "earlier"})
		SetCookie(w, r, Cookie{Name: "t", Value: "other"})
		SetCookie(w, r, c.cookie)
		if got := w.Header()["Set-Cookie"]; len(got) != 2 || got[1] != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		parsed, err := http.ParseSetCookie(c.want)
		if err != nil || parsed.Domain != "" || !parsed.HttpOnly || parsed.Path != "/" {
			t.Errorf("%v %v", parsed, err)
		}
	}
}

func TestACookieThatCannotBeWrittenIsADefect(t *testing.T) {
	t.Parallel()
	for _, c := range []Cookie{{Name: "", Value: "v"}, {Name: "a b", Value: "v"}, {Name: "s", Value: "a;b"}, {Name: "s", Value: "a\r\nb"}, {Name: "s", Value: "é"}, {Name: "s", Value: strings.Repeat("x", 4001)}, {Name: "s=", Value: "v"}, {Name: "s", Value: "v", MaxAge: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was written", c)
				}
			}()
			SetCookie(httptest.NewRecorder(), ask("GET", "/", ""), c)
		}()
	}
}

func TestH151_AMalformedOrDoubledCookieIsNoCookieAndIsDropped(t *testing.T) {
	t.Parallel()
	const gone = "__Host-s=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"
	for _, c := range []struct {
		lines []string
		want  string
		drop  bool
	}{
		{[]string{"__Host-s=abc"}, "abc", false},
		{[]string{"a=1; __Host-s=abc; b=2"}, "abc", false},
		{[]string{"a=1", "__Host-s=abc"}, "abc", false},
		{[]string{"__Host-s=a=b=="}, "a=b==", false},
		{nil, "", false}, {[]string{""}, "", false}, {[]string{";;;=;"}, "", false}, {[]string{"s=abc"}, "", false}, {[]string{"__host-s=abc"}, "", false}, {[]string{"__Host-s"}, "", false},
		{[]string{"__Host-s=abc; __Host-s=abc"}, "", true},
		{[]string{"__Host-s=abc", "__Host-s=evil"}, "", true},
		{[]string{"__Host-s=evil; x=y; __Host-s=abc"}, "", true},
		{[]string{`__Host-s="abc"`}, "", true},
		{[]string{"__Host-s=a b"}, "", true}, {[]string{"__Host-s=a,b"}, "", true}, {[]string{"__Host-s=\xff"}, "", true}, {[]string{"__Host-s=a\x00b"}, "", true},
		{[]string{"__Host-s=" + strings.Repeat("x", 4001)}, "", true},
	} {
		b := newBench(nil)
		got := "unread"
		b.Handle("GET /a", nil, func(w http.ResponseWriter, r *http.Request) error {
			got = ReadCookie(r, "s")
			return nil
		})
		r := ask("GET", "/a", "")
		r.Header["Cookie"] = c.lines
		w := b.answer(r)
		set := w.Header()["Set-Cookie"]
		if got != c.want || c.drop != (len(set) == 1 && set[0] == gone) || !c.drop && len(set) > 0 {
			t.Errorf("%.60q: %q, %q", c.lines, got, set)
		}
	}
}

func TestASpoiledCookieSetAnewIsNotDropped(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", nil, func(w http.ResponseWriter, r *http.Request) error {
		ReadCookie(r, "s")
		SetCookie(w, r, Cookie{Name: "s", Value: "fresh"})
		return nil
	})
	set := b.answer(ask("GET", "/a", "", "Cookie", "__Host-s=1; __Host-s=2")).Header()["Set-Cookie"]
	if len(set) != 1 || !strings.HasPrefix(set[0], "__Host-s=fresh;") {
		t.Fatalf("%q", set)
	}
}

func TestACookieIsDroppedWithTheAnswerToARefusalToo(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", nil, func(w http.ResponseWriter, r *http.Request) error {
		ReadCookie(r, "s")
		return ErrPath
	})
	if set := b.answer(ask("GET", "/a", "", "Cookie", "__Host-s=1; __Host-s=2")).Header()["Set-Cookie"]; len(set) != 1 {
		t.Fatalf("%q", set)
	}
}

func FuzzCookies(f *testing.F) {
	f.Add("__Host-s=abc; a=b", "__Host-s=x")
	f.Add("=__Host-s=evil;\t__Host-s = 1", "")
	f.Add("=__Host-s=evil;\t__Host-s=e", "o")
	f.Fuzz(func(t *testing.T, first, second string) {
		r := WithOrigin(ask("GET", "/", ""), testOrigin)
		r.Header["Cookie"] = []string{first, second}
		got := ReadCookie(r, "s")
		if got == "" {
			return
		}
		ours := 0
		for _, pair := range strings.Split(first+";"+second, ";") {
			if strings.HasPrefix(strings.Trim(pair, " \t"), "__Host-s=") {
				ours++
			}
		}
		if ours != 1 || !strings.Contains(first+";"+second, "__Host-s="+got) || strings.ContainsAny(got, " ;,\"\\\x00") || len(got) > cookieBytes {
			t.Fatalf("%q %q: %q", first, second, got)
		}
	})
}
