package portal

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
)

// people of the specimens: somebody usual, and somebody with everything long.
var (
	mia  = person{Name: "Mia Okafor", Given: "Mia", Address: "mia.okafor@example.test"}
	maxi = person{
		Name: "Maximiliane Theodora von und zu Hohenstein-Wartenberg", Given: "Maximiliane Theodora",
		Address: strings.Repeat("very.long.", 6) + "address@mail.subdomain.example.test",
	}
)

// Specimens are this face's pages in their states.
func Specimens(s *ui.Sample) []ui.Specimen {
	var all []ui.Specimen
	for _, list := range [][]ui.Specimen{
		homeSpecimens(s), profileSpecimens(s), addressSpecimens(s), securitySpecimens(s), appSpecimens(s), askSpecimens(s),
		passkeySpecimens(s), twoStepSpecimens(s), codeSpecimens(s), deviceSpecimens(s), factorAskSpecimens(s), preferenceSpecimens(s), consentSpecimens(s), privacySpecimens(s), erasureSpecimens(s), dataSpecimens(s), requestSpecimens(s),
	} {
		all = append(all, list...)
	}
	for i := range all {
		all[i].Page = marked(all[i].Page)
	}
	return all
}

// marked gives a page the hidden field that real ones have.
func marked(p ui.Page) ui.Page {
	mark := ui.Hidden{Name: "account", Value: "of-this-account"}
	switch p := p.(type) {
	case Profile:
		p.Mark = mark
		return p
	case Addresses:
		p.Mark = mark
		return p
	case Privacy:
		p.Mark = mark
		return p
	case Request:
		p.Mark = mark
		return p
	case Security:
		p.Mark = mark
		return p
	case Password:
		p.Mark = mark
		return p
	case NewPasskey:
		p.Mark = mark
		return p
	case Devices:
		p.Mark = mark
		return p
	case Ask:
		p.Fields = append(p.Fields, mark)
		return p
	}
	return p
}

func sampleShell(s *ui.Sample, current string, who person) ui.Shell {
	shell := outside(s.Shell().Inside("portal"), current, who)
	shell.Path = current
	return shell
}

func homeSpecimens(s *ui.Sample) []ui.Specimen {
	good := checkup{Primary: "m•••@example.test", Verified: 2, PasswordOn: true, Devices: 3, PasskeysOn: true, AppsOn: true, Passkeys: 1}
	bad := checkup{Primary: "m•••@example.test", Unproven: true, Verified: 1, PasswordOn: true, Devices: 1, PasskeysOn: true, AppsOn: true, Known: 1}
	saved := sampleShell(s, homePath, mia)
	return []ui.Specimen{
		{Name: "portal/home", State: "typical", Page: newHome(saved, mia, standing{checkup: good, Filled: 5, Fields: 13, Apps: []string{"Fern & Field Shop", "Garden diary"}})},
		{Name: "portal/home", State: "empty", Page: newHome(sampleShell(s, homePath, person{Address: mia.Address}), person{Address: mia.Address}, standing{checkup: bad, Fields: 13})},
		{Name: "portal/home", State: "long", Page: newHome(sampleShell(s, homePath, maxi), maxi, standing{checkup: bad, Filled: 1, Fields: 13, Missing: true, Apps: []string{strings.Repeat("Application with a name ", 4)}})},
		{Name: "portal/language", State: "typical", Page: newLanguage(sampleShell(s, languagePath, mia))},
		{Name: "portal/closed", State: "typical", Page: newClosed(s.Shell(), s.Now().AddDate(0, 0, days))},
		{Name: "portal/closed", State: "empty", Page: newClosed(s.Shell(), time.Time{})},
	}
}

func profileSpecimens(s *ui.Sample) []ui.Specimen {
	fields := arranged(sampleFields())
	empty := sheet{fields: fields, inputs: map[string]string{}}
	full := sheet{fields: fields, inputs: map[string]string{
		"name": "Mia Okafor", "given_name": "Mia", "family_name": "Okafor", "birthdate": "1990-04-27", "website": "https://mia.example",
		"locale": string(s.Locale()), "zoneinfo": "Europe/Berlin", "garden": "balcony", "newsletter": "true", "pots": "12",
		"address-street_address": "Lindenallee 4", "address-postal_code": "10115", "address-locality": "Berlin", "address-country": "Deutschland",
	}}
	long := sheet{fields: fields, inputs: map[string]string{
		"name": maxi.Name, "given_name": maxi.Given, "family_name": strings.Repeat("Hohenstein-", 12), "birthdate": "0000-02-29",
		"website": "https://" + strings.Repeat("a-long-name.", 8) + "example", "zoneinfo": "Mars/Olympus", "garden": "roof",
		"address-street_address": strings.Repeat("Long line of a street\n", 3), "about": strings.Repeat("Ferns. ", 60),
	}}
	wrong := sheet{fields: fields, inputs: map[string]string{"name": "", "birthdate": "27.4.1990", "website": "mia dot example", "pots": "many"}}
	failed := sampleShell(s, profilePath, mia)
	for _, f := range fields {
		if value := wrong.inputs[f.Name]; value != "" || f.Required {
			failed.FailText(inputNames(f)[0], complaint(failed, f, value))
		}
	}
	saved := sampleShell(s, profilePath, mia)
	saved.Flash = saved.T(done["saved"])
	return []ui.Specimen{
		{Name: "portal/profile", State: "empty", Page: newProfile(sampleShell(s, profilePath, mia), empty)},
		{Name: "portal/profile", State: "typical", Page: newProfile(saved, full)},
		{Name: "portal/profile", State: "long", Page: newProfile(sampleShell(s, profilePath, maxi), long)},
		{Name: "portal/profile", State: "error", Page: newProfile(failed, wrong)},
	}
}

