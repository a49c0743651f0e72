package mail

import (
	"html"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func shop() *tenant.Tenant {
	return &tenant.Tenant{Name: "Fern & Field", Origin: "https://id.fern.test", Host: "id.fern.test"}
}

func values() map[string]string { return sample(shop()) }

func TestLocales(t *testing.T) {
	t.Parallel()
	words.Check(t, files, "mail")
}

func maker(t *testing.T) *Mail {
	t.Helper()
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every message has its words in every language and on every channel, none is
// missing and no value stands unfilled.
func TestEveryMessageHasItsWords(t *testing.T) {
	t.Parallel()
	m := maker(t)
	for _, locale := range words.Shipped() {
		for _, l := range Specimens(shop(), string(locale)) {
			r, err := m.Render(l)
			if err != nil {
				t.Errorf("%s %s %s: %v", l.Template, locale, l.Channel, err)
			}
			whole := r.Subject + r.Text + r.HTML
			if strings.ContainsAny(whole, "⟦⟧") || r.Text == "" || (l.Channel == notify.Email) != (r.Subject != "" && r.HTML != "") {
				t.Errorf("%s %s %s: %q", l.Template, locale, l.Channel, whole)
			}
			if n := len([]rune(r.Text)); l.Channel == notify.Text && n > 320 {
				t.Errorf("%s %s: %d characters", l.Template, locale, n)
			}
		}
	}
}

// In Arabic, what somebody wrote stands apart from the sentence round it; a text
// message, which is paid by the character, does without.
func TestArabicSentencesKeepForeignWordsApart(t *testing.T) {
	t.Parallel()
	m := maker(t)
	for _, c := range []struct {
		locale  string
		channel notify.Channel
		want    bool
	}{{"ar", notify.Email, true}, {"ar", notify.Text, false}, {"de", notify.Email, false}} {
		r, err := m.Render(notify.Letter{Tenant: shop(), Template: notify.CaseOpened, Channel: c.channel, Locale: c.locale, Values: values()})
		if err != nil || strings.Contains(r.Text, "\u2068cas_06f0specimen\u2069") != c.want {
			t.Errorf("%s by %s: %q, %v", c.locale, c.channel, r.Text, err)
		}
	}
}

func TestCodeStandsFirstInTheSubject(t *testing.T) {
	t.Parallel()
	m := maker(t)
	for locale, want := range map[string]string{
		"en":    "482 913 is your Fern & Field code",
		"de":    "482 913 ist Ihr Code für Fern & Field",
		"fr-CA": "482 913 est votre code Fern & Field",
		"xx":    "482 913 is your Fern & Field code",
	} {
		r, err := m.Render(notify.Letter{Tenant: shop(), Template: notify.CodeSignIn, Channel: notify.Email, Locale: locale, Values: values()})
		if err != nil || r.Subject != want {
			t.Errorf("%s: %q, %v", locale, r.Subject, err)
		}
		if !strings.Contains(r.Text, "482 913") || !strings.Contains(r.Text, values()["link"]) || !strings.Contains(r.HTML, "482 913") {
			t.Errorf("%s: the code or the link is missing", locale)
		}
	}
}

// Known and unknown addresses differ inside the message alone.
func TestSubjectDoesNotTellWhetherThereIsAnAccount(t *testing.T) {
	t.Parallel()
	m := maker(t)
	var subjects []string
	for _, name := range []notify.Template{notify.CodeSignIn, notify.CodeSignUp, notify.CodeRecover, notify.CodeRecoverUnknown} {
		r, err := m.Render(notify.Letter{Tenant: shop(), Template: name, Channel: notify.Email, Values: values()})
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, r.Subject)
	}
	for _, s := range subjects {
		if s != subjects[0] {
			t.Errorf("%q", subjects)
		}
	}
}

func TestTextMessageIsBoundToTheOrigin(t *testing.T) {
	t.Parallel()
	l := notify.Letter{Tenant: shop(), Template: notify.CodeSignIn, Channel: notify.Text, Values: values()}
	m := maker(t)
	r, err := m.Render(l)
	if err != nil || !strings.HasPrefix(r.Text, "482 913 ") || !strings.HasSuffix(r.Text, "\n\n@id.fern.test #482913") {
		t.Errorf("%q, %v", r.Text, err)
	}
	l.Tenant.Origin = "http://localhost:8080"
	if r, err = m.Render(l); err != nil || strings.Contains(r.Text, "@localhost") {
		t.Errorf("%q, %v", r.Text, err)
	}
}

func TestH136_NamesAreNeverMarkup(t *testing.T) {
	t.Parallel()
	l := notify.Letter{Tenant: shop(), Template: notify.AddressAdded, Channel: notify.Email, Values: values()}
	evil := `<a href="//evil.test">click</a>`
	l.Tenant.Name, l.Values["address"] = evil, evil
	r, err := maker(t).Render(l)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.HTML, evil) || strings.Contains(r.HTML, `href="//evil`) || !strings.Contains(html.UnescapeString(r.HTML), "evil.test") {
		t.Errorf("%s", r.HTML)
	}
}

func TestH142_LinksLeadToTheOwnOriginAlone(t *testing.T) {
	t.Parallel()
	m := maker(t)
	for _, link := range []string{"https://evil.test/x", "https://id.fern.test.evil.test/x", "https://id.fern.test@evil.test/", "http://id.fern.test/x", "javascript:alert(1)"} {
		l := notify.Letter{Tenant: shop(), Template: notify.CodeSignIn, Channel: notify.Email, Values: values()}
		l.Values["link"] = link
		if _, err := m.Render(l); err == nil {
			t.Errorf("%s went into a mail", link)
		}
	}
}

func TestTenantsWordsAndLanguages(t *testing.T) {
	t.Parallel()
	l := notify.Letter{Tenant: shop(), Template: notify.PasswordChanged, Channel: notify.Email, Locale: "fr", Values: values()}
	l.Tenant.Settings.Locale, l.Tenant.Settings.Locales = "de", []string{"en", "de"}
	l.Tenant.Brand.Words = map[string]map[string]string{"de": {"mail.password_changed.subject": "Neues Passwort bei {tenant}", "mail.password_changed.title": "{nonsense}"}}
	r, err := maker(t).Render(l)
	if err != nil || r.Subject != "Neues Passwort bei Fern & Field" || !strings.Contains(r.Text, "Ihr Passwort wurde geändert") {
		t.Errorf("%q %q, %v", r.Subject, r.Text, err)
	}
}
