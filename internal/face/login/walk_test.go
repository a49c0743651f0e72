package login_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/face/login"
)

// rightCode is the code of every message in these tests.
const rightCode = "424242"

// door is the front door of one tenant, without a network.
type door struct {
	*coretest.House
	t      testing.TB
	login  *login.Login
	ui     *ui.UI
	mux    *web.Mux
	hasher *secret.Hasher
}

func open(t testing.TB, change ...func(*tenant.Settings)) *door {
	t.Helper()
	h := coretest.Open(t, dbtest.SQLite, false)
	for _, c := range change {
		h.Settings(c)
	}
	u, err := ui.New(ui.Options{Clock: h.Clock.Now}, login.Part())
	if err != nil {
		t.Fatal(err)
	}
	d := &door{House: h, t: t, hasher: secret.NewHasher(secret.Params{MemoryKiB: 64, Time: 1, Threads: 1}, secret.Gate{Parallel: 4, Queue: 64, Wait: time.Second})}
	d.ui = u
	d.hang(login.Bootstrap{})
	return d
}

func (d *door) hang(b login.Bootstrap) {
	h, u := d.House, d.ui
	keys, err := credential.NewWebAuthn(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.login = login.New(login.Deps{
		DB: h.D, UI: u, Hasher: d.hasher, Bootstrap: b,
		Acts: account.Acts{WebAuthn: keys, Codes: credential.Codes{Fixed: func(string) (string, bool) { return rightCode, true }}},
	})
	d.mux = web.NewMux(web.Config{
		Host: func(host string) (string, any, bool) {
			t, ok := h.House.ByHost(host)
			if !ok {
				return "", nil, false
			}
			return t.Origin, t, true
		},
		Teller: u.Teller("login"),
	})
	d.login.Routes(d.mux)
}

// staff gives the door a bootstrap secret, "once".
func (d *door) staff(used *bool) *door {
	d.hang(login.Bootstrap{
		Peek: func(_ *db.Tx, token string) (bool, error) { return token == "once" && !*used, nil },
		Redeem: func(tx *db.Tx, _ *tenant.Tenant, token string) error {
			if token != "once" || *used {
				return errors.New("used")
			}
			tx.After(func() { *used = true })
			return nil
		},
	})
	return d
}

// house is the tenant that the browser visits.
func (d *door) house(b *browser) *tenant.Tenant {
	t, _ := d.House.House.ByHost(b.host)
	return t
}

// mia registers a customer with the address and, if it is not empty, a password.
func (d *door) mia(address, password string) customer.ID {
	d.t.Helper()
	var phc string
	if password != "" {
		var err error
		if phc, err = d.hasher.Hash(context.Background(), password); err != nil {
			d.t.Fatal(err)
		}
	}
	var c customer.Customer
	d.Update(func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, d.T(), customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "test",
		})
		if err != nil || phc == "" {
			return err
		}
		return credential.SetPassword(tx, d.T(), c.ID, phc)
	})
	return c.ID
}

// jobs counts the messages that wait to be sent.
func (d *door) jobs() (n int) {
	d.View(func(tx *db.Tx) error {
		count, _, err := db.Value[int64](tx, `SELECT COUNT(*) FROM job WHERE kind = 'message' OR kind = 'notify'`)
		n = int(count)
		return err
	})
	return n
}

// browser keeps cookies and follows redirects below the origin.
type browser struct {
	d       *door
	cookies map[string]string
	address string // of the last answer
	answer  *http.Response
	body    string
	peer    string
	host    string
	foreign string // origin of the page that sends forms; "": our own
}

func (d *door) browser() *browser {
	return &browser{d: d, cookies: map[string]string{}, peer: "203.0.113.7:4711", host: "id.fernfield.example"}
}

func (b *browser) get(path string) *browser { return b.send(http.MethodGet, path, nil) }

// post sends fields (pairs) as the page's own form would.
func (b *browser) post(path string, fields ...string) *browser {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.send(http.MethodPost, path, form)
}

// step posts to a step of the journey that the browser is on.
func (b *browser) step(word string, fields ...string) *browser {
	b.d.t.Helper()
	flow := regexp.MustCompile(`/signin/flo_[0-9a-z]+`).FindString(b.address)
	if flow == "" {
		b.d.t.Fatalf("%s is no journey", b.address)
	}
	return b.post(flow+"/"+word, fields...)
}

func (b *browser) send(method, path string, form url.Values) *browser {
	b.d.t.Helper()
	b.once(method, path, form)
	for range 5 {
		to := b.answer.Header.Get("Location")
		if b.answer.StatusCode != http.StatusSeeOther || strings.HasPrefix(to, "/account") || strings.HasPrefix(to, "/oauth2/") {
			return b
		}
		b.once(http.MethodGet, to, nil)
	}
	b.d.t.Fatal("redirects go round")
	return nil
}

func (b *browser) once(method, path string, form url.Values) {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host, r.RemoteAddr = b.host, b.peer
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://"+b.host)
		if b.foreign != "" {
			r.Header.Set("Origin", b.foreign)
		}
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.d.mux.ServeHTTP(w, r)
	b.answer, b.address = w.Result(), path
	raw, _ := io.ReadAll(b.answer.Body)
	b.body = string(raw)
	for _, c := range b.answer.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
}

func (b *browser) session() string { return b.cookies["__Host-session"] }

// says checks status, and that the page has each text.
func (b *browser) says(status int, texts ...string) *browser {
	b.d.t.Helper()
	if b.answer.StatusCode != status {
		b.d.t.Fatalf("%s: status %d, want %d\n%s", b.address, b.answer.StatusCode, status, plain(b.body))
	}
	for _, text := range texts {
		if !strings.Contains(b.body, text) {
			b.d.t.Errorf("%s does not say %q:\n%s", b.address, text, plain(b.body))
		}
	}
	return b
}

// arrives checks that the last answer leaves the journey for a path.
func (b *browser) arrives(path string) *browser {
	b.d.t.Helper()
	if to := b.answer.Header.Get("Location"); b.answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, path) {
		b.d.t.Fatalf("%s: %d to %q, want %q\n%s", b.address, b.answer.StatusCode, to, path, plain(b.body))
	}
	return b
}

var tags = regexp.MustCompile(`<[^>]*>`)

func plain(body string) string {
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	return strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " ")
}

// signIn walks the whole way with a code.
func (b *browser) signIn(address string) *browser {
	b.d.t.Helper()
	b.get("/signin").says(200)
	if strings.Contains(b.body, `value="another"`) {
		b.step("choose", "action", "another").says(200)
	}
	b.step("identify", "identifier", address, "action", "continue").says(200, `name="code"`)
	return b.step("code", "code", rightCode).arrives("/account")
}

func (d *door) sessions(b *browser) (out []session.Held) {
	d.View(func(tx *db.Tx) (err error) {
		out, err = session.FindSet(tx, d.house(b), b.session())
		return err
	})
	return out
}
