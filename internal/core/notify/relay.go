package notify

import "github.com/cardea-id/cardea/internal/core/tenant"

// RelayOf is the relay that the envelope's tenant configured, or the house's
// own where the tenant configured none.
func RelayOf(house Relay) func(Envelope) (Relay, error) {
	return func(e Envelope) (Relay, error) {
		m := e.Tenant.Settings.Mail
		if m.Host == "" {
			return dressed(house, m, e.Tenant), nil
		}
		password, err := m.Password.Resolve()
		if err != nil {
			return Relay{}, ErrUnconfigured.Because(err)
		}
		own := Relay{
			From: m.From, FromName: m.FromName, ReplyTo: m.ReplyTo, Host: m.Host, Port: m.Port,
			TLS: m.TLS, Username: m.Username, Password: password,
		}
		return dressed(own, tenant.Mail{}, e.Tenant), nil
	}
}

// dressed puts the tenant's own sender on a relay, as far as it has one.
func dressed(r Relay, m tenant.Mail, t *tenant.Tenant) Relay {
	if m.From != "" {
		r.From = m.From
	}
	if m.ReplyTo != "" {
		r.ReplyTo = m.ReplyTo
	}
	switch {
	case m.FromName != "":
		r.FromName = m.FromName
	case r.FromName == "":
		r.FromName = t.Name
	}
	return r
}

// GatewayOf is the gateway that the envelope's tenant configured.
func GatewayOf(e Envelope) (Gateway, error) {
	s := e.Tenant.Settings.SMS
	g := Gateway{URL: s.URL, From: s.From}
	value, err := s.Secret.Resolve()
	if err != nil {
		return Gateway{}, ErrUnconfigured.Because(err)
	}
	if value != "" {
		header := s.Header
		if header == "" {
			header = "Authorization"
		}
		g.Header = map[string]string{header: value}
	}
	return g, nil
}
