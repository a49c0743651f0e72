package server_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// visitor is somebody's browser that takes every failure for an answer, since
// the server may be killed at any time. Where it connects to is chosen apart
// from what the address says, as a load balancer would.
type visitor struct {
	origin  string
	port    int
	network string // where it comes from, as the trusted proxy says
	jar     http.CookieJar
	client  *http.Client
}

// view is an answer as a browser sees it.
type view struct {
	status int
	url    *url.URL
	left   *url.URL // where the browser was sent to, off the house
	body   []byte
}

func newVisitor(origin string, port int) *visitor {
	jar, _ := cookiejar.New(nil) // never fails without options
	v := &visitor{origin: origin, port: port, jar: jar, network: randomNetwork()}
	v.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	v.client.Transport = &http.Transport{DialContext: v.dial, DisableCompression: true}
	return v
}

func randomNetwork() string {
	return fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), 1+rand.IntN(250))
}

func (v *visitor) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", v.port))
}

// to sends the visitor's next requests to another node.
func (v *visitor) to(port int) {
	v.client.CloseIdleConnections()
	v.port = port
}

// away closes the visitor's connections.
func (v *visitor) away() { v.client.CloseIdleConnections() }

// afresh forgets everything: another person on another network.
func (v *visitor) afresh() {
	jar, _ := cookiejar.New(nil) // never fails without options
	v.client.Jar, v.network = jar, randomNetwork()
}

func (v *visitor) get(address string) (*view, error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return v.browse(r)
}

func (v *visitor) post(address string, form url.Values) (*view, error) {
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", v.origin)
	return v.browse(r)
}

