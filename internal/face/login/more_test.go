package login_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/face/login"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	uitest.Keys(t, login.Part(), os.DirFS("."))
}

// TestNames is the promise of checklist 6: password managers and people's own
// scripts know the forms by these names.
func TestNames(t *testing.T) {
	t.Parallel()
	got := uitest.Names(t, login.Part(), login.Specimens)
	for page, want := range map[string]string{
		"login/identify": "action identifier passkeys remember task topic work", "login/code": "action code passkeys",
		"login/password": "action passkeys password task topic username work", "login/second": "action code recovery_code trust way",
		"login/enrol": "action", "login/setup": "action code", "login/codes": "action", "login/offer": "action",
		"login/reset": "action new_password username", "login/terms": "action documents", "login/username": "action username",
		"login/bootstrapping": "action identifier new_password t",
	} {
		if names := strings.Join(got[page], " "); names != want {
			t.Errorf("%s has the fields %q, want %q", page, names, want)
		}
	}
}

func TestUsername_IsOfferedToNewcomers_AndCanBeSkippedOrUsed(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) { s.Identifiers.Username = true })
	mia := d.browser()
	mia.get("/signin").says(200, "Email address or username")
	mia.step("identify", "identifier", "mia@example.test")
	mia.step("code", "code", rightCode).says(200, "Choose a username")
	mia.step("username", "username", "!").says(422, "Use 3 to 30 letters")
	mia.step("username", "username", "mia.moss").arrives("/account")

	sam := d.browser()
	sam.get("/signin").step("identify", "identifier", "sam@example.test")
	sam.step("code", "code", rightCode).says(200, "Choose a username")
	sam.step("username", "username", "Mia.Moss").says(422, "That is already in use")
	sam.step("username", "action", "skip").arrives("/account")

	before := d.jobs()
	again := d.browser()
	again.get("/signin").step("identify", "identifier", "mia.moss").says(200, "If there is an account named")
	if d.jobs() != before+1 {
		t.Error("no code was sent to the account's address")
	}
	nobody := d.browser()
	nobody.get("/signin").step("identify", "identifier", "nobody.here").says(200, "If there is an account named")
	again.step("code", "code", rightCode).arrives("/account")
}

func TestProfile_AsksForRequiredFields_AllOrNone(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.Update(func(tx *db.Tx) error {
		return catalog.Put(tx, d.T(), []catalog.Field{{Name: "given_name", Required: true}, {Name: "birthdate", Required: true}})
	})
	if err := d.House.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test")
	b.step("code", "code", rightCode).says(200, "A few details", "First name", "Date of birth")
	b.step("profile", "given_name", "Mia", "birthdate", "").says(422, "Fill in this field", `value="Mia"`)
	b.step("profile", "given_name", "Mia", "birthdate", "1990-02-31").says(422, `name="birthdate"`)
	b.step("profile", "given_name", "Mia", "birthdate", "1990-02-28").arrives("/account")
}

func TestRefusals_AreToldOnlyToWhoProvedTheAddress(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) { s.Registration.BlockDomains = []string{"blocked.test"} })
	locked := d.mia("locked@example.test", "")
	d.Update(func(tx *db.Tx) error {
		return account.Acts{}.Lock(tx, d.T(), locked, account.Staff{Reason: "test"})
	})
	for address, told := range map[string]string{
		"locked@example.test": "This account is locked", "new@blocked.test": "This address cannot be used here",
	} {
		b := d.browser()
		b.get("/signin").step("identify", "identifier", address).says(200, "Enter the code we sent")
		b.step("code", "code", rightCode).says(200, told)
		if b.session() != "" {
			t.Errorf("%s is signed in", address)
		}
		b.step("refuse", "action", "another").says(200, "Sign in or create an account")
	}
}

func TestRegistrationClosed_IsToldAfterTheProof(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) { s.Registration.Closed = true })
	b := d.browser()
	b.get("/signin").says(200, "<h1>Sign in</h1>")
	b.step("identify", "identifier", "new@example.test").says(200, "Enter the code we sent")
	b.step("code", "code", rightCode).says(200, "There is no account with this address")
}

func TestClosingAccount_CanBeKept(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.mia("mia@example.test", "")
	d.Update(func(tx *db.Tx) error {
		_, err := account.Acts{}.Close(tx, d.T(), c)
		return err
	})
	b := d.browser()
	b.get("/signin").step("identify", "identifier", "mia@example.test")
	b.step("code", "code", rightCode).says(200, "Keep your account?", "<time")
	b.step("reopen", "action", "deny").says(200, "You stopped here")
	b.step("refuse", "action", "another").step("identify", "identifier", "mia@example.test")
	d.Wait(time.Minute)
	b.step("code", "code", rightCode).says(200, "Keep your account?")
	b.step("reopen", "action", "continue").arrives("/account")
}

func TestNewAddress_IsProvenOnTheSamePages(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.signIn("mia@example.test")
	mine := d.sessions(b)[0].Session
	var f signin.Flow
	d.Update(func(tx *db.Tx) (err error) {
		f, err = account.Acts{}.BeginAddress(tx, d.T(), mine, b.digest(), account.NewAddress{Kind: customer.Email, Value: "new@example.test"})
		return err
	})
	b.get("/signin/"+f.ID.String()).step("code", "action", "resend").says(200, "Confirm your new address", "new@example.test")
	b.step("identify", "identifier", "eve@example.test").says(200, "new@example.test")
	b.step("code", "code", rightCode).arrives("/account/addresses")
	d.View(func(tx *db.Tx) error {
		c, found, err := customer.ByIdentifier(tx, d.T(), customer.Email, "new@example.test")
		if !found || c.ID != mine.CustomerID {
			t.Error("the address is not the customer's")
		}
		return err
	})
}

func TestUndo_AsksFirst_ThenRestoresAndSignsEverybodyOut(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.signIn("mia@example.test")
	c := d.sessions(b)[0].CustomerID
	var token string
	d.Update(func(tx *db.Tx) (err error) {
		if token, err = customer.KeepUndo(tx, d.T(), c, customer.Digest(d.T(), customer.Email, "mia@example.test")); err != nil {
			return err
		}
		return customer.AddIdentifier(tx, d.T(), c, customer.NewIdentifier{Kind: customer.Email, Value: "eve@example.test", Verified: true})
	})
	for range 2 {
		b.get("/undo?t="+token).says(200, "Undo the change?", `value="continue"`)
	}
	if len(d.sessions(b)) != 1 {
		t.Fatal("a GET changed something")
	}
	b.post("/undo", "t", token, "action", "continue").says(200, "Your addresses are back", "/signin?recover=1")
	if len(d.sessions(b)) != 0 {
		t.Error("somebody is still signed in")
	}
	b.post("/undo", "t", token).says(410, "This link no longer works")
}

func TestH146_AnotherSitesFormIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.signIn("mia@example.test")
	b.foreign = "https://evil.test"
	b.post("/signout", "action", "continue").says(403)
	if len(d.sessions(b)) != 1 {
		t.Error("another site signed somebody out")
	}
}

func TestHint_FillsTheField_AndThirdPartiesSeeWhoAsks(t *testing.T) {
	t.Parallel()
	d := open(t)
	a := d.App(false, func(n *app.New) { n.Name = `<b>"Planner"</b>` })
	b := d.browser()
	b.get("/signin?login_hint=mia%40example.test").says(200, `value="mia@example.test"`)
	flow := d.begin(b, a, []string{"openid"})
	b.get("/signin/"+flow).says(200, "&lt;b&gt;")
	if strings.Contains(b.body, "<b>\"Planner") {
		t.Error("a name became markup")
	}
}
