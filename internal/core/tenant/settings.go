package tenant

import (
	"time"
)

// Settings is what a tenant's staff decide. Every zero value is sane; the
// methods of Tenant answer with the defaults filled in. `cardea apply` reads
// the same members from cardea.yaml, strictly, under "settings".
type Settings struct {
	// Locale is the language of pages and messages where nothing else decides,
	// as a BCP 47 tag; "en" if empty. Locales are the languages offered; all
	// that the house speaks if empty.
	Locale  string   `json:"locale,omitempty" yaml:"locale,omitempty"`
	Locales []string `json:"locales,omitempty" yaml:"locales,omitempty"`
	// ZoneDefault is the time zone of customers who told none, by its IANA
	// name; "UTC" if empty.
	ZoneDefault string `json:"zone,omitempty" yaml:"zone,omitempty"`

	// Tagline stands under the name on the sign-in page.
	Tagline    string `json:"tagline,omitempty" yaml:"tagline,omitempty"`
	SupportURL string `json:"support_url,omitempty" yaml:"support_url,omitempty"` // https, or mailto:
	// StaffMail is where the house writes to staff when something of this tenant
	// needs hands, such as a webhook that was turned off. If empty, the mail
	// address of the data protection officer is.
	StaffMail  string `json:"staff_mail,omitempty" yaml:"staff_mail,omitempty"`
	TermsURL   string `json:"terms_url,omitempty" yaml:"terms_url,omitempty"`     // https
	PrivacyURL string `json:"privacy_url,omitempty" yaml:"privacy_url,omitempty"` // https

	Identifiers  Identifiers  `json:"identifiers,omitzero" yaml:"identifiers,omitempty"`
	Registration Registration `json:"registration,omitzero" yaml:"registration,omitempty"`
	Password     Password     `json:"password,omitzero" yaml:"password,omitempty"`
	Session      Session      `json:"session,omitzero" yaml:"session,omitempty"`
	Mail         Mail         `json:"mail,omitzero" yaml:"mail,omitempty"`
	SMS          SMS          `json:"sms,omitzero" yaml:"sms,omitempty"`
	Passkeys     Passkeys     `json:"passkeys,omitzero" yaml:"passkeys,omitempty"`
	SecondFactor SecondFactor `json:"second_factor,omitzero" yaml:"second_factor,omitempty"`
	Assurance    Assurance    `json:"assurance,omitzero" yaml:"assurance,omitempty"`
	Risk         Risk         `json:"risk,omitzero" yaml:"risk,omitempty"`
	Bots         Bots         `json:"bots,omitzero" yaml:"bots,omitempty"`
	Privacy      Privacy      `json:"privacy,omitzero" yaml:"privacy,omitempty"`
	Retention    Retention    `json:"retention,omitzero" yaml:"retention,omitempty"`
	Asking       Asking       `json:"asking,omitzero" yaml:"asking,omitempty"`
}

// Asking says how sign-ins ask customers for what an application or a purpose
// wants of them.
type Asking struct {
	// Rest is for how long what was left out is not asked for again; 30d if 0.
	// What was left out three times in a row rests for a year.
	Rest Duration `json:"rest,omitempty" yaml:"rest,omitempty"`
}

// AskingRest is for how long what a customer left out is not asked for again.
func (t *Tenant) AskingRest() time.Duration { return t.Settings.Asking.Rest.Or(30 * day) }

// Identifiers says by what customers may be known, besides an e-mail address,
// which always may.
type Identifiers struct {
	Phone    bool `json:"phone,omitempty" yaml:"phone,omitempty"`
	Username bool `json:"username,omitempty" yaml:"username,omitempty"`
	// PhoneRegion is the country whose national numbers are understood without
	// a country code, by its ISO 3166 letters ("DE"); none if empty.
	PhoneRegion string `json:"phone_region,omitempty" yaml:"phone_region,omitempty"`
}

// Registration says who may register.
type Registration struct {
	Closed bool `json:"closed,omitempty" yaml:"closed,omitempty"`
	// AllowDomains, if any, are the only e-mail domains that may register;
	// BlockDomains may not. Both hold for the domain itself and what is below it.
	AllowDomains []string `json:"allow_domains,omitempty" yaml:"allow_domains,omitempty"`
	BlockDomains []string `json:"block_domains,omitempty" yaml:"block_domains,omitempty"`
	// BlockDisposable refuses known throw-away mail services, BlockAlias
	// addresses with a plus tag.
	BlockDisposable bool `json:"block_disposable,omitempty" yaml:"block_disposable,omitempty"`
	BlockAlias      bool `json:"block_alias,omitempty" yaml:"block_alias,omitempty"`
	// Age says from which age somebody may register alone.
	Age Age `json:"age,omitzero" yaml:"age,omitempty"`
}

