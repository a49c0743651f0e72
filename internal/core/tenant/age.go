package tenant

import (
	"maps"
	"slices"
	"time"
)

// Age says from which age somebody may make an account alone. Its zero value
// asks nobody.
type Age struct {
	// Ask is "birthdate", which is kept only if the catalogue requires the field
	// of that name, or "statement" ("I am at least 16"), which asks for no date.
	// Nobody is asked if empty.
	Ask string `json:"ask,omitempty" yaml:"ask,omitempty"`
	// Country is whose age counts, by its ISO 3166-1 letters ("DE"). If empty the
	// customer says where they live; a statement needs it.
	Country string `json:"country,omitempty" yaml:"country,omitempty"`
	// Minimum are ages by country that count in place of the built-in ones.
	Minimum map[string]int `json:"minimum,omitempty" yaml:"minimum,omitempty"`
	// Elsewhere is the age for countries that are in neither list; 16 if 0.
	Elsewhere int `json:"elsewhere,omitempty" yaml:"elsewhere,omitempty"`
}

// How the age is asked for.
const (
	AskBirthdate = "birthdate"
	AskStatement = "statement"
)

// ages are the ages from which a child consents alone to the use of its data by
// an online service, as the law of each country sets it. Last looked through on
// 2026-11-24 against surveys, not statute by statute: Bird & Bird's GDPR tracker
// (children online), DataGuidance on Article 8, press of 2024 on Denmark's rise
// from 13 to 15, the Norwegian bar's reply of October 2025 to the consultation
// there, Norton Rose Fulbright of April 2024 on Singapore. Laws change: who
// depends on one sets Minimum.
var ages = map[string]int{
	// GDPR Article 8(1): 16, unless the law of the member state lowers it. The
	// national laws as gathered in the Commission's SWD(2020) 115, page 17.
	"AT": 14, // DSG § 4(4)
	"BE": 13, // Act of 30 July 2018, Article 7
	"BG": 14, // Personal Data Protection Act, Article 25c
	"CY": 14, // Law 125(I)/2018, section 8
	"CZ": 15, // Act 110/2019, section 7
	"DE": 16, // GDPR
	"DK": 15, // Databeskyttelsesloven § 6(2), from 2024-01-01
	"EE": 13, // Personal Data Protection Act, § 8
	"ES": 14, // Ley Orgánica 3/2018, Article 7
	"FI": 13, // Data Protection Act 1050/2018, section 5
	"FR": 15, // Loi 78-17, Article 45
	"GR": 15, // Law 4624/2019, Article 21
	"HR": 16, // Act on the implementation of the GDPR, Article 19
	"HU": 16, // GDPR
	"IE": 16, // Data Protection Act 2018, section 31
	"IT": 14, // Codice privacy, Article 2-quinquies
	"LT": 14, // Law on Legal Protection of Personal Data, Article 6
	"LU": 16, // GDPR
	"LV": 13, // Personal Data Processing Law, section 33
	"MT": 13, // Subsidiary Legislation 586.11
	"NL": 16, // UAVG, Article 5
	"PL": 16, // GDPR
	"PT": 13, // Lei 58/2019, Article 16
	"RO": 16, // GDPR
	"SE": 13, // Lag 2018:218, chapter 2, § 4
	"SI": 15, // ZVOP-2, Article 8
	"SK": 16, // Act 18/2018, section 15
	// The European Economic Area and the United Kingdom.
	"IS": 13, // Act 90/2018, Article 10
	"LI": 16, // GDPR
	"NO": 13, // Personopplysningsloven § 5; the ministry consulted in 2025 on raising it to 15
	"GB": 13, // Data Protection Act 2018, section 9
	// Others.
	"BR": 12, // LGPD Article 14(1) with the statute of the child, Article 2
	"CN": 14, // PIPL Article 31
	"IN": 18, // DPDP Act 2023, sections 2(f) and 9
	"KR": 14, // PIPA Article 22-2
	"SG": 13, // PDPA; PDPC, Advisory Guidelines on Children's Personal Data, March 2024
	"US": 13, // COPPA, 15 U.S.C. 6501(1)
	"ZA": 18, // POPIA, sections 1 and 34
}

const elsewhere = 16 // where nothing else is known, the age of GDPR Article 8(1)

// AgeIn is the age from which somebody in the country may make an account alone.
func (t *Tenant) AgeIn(country string) int {
	a := t.Settings.Registration.Age
	if n, ok := a.Minimum[country]; ok {
		return n
	}
	if n, ok := ages[country]; ok {
		return n
	}
	if a.Elsewhere != 0 {
		return a.Elsewhere
	}
	return elsewhere
}

// AgeCountries are the countries whose age differs from that of elsewhere or is
// named by law or by the tenant, sorted.
func (t *Tenant) AgeCountries() []string {
	all := maps.Clone(ages)
	maps.Copy(all, t.Settings.Registration.Age.Minimum)
	return slices.Sorted(maps.Keys(all))
}

// Years is how many birthdays somebody has had on the day of now, in the
// tenant's zone. Who was born on 29 February comes of age on 1 March.
func (t *Tenant) Years(born, now time.Time) int {
	if zone, err := time.LoadLocation(t.Zone()); err == nil {
		now = now.In(zone)
	}
	years := now.Year() - born.Year()
	if now.Month() < born.Month() || now.Month() == born.Month() && now.Day() < born.Day() {
		years--
	}
	return years
}

func (a *Age) check() error {
	const at = "settings.registration.age."
	switch {
	case a.Ask != "" && a.Ask != AskBirthdate && a.Ask != AskStatement:
		return ErrBadSetting.At(at + "ask")
	case a.Country != "" && !validRegion(a.Country), a.Country == "" && a.Ask == AskStatement:
		return ErrBadSetting.At(at + "country")
	case a.Elsewhere < 0 || a.Elsewhere > oldest:
		return ErrBadSetting.At(at + "elsewhere")
	}
	for country, n := range a.Minimum {
		if !validRegion(country) || n < 1 || n > oldest {
			return ErrBadSetting.At(at + "minimum")
		}
	}
	return nil
}

const oldest = 25 // an age beyond it is a slip of the keyboard
