package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Faults of the mail relay. ErrRefused and ErrBadRecipient end a message at
// once; the others are tried again until it expires.
var (
	ErrUnconfigured = fault.New(fault.Unavailable, "mail_unconfigured", "No mail relay is configured for this tenant. Set mail.host and mail.from.")
	ErrRefused      = fault.New(fault.Gone, "message_refused", "The relay refused the message for good.")
	ErrBadRecipient = fault.New(fault.Invalid, "bad_recipient", "That address cannot be written to.")
	ErrRelay        = fault.New(fault.Unavailable, "relay_unavailable", "The relay could not take the message now.")
)

// Relay is where mail is handed over.
type Relay struct {
	From     string // address
	FromName string
	ReplyTo  string
	Host     string
	Port     int    // 0: the usual one for the kind of TLS
	TLS      string // "starttls" (also ""), "implicit", "none"
	Username string
	Password string
}

// Dialer opens a connection that the guard of base/outbound allows.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// SMTP sends mail through a relay (RFC 5321, RFC 3207, RFC 4954).
type SMTP struct {
	Dial  Dialer
	Relay func(Envelope) (Relay, error) // the relay of the envelope's tenant
	TLS   *tls.Config                   // nil: the system's roots and the relay's name
	Now   func() time.Time
}

// Send hands one envelope to its relay. It fails with ErrBadRecipient or
// ErrRefused if trying again is of no use, else with a retriable fault.
func (s *SMTP) Send(ctx context.Context, e Envelope) error {
	relay, err := s.Relay(e)
	if err != nil {
		return err
	}
	if relay.Host == "" || relay.From == "" {
		return ErrUnconfigured
	}
	m, err := s.write(relay, e)
	if err != nil {
		return err
	}
	c, err := s.client(relay)
	if err != nil {
		return ErrUnconfigured.Because(err)
	}
	return relayed(c.DialAndSendWithContext(ctx, m))
}

func relayed(err error) error {
	if err == nil {
		return nil
	}
	var told *mail.SendError
	if errors.As(err, &told) && told.ErrorCode() >= 500 && !told.IsTemp() {
		return ErrRefused.Because(err)
	}
	return ErrRelay.Because(err)
}

func (s *SMTP) write(relay Relay, e Envelope) (*mail.Msg, error) {
	if !plainAddress(e.To) {
		return nil, ErrBadRecipient
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(&netmail.Address{Name: oneLine(relay.FromName), Address: relay.From})
	m.ToMailAddress(&netmail.Address{Address: e.To})
	if relay.ReplyTo != "" {
		m.ReplyToMailAddress(&netmail.Address{Address: relay.ReplyTo})
	}
	m.Subject(oneLine(e.Subject))
	m.SetDateWithValue(s.Now())
	m.SetMessageIDWithValue(e.ID + "@" + e.Domain)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if e.Locale != "" {
		m.SetGenHeader("Content-Language", oneLine(e.Locale))
	}
	m.SetBodyString(mail.TypeTextPlain, e.Text)
	if e.HTML != "" {
		m.AddAlternativeString(mail.TypeTextHTML, e.HTML)
	}
	return m, nil
}

func (s *SMTP) client(relay Relay) (*mail.Client, error) {
	options := []mail.Option{
		mail.WithDialContextFunc(mail.DialContextFunc(s.dial(relay))),
		mail.WithTimeout(20 * time.Second),
		mail.WithHELO(domainOf(relay.From)),
		mail.WithTLSConfig(s.tlsConfig(relay)),
	}
	switch relay.TLS {
	case "implicit":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS)) // dial has spoken TLS already
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if relay.Username != "" {
		options = append(options, mail.WithSMTPAuth(mechanism(relay)),
			mail.WithUsername(relay.Username), mail.WithPassword(relay.Password))
	}
	return mail.NewClient(relay.Host, append(options, mail.WithPort(relay.port()))...)
}

// mechanism lets go-mail choose the strongest one that the relay offers. It
// speaks PLAIN and LOGIN over TLS alone, which it cannot see when dial has
// spoken TLS already.
func mechanism(relay Relay) mail.SMTPAuthType {
	if relay.TLS == "implicit" {
		return mail.SMTPAuthPlainNoEnc
	}
	return mail.SMTPAuthAutoDiscover
}

func (s *SMTP) dial(relay Relay) Dialer {
	if relay.TLS != "implicit" {
		return s.Dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := s.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := tls.Client(raw, s.tlsConfig(relay))
		if err := c.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		return c, nil
	}
}

func (s *SMTP) tlsConfig(relay Relay) *tls.Config {
	if s.TLS == nil {
		return &tls.Config{ServerName: relay.Host, MinVersion: tls.VersionTLS12}
	}
	c := s.TLS.Clone()
	c.ServerName = relay.Host
	return c
}

func (r Relay) port() int {
	switch {
	case r.Port != 0:
		return r.Port
	case r.TLS == "implicit":
		return 465
	case r.TLS == "none":
		return 25
	}
	return 587
}

// plainAddress accepts what customer.Normalize lets through: one dot-atom, one
// @, one domain. Anything that an SMTP command or a header could read in
// another way is refused a second time here, where it would matter.
func plainAddress(a string) bool {
	local, domain, ok := strings.Cut(a, "@")
	if !ok || local == "" || domain == "" || len(a) > 254 || len(local) > 64 {
		return false
	}
	for _, r := range a {
		if r == unicode.ReplacementChar || r <= ' ' || !unicode.IsPrint(r) || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return false
		}
	}
	return !strings.Contains(domain, "@")
}

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}

// oneLine keeps a header one line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
