package login_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const long = "a heron stands in the reeds"

func TestSignUp_ByCode_OpensASession_AndTheNextVisitChooses(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin").says(200, "Sign in or create an account", `name="identifier"`)
	b.step("identify", "identifier", "Mia@Example.TEST", "action", "continue").says(200, "Enter the code we sent", "example.test")
	b.step("code", "code", "424 242").arrives("/account")
	if len(d.sessions(b)) != 1 {
		t.Fatal("nobody is signed in")
	}
	b.get("/signin?return=%2Faccount%2Fprofile").says(200, "Choose an account", "example.test", "Signed in")
	c := d.sessions(b)[0].CustomerID
	b.step("choose", "account", c.String()).arrives("/account/profile")
	if len(d.sessions(b)) != 1 {
		t.Error("choosing an account that is signed in opened another session")
	}
}

func TestTerms_AreAcceptedBeforeThereIsAnAccount(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.Update(func(tx *db.Tx) error {
		return consent.PutDocument(tx, d.T(), consent.Document{
			Kind: consent.Terms, Version: 1, Locale: "en", Title: "Terms of use", URL: "https://fernfield.example/terms", Digest: [32]byte{1},
		})
	})
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test")
	b.step("code", "code", rightCode).says(200, "One last thing", `href="https://fernfield.example/terms"`)
	if strings.Contains(b.body, "checked") {
		t.Error("the box is ticked beforehand")
	}
	b.step("terms", "action", "continue", "documents", "terms:0").says(200, "One last thing")
	if b.session() != "" {
		t.Fatal("versions that were not shown were accepted")
	}
	b.step("terms", "action", "continue", "documents", "terms:1").arrives("/account")
}

// TestH077 compares all that a visitor sees for somebody known and somebody
// unknown until an address is proven.
func TestH077_KnownLockedAndUnknownAddressesLookAlike(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.mia("anna1@example.test", "")
	locked := d.mia("anna2@example.test", long)
	d.Update(func(tx *db.Tx) error {
		return account.Acts{}.Lock(tx, d.T(), locked, account.Staff{Reason: "test"})
	})
	var seen []string
	for _, name := range []string{"anna1", "anna2", "anna3"} {
		before := d.jobs()
		b := d.browser()
		b.get("/signin")
		all := ""
		record := func() {
			h := b.answer.Header.Clone()
			h.Del("X-Request-Id")
			h.Del("Set-Cookie")
			h.Del("Content-Length")
			page := strings.ReplaceAll(b.body, name, "NAME")
			i := strings.Index(b.address, "flo_")
			page = strings.ReplaceAll(page, b.address[i:i+30], "FLOW")
			page = tasks.ReplaceAllString(page, "TASK")
			all += http.StatusText(b.answer.StatusCode) + headers(h) + page
		}
		b.step("identify", "identifier", name+"@example.test")
		record()
		if d.jobs() != before+1 {
			t.Errorf("%s: %d messages", name, d.jobs()-before)
		}
		b.step("code", "code", "000000")
		record()
		b.step("code", "action", "password")
		record()
		b.step("password", "password", "not the password")
		record()
		seen = append(seen, all)
	}
	for i, s := range seen[1:] {
		if s != seen[0] {
			t.Errorf("visitor %d sees something else than a known one:\n%s\n----\n%s", i+1, plain(seen[0]), plain(s))
		}
	}
}

// tasks are the proofs of work that pages hand out, each of its own.
var tasks = regexp.MustCompile(`"[A-Za-z0-9_-]{78}"`)

func headers(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b)
	return b.String()
}

func TestPassword_Alone_OpensASession(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) { s.Password.Alone = true })
	d.mia("mia@example.test", long)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password")
	b.says(200, `autocomplete="current-password"`, `autocomplete="username"`)
	if d.jobs() != 0 {
		t.Error("a code was sent though a password was asked for")
	}
	b.step("password", "password", "wrong").says(422, "That password does not match")
	b.step("password", "password", long).arrives("/account")
}

func TestPassword_NotAlone_IsFollowedByACode(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.mia("mia@example.test", long)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password")
	b.step("password", "password", long).says(200, "Enter the code we sent")
	if b.session() != "" || d.jobs() != 1 {
		t.Fatalf("session %q, %d messages", b.session(), d.jobs())
	}
	b.step("code", "code", rightCode).arrives("/account")
}

