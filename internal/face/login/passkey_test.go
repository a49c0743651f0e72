package login_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// device holds one passkey, as a person's phone does.
type device struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func (d *door) device() *device {
	t := d.T()
	cred := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(cred.Key.AttestationData()) != 77 { // the library leaves leading zeroes out
		cred = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return &device{virtualwebauthn.RelyingParty{ID: t.RPID, Name: t.Name, Origin: t.Origin}, virtualwebauthn.NewAuthenticator(), cred}
}

// create answers creation options.
func (k *device) create(t testing.TB, options string) string {
	asked, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil {
		t.Fatalf("%v: %s", err, options)
	}
	k.auth.Options.UserHandle = []byte(asked.UserID)
	return virtualwebauthn.CreateAttestationResponse(k.rp, k.auth, k.cred, *asked)
}

// get answers request options.
func (k *device) get(t testing.TB, options string) string {
	asked, err := virtualwebauthn.ParseAssertionOptions(options)
	if err != nil {
		t.Fatalf("%v: %s", err, options)
	}
	return virtualwebauthn.CreateAssertionResponse(k.rp, k.auth, k.cred, *asked)
}

// json posts JSON (or, with "", nothing) below the journey, as js/passkey.js and
// native applications do.
func (b *browser) json(word, body string) (int, string) {
	b.d.t.Helper()
	flow := regexp.MustCompile(`/signin/flo_[0-9a-z]+`).FindString(b.address)
	r := httptest.NewRequest(http.MethodPost, flow+"/"+word, strings.NewReader(body))
	r.Host, r.RemoteAddr = b.host, b.peer
	r.Header.Set("Origin", "https://"+b.host)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.d.mux.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c.Value
	}
	said, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(said)
}

func (b *browser) options(word string) string {
	b.d.t.Helper()
	status, options := b.json(word+"/options", "")
	if status != 200 {
		b.d.t.Fatalf("options for %s: %d %s", word, status, options)
	}
	return options
}

// offered brings a customer to the offer of a passkey, in a browser that makes them.
func (d *door) offered(address string) *browser {
	b := d.browser()
	b.get("/signin").says(200, `data-passkey="get"`, "passkey.js")
	b.step("identify", "identifier", address, "action", "continue", "passkeys", "1").says(200, `name="code"`)
	return b.step("code", "code", rightCode, "passkeys", "1").says(200, "Sign in faster next time", address)
}

// equipped is a customer with a passkey on a device.
func (d *door) equipped(address string) *device {
	k, b := d.device(), d.offered(address)
	b.step("offer", "action", "", "credential", k.create(d.t, b.options("offer"))).says(200, "Your passkey is ready")
	b.step("continue", "action", "continue").arrives("/account")
	return k
}

func (d *door) holder(address string) (c customer.Customer) {
	d.View(func(tx *db.Tx) (err error) {
		c, _, err = customer.ByIdentifier(tx, d.T(), customer.Email, address)
		return err
	})
	return c
}

func TestPasskey_MadeAtTheOffer_SignsInAlone_FromEveryPage(t *testing.T) {
	t.Parallel()
	d := open(t)
	k := d.equipped("mia@example.test")
	for name, to := range map[string]func(*browser){
		"identify": func(*browser) {},
		"code":     func(b *browser) { b.step("identify", "identifier", "sam@example.test", "action", "continue") },
		"password": func(b *browser) { b.step("identify", "identifier", "mia@example.test", "action", "password") },
	} {
		b := d.browser()
		b.get("/signin")
		to(b)
		b.says(200, `data-passkey="get"`)
		b.step("passkey", "identifier", "", "remember", "on", "credential", k.get(t, b.options("passkey"))).arrives("/account")
		held := d.sessions(b)
		if len(held) != 1 || held[0].CustomerID != d.holder("mia@example.test").ID || !held[0].Remembered {
			t.Fatalf("from %s: %+v", name, held)
		}
		var proofs []session.Proof
		d.View(func(tx *db.Tx) (err error) { proofs, err = session.Proofs(tx, held[0].Session); return err })
		if a := session.Assure(proofs); a.ACR != session.Resistant {
			t.Errorf("from %s: the session is worth %+v", name, a)
		}
	}
}

func TestPasskey_Offer_RestsOrIsNeverMadeAgain(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.offered("mia@example.test").step("offer", "action", "later").arrives("/account")
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "continue", "passkeys", "1")
	b.step("code", "code", rightCode).arrives("/account") // it rests
	d.Wait(15 * 24 * time.Hour)
	d.offered("mia@example.test").step("offer", "action", "never").arrives("/account")
	d.Wait(400 * 24 * time.Hour)
	b = d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "continue", "passkeys", "1")
	b.step("code", "code", rightCode).arrives("/account")
	plainBrowser := d.browser() // one that makes none is not asked
	plainBrowser.signIn("sam@example.test")
}

