package server_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

const (
	ann    = "ann@example.com"
	bob    = "bob@example.com"
	mallet = "mallet@evil.example"
	secure = "correct horse battery staple"
)

// probe is one request written by hand, byte for byte: no client tidies it up.
type probe struct {
	Method  string // default GET
	Target  string // as it stands in the request line
	Host    string // default: the tenant's
	Header  http.Header
	Cookies map[string]string
	Form    url.Values // makes the body a form, with the Origin of the tenant's own pages
	Body    string
	Foreign bool   // the form comes with no Origin of its own
	Port    string // of another server on the same data
}

// reply is what came back.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

func (r reply) String() string {
	_, body, _ := strings.Cut(r.Body, "<title>")
	return fmt.Sprintf("%d %s %.80q", r.Status, r.Header.Get("Location"), body)
}

// holds reports whether any of the words stands in the head or the body.
func (r reply) holds(words ...string) string {
	all := r.Body
	for name, values := range r.Header {
		all += "\n" + name + ": " + strings.Join(values, ", ")
	}
	for _, w := range words {
		if w != "" && strings.Contains(all, w) {
			return w
		}
	}
	return ""
}

// send writes the request to the house and reads the answer.
func (p probe) send(t testing.TB, h *servertest.House) reply {
	t.Helper()
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	if p.Port != "" {
		port = p.Port
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, p.text(u)); err != nil {
		return reply{} // the server had heard enough
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: p.method()})
	if err != nil {
		return reply{}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil && answer.StatusCode < 400 { // a refusal may hang up on the rest
		t.Fatalf("%s %.100s: %v", p.method(), p.Target, err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

func (p probe) method() string {
	if p.Method == "" {
		return http.MethodGet
	}
	return p.Method
}

func (p probe) text(u *url.URL) string {
	host, body := p.Host, p.Body
	if host == "" {
		host = u.Host
	}
	head := http.Header{"Connection": {"close"}}
	if p.Form != nil {
		body = p.Form.Encode()
		head.Set("Content-Type", "application/x-www-form-urlencoded")
		if !p.Foreign {
			head.Set("Origin", u.Scheme+"://"+host)
		}
	}
	if body != "" || p.Form != nil {
		head.Set("Content-Length", fmt.Sprint(len(body)))
	}
	var crumbs []string
	for _, name := range slices.Sorted(maps.Keys(p.Cookies)) {
		crumbs = append(crumbs, name+"="+p.Cookies[name])
	}
	if len(crumbs) > 0 {
		head.Set("Cookie", strings.Join(crumbs, "; "))
	}
	maps.Copy(head, p.Header)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", p.method(), p.Target, host)
	for name, values := range head {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	return b.String() + "\r\n" + body
}

// cookiesOf is what a browser holds of the house.
func cookiesOf(b *servertest.Browser, h *servertest.House) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"session", "browser", "known"} {
		if v := b.Cookie(h.URL, name); v != "" {
			out[name] = v
		}
	}
	return out
}

// manyNetworks lets a test come from where it likes: the house trusts what
// loopback says of the peer, as behind a proxy.
var manyNetworks = servertest.Options{Config: func(c *server.Config) { c.TrustedProxies = []string{"127.0.0.1/32"} }}

// from is a browser on another network.
func from(t testing.TB, network string) *servertest.Browser {
	b := servertest.NewBrowser(t)
	b.Header = http.Header{"X-Forwarded-For": {network}, "X-Forwarded-Proto": {"http"}}
	return b
}

// passwordAlone lets "address + password" alone open a session.
func passwordAlone(s *tenant.Settings) { s.Password.Alone = true }

// signedUp is the browser of somebody who has just signed up.
func signedUp(t testing.TB, h *servertest.House, address string) *servertest.Browser {
	t.Helper()
	b := servertest.NewBrowser(t)
	if p := h.SignUp(b, address); p.URL.Path != "/account" || p.Status != http.StatusOK {
		t.Fatalf("signing up %s ended at %d %s\n%s", address, p.Status, p.URL, p.Text())
	}
	return b
}

// idOf is the customer of an address.
func idOf(t testing.TB, h *servertest.House, address string) (id customer.ID) {
	t.Helper()
	h.View(func(tx *db.Tx) error {
		c, found, err := customer.ByIdentifier(tx, h.Tenant(), customer.Email, address)
		if err == nil && !found {
			t.Errorf("nobody has %s", address)
		}
		id = c.ID
		return err
	})
	return id
}

// exists reports whether somebody has the address.
func exists(h *servertest.House, address string) (found bool) {
	h.View(func(tx *db.Tx) (err error) {
		_, found, err = customer.ByIdentifier(tx, h.Tenant(), customer.Email, address)
		return err
	})
	return found
}

// sessionsOf are the living sessions of an address.
func sessionsOf(t testing.TB, h *servertest.House, address string) (list []session.Session) {
	t.Helper()
	id := idOf(t, h, address)
	h.View(func(tx *db.Tx) (err error) {
		list, err = session.List(tx, h.Tenant(), id)
		return err
	})
	return list
}

// givePassword writes a password past the pages.
func givePassword(t testing.TB, h *servertest.House, address, password string) {
	t.Helper()
	phc, err := h.Hasher.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	id := idOf(t, h, address)
	h.Update(func(tx *db.Tx) error { return credential.SetPassword(tx, h.Tenant(), id, phc) })
}

// named opens a journey and names an address in it.
func named(h *servertest.House, b *servertest.Browser, address string, action string) *servertest.Page {
	p := b.Get(h.URL + "/signin?login_hint=x") // which passes the chooser by
	return p.Submit("identifier", address, "action", action)
}

// inside reports whether the browser is signed in.
func inside(h *servertest.House, b *servertest.Browser) bool {
	return b.Get(h.URL+"/account").URL.Path == "/account"
}

// together runs fn n times at once, from one start.
func together(n int, fn func(i int)) {
	start, done := make(chan struct{}), make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			<-start
			fn(i)
		}()
	}
	close(start)
	for range n {
		<-done
	}
}