// browse sends a request and follows redirects within the house.
func (v *visitor) browse(r *http.Request) (*view, error) {
	for range 10 {
		p, to, err := v.once(r)
		if err != nil || to == nil {
			return p, err
		}
		if to.Scheme+"://"+to.Host != v.origin {
			p.left = to
			return p, nil
		}
		if r, err = http.NewRequest(http.MethodGet, to.String(), nil); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("redirected in circles at %s", r.URL)
}

func (v *visitor) once(r *http.Request) (p *view, to *url.URL, err error) {
	r.Header.Set("Accept", "text/html")
	status, header, body, err := v.send(r)
	if err != nil {
		return nil, nil, err
	}
	p = &view{status: status, url: r.URL, body: body}
	if next := header.Get("Location"); next != "" {
		to, err = r.URL.Parse(next)
	} else if next := refreshOf(body); next != "" {
		to, err = r.URL.Parse(next)
	}
	return p, to, err
}

func (v *visitor) send(r *http.Request) (int, http.Header, []byte, error) {
	r.Header.Set("X-Forwarded-For", v.network)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	answer, err := v.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, body, err
}

// request is an authorization request of the application.
func request(origin string, c *servertest.Client, extra ...string) string {
	q := url.Values{"client_id": {c.ClientID}, "redirect_uri": {c.Redirect}, "response_type": {"code"},
		"scope": {"openid email offline_access"}, "state": {"st"}, "nonce": {"no"},
		"code_challenge": {servertest.Challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	return origin + "/oauth2/authorize?" + q.Encode()
}

// authorize walks the hosted pages and returns the code.
func (v *visitor) authorize(c *servertest.Client, address string, extra ...string) (string, error) {
	p, err := v.get(request(v.origin, c, extra...))
	if err == nil {
		p, err = v.through(p, address)
	}
	return codeOf(p, err)
}

// authorizeBy is authorize by a password.
func (v *visitor) authorizeBy(c *servertest.Client, address, password string) (string, error) {
	p, err := v.get(request(v.origin, c))
	if err == nil {
		p, err = v.proving(p, address, []string{password})
	}
	return codeOf(p, err)
}

func codeOf(p *view, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if p.left == nil || p.left.Query().Get("code") == "" {
		return "", fmt.Errorf("%d at %s, sent to %v: %.2000s", p.status, p.url, p.left, p.body)
	}
	return p.left.Query().Get("code"), nil
}

// through answers one page after another until the browser leaves, or comes to
// a page that asks for nothing it knows.
func (v *visitor) through(p *view, address string) (*view, error) {
	return v.proving(p, address, nil)
}

// proving is through for somebody who would rather type a password, if one is given.
func (v *visitor) proving(p *view, address string, password []string) (*view, error) {
	for range 8 {
		if p.left != nil {
			return p, nil
		}
		form := formOf(p)
		var err error
		switch {
		case form == nil:
			return p, nil
		case form.holds("identifier") && password != nil:
			p, err = v.post(form.fill("identifier", address, "action", "password"))
		case form.holds("identifier"):
			p, err = v.post(form.fill("identifier", address))
		case form.holds("password") && password != nil:
			p, err = v.post(form.fill("password", password[0]))
		case form.holds("code"):
			p, err = v.post(form.fill("code", server.DevCode))
		case form.holds("documents"):
			p, err = v.post(form.fill("action", "continue"))
		case form.holds("action:skip"):
			p, err = v.post(form.fill("action", "skip"))
		default:
			return p, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return p, fmt.Errorf("the journey does not end: %d at %s: %s", p.status, p.url, words(p.body))
}

// pageForm is the form of a page that a journey goes on with.
type pageForm struct {
	action string
	values url.Values
	names  map[string]bool // of fields, and "action:" with the value of each button
}

func (f *pageForm) holds(name string) bool { return f.names[name] }

func (f *pageForm) fill(pairs ...string) (string, url.Values) {
	for i := 0; i+1 < len(pairs); i += 2 {
		f.values.Set(pairs[i], pairs[i+1])
	}
	return f.action, f.values
}

// formOf is the first form of a page that posts and asks for something.
func formOf(p *view) *pageForm {
	for _, f := range formsOf(p) {
		for _, name := range []string{"identifier", "code", "password", "documents", "action:skip"} {
			if f.holds(name) {
				return f
			}
		}
	}
	return nil
}

// formsOf reads the forms of a page that are posted.
func formsOf(p *view) (list []*pageForm) {
	root, err := html.Parse(strings.NewReader(string(p.body)))
	if err != nil {
		return nil
	}
	var form *pageForm
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == "form" && strings.EqualFold(attribute(n, "method"), "post") {
			to, _ := p.url.Parse(attribute(n, "action"))
			form = &pageForm{action: to.String(), values: url.Values{}, names: map[string]bool{}}
			list = append(list, form)
		}
		if form != nil && n.Type == html.ElementNode {
			form.note(n)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return list
}

func (f *pageForm) note(n *html.Node) {
	name := attribute(n, "name")
	switch {
	case n.Data == "button":
		f.names[name+":"+attribute(n, "value")] = true
	case n.Data == "input" && name != "":
		f.names[name] = true
		if attribute(n, "type") == "hidden" {
			f.values.Add(name, attribute(n, "value"))
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// refreshOf is where a page that only leaves leads to.
func refreshOf(body []byte) string {
	text := string(body)
	_, rest, ok := strings.Cut(text, `http-equiv="refresh"`)
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "url=")
	to, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(strings.Trim(to, "'"))
}

// call posts a form to an endpoint as the application.
func (v *visitor) call(c *servertest.Client, path string, form url.Values) (int, []byte, error) {
	r, err := http.NewRequest(http.MethodPost, v.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.ClientID, c.Secret)
	status, _, body, err := v.send(r)
	return status, body, err
}

// token asks the token endpoint.
func (v *visitor) token(c *servertest.Client, form url.Values) (out servertest.Tokens, err error) {
	status, body, err := v.call(c, "/oauth2/token", form)
	if err == nil {
		err = json.Unmarshal(body, &out)
	}
	out.Status = status
	return out, err
}

func (v *visitor) redeem(c *servertest.Client, code string) (servertest.Tokens, error) {
	return v.token(c, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.Redirect}, "code_verifier": {servertest.Verifier}})
}

func (v *visitor) refresh(c *servertest.Client, token string) (servertest.Tokens, error) {
	return v.token(c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// userinfo asks with an access token.
func (v *visitor) userinfo(token string) (int, []byte, error) {
	r, err := http.NewRequest(http.MethodGet, v.origin+"/oauth2/userinfo", nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	status, _, body, err := v.send(r)
	return status, body, err
}

// subject reads the `sub` of an ID token that came straight from the server.
func subject(idToken string) string {
	parts := strings.Split(idToken, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct{ Sub string }
	if err != nil || json.Unmarshal(text, &c) != nil {
		return ""
	}
	return c.Sub
}

// words are what a page says, for a test that fails.
func words(body []byte) string {
	text := string(body)
	if _, main, ok := strings.Cut(text, "<main"); ok {
		text = "<main" + main
	}
	var out []string
	for _, part := range strings.Split(text, "<") {
		_, said, _ := strings.Cut(part, ">")
		out = append(out, strings.Fields(said)...)
	}
	return strings.Join(out, " ")
}
