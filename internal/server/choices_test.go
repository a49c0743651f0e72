package server_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

func askedAt(when ...string) func(*consent.Purpose) {
	return func(p *consent.Purpose) { p.Ask = when }
}

// another publishes a second purpose by consent.
func another(h *servertest.House, change ...func(*consent.Purpose)) consent.Purpose {
	p := consent.Purpose{
		ID: "partners", Version: 1, Basis: consent.ByConsent, SaleOrShare: true,
		Words: map[string]consent.Words{"en": {Title: "Offers of partners", Text: "Partners get your postcode."}},
	}
	for _, c := range change {
		c(&p)
	}
	h.Update(func(tx *db.Tx) error {
		_, err := consent.PutPurpose(tx, h.Tenant(), p)
		return err
	})
	return p
}

func letter(h *servertest.House) {
	h.Update(func(tx *db.Tx) error {
		return consent.PutTopic(tx, h.Tenant(), consent.Topic{
			ID: "letter", Words: map[string]consent.TopicWords{"en": {Title: "Garden letter"}}, Channels: []consent.Channel{consent.ByEmail, consent.BySMS},
			DoubleOptIn: true, Ask: []string{consent.AtSignUp},
		}, 0)
	})
}

// What is offered at sign-up is ticked by nobody beforehand, each thing is a
// choice of its own, and what was chosen stands in the ledger with the account:
// version, language, digest of the very words, where and how, and evidence.
func TestSignUpOffersSeparateChoices(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		tips := garden(h, askedAt("signup"))
		another(h, askedAt("signup"))
		letter(h)
		const mia = "mia@example.test"
		b, p := arrive(t, h, h.Apps["web"], mia)
		for _, box := range []string{"give-purpose-tips", "give-purpose-partners", "give-topic-letter-email"} {
			if !p.Has(box) {
				t.Fatalf("no %s:\n%s", box, p.Text())
			}
		}
		if strings.Contains(string(p.Body), " checked") || p.Has("give-topic-letter-sms") {
			t.Fatal("a box is ticked beforehand, or of a channel without an address")
		}
		flow := p.URL.String()
		for _, shown := range []string{"", "purpose-tips:2 purpose-partners:1 topic-letter-email:0", "purpose-tips:1"} {
			if got := b.Post(flow+"/choices", url.Values{"shown": {shown}, "give-purpose-tips": {"on"}}); lands(got) || exists(h, mia) {
				t.Fatalf("what was not shown is taken: %q", shown)
			}
		}
		if p = p.Submit("give-purpose-tips", "on", "give-topic-letter-email", "on", "give-purpose-evil", "on", "action", "continue"); !lands(p) {
			t.Fatalf("leads to\n%s", p.Text())
		}
		id := idOf(t, h, mia)
		list := ledger(h, id, consent.ForPurpose, "tips")
		if len(list) != 1 || list[0].Decision != consent.Given || list[0].Surface != "signup" || list[0].Method != "checkbox" || list[0].Version != 1 ||
			list[0].Locale != "en" || list[0].TextDigest != tips.Words["en"].Digest() || len(list[0].Evidence) == 0 {
			t.Errorf("the ledger says %+v", list)
		}
		if list := ledger(h, id, consent.ForPurpose, "partners"); len(list) > 0 {
			t.Errorf("what was left alone is decided: %+v", list)
		}
		h.View(func(tx *db.Tx) error {
			list, err := consent.Preferences(tx, h.Tenant(), id)
			if len(list) != 1 || list[0].State != consent.Pending || list[0].Surface != "signup" {
				t.Errorf("preferences: %+v", list)
			}
			return err
		})
		if !strings.Contains(h.Inbox(mia)[0].Text+h.Inbox(mia)[1].Text, "/preferences/confirm?t=") {
			t.Error("no message asks to confirm")
		}
	})
}