// TestPasskey_AfterAPassword_IsMadeQuietly: no page stands between.
func TestPasskey_AfterAPassword_IsMadeQuietly(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) { s.Password.Alone = true })
	d.mia("mia@example.test", long)
	b, k := d.browser(), d.device()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password", "passkeys", "1")
	b.step("password", "password", long).says(200, "Sign in faster next time", "data-auto")
	k.auth.Options.UserNotPresent, k.auth.Options.UserNotVerified = true, true
	answer := k.create(t, b.options("offer"))
	b.step("offer", "credential", answer, "quietly", "1").says(422, "Try again") // quietly made, but asked for as usual
	_, options := b.json("offer/options?quietly=1", "")
	b.step("offer", "credential", k.create(t, options), "quietly", "1").arrives("/account")
}

// TestH092_APasskeyIsNotUsedBySayingSo sends everything but a fresh assertion.
func TestH092_APasskeyIsNotUsedBySayingSo(t *testing.T) {
	t.Parallel()
	d := open(t)
	mine := d.equipped("mia@example.test")
	stranger := d.device()
	for name, answer := range map[string]func(options string) string{
		"nothing":       func(string) string { return "" },
		"a claim":       func(string) string { return `{"method":"passkey"}` },
		"an empty one":  func(string) string { return `{"id":"","rawId":"","type":"public-key","response":{}}` },
		"no JSON":       func(string) string { return "yes" },
		"one not known": func(o string) string { return stranger.get(t, o) },
		"one of another origin": func(o string) string {
			evil := *mine
			evil.rp.Origin = "https://id.fernfield.example.evil.example"
			return evil.get(t, o)
		},
	} {
		b := d.browser()
		b.get("/signin")
		said := answer(b.options("passkey"))
		b.step("passkey", "credential", said)
		if b.session() != "" || name != "nothing" && b.answer.StatusCode != 422 {
			t.Errorf("%s: %d, session %q\n%s", name, b.answer.StatusCode, b.session(), plain(b.body))
		}
		if signals := strings.Contains(b.body, `data-signal="signalUnknownCredential"`); signals != (name == "one not known") {
			t.Errorf("%s: the browser is told of it: %v", name, signals)
		}
	}
	// A right answer counts once, in its own journey, and within five minutes.
	a, b := d.browser(), d.browser()
	a.get("/signin")
	b.get("/signin")
	answer := mine.get(t, a.options("passkey"))
	if b.step("passkey", "credential", answer).says(422, "did not work"); b.session() != "" {
		t.Error("an answer of one journey opened another")
	}
	late := mine.get(t, b.options("passkey"))
	d.Wait(6 * time.Minute)
	if b.step("passkey", "credential", late).says(422, "did not work"); b.session() != "" {
		t.Error("an old answer was taken")
	}
	a.get("/signin")
	answer = mine.get(t, a.options("passkey"))
	a.step("passkey", "credential", answer).arrives("/account")
	b.get("/signin").step("passkey", "credential", answer)
	if b.session() != "" {
		t.Error("an answer was taken twice")
	}
}

func TestPasskey_Native_SpeaksJSON(t *testing.T) {
	t.Parallel()
	d := open(t)
	k := d.equipped("mia@example.test")
	b := d.browser()
	b.get("/signin")
	status, said := b.json("passkey", `{"credential":`+d.device().get(t, b.options("passkey"))+`}`)
	var told struct {
		Code     string
		Status   int
		Location string
	}
	if err := json.Unmarshal([]byte(said), &told); err != nil || status != 404 || told.Code != "passkey_unknown" || told.Status != 404 {
		t.Errorf("an unknown one: %d %s", status, said)
	}
	if status, said = b.json("passkey", `{"credential":null}`); status != 400 || !strings.Contains(said, "passkey_wrong") {
		t.Errorf("none: %d %s", status, said)
	}
	if status, said = b.json("identify", `{"credential":{}}`); status != 415 {
		t.Errorf("another step: %d %s", status, said)
	}
	status, said = b.json("passkey", `{"remember":true,"credential":`+k.get(t, b.options("passkey"))+`}`)
	if err := json.Unmarshal([]byte(said), &told); err != nil || status != 200 || told.Location != "/account" || b.session() == "" {
		t.Errorf("a right one: %d %s", status, said)
	}
	if held := d.sessions(b); len(held) != 1 || !held[0].Remembered {
		t.Errorf("%+v", held)
	}
	if status, said = b.json("passkey/options", ""); status != 410 || !strings.Contains(said, "flow_expired") {
		t.Errorf("options of a journey that is over: %d %s", status, said)
	}
}

func TestH112_APasskeyOfALockedCustomerOpensNothing(t *testing.T) {
	t.Parallel()
	d := open(t)
	k := d.equipped("mia@example.test")
	c := d.holder("mia@example.test").ID
	d.Update(func(tx *db.Tx) error {
		return account.Acts{}.Lock(tx, d.T(), c, account.Staff{Reason: "test"})
	})
	b := d.browser()
	b.get("/signin")
	b.step("passkey", "credential", k.get(t, b.options("passkey"))).says(200, "This account is locked")
	if b.session() != "" {
		t.Error("a locked customer is in")
	}
}
