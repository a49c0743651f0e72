package web

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/fstest"
)

func TestUI47_AssetsAreHashedCompressedAndImmutable(t *testing.T) {
	t.Parallel()
	css := strings.Repeat("a{color:red}\n", 200)
	files := fstest.MapFS{"css/base.css": {Data: []byte(css)}, "js/x.js": {Data: []byte("1")}}
	a, err := Assets(files, "/_a")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(nil)
	b.Handle(a.Pattern(), nil, a.Serve, Public())
	path := a.Path("css/base.css")
	plain := b.answer(ask("GET", path, ""))
	h := plain.Header()
	if plain.Body.String() != css || h.Get("Content-Type") != "text/css; charset=utf-8" || h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v", h)
	}
	small := b.answer(ask("GET", path, "", "Accept-Encoding", "br, gzip;q=0.5"))
	z, err := gzip.NewReader(small.Body)
	if err != nil || small.Header().Get("Content-Encoding") != "gzip" || small.Header().Get("ETag") == h.Get("ETag") {
		t.Fatalf("%v %v", err, small.Header())
	}
	if got, _ := io.ReadAll(z); string(got) != css {
		t.Error("the compressed file is another one")
	}
	for accept, want := range map[string]string{"gzip;q=0": "", "gzip; q=0.0": "", "identity": "", "": "", "*": "gzip", "GZIP": "gzip", "gzip;q=x": ""} {
		if got := b.answer(ask("GET", path, "", "Accept-Encoding", accept)).Header().Get("Content-Encoding"); got != want {
			t.Errorf("%q: %q", accept, got)
		}
	}
	if w := b.answer(ask("GET", path, "", "If-None-Match", `"x", W/`+h.Get("ETag"))); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("%d", w.Code)
	}
	if w := b.answer(ask("HEAD", path, "")); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	if w := b.answer(ask("GET", "/_a/0123456789ab/css/base.css", "")); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a former tree: %d %v", w.Code, w.Header())
	}
	for _, bad := range []string{"/_a/", "/_a", path + "x", a.Path("js/x.js") + "/", "/_a/x/../css/base.css"} {
		if w := b.answer(ask("GET", bad, "")); w.Code != 404 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

func TestAChangedFileChangesEveryPath(t *testing.T) {
	t.Parallel()
	one, err := Assets(fstest.MapFS{"a.css": {Data: []byte("1")}, "b.css": {Data: []byte("1")}}, "/_a/")
	if err != nil {
		t.Fatal(err)
	}
	two, err := Assets(fstest.MapFS{"a.css": {Data: []byte("1")}, "b.css": {Data: []byte("2")}}, "/_a")
	if err != nil {
		t.Fatal(err)
	}
	if one.Path("a.css") == two.Path("a.css") || !strings.HasPrefix(one.Path("a.css"), "/_a/") {
		t.Error(one.Path("a.css"), two.Path("a.css"))
	}
}

func TestAFileOfUnknownKindIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.exe", "README", "a b.css", "a.html"} {
		if _, err := Assets(fstest.MapFS{name: {Data: []byte("1")}}, "/_a"); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}