// One thing is a question with two answers of the same weight. No in so many
// words stands in the ledger, and is not asked again.
func TestOneChoiceIsAQuestion(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h, askedAt("signup", "signin"))
		const mia = "mia@example.test"
		b, p := arrive(t, h, h.Apps["web"], mia)
		body := string(p.Body)
		if !p.Has("allow") || !p.Has("deny") || p.Has("skip") || strings.Contains(body, `class="btn primary`) {
			t.Fatalf("asked wrongly:\n%s", p.Text())
		}
		if got := b.Post(p.URL.String()+"/choices", url.Values{"shown": {"purpose-tips:1"}}); lands(got) {
			t.Fatal("no answer is taken for one")
		}
		if p = p.Submit("action", "deny"); !lands(p) {
			t.Fatalf("no leads to\n%s", p.Text())
		}
		list := ledger(h, idOf(t, h, mia), consent.ForPurpose, "tips")
		if len(list) != 1 || list[0].Decision != consent.Withdrawn || list[0].Method != "button" || list[0].Surface != "signup" {
			t.Errorf("the ledger says %+v", list)
		}
		if _, p = arrive(t, h, h.Apps["web"], mia); !lands(p) {
			t.Errorf("asked again:\n%s", p.Text())
		}
	})
}

// CO-16: a consent that ends soon, has expired, or was ended by a later version
// is asked for again at a sign-in; what is put off rests; a journey that the
// silence of prompt=none or a session answers is not held up.
func TestConsentIsRenewedAtSignIn(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		expiring := func(p *consent.Purpose) { p.Expiry, p.Remind = tenant.Duration(300*aDay), tenant.Duration(60*aDay) }
		p1 := garden(h, askedAt("signin"), expiring)
		const mia = "mia@example.test"
		if _, p := arrive(t, h, h.Apps["web"], mia); !lands(p) {
			t.Fatal("the sign-up asks")
		}
		id := idOf(t, h, mia)
		b, p := arrive(t, h, h.Apps["web"], mia)
		if !p.Has("allow") || !p.Has("skip") {
			t.Fatalf("no answer yet, and not asked:\n%s", p.Text())
		}
		if p = p.Submit("action", "allow"); !lands(p) {
			t.Fatalf("yes leads to\n%s", p.Text())
		}
		if got := b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none")); !lands(got) {
			t.Errorf("prompt=none gives %q", got.Header.Get("Location"))
		}
		ask := func(want bool, why string) (p *servertest.Page) {
			t.Helper()
			if _, p = arrive(t, h, h.Apps["web"], mia); p.Has("allow") != want {
				t.Fatalf("%s: asked %v\n%s", why, !want, p.Text())
			}
			return p
		}
		ask(false, "answered")
		h.Advance(241 * aDay)
		ask(true, "it ends soon").Submit("action", "skip")
		ask(false, "put off")
		h.Advance(31 * aDay)
		if got := ask(true, "put off a month ago").Submit("action", "allow"); !lands(got) {
			t.Fatal("renewing does not lead on")
		}
		ask(false, "renewed")
		p1.Version, p1.AskAgain = 2, true
		h.Update(func(tx *db.Tx) error { _, err := consent.PutPurpose(tx, h.Tenant(), p1); return err })
		old := ask(true, "a later version")
		p1.Version = 3
		h.Update(func(tx *db.Tx) error { _, err := consent.PutPurpose(tx, h.Tenant(), p1); return err })
		if got := old.Submit("action", "allow"); lands(got) || !got.Has("allow") {
			t.Fatal("a version is taken that was not read")
		} else if got = got.Submit("action", "allow"); !lands(got) {
			t.Fatal("the newest version does not lead on")
		}
		if list := ledger(h, id, consent.ForPurpose, "tips"); len(list) != 3 || list[0].Version != 3 || list[0].Surface != "signin" {
			t.Errorf("the ledger says %+v", list)
		}
	})
}

