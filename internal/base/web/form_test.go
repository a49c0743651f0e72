package web

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/fault"
)

const formType = "application/x-www-form-urlencoded"

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// grown is how many bytes fn allocated.
func grown(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// endless is a body of n bytes that nobody holds in memory.
func endless(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

func TestH209_FormBombsAreRefusedBeforeTheyCost(t *testing.T) {
	//nolint:paralleltest // it counts what the process allocates
	fields := strings.Repeat("a=1&", 100_000)
	for name, body := range map[string]io.Reader{
		"1e5 fields": strings.NewReader(fields), "a gigabyte": endless(1 << 30),
		"1e4 empty fields": strings.NewReader(strings.Repeat("&", 10_000)),
	} {
		var err error
		used := grown(func() {
			r := ask("POST", "/a", "", "Content-Type", formType)
			r.Body, r.ContentLength = io.NopCloser(body), -1
			_, err = Form(r, 0)
		})
		if code(err) != "too_large" || Status(fault.Of(err)) != 413 || used > 1<<20 {
			t.Errorf("%s: %v, %d bytes", name, err, used)
		}
	}
	v, err := Form(ask("POST", "/a", "a[999999999]=x&a.b.c=y", "Content-Type", formType), 0)
	if err != nil || v.Get("a[999999999]") != "x" || len(v) != 2 {
		t.Errorf("names mean only themselves: %v %v", v, err)
	}
}

func TestH169_TextThatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"%00", "%C0%80", "%ED%A0%80", "%FF", "a%00b", "\xff", "\x00"} {
		for _, field := range []string{"a=" + bad, bad + "=1"} {
			_, err := Form(ask("POST", "/a", field, "Content-Type", formType), 0)
			if code(err) != "bad_text" {
				t.Errorf("form %q: %v", field, err)
			}
			b := newBench(nil)
			b.Handle("GET /a", nil, says("reached"))
			if w := b.answer(ask("GET", "/a?"+field, "")); w.Code != 400 {
				t.Errorf("query %q: %d", field, w.Code)
			}
		}
		raw, _ := url.QueryUnescape(bad)
		if err := CheckJSON([]byte(`{"a":"` + raw + `"}`)); err == nil {
			t.Errorf("JSON %q was accepted", bad)
		}
	}
	for _, bad := range []string{`"\u0000"`, `"\ud800"`, `{"a\u0000":1}`, `"\udc00\ud800"`} {
		if err := CheckJSON([]byte(bad)); code(err) != "bad_text" {
			t.Errorf("JSON %s: %v", bad, err)
		}
	}
	for _, bad := range []string{"a=%", "a=%zz", "%1=2"} {
		if _, err := Form(ask("POST", "/a", bad, "Content-Type", formType), 0); code(err) != "bad_form" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestH025_ParametersComeBackToTheByte(t *testing.T) {
	t.Parallel()
	state := strings.Repeat(`"<>&%+ é💥;=`, 80)
	for _, r := range []*http.Request{
		ask("POST", "/a?state=query", "state="+url.QueryEscape(state), "Content-Type", formType+"; charset=UTF-8"),
		ask("GET", "/a?state="+url.QueryEscape(state), ""),
	} {
		v, err := Form(r, 0)
		if got, one := Single(v, "state"); err != nil || one != nil || got != state {
			t.Errorf("%s: %v %v %q", r.Method, err, one, got)
		}
	}
}

func TestRFC6749_3_1_ARepeatedParameterIsRefused(t *testing.T) {
	t.Parallel()
	v := url.Values{"a": {"1", "1"}, "b": {"2"}}
	if _, err := Single(v, "a"); code(err) != "repeated" || fault.Of(err).Field != "a" {
		t.Error(err)
	}
	for name, want := range map[string]string{"b": "2", "c": ""} {
		if got, err := Single(v, name); got != want || err != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestABodyOfAnotherTypeIsNotAForm(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "text/plain", "application/json", "multipart/form-data; boundary=x", formType + "; charset=utf-16", formType + "; charset", "x"} {
		if _, err := Form(ask("POST", "/a", "a=1", "Content-Type", kind), 0); code(err) != "unsupported_media_type" {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if _, err := Form(ask("POST", "/a", "a=1", "Content-Type", formType, "Content-Type", formType), 0); code(err) != "unsupported_media_type" {
		t.Errorf("two content types: %v", err)
	}
}

func TestAFormCanBeReadTwice(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("POST /a", nil, func(w http.ResponseWriter, r *http.Request) error {
		first, err := Form(r, 0)
		if err != nil {
			return err
		}
		second, err := Form(r, 0)
		_, _ = io.WriteString(w, first.Get("a")+second.Get("a"))
		return err
	})
	if w := b.answer(ask("POST", "/a", "a=1", "Content-Type", formType, "Origin", testOrigin)); w.Body.String() != "11" {
		t.Errorf("%d %q", w.Code, w.Body.String())
	}
}

func FuzzForms(f *testing.F) {
	f.Add("a=1&b=%C3%A9&&c&=d&a=2;x")
	f.Add("%00&%")
	f.Fuzz(func(t *testing.T, body string) {
		v, err := parseForm(body)
		if err != nil {
			if k := fault.Of(err).Kind; k != fault.Invalid {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		again, err := parseForm(v.Encode())
		if err != nil || again.Encode() != v.Encode() {
			t.Fatalf("%q: %v became %v (%v)", body, v, again, err)
		}
	})
}

func TestH209_JSONBombsAreRefusedBeforeTheyCost(t *testing.T) {
	//nolint:paralleltest // it counts what the process allocates
	var keys strings.Builder
	keys.WriteString("{")
	for i := range 60_000 {
		keys.WriteString(`"` + string(rune('a'+i%26)) + strings.Repeat("x", i%3) + `":1,`)
	}
	for name, body := range map[string]string{
		"depth 1e5 of arrays": strings.Repeat("[", 100_000), "depth 1e5 of objects": strings.Repeat(`{"a":`, 50_000),
		"many values": "[" + strings.Repeat("1,", 100_000) + "1]", "many keys": keys.String(), "a huge number": `{"a":1e999999999}`,
		"a huge negative exponent with digits": "1" + strings.Repeat("0", 400),
	} {
		var err error
		if used := grown(func() { err = CheckJSON([]byte(body)) }); err == nil || used > 8<<20 {
			t.Errorf("%s: %v, %d bytes", name, err, used)
		}
	}
	for depth, want := range map[int]string{jsonDepth: "", jsonDepth + 1: "too_large"} {
		if got := code(CheckJSON([]byte(strings.Repeat("[", depth) + strings.Repeat("]", depth)))); got != want {
			t.Errorf("depth %d: %q, want %q", depth, got, want)
		}
	}
	r := ask("POST", "/a", "", "Content-Type", "application/json")
	r.Body, r.ContentLength = io.NopCloser(endless(1<<30)), -1
	var v any
	if err := ReadJSON(r, 0, &v); code(err) != "too_large" {
		t.Errorf("a gigabyte: %v", err)
	}
}

func TestH127_JSONThatTwoReadersReadDifferentlyIsRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"email":"a","email":"b"}`: "repeated", `{"email":"a","EMAIL":"b"}`: "repeated", `{"a":{"b":1,"b":1}}`: "repeated", `{"\u0065":1,"e":2}`: "repeated",
		`{"kid":1,"` + "\u212aid" + `":2}`: "repeated", `{"as":1,"a` + "\u017f" + `":2}`: "repeated",
		`{} {}`: "bad_json", `{}x`: "bad_json", ``: "bad_json", `{`: "bad_json", `{"a":1,}`: "bad_json", `[1,]`: "bad_json", `{'a':1}`: "bad_json", `NaN`: "bad_json", `{"a" 1}`: "bad_json",
		`{"a":1,"b":[{"a":1},{"a":1}],"c":{"a":1}}`: "", `[{"a":1},{"a":2}]`: "", `"x"`: "", ` 1 `: "", `{"a":["a","a"]}`: "", `{"a":"b","b":"a"}`: "",
	} {
		if got := code(CheckJSON([]byte(body))); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestReadJSONWantsJSONAndKnownMembers(t *testing.T) {
	t.Parallel()
	type input struct{ Name string }
	for _, c := range []struct{ kind, body, want string }{
		{"application/json", `{"name":"x"}`, ""}, {"application/scim+json; charset=utf-8", `{"name":"x"}`, ""},
		{"text/plain", `{"name":"x"}`, "unsupported_media_type"}, {formType, `{"name":"x"}`, "unsupported_media_type"}, {"", `{}`, "unsupported_media_type"},
		{"application/json", `{"name":"x","admin":true}`, "bad_json"}, {"application/json", `{"name":1}`, "bad_json"},
	} {
		var v input
		if got := code(ReadJSON(ask("POST", "/a", c.body, "Content-Type", c.kind), 0, &v)); got != c.want || got == "" && v.Name != "x" {
			t.Errorf("%s %s: %q %+v", c.kind, c.body, got, v)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"A":"x"}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := CheckJSON(body); err != nil && fault.Of(err).Kind != fault.Invalid {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

func TestAnUploadIsReadByUploadAlone(t *testing.T) {
	t.Parallel()
	form := func(parts ...string) *http.Request {
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		for i := 0; i+2 < len(parts); i += 3 {
			var p io.Writer
			if parts[i+1] == "" {
				p, _ = w.CreateFormField(parts[i])
			} else {
				p, _ = w.CreateFormFile(parts[i], parts[i+1])
			}
			_, _ = io.WriteString(p, parts[i+2])
		}
		_ = w.Close()
		return ask("POST", "/a", buf.String(), "Content-Type", w.FormDataContentType())
	}
	texts, files, err := Upload(form("title", "", "Fern", "logo", "../../etc/x.png", "PNG"), 1000)
	if err != nil || texts.Get("title") != "Fern" || string(files["logo"]) != "PNG" {
		t.Fatalf("%v %v %v", texts, files, err)
	}
	var many []string
	for range 40 {
		many = append(many, "a", "", "1")
	}
	for name, c := range map[string]struct {
		r    *http.Request
		want string
	}{
		"two files of a name": {form("logo", "a", "1", "logo", "b", "2"), "repeated"}, "too large": {form("logo", "a", strings.Repeat("x", 2000)), "too_large"},
		"NUL": {form("t", "", "\x00"), "bad_text"}, "forty parts": {form(many...), "too_large"}, "a form": {ask("POST", "/a", "a=1", "Content-Type", formType), "unsupported_media_type"},
		"no end": {ask("POST", "/a", "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nabc", "Content-Type", "multipart/form-data; boundary=x"), "bad_form"},
	} {
		c.r.ContentLength = -1
		if _, _, err := Upload(c.r, 1500); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