// Password says what passwords are good for.
type Password struct {
	Off bool `json:"off,omitempty" yaml:"off,omitempty"` // no passwords at all
	// Alone lets a password alone open a session; it then has at least 15
	// characters instead of 8 (NIST SP 800-63B-4 section 3.1.1.2).
	Alone bool `json:"alone,omitempty" yaml:"alone,omitempty"`
	// Words must not stand in a password: the company's and its products' names.
	Words []string `json:"words,omitempty" yaml:"words,omitempty"`
}

// Session says how long a sign-in lasts: Idle without use and Absolute at most;
// the other two hold if the customer asked to be kept signed in. The defaults
// are 24h, 7d, 14d and 30d: an idle time over 20 hours needs no warning that it
// runs out (WCAG 2.2, 2.2.1). NIST SP 800-63B-4 section 2.1.3 advises at most 30
// days.
type Session struct {
	Idle             Duration `json:"idle,omitempty" yaml:"idle,omitempty"`
	Absolute         Duration `json:"absolute,omitempty" yaml:"absolute,omitempty"`
	RememberIdle     Duration `json:"remember_idle,omitempty" yaml:"remember_idle,omitempty"`
	RememberAbsolute Duration `json:"remember_absolute,omitempty" yaml:"remember_absolute,omitempty"`
	// NoRemember takes the choice to be kept signed in away, at once also from
	// those who made it.
	NoRemember bool `json:"no_remember,omitempty" yaml:"no_remember,omitempty"`
}

// Mail says how e-mail leaves.
type Mail struct {
	From     string `json:"from,omitempty" yaml:"from,omitempty"` // "accounts@example.com"
	FromName string `json:"from_name,omitempty" yaml:"from_name,omitempty"`
	ReplyTo  string `json:"reply_to,omitempty" yaml:"reply_to,omitempty"`
	Host     string `json:"host,omitempty" yaml:"host,omitempty"`
	Port     int    `json:"port,omitempty" yaml:"port,omitempty"` // 587, or 465 for tls "implicit", if 0
	// TLS is "starttls" (also if empty), "implicit", or "none", which is for a
	// relay on the same machine.
	TLS      string    `json:"tls,omitempty" yaml:"tls,omitempty"`
	Username string    `json:"username,omitempty" yaml:"username,omitempty"`
	Password SecretRef `json:"password,omitempty" yaml:"password,omitempty"`
}

// SMS says where text messages are posted: {"to","from","text"} as JSON.
type SMS struct {
	URL    string    `json:"url,omitempty" yaml:"url,omitempty"`       // https
	Header string    `json:"header,omitempty" yaml:"header,omitempty"` // that carries Secret; "Authorization" if empty
	Secret SecretRef `json:"secret,omitempty" yaml:"secret,omitempty"` // the whole header value
	From   string    `json:"from,omitempty" yaml:"from,omitempty"`
	// Countries are the only ones whose numbers are sent text messages, as ISO
	// 3166-1 codes ("DE"); all if empty. Who pumps messages to expensive numbers
	// picks countries that the company has no customers in.
	Countries []string `json:"countries,omitempty" yaml:"countries,omitempty"`
}

// Lifetimes are the lengths of a session that hold for it now.
type Lifetimes struct{ Idle, Absolute time.Duration }

// Sessions returns how long a session lasts, remembered or not.
func (t *Tenant) Sessions(remembered bool) Lifetimes {
	s := t.Settings.Session
	if remembered && !s.NoRemember {
		return Lifetimes{s.RememberIdle.Or(14 * day), s.RememberAbsolute.Or(30 * day)}
	}
	return Lifetimes{s.Idle.Or(day), s.Absolute.Or(7 * day)}
}

// Locale is the tenant's own language.
func (t *Tenant) Locale() string {
	if t.Settings.Locale != "" {
		return t.Settings.Locale
	}
	return "en"
}

// Zone is the time zone of customers who told none.
func (t *Tenant) Zone() string {
	if t.Settings.ZoneDefault != "" {
		return t.Settings.ZoneDefault
	}
	return "UTC"
}

// PasswordLength is the least number of characters of a password.
func (t *Tenant) PasswordLength() int {
	if t.Settings.Password.Alone {
		return 15
	}
	return 8
}