func TestH073_GuessesBeyondTheLimitAreNotVerified(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) { s.Password.Alone = true })
	d.mia("mia@example.test", long)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password")
	for range 10 {
		b.step("password", "password", "wrong").says(422)
	}
	b.step("password", "password", long).says(429, "Too many tries. Wait 5 minutes, then try again")
	if b.answer.Header.Get("Retry-After") == "" || b.session() != "" {
		t.Errorf("retry after %q, session %q", b.answer.Header.Get("Retry-After"), b.session())
	}
	d.Wait(5 * time.Minute)
	b.step("password", "password", long).arrives("/account")
}

func TestH137_AnAddressGetsThreeMessagesAnHour_FromHoweverManyBrowsers(t *testing.T) {
	t.Parallel()
	d := open(t)
	for i := range 6 {
		b := d.browser()
		b.peer = "198.51.100." + string(rune('1'+i)) + ":4711"
		b.get("/signin").step("identify", "identifier", "victim@example.test")
		want := http.StatusOK
		if i >= 3 {
			want = http.StatusTooManyRequests
		}
		b.says(want)
	}
	if d.jobs() != 3 {
		t.Errorf("%d messages were sent", d.jobs())
	}
}

func TestResend_NotBefore30Seconds_AndAnExpiredCodeIsReplaced(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test")
	b.step("code", "action", "resend").says(429, "A code was sent just now. Wait 30 seconds")
	d.Wait(31 * time.Second)
	b.step("code", "action", "resend").says(200, "We have sent a new code")
	d.Wait(11 * time.Minute)
	b.step("code", "code", rightCode).says(422, "That code has expired. We have sent a new one to m•••@example.test")
	b.step("code", "code", rightCode).arrives("/account")
}

func TestH133_ALinkOpenedElsewhereSignsNobodyIn(t *testing.T) {
	t.Parallel()
	d := open(t)
	victim := d.browser()
	victim.signIn("victim@example.test")
	before := victim.session()

	mia := d.browser()
	mia.get("/signin").step("identify", "identifier", "mia@example.test")
	link := d.link(mia)
	victim.get("/signin/link?t="+link).says(403, "Enter the code instead")
	victim.post("/signin/link", "t", link, "action", "continue").says(403, "Enter the code instead")
	if victim.session() != before {
		t.Error("the session changed")
	}
	mia.get("/signin/link?t="+link).says(200, "Sign in here?", `value="continue"`)
	mia.get("/signin/link?t="+link).says(200, "Sign in here?")
	if mia.session() != "" {
		t.Fatal("a GET signed somebody in")
	}
	mia.post("/signin/link", "t", link, "action", "continue").arrives("/account")
	mia.post("/signin/link", "t", link, "action", "continue").says(410, "You are signed in")
	d.browser().get("/signin/link?t="+link).says(410, "This link no longer works")
}

// link draws a link for the journey that the browser is on, as a message has it.
func (d *door) link(b *browser) (link string) {
	d.t.Helper()
	i := strings.Index(b.address, "flo_")
	var id signin.ID
	if err := id.UnmarshalText([]byte(b.address[i : i+30])); err != nil {
		d.t.Fatal(err)
	}
	d.Update(func(tx *db.Tx) (err error) {
		link, err = drawLink(tx, d.T(), id, b)
		return err
	})
	return link
}

func TestRecovery_KeepsTheJourney_ChoosesANewPassword_AndSignsOthersOut(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.mia("mia@example.test", long)
	other := d.browser()
	other.signIn("mia@example.test")
	d.Wait(time.Hour)

	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password")
	b.says(200, "Forgot your password?")
	b.step("recover", "action", "recover").says(200, "Enter the code we sent")
	b.step("code", "code", rightCode).says(200, "Choose a new password", `autocomplete="new-password"`)
	b.step("reset", "new_password", "password").says(422, "This password appears in known data leaks")
	b.step("reset", "new_password", "short").says(422, "Use at least 8 characters")
	b.step("reset", "new_password", "seven herons over a green lake").arrives("/account")
	if len(d.sessions(other)) != 0 {
		t.Error("the other browser is still signed in")
	}
}

