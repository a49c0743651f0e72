package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// Exit is a page that takes the browser to an application. It needs no script,
// no style and no face; its words come from the caller.
type Exit struct {
	To     string      // where to; an absolute address that the caller has checked
	Fields [][2]string // of FormPost, in order
	Lang   string      // of the words: "de"
	Dir    string      // "ltr" or "rtl"; "" is ltr
	Title  string      // of the page: "Back to Fern & Field"
	Button string      // for browsers that stay: "Continue"
}

const submit = "document.forms[0].submit()"

var submitHash = func() string {
	sum := sha256.Sum256([]byte(submit))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// Leave answers a page that goes on to an application at once. Unlike a redirect
// it ends the chain that form-action watches (ui.md 51), so it works for every
// address and for applications that redirect further. It panics on an address
// that no check can have passed, as Redirect does.
func Leave(w http.ResponseWriter, _ *http.Request, x Exit) {
	if !leavable(x.To) {
		panic("web: leaving to an unchecked address")
	}
	to := html.EscapeString(x.To)
	w.Header().Set("Referrer-Policy", "no-referrer")
	exitPage(w, x, "", "'none'",
		`<meta http-equiv="refresh" content="0;url=`+to+`">`,
		`<p><a href="`+to+`">`+html.EscapeString(x.Button)+`</a></p>`)
}

// FormPost answers a page that posts fields to an application at once
// (response_mode=form_post): by a script whose hash is all that the policy
// allows, or by its button. The form can go to the address's origin alone (H008).
// It panics on an address that is not http or https.
func FormPost(w http.ResponseWriter, _ *http.Request, x Exit) {
	u, err := url.Parse(x.To)
	if err != nil || !leavable(x.To) || u.Scheme != "https" && u.Scheme != "http" {
		panic("web: posting to an unchecked address")
	}
	target, ok := FormTarget(x.To)
	if !ok {
		// An IPv6 loopback application: its scheme is the narrowest source
		// that a policy can name.
		target = u.Scheme + ":"
	}
	// Under no-referrer the application would see "Origin: null"; the origin
	// alone tells it nothing that the fields do not.
	w.Header().Set("Referrer-Policy", "origin")
	var b strings.Builder
	b.WriteString(`<form method="post" action="` + html.EscapeString(x.To) + `">`)
	for _, f := range x.Fields {
		b.WriteString(`<input type="hidden" name="` + html.EscapeString(f[0]) + `" value="` + html.EscapeString(f[1]) + `">`)
	}
	b.WriteString(`<p><button>` + html.EscapeString(x.Button) + `</button></p></form><script>` + submit + `</script>`)
	exitPage(w, x, "; script-src "+submitHash, target, "", b.String())
}

func exitPage(w http.ResponseWriter, x Exit, script, target, head, body string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'"+script+"; form-action "+target+"; base-uri 'none'; frame-ancestors 'none'")
	dir := "ltr"
	if x.Dir == "rtl" {
		dir = "rtl"
	}
	title := html.EscapeString(x.Title)
	_, _ = w.Write([]byte(`<!doctype html><html lang="` + html.EscapeString(x.Lang) + `" dir="` + dir + `"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>` +
		title + `</title>` + head + `</head><body><main><h1>` + title + `</h1>` + body + `</main></body></html>`))
}
