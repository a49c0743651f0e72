package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// tape keeps every line that was logged.
type tape struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *tape) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *tape) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// canaries are the values that must be found nowhere, by what they are.
type canaries map[string]string

// in finds canaries in a text, as they are and as programs write them down.
func (c canaries) in(text string) (out []string) {
	lower := strings.ToLower(text)
	for what, v := range c {
		for _, spelling := range []string{v, base64.RawURLEncoding.EncodeToString([]byte(v)), base64.RawStdEncoding.EncodeToString([]byte(v)), url.QueryEscape(v), url.PathEscape(v)} {
			if strings.Contains(text, spelling) {
				out = append(out, what)
			}
		}
		if strings.Contains(lower, strings.ToLower(v)) || strings.Contains(lower, hex.EncodeToString([]byte(v))) {
			out = append(out, what)
		}
	}
	return out
}

// What a customer types, and every secret that the house gives out, stand in no
// log line, in no column of the database that is not sealed, in none of its
// files, and (codes and tokens of links and applications apart, which travel by
// address) in no address that a browser opens.
func TestCanariesAreFoundNowhere(t *testing.T) {
	logged := &tape{}
	o := servertest.Options{
		Settings: passwordAlone,
		Config:   manyNetworks.Config,
		Base: func(o *server.Opening) {
			o.Log = slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		},
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		told, secrets, trail := life(t, h)
		h.Settle()
		lines := logged.String()
		if strings.Count(lines, "\n") < 30 || !strings.Contains(lines, "/signin/{flow}") {
			t.Fatalf("hardly a line was logged: %.500s", lines)
		}
		for _, c := range []canaries{told, secrets} {
			for _, what := range c.in(lines) {
				t.Errorf("the log holds the %s: %s", what, lineWith(lines, c[what]))
			}
			searchTables(t, h, c)
			searchFiles(t, h, c)
		}
		for _, what := range told.in(strings.Join(trail, "\n")) {
			t.Errorf("an address holds the %s: %s", what, lineWith(strings.Join(trail, "\n"), told[what]))
		}
	}, o)
}

// life is one customer's life at the doors, with values like no others.
func life(t *testing.T, h *servertest.House) (told, secrets canaries, trail []string) {
	t.Helper()
	mark := strings.ReplaceAll(strings.ToLower(t.Name()), "/", "") // engines share the log
	mark = mark[len(mark)-6:]
	told = canaries{
		"address": "zaunkoenig" + mark + "@canary.example", "new address": "rotkehlchen" + mark + "@canary.example", "given name": "Goldammer" + mark,
		"family name": "Neuntoeter" + mark, "nickname": "Wiedehopf" + mark, "website": "https://canary.example/pirol" + mark,
		"street": "Kranichweg " + mark + " 77", "password": "eisvogel am " + mark + " bach entlang", "new password": "blaumeise im " + mark + " nussbaum",
		"agent": "Uferschnepfe" + mark, "network": "203.0.113.77",
	}
	b := from(t, told["network"])
	b.Agent = "Mozilla/5.0 (X11; Linux x86_64) " + told["agent"] + "/7.7"
	address := told["address"]
	secrets = canaries{}
	note := func(what, value string) {
		if value == "" {
			t.Fatalf("no %s", what)
		}
		secrets[what] = value
	}
	p := b.Get(h.URL+"/signin").Submit("identifier", "  "+strings.ToUpper(address[:1])+address[1:]+" ", "remember", "on")
	sent := newest(t, h, address, "/signin/link")
	note("sign-up link", token(sent))
	b.Get(sent.Link)
	h.Finish(p.Submit("code", sent.Code))
	note("session", b.Cookie(h.URL, "session"))
	note("browser", b.Cookie(h.URL, "browser"))
	b.Get(h.URL+"/account/profile").Submit("given_name", told["given name"], "family_name", told["family name"], "nickname", told["nickname"],
		"website", told["website"], "address-street_address", told["street"])
	if p := b.Get(h.URL + "/account/profile"); !strings.Contains(p.Body, told["street"]) || !strings.Contains(p.Body, told["family name"]) {
		t.Fatalf("the profile was not kept:\n%s", p.Text())
	}
	at(t, b.Get(h.URL+"/account/password").Submit("new_password", told["password"]), "/account/security")
	web := h.Apps["web"]
	code := b.Get(h.AuthorizeURL(web, "prompt", "none", "scope", "openid profile email address offline_access")).Location().Query().Get("code")
	tokens := h.Redeem(web, code)
	note("authorization code", code)
	note("access token", tokens.AccessToken)
	note("refresh token", tokens.RefreshToken)
	note("client secret", web.Secret)
	h.Bearer("/oauth2/userinfo", tokens.AccessToken)
	note("second refresh token", h.Refresh(web, tokens.RefreshToken).RefreshToken)
	p = b.Get(h.URL+"/account/addresses/add?kind=email").Submit("email", told["new address"])
	sent = newest(t, h, told["new address"], "/signin/link")
	note("address link", token(sent))
	at(t, p.Submit("code", sent.Code), "/account/addresses")
	sent = newest(t, h, address, "/undo")
	note("undo link", token(sent))
	b.Get(sent.Link)
	b.Get(h.URL+"/signout").Submit("action", "continue")
	guess := named(h, b, address, "password")
	guess.Submit("password", told["new password"]) // a wrong one, almost a right one
	p = guess.Submit("action", "recover")
	if p.Has("code") {
		p = p.Submit("code", newest(t, h, address, "/signin/link").Code)
	}
	at(t, h.Finish(p.Submit("new_password", told["new password"])), "/account")
	note("last session", b.Cookie(h.URL, "session"))
	at(t, b.Get(h.URL+"/account/close").Submit("typed_address", address), "/account/closed")
	return told, secrets, b.Trail
}

func lineWith(text, word string) string {
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
			return line
		}
	}
	return ""
}

func searchTables(t *testing.T, h *servertest.House, c canaries) {
	t.Helper()
	values, control := 0, false
	for _, table := range tables(t, h) {
		for _, row := range dumped(t, h, table) {
			for column, v := range row {
				text := fmt.Sprint(v)
				if raw, ok := v.([]byte); ok {
					text = string(raw)
				}
				values++
				control = control || strings.Contains(text, h.Apps["web"].Redirect)
				for _, what := range c.in(text) {
					t.Errorf("%s.%s holds the %s: %.200q", table, column, what, text)
				}
			}
		}
	}
	if values < 1000 || !control {
		t.Errorf("only %d values were looked at, what stands in the clear was seen: %v", values, control)
	}
}

// searchFiles reads the files of a SQLite house as a thief would.
func searchFiles(t *testing.T, h *servertest.House, c canaries) {
	t.Helper()
	if h.Config.Postgres() {
		return
	}
	files, err := filepath.Glob(filepath.Join(h.Config.Data, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range c.in(string(text)) {
			t.Errorf("%s holds the %s", filepath.Base(name), what)
		}
	}
}