func TestFlow_OfAnotherBrowserOrNone_IsASensiblePage(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test").says(200)
	flow := b.address

	stranger := d.browser()
	stranger.get(flow).says(403, "This browser keeps no cookies")
	stranger.get("/signin")
	stranger.get(flow).says(403, "Go on in the other browser")
	stranger.post(flow+"/code", "code", rightCode).says(403, "Go on in the other browser")
	stranger.get("/signin/flo_00000000000000000000000000").says(410, "no longer in use")
	stranger.get("/signin/nonsense").says(410, "no longer in use")

	b.get(flow+"/code").says(200, "Enter the code we sent") // a form's answer, reloaded
	b.get(flow+"/help").says(200, "No message came?")
	b.get(flow+"/identify").says(200, `value="mia@example.test"`)
	b.post(flow + "/nowhere").says(404)
	b.post(flow+"/terms", "action", "continue").says(200, "Enter the code we sent") // an old page
	b.post(flow+"/code", "code", rightCode).arrives("/account")
	b.post(flow+"/code", "code", rightCode).arrives("/account") // the second press
	b.get(flow).arrives("/account")                             // Back
	d.Wait(2 * time.Hour)
	b.get(flow).says(410)
}

// One account that is good enough is not asked which: a third party's consent
// is the only page, on which "Not you?" stands.
func TestConsent_ComesWithoutTheChooserToOneAccount(t *testing.T) {
	t.Parallel()
	d := open(t)
	planner := d.App(false)
	b := d.browser()
	b.signIn("mia@example.test")
	flow := d.begin(b, planner, []string{"openid", "email"})
	b.get("/signin/"+flow).says(200, `value="allow"`, `value="deny"`, "mia@example.test")
}

func TestFlow_ForAnApplication_EndsAtItsProtocol(t *testing.T) {
	t.Parallel()
	d := open(t)
	shop := d.App(true)
	b := d.browser()
	b.signIn("mia@example.test")
	flow := d.prompted(b, shop, signin.Prompt{Select: true}, []string{"openid"})
	b.get("/signin/"+flow).says(200, "Choose an account", "to continue to", "Shop", `value="continue"`)
	held := d.sessions(b)
	b.step("choose", "account", held[0].CustomerID.String()).arrives("/oauth2/resume?flow=" + flow)
	b.step("choose", "account", held[0].CustomerID.String()).arrives("/oauth2/resume?flow=" + flow) // the second press
	if got := d.outcome(b, flow); got.Session != held[0].ID {
		t.Errorf("the journey ended in %v", got)
	}
	b.get("/signin/"+flow).says(410, "You are signed in")
}

func TestConsent_AllowAndDeny_AreForTheApplicationToHear(t *testing.T) {
	t.Parallel()
	d := open(t)
	planner := d.App(false, func(n *app.New) { n.Name = "Garden Planner" })
	for action, outcome := range map[string]string{"allow": "", "deny": "access_denied"} {
		b := d.browser()
		b.get("/signin")
		flow := d.begin(b, planner, []string{"openid", "email"})
		b.get("/signin/"+flow).step("identify", "identifier", action+"@example.test")
		b.step("code", "code", rightCode).says(200, "Let Garden Planner use your account?", "shop.example", "See your email address", `value="allow"`, `value="deny"`)
		if csp := b.answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://shop.example;") {
			t.Errorf("the policy is %s", csp)
		}
		b.step("consent", "action", action).arrives("/oauth2/resume?flow=" + flow)
		if got := d.outcome(b, flow); string(got.Reason) != outcome || got.Session.IsZero() != (outcome != "") {
			t.Errorf("%s ended as %+v", action, got)
		}
	}
}

func TestConfirm_ProvesAfresh_AndSwapsTheToken(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.signIn("mia@example.test")
	d.Wait(time.Hour)
	old := b.session()
	flow := d.confirm(b)
	b.get("/signin/"+flow).says(200, "Confirm it is you", "Email me a code")
	b.step("identify", "identifier", "sam@example.test").says(200, "Confirm it is you")
	b.step("code", "action", "resend").says(200, `name="code"`)
	b.step("code", "code", rightCode).arrives("/account/security")
	held := d.sessions(b)
	if b.session() == old || len(held) != 1 {
		t.Fatalf("the token stayed, or %d sessions", len(held))
	}
	if held[0].AuthenticatedAt.Before(d.Clock.Now().Add(-time.Minute)) {
		t.Error("the session is not fresh")
	}
}

