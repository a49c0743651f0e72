package portal

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
)

func dataSpecimens(s *ui.Sample) []ui.Specimen {
	shop := app.ID{1}
	k := knowledge{
		words:    lexicon{fields: catalog.Of(nil), apps: []app.Application{{ID: shop, Name: "Fern & Field Shop"}}},
		purposes: consent.Standard(),
		record:   []release.Entry{{RecipientKind: release.Application, Recipient: shop, Names: "email given_name", LastAt: s.Now()}},
		stored: map[string]customer.FieldValue{
			"given_name": {Source: catalog.Customer, SetAt: s.Now().AddDate(0, -3, 0)},
			"birthdate":  {Source: "staff:support", SetAt: s.Now().AddDate(0, -1, 0)},
			"address":    {Source: customer.SourceImport, SetAt: s.Now().AddDate(-1, 0, 0)},
		},
		values: map[string]release.Value{
			"email": {Text: "mia.okafor@example.test"}, "given_name": {Text: "Mia"}, "birthdate": {Text: "1990-04-27"},
			"address": {Text: `{"street_address":"Lindenallee 4","postal_code":"10115","locality":"Berlin"}`},
		},
	}
	long := k
	long.values = map[string]release.Value{"name": {Text: maxi.Name}, "website": {Text: "https://" + strings.Repeat("a-long-name.", 12) + "example"}}
	empty := k
	empty.values = nil
	return []ui.Specimen{
		{Name: "portal/data", State: "typical", Page: newKnown(sampleShell(s, privacyPath, mia), k)},
		{Name: "portal/data", State: "long", Page: newKnown(sampleShell(s, privacyPath, maxi), long)},
		{Name: "portal/data", State: "empty", Page: newKnown(sampleShell(s, privacyPath, mia), empty)},
	}
}