// sampleFields are the standard fields and some of a tenant's own.
func sampleFields() []catalog.Field {
	var out []catalog.Field
	for _, f := range catalog.Standard() {
		if f.Stored() {
			f.Required = f.Name == "name"
			out = append(out, f)
		}
	}
	words := func(label, hint string) map[string]catalog.Words {
		return map[string]catalog.Words{"en": {Label: label, Hint: hint}}
	}
	return append(out,
		catalog.Field{Name: "garden", Type: catalog.Choice, Choices: []string{"balcony", "garden", "roof"}, Words: words("Where do you grow?", "We suggest what fits")},
		catalog.Field{Name: "newsletter", Type: catalog.Bool, Words: words("Paper catalogue", "")},
		catalog.Field{Name: "pots", Type: catalog.Number, Words: words("Number of pots", "")},
		catalog.Field{Name: "about", Type: catalog.Text, Max: 2000, Words: words("About your garden", "")},
	)
}

func sampleIdentifier(s *ui.Sample, kind, value string, primary, verified bool) release.OpenIdentifier {
	i := release.OpenIdentifier{Kind: kind, Value: value, Masked: release.Mask(kind, value), Digest: sha256.Sum256([]byte(value)), Primary: primary}
	if verified {
		i.VerifiedAt = s.Now().AddDate(0, -3, 0)
	}
	return i
}

func addressSpecimens(s *ui.Sample) []ui.Specimen {
	handle := func(i release.OpenIdentifier) string { return "handle-of-" + i.Kind }
	one := addressFacts{Handle: handle, List: []release.OpenIdentifier{sampleIdentifier(s, customer.Email, mia.Address, true, true)}}
	several := addressFacts{Handle: handle, Phones: true, Username: true, List: []release.OpenIdentifier{
		sampleIdentifier(s, customer.Email, mia.Address, true, true), sampleIdentifier(s, customer.Email, "mia@work.example.test", false, true),
		sampleIdentifier(s, customer.Phone, "+4930123456", true, true), sampleIdentifier(s, customer.Username, "mia.okafor", true, true),
	}}
	many := addressFacts{Handle: handle, Phones: true, Username: true, List: []release.OpenIdentifier{
		sampleIdentifier(s, customer.Email, maxi.Address, true, true), sampleIdentifier(s, customer.Email, mia.Address, false, false),
		sampleIdentifier(s, customer.Email, "mia@work.example.test", false, true),
	}}
	saved := sampleShell(s, addressesPath, mia)
	saved.Flash = saved.T(done["address"])
	return []ui.Specimen{
		{Name: "portal/addresses", State: "typical", Page: newAddresses(saved, several)},
		{Name: "portal/addresses", State: "empty", Page: newAddresses(sampleShell(s, addressesPath, mia), one)},
		{Name: "portal/addresses", State: "long", Page: newAddresses(sampleShell(s, addressesPath, maxi), many)},
	}
}

func securitySpecimens(s *ui.Sample) []ui.Specimen {
	at := s.Now()
	good := checkup{Primary: "m•••@example.test", Verified: 2, PasswordOn: true, PasswordSet: at.AddDate(0, -5, 0), Devices: 3,
		PasskeysOn: true, AppsOn: true, Passkeys: 2, Apps: 1, CodesLeft: 8, Known: 4, Skipping: 1}
	bad := checkup{Primary: "m•••@example.test", Unproven: true, Verified: 1, PasswordOn: true, Devices: 1, PasskeysOn: true, AppsOn: true, Known: 1}
	few := good
	few.Passkeys, few.CodesLeft = 0, 2
	list := []signedIn{
		{Place: session.Place{Network: "203.0.113.0/24", Browser: "Firefox", System: "Windows", Kind: "desktop"}, Since: at.Add(-2 * time.Hour), Seen: at.Add(-time.Minute), This: true},
		{ID: session.ID{1}, Place: session.Place{Network: "2001:db8:17::/48", Browser: "Safari", System: "iOS", Kind: "phone"}, Since: at.AddDate(0, 0, -9), Seen: at.Add(-26 * time.Hour)},
		{ID: session.ID{2}, Place: session.Place{Network: "192.168.1.0/24", Browser: "Chrome", System: "Android", Kind: "tablet"}, Since: at.AddDate(0, 0, -20), Seen: at.AddDate(0, 0, -6)},
		{ID: session.ID{3}, Since: at.AddDate(0, 0, -28), Seen: at.AddDate(0, 0, -28)},
	}
	weak := credential.VeryWeak
	failed := sampleShell(s, securityPath, mia)
	failed.Fault(credential.ErrLeaked.At("new_password"))
	changed := sampleShell(s, securityPath, mia)
	changed.Flash = changed.T(done["password_strong"])
	return []ui.Specimen{
		{Name: "portal/security", State: "typical", Page: newSecurity(sampleShell(s, securityPath, mia), good, list)},
		{Name: "portal/security", State: "empty", Page: newSecurity(sampleShell(s, securityPath, mia), bad, list[:1])},
		{Name: "portal/security", State: "few_codes", Page: newSecurity(sampleShell(s, securityPath, maxi), few, list)},
		{Name: "portal/security", State: "done", Page: newSecurity(changed, good, list[:1])},
		{Name: "portal/password", State: "typical", Page: newPassword(sampleShell(s, securityPath, mia), mia.Address, credential.ShortestWith, nil)},
		{Name: "portal/password", State: "error", Page: newPassword(failed, mia.Address, credential.ShortestWith, &weak)},
	}
}

