package tenant

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// The faults of settings; each is returned At the member it concerns, by its
// path in cardea.yaml ("settings.mail.port").
var (
	ErrBadLocale  = fault.New(fault.Invalid, "bad_locale", "Write a language as a BCP 47 tag: en, de, pt-BR.")
	ErrBadZone    = fault.New(fault.Invalid, "bad_zone", "Write a time zone by its IANA name: Europe/Berlin.")
	ErrBadURL     = fault.New(fault.Invalid, "bad_url", "Write a whole https address without user name and fragment.")
	ErrBadDomain  = fault.New(fault.Invalid, "bad_domain", "Write a domain in lower case, without a leading dot; an international one in its xn-- form.")
	ErrBadSetting = fault.New(fault.Invalid, "bad_setting", "This value is not one of those that are allowed here.")
)

// Check tells the first thing that is wrong with the settings. loopback allows
// http addresses on loopback hosts (Tenant.Loopback).
func (s *Settings) Check(loopback bool) error {
	for _, c := range []func() error{
		s.checkLanguages,
		func() error { return s.checkAddresses(loopback) },
		s.checkPeople, s.Session.check, s.Mail.check,
		func() error { return s.SMS.check(loopback) },
		func() error { return s.Passkeys.check(loopback) },
		s.Registration.Age.check, s.Asking.check, s.SecondFactor.check, s.Assurance.check, s.Risk.check, func() error { return s.Bots.check(loopback) }, func() error { return s.Privacy.check(loopback) },
		s.Retention.check,
	} {
		if err := c(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Settings) checkLanguages() error {
	for _, l := range append([]string{s.Locale}, s.Locales...) {
		if l != "" && !ValidLocale(l) {
			return ErrBadLocale.At("settings.locales")
		}
	}
	if s.ZoneDefault != "" && !ValidZone(s.ZoneDefault) {
		return ErrBadZone.At("settings.zone")
	}
	return nil
}

// ValidLocale reports whether s is a language tag in its canonical spelling.
func ValidLocale(s string) bool {
	tag, err := language.Parse(s)
	return err == nil && tag != language.Und && len(s) <= 35 && tag.String() == s
}

// ValidZone reports whether s names a time zone of the IANA database.
func ValidZone(s string) bool {
	if s == "Local" || s == "" {
		return false
	}
	_, err := time.LoadLocation(s)
	return err == nil
}

func (s *Settings) checkAddresses(loopback bool) error {
	if !ShortText(s.Tagline, 200) {
		return ErrBadSetting.At("settings.tagline")
	}
	if s.StaffMail != "" && !plainAddress(s.StaffMail) {
		return ErrBadSetting.At("settings.staff_mail")
	}
	support := s.SupportURL
	if rest, ok := strings.CutPrefix(support, "mailto:"); ok && plainAddress(rest) {
		support = ""
	}
	for _, a := range []struct{ member, value string }{
		{"support_url", support}, {"terms_url", s.TermsURL}, {"privacy_url", s.PrivacyURL},
	} {
		if a.value != "" && !ValidURL(a.value, loopback) {
			return ErrBadURL.At("settings." + a.member)
		}
	}
	return nil
}

// ValidURL reports whether s is an absolute https address in plain ASCII that a
// page may link to: no user name, no fragment. loopback also allows http on
// loopback hosts.
func ValidURL(s string, loopback bool) bool {
	if len(s) > 2048 || !plainASCII(s) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Opaque != "" || strings.Contains(s, "#") {
		return false
	}
	origin, _, err := ParseOrigin(u.Scheme + "://" + strings.ToLower(u.Host))
	return err == nil && (loopback || !loopbackOrigin(origin)) &&
		strings.HasPrefix(s, u.Scheme+"://"+u.Host)
}

// plainASCII has no control character, space, or character that a URL never has.
func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}

// ShortText reports whether s is a line of at most max characters that shows as
// what it is: no control or direction-changing characters.
func ShortText(s string, max int) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > max {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

func (s *Settings) checkPeople() error {
	r := s.Identifiers.PhoneRegion
	if r != "" && !validRegion(r) {
		return ErrBadSetting.At("settings.identifiers.phone_region")
	}
	for _, list := range [][]string{s.Registration.AllowDomains, s.Registration.BlockDomains} {
		for _, d := range list {
			if !ValidHost(d) || strings.HasPrefix(d, "[") {
				return ErrBadDomain.At("settings.registration")
			}
		}
	}
	for _, w := range s.Password.Words {
		if w == "" || !ShortText(w, 100) {
			return ErrBadSetting.At("settings.password.words")
		}
	}
	return nil
}

// ValidCountry reports whether s is a country of ISO 3166-1, in its two capital
// letters, or Kosovo, for which everybody uses XK.
func ValidCountry(s string) bool { return validRegion(s) && !slices.Contains(noCountries, s) }

// noCountries are what the tables of languages know besides: codes that were
// withdrawn or set aside. Of the last ones the United Kingdom is GB.
var noCountries = strings.Fields("AC AN BU CP CQ CS CT DD DG DY EA EZ FQ FX HV IC JT MI NH NQ NT PC PU PZ RH SU TA TP UK UN VD WK YD YU ZR")

func validRegion(r string) bool {
	region, err := language.ParseRegion(r)
	return err == nil && len(r) == 2 && region.IsCountry() && region.String() == r
}

func (s *Session) check() error {
	for _, d := range []struct {
		member         string
		idle, absolute time.Duration
	}{
		{"idle", s.Idle.Or(day), s.Absolute.Or(7 * day)},
		{"remember_idle", s.RememberIdle.Or(14 * day), s.RememberAbsolute.Or(30 * day)},
	} {
		if d.idle < time.Minute || d.idle > d.absolute || d.absolute > 400*day {
			return ErrBadSetting.At("settings.session." + d.member)
		}
	}
	return nil
}

func (m *Mail) check() error {
	switch {
	case m.From != "" && !plainAddress(m.From):
		return ErrBadSetting.At("settings.mail.from")
	case m.ReplyTo != "" && !plainAddress(m.ReplyTo):
		return ErrBadSetting.At("settings.mail.reply_to")
	case !ShortText(m.FromName, 100):
		return ErrBadSetting.At("settings.mail.from_name")
	case m.Host != "" && !ValidHost(m.Host):
		return ErrBadSetting.At("settings.mail.host")
	case m.Host != "" && m.From == "":
		return ErrBadSetting.At("settings.mail.from")
	case m.Port < 0 || m.Port > 65535:
		return ErrBadSetting.At("settings.mail.port")
	case m.TLS != "" && m.TLS != "starttls" && m.TLS != "implicit" && m.TLS != "none":
		return ErrBadSetting.At("settings.mail.tls")
	case m.TLS == "none" && m.Username != "" && !loopbackName(m.Host):
		return ErrBadSetting.At("settings.mail.tls") // a password in the clear over a network
	}
	return m.Password.check("settings.mail.password")
}

func (s *SMS) check(loopback bool) error {
	if s.URL != "" && !ValidURL(s.URL, loopback) {
		return ErrBadURL.At("settings.sms.url")
	}
	for _, c := range s.Header {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return ErrBadSetting.At("settings.sms.header")
		}
	}
	if !ShortText(s.From, 20) {
		return ErrBadSetting.At("settings.sms.from")
	}
	for _, c := range s.Countries {
		if !validRegion(c) {
			return ErrBadSetting.At("settings.sms.countries")
		}
	}
	return s.Secret.check("settings.sms.secret")
}

// plainAddress reports whether s is one bare address, for what staff configure.
// Customers' addresses go through the stricter parser of the catalogue.
func plainAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && plainASCII(s)
}

func (a *Asking) check() error {
	if a.Rest.Or(day) < day || a.Rest > Duration(400*day) {
		return ErrBadSetting.At("settings.asking.rest")
	}
	return nil
}
