package mail

import (
	"time"

	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Specimens are a letter of every template and channel with made-up values, for
// the gallery and for tests.
func Specimens(t *tenant.Tenant, locale string) []notify.Letter {
	var list []notify.Letter
	for _, name := range notify.Templates() {
		for _, channel := range []notify.Channel{notify.Email, notify.Text} {
			if (name == notify.Bootstrap || name == notify.CaseDue || name == notify.WebhookOff) && channel == notify.Text {
				continue // goes to staff, by mail alone
			}
			to := "mia@example.test"
			if channel == notify.Text {
				to = "+4915155512345"
			}
			l := notify.Letter{Tenant: t, Template: name, Channel: channel, Locale: locale, To: to, Values: sample(t)}
			if name == notify.CodeSecond {
				delete(l.Values, "link") // has none: the code belongs in the browser that waits for it
			}
			list = append(list, l)
		}
	}
	return list
}

func sample(t *tenant.Tenant) map[string]string {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Format(time.RFC3339)
	return map[string]string{
		"code": "482913", "minutes": "10", "hours": "72", "address": "m•••@example.test",
		"link": t.Origin + "/signin/link?t=specimen", "date": at, "time": at,
		"browser": "Firefox", "system": "Windows", "factor": "passkey", "after": "wait", "topic": "Garden letter",
		"kind": "rectification", "reference": "cas_06f0specimen", "outcome": "partly", "when": "soon",
		"application": "Garden shop", "client": "app_06f0specimen",
		"reason": "We corrected your name. The order of 3 March has to stay as it was invoiced.",
	}
}
