package tenant

import "strings"

// Privacy says how requests of customers about their data are answered.
type Privacy struct {
	// CaseDays is within how many days a request is answered, 1 to 90; 30 if 0.
	// The GDPR's month is not passed by 31 days or less.
	CaseDays int `json:"case_days,omitempty" yaml:"case_days,omitempty"`
	// Officer is the data protection officer, or whoever answers for data
	// protection; requests that are due are told to the mail address.
	Officer Officer `json:"officer,omitzero" yaml:"officer,omitempty"`
	// Controller is who decides what the data is used for (GDPR Article 4(7)),
	// Representative who stands for a controller outside of the Union (Article 27).
	// Both stand on the records of processing.
	Controller     Party `json:"controller,omitzero" yaml:"controller,omitempty"`
	Representative Party `json:"representative,omitzero" yaml:"representative,omitempty"`
	// Owner is the team that answers for data whose catalogue entry names none.
	Owner string `json:"owner,omitempty" yaml:"owner,omitempty"`
	// Authority is the supervisory authority to which customers may complain.
	Authority Authority `json:"authority,omitzero" yaml:"authority,omitempty"`
}

// Officer is how somebody is reached.
type Officer struct {
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	Mail string `json:"mail,omitempty" yaml:"mail,omitempty"`
	URL  string `json:"url,omitempty" yaml:"url,omitempty"` // https
}

// Party is a company or a person with a postal address.
type Party struct {
	Name    string `json:"name,omitempty" yaml:"name,omitempty"`
	Address string `json:"address,omitempty" yaml:"address,omitempty"` // on one line
	Country string `json:"country,omitempty" yaml:"country,omitempty"` // ISO 3166-1 letters
	Contact string `json:"contact,omitempty" yaml:"contact,omitempty"` // mail address, number or page
}

func (p *Party) check(member string) error {
	for _, line := range []string{p.Name, p.Address, p.Contact} {
		if line != strings.TrimSpace(line) || !ShortText(line, 300) {
			return ErrBadSetting.At("settings.privacy." + member)
		}
	}
	if p.Country != "" && !ValidCountry(p.Country) {
		return ErrBadSetting.At("settings.privacy." + member + ".country")
	}
	return nil
}

// Authority is a public body.
type Authority struct {
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	URL  string `json:"url,omitempty" yaml:"url,omitempty"` // https
}

// CaseDays is within how many days a request is answered.
func (t *Tenant) CaseDays() int {
	if n := t.Settings.Privacy.CaseDays; n > 0 {
		return n
	}
	return 30
}

func (p *Privacy) check(loopback bool) error {
	switch {
	case p.CaseDays < 0 || p.CaseDays > 90:
		return ErrBadSetting.At("settings.privacy.case_days")
	case p.Officer.Mail != "" && !plainAddress(p.Officer.Mail):
		return ErrBadSetting.At("settings.privacy.officer.mail")
	case p.Officer.URL != "" && !ValidURL(p.Officer.URL, loopback):
		return ErrBadURL.At("settings.privacy.officer.url")
	case p.Authority.URL != "" && !ValidURL(p.Authority.URL, loopback):
		return ErrBadURL.At("settings.privacy.authority.url")
	}
	if !ShortText(p.Owner, 100) {
		return ErrBadSetting.At("settings.privacy.owner")
	}
	if err := p.Controller.check("controller"); err != nil {
		return err
	}
	if err := p.Representative.check("representative"); err != nil {
		return err
	}
	for _, name := range []struct{ member, value string }{{"officer", p.Officer.Name}, {"authority", p.Authority.Name}} {
		if name.value != strings.TrimSpace(name.value) || !ShortText(name.value, 200) {
			return ErrBadSetting.At("settings.privacy." + name.member + ".name")
		}
	}
	return nil
}
