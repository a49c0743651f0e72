package portal

import (
	"cmp"
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
)

// sampleTitles tell the cards of one page apart, as a company's own words do.
var sampleTitles = map[string]string{
	"news": "News from the garden", "ending": "Offers by post", "fit": "Fitting suggestions", "account": "Your account",
	"withdrawn": "News from the garden", "expired": "Offers by post", "objected": "Fitting suggestions", "older": "Surveys",
	"never": "Events near you", "public": "Plant protection", "law": "Invoices", "life": "Recalls",
}

func sampleUse(s *ui.Sample, id string, basis consent.Basis, why string) use {
	p := consent.Purpose{ID: id, Version: 2, Basis: basis, Words: map[string]consent.Words{
		"en": {Title: cmp.Or(sampleTitles[id], id), Text: "We write to you about new plants once a month."},
	}}
	o := use{Purpose: p, Holds: why == consent.WhyGiven || why == consent.WhyBasis, Data: []string{"Email", "Garden"}}
	o.State.Why = why
	switch why {
	case consent.WhyBasis, consent.WhyNever:
		return o
	case consent.WhyOlder:
		o.State.Decision = consent.Given
	default:
		o.State.Decision = why
	}
	o.State.MadeAt = s.Now().AddDate(0, -2, 0)
	o.Recipients = []string{"Last Mile (DE)"}
	o.History = []consent.Entry{
		{ID: consent.ID{1}, Purpose: consent.ForPurpose, Item: id, Decision: o.State.Decision, Version: 2, Locale: "en", MadeAt: o.State.MadeAt},
		{ID: consent.ID{2}, Purpose: consent.ForPurpose, Item: id, Decision: consent.Objected, Version: 1, Surface: consent.SurfaceGPC, MadeAt: o.State.MadeAt.AddDate(0, -1, 0)},
	}
	return o
}

func consentSpecimens(s *ui.Sample) []ui.Specimen {
	mark := ui.Hidden{Name: "account", Value: "of-this-account"}
	ending := sampleUse(s, "ending", consent.ByConsent, consent.WhyGiven)
	ending.State.ExpiresAt, ending.Purpose.Expiry, ending.Purpose.Remind = s.Now().AddDate(0, 0, 7), 365*24*3600e9, 30*24*3600e9
	garden := connection{App: app.Application{ID: app.ID{2}, Name: "Garden diary"}, Scopes: []string{"openid", "email"}, Since: s.Now().AddDate(0, -1, 0)}
	typical := uses{mark: mark, connected: []connection{garden}, list: []use{
		sampleUse(s, "news", consent.ByConsent, consent.WhyGiven), ending,
		sampleUse(s, "fit", consent.ByLegitimateInterest, consent.WhyBasis), sampleUse(s, "account", consent.ByContract, consent.WhyBasis),
	}, scopes: map[app.ID][]consent.Entry{{2}: {{ID: consent.ID{3}, Purpose: consent.Scope, Item: "email", Decision: consent.Given, MadeAt: s.Now()}}}}
	states := uses{mark: mark, signal: true, undo: "withdrawn"}
	for _, why := range []string{consent.WhyWithdrawn, consent.WhyExpired, consent.WhyObjected, consent.WhyOlder, consent.WhyNever} {
		states.list = append(states.list, sampleUse(s, why, consent.ByConsent, why))
	}
	public := sampleUse(s, "public", consent.ByPublicTask, consent.WhyObjected)
	states.list = append(states.list, public, sampleUse(s, "law", consent.ByLegalObligation, consent.WhyBasis), sampleUse(s, "life", consent.ByVitalInterests, consent.WhyBasis))
	long := sampleUse(s, "long", consent.ByConsent, consent.WhyGiven)
	long.Purpose.Words = map[string]consent.Words{"en": {Title: strings.Repeat("A long title ", 7), Text: strings.Repeat("A long text about a use. ", 38)}}
	long.Recipients = []string{strings.Repeat("Company with a long name ", 3) + "(LI)", "Last Mile (DE)"}
	shell := func(who person) ui.Shell { return sampleShell(s, consentsPath, who) }
	return []ui.Specimen{
		{Name: "portal/consent", State: "typical", Page: newConsents(shell(mia), typical)},
		{Name: "portal/consent", State: "states", Page: newConsents(shell(mia), states)},
		{Name: "portal/consent", State: "long", Page: newConsents(shell(maxi), uses{mark: mark, list: []use{long}})},
		{Name: "portal/consent_text", State: "typical", Page: newConsentText(shell(mia), typical.list[0].History[0], typical.list[0].Purpose)},
		{Name: "portal/consent_text", State: "long", Page: newConsentText(shell(maxi), long.History[0], long.Purpose)},
	}
}