func TestSignOut_Here_EndsEverySessionOfTheAccountInThisBrowser_AndNoOther(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.signIn("sam@example.test")
	b.signIn("mia@example.test")
	b.signIn("mia@example.test")
	if held := d.sessions(b); len(held) != 3 || len(session.Distinct(held)) != 2 {
		t.Fatalf("%d sessions", len(held))
	}
	b.get("/signout").says(200, "Sign out?", "mia@example.test", "Sign out of all 2 accounts")
	b.post("/signout", "action", "continue").says(200, "You are signed out", "Other accounts")
	if held := d.sessions(b); len(held) != 1 {
		t.Fatalf("%d sessions are left", len(held))
	}
	b.post("/signout", "action", "continue").says(200, "You are signed out")
	if b.session() != "" {
		t.Error("a cookie is left")
	}
}

func TestForget_SignsOutAndTakesOffTheList(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "remember", "on")
	b.step("code", "code", rightCode).arrives("/account")
	c := d.sessions(b)[0].CustomerID
	b.post("/signout", "action", "continue")
	b.get("/signin").says(200, "Choose an account", "mia@example.test", "Signed out")
	if strings.Contains(b.cookies["__Host-known"], "mia") {
		t.Error("the cookie names somebody")
	}
	b.step("choose", "account", c.String()).says(200, "Enter the code we sent")
	b.step("code", "code", rightCode).arrives("/account")
	b.get("/signin").step("choose", "action", "forget", "account", c.String()).says(200, "Sign in or create an account")
	if b.session() != "" || b.cookies["__Host-known"] != "" {
		t.Error("something is left")
	}
	b.step("choose", "account", c.String()).says(200, "Sign in or create an account")
}

func TestH010_ReturnPathsOfOtherOriginsAreNotFollowed(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, to := range []string{"https://evil.test/", "//evil.test", `/\evil.test`, "javascript:alert(1)", "/signout", "evil"} {
		b := d.browser()
		b.send(http.MethodGet, "/signin?"+query("return", to), nil).step("identify", "identifier", customerOf(to))
		b.step("code", "code", rightCode).arrives("/account")
	}
}

func TestH127_TwoRecipientsInOneFormAreRefused(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "identifier", "eve@example.test").says(400)
	for _, two := range []string{"mia@example.test,eve@example.test", "mia@example.test;eve@example.test", "mia@example.test\neve@example.test"} {
		b.get("/signin").step("identify", "identifier", two).says(422, "Enter an email address in the correct format")
	}
	if d.jobs() != 0 {
		t.Errorf("%d messages", d.jobs())
	}
}

func TestLanguage_ChosenOnAJourney_WinsOverTheApplicationsWish(t *testing.T) {
	t.Parallel()
	d := open(t)
	shop := d.App(true)
	b := d.browser()
	b.get("/signin")
	flow := d.begin(b, shop, nil, "de")
	b.get("/signin/"+flow).says(200, `lang="de"`, "E-Mail-Adresse")
	b.get("/language?return=/signin/"+flow).says(200, `value="fr"`)
	b.post("/language", "locale", "fr", "return", "/signin/"+flow).says(200, `lang="fr"`, "Adresse e-mail")
	b.post("/language", "locale", "tlh", "return", "/signin/"+flow).says(400)
}

func TestPages_KeepTheRulesOfHeaders(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin").says(200)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "Content-Language": "en", "X-Content-Type-Options": "nosniff",
	} {
		if got := b.answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, path := range []string{"/help", "/licences", "/legal/terms", "/legal/privacy", "/language", "/signout"} {
		b.get(path).says(200)
	}
	b.get("/legal/else").says(404)
	b.get("/bootstrap?t=x").says(404)
	b.get("/undo?t=x").says(410, "This link no longer works")
	if b.get("/").answer.StatusCode != 200 {
		t.Error("the bare address does not lead to the door")
	}
}