// count counts the answers of each status.
func count(list []reply) map[int]int {
	out := map[int]int{}
	for _, r := range list {
		out[r.Status]++
	}
	return out
}

// answers lets another server answer for the house, on the port it returns.
func answers(t *testing.T, s *server.Server) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Listen(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// alive lists what a page would run, load or lead to beyond what the house
// writes: scripts in the text, handlers, addresses of other sites.
func alive(page string) (out []string) {
	z := html.NewTokenizer(strings.NewReader(page))
	script := false
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return out
		case html.TextToken:
			if script && strings.TrimSpace(string(z.Raw())) != "" {
				out = append(out, "a script in the page")
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			script = t.Data == "script" && kind == html.StartTagToken
			for _, a := range t.Attr {
				if active(t.Data, a) {
					out = append(out, fmt.Sprintf("<%s %s=%q>", t.Data, a.Key, a.Val))
				}
			}
		}
	}
}

func active(tag string, a html.Attribute) bool {
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc":
		return true
	case !slices.Contains([]string{"href", "src", "action", "formaction", "data", "poster", "background", "ping", "xlink:href"}, a.Key):
		return false
	case tag == "link" && strings.HasPrefix(a.Val, "data:"), strings.HasPrefix(a.Val, "#"), strings.HasPrefix(a.Val, "?"):
		return false
	}
	return !strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//") || strings.Contains(a.Val, `\`)
}

// newest is the newest message to an address whose link begins with the path.
// The clock is turned on, so that the next message is newer.
func newest(t testing.TB, h *servertest.House, to, path string) notify.Kept {
	t.Helper()
	for _, m := range h.Inbox(to) {
		if strings.HasPrefix(m.Link, h.URL+path) {
			h.Clock.Advance(time.Second)
			return m
		}
	}
	t.Fatalf("no message to %s has a link to %s", to, path)
	return notify.Kept{}
}

// token is what the link of a message carries.
func token(m notify.Kept) string {
	_, t, _ := strings.Cut(m.Link, "?t=")
	return t
}

// at checks where a browser stands.
func at(t testing.TB, p *servertest.Page, path string) {
	t.Helper()
	if p.URL.Path != path {
		t.Fatalf("%d %s and not at %s:\n%s", p.Status, p.URL, path, p.Text())
	}
}

// segment is a part of a token between its dots.
func segment(t testing.TB, token string, n int) []byte {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) <= n {
		t.Fatalf("no token: %q", token)
	}
	out, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	return out
}