func appSpecimens(s *ui.Sample) []ui.Specimen {
	at := s.Now()
	list := []connection{
		{App: app.Application{ID: app.ID{1}, Name: "Fern & Field Shop", FirstParty: true}, Scopes: []string{"openid", "email", "profile", "address"}, Since: at.AddDate(0, -14, 0), Used: at.Add(-time.Hour)},
		{App: app.Application{ID: app.ID{2}, Name: "Garden diary"}, Scopes: []string{"openid", "offline_access", "orders.read"}, Since: at.AddDate(0, -1, 0), Used: at.AddDate(0, 0, -3), Offline: true},
		{App: app.Application{ID: app.ID{3}, Name: strings.Repeat("Application with a long name ", 4)}, Scopes: []string{"profile", "phone"}, Since: at.AddDate(-1, 0, 0)},
	}
	l := lexicon{apps: []app.Application{{Settings: app.Settings{Scopes: []app.Scope{{Name: "orders.read", Words: map[string]string{"en": "your orders", "de": "Ihre Bestellungen"}}}}}}}
	return []ui.Specimen{
		{Name: "portal/applications", State: "empty", Page: newApplications(sampleShell(s, applicationsPath, mia), nil, l)},
		{Name: "portal/applications", State: "typical", Page: newApplications(sampleShell(s, applicationsPath, mia), list[:2], l)},
		{Name: "portal/applications", State: "long", Page: newApplications(sampleShell(s, applicationsPath, maxi), list, l)},
	}
}

func askSpecimens(s *ui.Sample) []ui.Specimen {
	email := sampleIdentifier(s, customer.Email, mia.Address, true, true)
	name := sampleIdentifier(s, customer.Username, "mia.okafor", true, true)
	badEmail, taken, typed := sampleShell(s, addressesPath, mia), sampleShell(s, addressesPath, mia), sampleShell(s, homePath, mia)
	badEmail.Fault(catalog.ErrBadEmail.At("email"))
	taken.Fault(customer.ErrTaken.At("username"))
	limited := sampleShell(s, addressesPath, mia)
	limited.Fault(fault.New(fault.Limited, "too_many_messages", "Too many messages.").In(5 * time.Minute))
	typed.Fail(typedName, "portal.close.mismatch", "address", mia.Address)
	at := func(current string) ui.Shell { return sampleShell(s, current, mia) }
	return []ui.Specimen{
		{Name: "portal/ask", State: "add", Page: newAdd(at(addressesPath), customer.Email, "")},
		{Name: "portal/ask", State: "add_phone", Page: newAdd(at(addressesPath), customer.Phone, "")},
		{Name: "portal/ask", State: "add_error", Page: newAdd(badEmail, customer.Email, "mia(at)example")},
		{Name: "portal/ask", State: "add_limited", Page: newAdd(limited, customer.Email, mia.Address)},
		{Name: "portal/ask", State: "change", Page: newChange(at(addressesPath), email, "")},
		{Name: "portal/ask", State: "remove", Page: newRemove(at(addressesPath), email)},
		{Name: "portal/ask", State: "remove_username", Page: newRemove(at(addressesPath), name)},
		{Name: "portal/ask", State: "username", Page: newUsername(at(addressesPath), "mia.okafor")},
		{Name: "portal/ask", State: "username_error", Page: newUsername(taken, "admin")},
		{Name: "portal/ask", State: "everywhere", Page: newEverywhere(at(securityPath))},
		{Name: "portal/ask", State: "remove_password", Page: newRemovePassword(at(securityPath))},
		{Name: "portal/ask", State: "revoke", Page: newRevoke(at(applicationsPath), "Garden diary", false)},
		{Name: "portal/ask", State: "revoke_first", Page: newRevoke(at(applicationsPath), "Fern & Field Shop", true)},
		{Name: "portal/ask", State: "close", Page: newClose(at(homePath), mia.Address, "", false)},
		{Name: "portal/ask", State: "close_error", Page: newClose(typed, mia.Address, "mia", true)},
	}
}
