package portal

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
)

func sampleTopics() []consent.Topic {
	words := func(title, text string) map[string]consent.TopicWords {
		return map[string]consent.TopicWords{"en": {Title: title, Text: text}}
	}
	return []consent.Topic{
		{ID: "letter", Words: words("Garden letter", "What grows this month"), Channels: []consent.Channel{consent.ByEmail, consent.BySMS}, Frequencies: []string{"weekly", "monthly"}, DoubleOptIn: true},
		{ID: "care", Words: words("Care tips", ""), Channels: []consent.Channel{consent.ByEmail, consent.ByPost}, Basis: consent.Interest},
		{ID: "offers", Words: words(strings.Repeat("Offers and invitations ", 3), strings.Repeat("A long text about them. ", 8)), Channels: consent.Channels()},
	}
}

func preferenceSpecimens(s *ui.Sample) []ui.Specimen {
	full := chosen{Topics: sampleTopics(), Hidden: []ui.Component{ui.Hidden{Name: "account", Value: "of-this-account"}}, List: []consent.Preference{
		{Topic: "letter", Channel: consent.ByEmail, State: consent.Pending}, {Topic: "offers", Channel: consent.ByPost, State: consent.On},
	}, Rule: consent.Rule{PausedUntil: s.Now().AddDate(0, 2, 0), QuietFrom: 22 * 60, QuietUntil: 7 * 60, Zone: "Europe/Berlin"}}
	byLink := full
	byLink.Only, byLink.Hidden = customer.Email, []ui.Component{ui.Hidden{Name: "t", Value: "specimen"}}
	outer := s.Shell().Inside("portal")
	outer.Layout, outer.Wide = ui.Hosted, true
	told := s.Shell().Inside("portal")
	return []ui.Specimen{
		{Name: "portal/preferences", State: "typical", Page: newPreferences(sampleShell(s, preferencesPath, mia), preferencesPath, full)},
		{Name: "portal/preferences", State: "empty", Page: newPreferences(sampleShell(s, preferencesPath, mia), preferencesPath, chosen{})},
		{Name: "portal/preferences", State: "link", Page: newPreferences(outer, consent.ManagePath, byLink).forgettable("specimen")},
		{Name: "portal/told", State: "typical", Page: newTold(told, "unsubscribe", "Garden letter").asking("unsubscribe", consent.UnsubscribePath, "specimen")},
		{Name: "portal/told", State: "confirm", Page: newTold(told, "confirm", "Garden letter").asking("confirm", consent.ConfirmPath, "specimen")},
		{Name: "portal/told", State: "done", Page: newTold(told, "done_confirm", "Garden letter")},
		{Name: "portal/told", State: "unsubscribed", Page: newTold(told, "done_unsubscribe", "Garden letter")},
		{Name: "portal/told", State: "forget", Page: newForgetAddress(told, "specimen")},
		{Name: "portal/told", State: "forgotten", Page: newTold(told, "done_forget", "")},
		{Name: "portal/told", State: "never", Page: newTold(told, "done_never", "")},
		{Name: "portal/told", State: "of_account", Page: newOfAccount(told)},
		{Name: "portal/told", State: "over", Page: newTold(told, "over", "")},
	}
}
