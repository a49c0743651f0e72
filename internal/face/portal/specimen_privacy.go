package portal

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
)

func privacySpecimens(s *ui.Sample) []ui.Specimen {
	now := s.Now()
	shop := app.ID{1}
	names := witnesses{apps: map[app.ID]string{shop: "Fern & Field Shop"}}
	record := []release.Entry{
		{RecipientKind: release.Application, Recipient: shop, Purpose: "account", Names: "email given_name", Times: 12, LastAt: now},
		{RecipientKind: release.Operator, Purpose: "support", Names: "identifiers:masked", Reason: "Order 4711 did not arrive", Times: 1, LastAt: now.AddDate(0, 0, -3)},
		{RecipientKind: release.Export, Purpose: "privacy", Names: "email phone birthdate", Reason: "access request", Times: 1, LastAt: now.AddDate(0, -1, 0)},
	}
	long := []release.Entry{
		{RecipientKind: release.Application, Recipient: app.ID{2}, Purpose: strings.Repeat("purpose-", 12), Names: strings.Repeat("a_field_with_a_long_name ", 9), Times: 4000, LastAt: now},
		{RecipientKind: release.Staff, Purpose: "support", Names: "birthdate", Reason: strings.Repeat("A reason of many words. ", 20), Times: 1, LastAt: now},
	}
	archive := func(state privacy.ArchiveState) privacy.Archive {
		return privacy.Archive{State: state, ReadyAt: now, ExpiresAt: now.AddDate(0, 0, 7)}
	}
	page := func(a privacy.Archive, r []release.Entry) Privacy {
		return newPrivacy(sampleShell(s, privacyPath, mia), a, r, names)
	}
	held := page(archive(privacy.Ready), record)
	held.hold(true)
	return []ui.Specimen{
		{Name: "portal/privacy", State: "held", Page: held},
		{Name: "portal/privacy", State: "empty", Page: page(privacy.Archive{}, nil)},
		{Name: "portal/privacy", State: "typical", Page: page(archive(privacy.Ready), record)},
		{Name: "portal/privacy", State: "making", Page: page(archive(privacy.Making), record)},
		{Name: "portal/privacy", State: "failed", Page: page(archive(privacy.Failed), long)},
	}
}
