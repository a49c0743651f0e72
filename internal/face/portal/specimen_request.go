package portal

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func requestSpecimens(s *ui.Sample) []ui.Specimen {
	words, who := sampleRequestWords(), sampleOfficer()
	list, empty := sampleShell(s, privacyPath, mia), sampleShell(s, privacyPath, mia)
	made := sampleShell(s, privacyPath, mia)
	made.Flash = made.T(done["request_made"])
	wrong := sampleShell(s, privacyPath, mia)
	wrong.Fault(privacy.ErrCaseWords)
	page := func(n int, typed string) Request {
		return newRequest(sampleShell(s, privacyPath, mia), sampleStories(s)[n], words, who.Authority, typed)
	}
	c := chances{words: words, purposes: words.purposes, who: who}
	restricted := c
	restricted.restricted = true
	all := []ui.Specimen{
		{Name: "portal/requests", State: "empty", Page: newRequests(empty, nil, words, tenant.Privacy{})},
		{Name: "portal/requests", State: "typical", Page: newRequests(list, sampleCases(s), words, who)},
		{Name: "portal/request", State: "typical", Page: page(0, "")},
		{Name: "portal/request", State: "waiting", Page: page(1, "")},
		{Name: "portal/request", State: "refused", Page: page(2, "")},
		{Name: "portal/request", State: "long", Page: page(3, "")},
		{Name: "portal/request", State: "made", Page: newRequest(made, sampleStories(s)[0], words, who.Authority, "")},
		{Name: "portal/request", State: "error", Page: newRequest(wrong, sampleStories(s)[1], words, who.Authority, " ")},
		{Name: "portal/ask", State: "request_error", Page: newWish(wrong, wishFor(privacy.Complaint), c)},
		{Name: "portal/ask", State: "request_restricted", Page: newWish(sampleShell(s, privacyPath, mia), wishFor(privacy.Restriction), restricted)},
		{Name: "portal/ask", State: "request_no_purpose", Page: newWish(sampleShell(s, privacyPath, mia), wishFor(privacy.Objection), chances{words: words})},
		{Name: "portal/ask", State: "request_withdraw", Page: newWithdrawRequest(sampleShell(s, privacyPath, mia), sampleCases(s)[0], words)},
	}
	for _, k := range privacy.CaseKinds() {
		all = append(all, ui.Specimen{Name: "portal/ask", State: "request_" + string(k), Page: newWish(sampleShell(s, privacyPath, mia), wishFor(k), c)})
	}
	return all
}

func wishFor(k privacy.CaseKind) wish { return wish{kind: k} }

func sampleRequestWords() requestWords {
	offers := consent.Purpose{ID: "offers"}
	offers.Words = map[string]consent.Words{"en": {Title: "Offers that fit what you bought"}}
	return requestWords{own: "en", purposes: []consent.Purpose{offers}, fields: []catalog.Field{
		{Name: "family_name"}, {Name: "birthdate"}, {Name: "address"},
	}}
}

func sampleOfficer() tenant.Privacy {
	return tenant.Privacy{
		Officer:   tenant.Officer{Name: "Dr. Ada Lind", Mail: "privacy@fern.example.test", URL: "https://fern.example.test/privacy"},
		Authority: tenant.Authority{Name: "Authority for Data Protection of the Land", URL: "https://authority.example.test"},
	}
}

func sampleCases(s *ui.Sample) []privacy.Case {
	now := s.Now()
	return []privacy.Case{
		{ID: privacy.CaseID{1}, Kind: privacy.Rectification, Item: "birthdate", Channel: privacy.ByPortal, State: privacy.CaseOpen, OpenedAt: now.AddDate(0, 0, -2), DueAt: now.AddDate(0, 0, 28)},
		{ID: privacy.CaseID{2}, Kind: privacy.Objection, Item: "offers", Channel: privacy.ByMail, State: privacy.CaseWaiting, OpenedAt: now.AddDate(0, 0, -9), DueAt: now.AddDate(0, 0, 21), PausedAt: now.AddDate(0, 0, -4)},
		{ID: privacy.CaseID{3}, Kind: privacy.Restriction, Channel: privacy.ByStaff, State: privacy.CaseClosed, Outcome: privacy.Refused, OpenedAt: now.AddDate(0, -2, 0), DueAt: now.AddDate(0, -1, 0), ClosedAt: now.AddDate(0, -1, -3)},
		{ID: privacy.CaseID{4}, Kind: privacy.Access, Channel: privacy.ByPortal, ByItself: true, State: privacy.CaseClosed, Outcome: privacy.Done, OpenedAt: now.AddDate(0, -3, 0), DueAt: now.AddDate(0, -2, 0), ClosedAt: now.AddDate(0, -3, 0)},
	}
}

func sampleStories(s *ui.Sample) []story {
	cases, now := sampleCases(s), s.Now()
	line := func(act, by string, days int) privacy.CaseEntry {
		return privacy.CaseEntry{Act: act, ActorKind: by, Told: true, MadeAt: now.AddDate(0, 0, days)}
	}
	mine := "My date of birth is 27 April 1990, not 1909.\nI can show you my passport."
	long := story{Case: cases[0]}
	for i := range 6 {
		long.lines = append(long.lines, line(privacy.ActWords, "customer", i-9))
		long.words = append(long.words, strings.Repeat("Words without an end. ", 30)+strings.Repeat("unbroken", 20))
	}
	return []story{
		{cases[0], []privacy.CaseEntry{line(privacy.ActOpened, "customer", -2), line(privacy.ActAnswer, "operator", -1)}, []string{mine, "Thank you. We look at it this week."}},
		{cases[1], []privacy.CaseEntry{line(privacy.ActOpened, "operator", -9), line(privacy.ActPaused, "operator", -4)}, []string{"", "Which of your two accounts is it about?"}},
		{cases[2], []privacy.CaseEntry{line(privacy.ActOpened, "operator", -60), line(privacy.ActExtended, "operator", -40), line(privacy.ActDecided, "operator", -33)},
			[]string{"By telephone.", "The records lie in an archive.", "Your data is right: it is what stands on your invoice."}},
		long,
	}
}
