package server

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/face/mail"
)

// TestMail sends one message through the tenant's relay, now and without a
// queue, so that whatever is wrong shows at once.
func (b *Base) TestMail(ctx context.Context, t *tenant.Tenant, to string) error {
	address, err := customer.Normalize(customer.Email, to)
	if err != nil {
		return err
	}
	letters, err := mail.New()
	if err != nil {
		return err
	}
	l := notify.Letter{Tenant: t, Template: notify.Test, Channel: notify.Email, Locale: t.Locale(), To: address}
	text, err := letters.Render(l)
	if err != nil {
		return err
	}
	smtp := &notify.SMTP{Dial: b.Outbound.DialContext, Relay: notify.RelayOf(notify.Relay{}), Now: b.Clock.Now}
	err = smtp.Send(ctx, notify.Envelope{
		ID: customer.NewID(b.Clock.Now()).String(), Tenant: t, Channel: notify.Email, Locale: l.Locale,
		Domain: hostOnly(t.Host), To: address, Rendered: text,
	})
	return adviseMail(t, err)
}

func adviseMail(t *tenant.Tenant, err error) error {
	var f *fault.Error
	if err == nil || !errors.As(err, &f) {
		return err
	}
	do := "Check host, port and tls of the relay in the settings of " + t.Slug + ", and that this machine may reach it. A relay in a private network must stand in CARDEA_OUTBOUND_ALLOW."
	switch {
	case errors.Is(err, notify.ErrUnconfigured):
		do = "Set mail.host, mail.from and the secret that mail.password names in cardea.yaml, then run 'cardea apply'."
	case errors.Is(err, notify.ErrRefused):
		do = "The relay answered and said no: check username, password and whether it may send as mail.from."
	}
	return failed(f.Text, do, f.Err)
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}

const relayTime = 5 * time.Second

// reachRelay opens a connection to a tenant's relay and closes it.
func (b *Base) reachRelay(ctx context.Context, t *tenant.Tenant) error {
	ctx, stop := context.WithTimeout(ctx, relayTime)
	defer stop()
	m := t.Settings.Mail
	if _, err := m.Password.Resolve(); err != nil {
		return err
	}
	port := m.Port
	if port == 0 {
		port = map[string]int{"implicit": 465, "none": 25}[m.TLS]
	}
	if port == 0 {
		port = 587
	}
	c, err := b.Outbound.DialContext(ctx, "tcp", net.JoinHostPort(m.Host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return c.Close()
}