// Scopes of an application are never mixed with what the tenant asks.
func TestTheConsentScreenAsksForNothingElse(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h, askedAt("signup", "signin"))
		another(h, askedAt("signup", "signin"))
		_, p := arrive(t, h, h.Apps["partner"], "mia@example.test")
		if !p.Has("give-purpose-tips") || strings.Contains(p.Text(), "Fern partner wants") {
			t.Fatalf("the sign-up shows\n%s", p.Text())
		}
		p = p.Submit("action", "continue", "give-purpose-tips", "on")
		if !p.Has("allow") || p.Has("shown") || strings.Contains(string(p.Body), "give-purpose") || strings.Contains(string(p.Body), `type="checkbox"`) {
			t.Errorf("the consent screen shows\n%s", p.Text())
		}
	})
}

// REG-05: what an address decided before it had an account is its account's,
// with its history, whatever is chosen at the sign-up beside it; a confirmation
// that waits can still be given, and who unsubscribed stays so.
func TestWhatAnAddressDecidedBeforeIsTheAccounts(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		letter(h)
		const mia = "mia@example.test"
		captured := captureLetter(t, h, mia)
		_, p := arrive(t, h, h.Apps["web"], mia)
		if p = p.Submit("action", "deny"); !lands(p) {
			t.Fatalf("leads to\n%s", p.Text())
		}
		id := idOf(t, h, mia)
		if got := preference(h, id); got != consent.Off {
			t.Errorf("no, in so many words, after a wish that waited: %q", got)
		}
		const sam = "sam@example.test"
		link := captureLetter(t, h, sam)
		h.Update(func(tx *db.Tx) error { // somebody else's sign-up asks for nothing: the topic is not offered any more
			return consent.PutTopic(tx, h.Tenant(), consent.Topic{
				ID: "letter", Words: map[string]consent.TopicWords{"en": {Title: "Garden letter"}}, Channels: []consent.Channel{consent.ByEmail}, DoubleOptIn: true,
			}, 0)
		})
		if _, p = arrive(t, h, h.Apps["web"], sam); !lands(p) {
			t.Fatalf("leads to\n%s", p.Text())
		}
		if got := preference(h, idOf(t, h, sam)); got != consent.Pending {
			t.Fatalf("what waited is %q after the sign-up", got)
		}
		if got := servertest.NewBrowser(t).Get(link).Submit(); got.Status != 200 || preference(h, idOf(t, h, sam)) != consent.On {
			t.Errorf("the link of before is lost: %d\n%s", got.Status, got.Text())
		}
		h.View(func(tx *db.Tx) error {
			trail, err := consent.Trail(tx, h.Tenant(), idOf(t, h, sam))
			if len(trail) == 0 {
				t.Error("no history")
			}
			return err
		})
		if got := servertest.NewBrowser(t).Get(captured); got.Has("confirm") && preference(h, id) != consent.Off {
			t.Error("a link of before a no turns it on")
		}
	})
}

func preference(h *servertest.House, c customer.ID) (state string) {
	h.View(func(tx *db.Tx) error {
		list, err := consent.Preferences(tx, h.Tenant(), c)
		for _, p := range list {
			if p.Channel == consent.ByEmail {
				state = p.State
			}
		}
		return err
	})
	return state
}

// captureLetter is what a form of the company's site tells, and the link that
// its message brings.
func captureLetter(t *testing.T, h *servertest.House, address string) string {
	t.Helper()
	h.Update(func(tx *db.Tx) error {
		return account.CapturePreferences(tx, h.Tenant(), customer.Email, address,
			[]consent.Wish{{Topic: "letter", Channel: consent.ByEmail, On: true}}, consent.Where{Locale: "en", Surface: "api", Method: "form"})
	})
	h.Advance(time.Second)
	for _, m := range h.Inbox(address) {
		if i := strings.Index(m.Text, h.URL+"/preferences/confirm?t="); i >= 0 {
			return strings.Fields(m.Text[i:])[0]
		}
	}
	t.Fatal("no message to confirm")
	return ""
}
