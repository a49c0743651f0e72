package server

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/face/api"
	"github.com/cardea-id/cardea/internal/face/login"
	"github.com/cardea-id/cardea/internal/face/mail"
	"github.com/cardea-id/cardea/internal/face/portal"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

// wire builds what needs something handed in, from the lower floors up, and
// hangs it on the router.
func (s *Server) wire() (err error) {
	if err := s.openAtlas(); err != nil {
		return err
	}
	if s.UI, err = ui.New(ui.Options{Look: s.look, Clock: s.Clock.Now}, s.parts()...); err != nil {
		return err
	}
	proxies, err := prefixes(s.Config.TrustedProxies)
	if err != nil {
		return err
	}
	s.Mux = web.NewMux(web.Config{
		Host: s.hostOf, Proxies: proxies, Teller: s.UI.Teller("login"), Log: s.Log, Clock: time.Now,
		Tracer: s.Telemetry.Tracer(), Observe: s.Telemetry.Observe,
	})
	s.UI.Routes(s.Mux)
	if err := s.hangDoors(); err != nil {
		return err
	}
	s.hangDev()
	return s.work()
}

// hangDoors hangs the protocol and the faces on the router. The protocol shows
// pages of the sign-in face, which in turn ends sessions with the protocol's
// ear in its acts.
func (s *Server) hangDoors() error {
	passwords, err := s.passwords()
	if err != nil {
		return err
	}
	var door *login.Login
	s.provider = oidc.New(oidc.Deps{DB: s.DB, Releases: s.releases, Outbound: s.Outbound, Codes: s.options.Codes, Tally: s.tally, Pages: oidc.Pages{
		Error: s.UI.Teller("login"),
		SignOut: func(w http.ResponseWriter, r *http.Request, application, confirm string) error {
			return door.SignOutPage(w, r, application, confirm)
		},
		SignedOut: func(w http.ResponseWriter, r *http.Request) error { return door.SignedOutPage(w, r) },
	}})
	s.acts = s.provider.Acts()
	s.acts.Atlas = s.Atlas
	if s.acts.WebAuthn, err = s.webauthn(); err != nil {
		return err
	}
	door = login.New(login.Deps{
		DB: s.DB, UI: s.UI, Hasher: s.Hasher, Outbound: s.Outbound, Passwords: passwords, Acts: s.acts, Tally: s.tally,
		Bootstrap: login.Bootstrap{Peek: PeekBootstrap, Redeem: RedeemBootstrap},
	})
	mine := portal.New(portal.Deps{DB: s.DB, UI: s.UI, Hasher: s.Hasher, Passwords: passwords, Acts: s.acts})
	s.provider.Routes(s.Mux)
	door.Routes(s.Mux)
	mine.Routes(s.Mux)
	api.New(api.Deps{DB: s.DB, Tally: s.tally, Caller: s.provider.Caller}).Routes(s.Mux)
	return nil
}

func (s *Server) parts() []ui.Part {
	return append([]ui.Part{login.Part(), portal.Part()}, s.devParts()...)
}

// work lists the jobs of every room.
func (s *Server) work() error {
	letters, err := mail.New()
	if err != nil {
		return err
	}
	s.works = append(s.works, s.provider.LogoutWork(s.House), s.sweepWork())
	s.works = append(s.works, notify.Works(s.senders(letters))...)
	s.works = append(s.works, s.webhooks().Works()...)
	s.works = append(s.works, privacy.Works(s.closings())...)
	s.works = append(s.works, customer.Works(customer.Wiring{House: s.House, Checkpoint: s.DB.Checkpoint})...)
	return nil
}

func (s *Server) senders(letters *mail.Mail) notify.Wiring {
	w := notify.Wiring{House: s.House, Render: letters.Render, Inbox: s.options.Inbox}
	if s.options.Inbox {
		return w
	}
	smtp := &notify.SMTP{Dial: s.Outbound.DialContext, Relay: notify.RelayOf(notify.Relay{}), Now: s.Clock.Now}
	sms := &notify.SMS{Post: s.postSMS, Gateway: notify.GatewayOf}
	w.Mail, w.SMS = smtp, sms
	return w
}

func (s *Server) postSMS(ctx context.Context, url string, header map[string]string, body []byte) (int, error) {
	h := http.Header{}
	for name, value := range header {
		h.Set(name, value)
	}
	answer, err := s.Outbound.Post(ctx, url, "application/json", body, h)
	if err != nil {
		return 0, err
	}
	return answer.Status, nil
}

// look is how the request's tenant looks.
func (s *Server) look(r *http.Request) *ui.Look {
	t := of(r)
	if t == nil {
		return nil
	}
	return s.UI.MakeLook(Brand(t))
}

// Brand says in the page engine's words how a tenant looks.
func Brand(t *tenant.Tenant) ui.Brand {
	return ui.Brand{
		Key: t.ID.String() + "." + strconv.FormatInt(t.Version, 10), Name: t.Name, Tagline: t.Settings.Tagline,
		Color: t.Brand.Color, Accent: t.Brand.Accent, Radius: t.Brand.Radius, Font: t.Brand.Font,
		Logo: t.Brand.Logo, LogoDark: t.Brand.LogoDark, Words: t.Brand.Words,
		Locale: t.Locale(), Locales: t.Settings.Locales, Zone: t.Zone(),
		Links: ui.Links{
			Terms: cmp.Or(t.Settings.TermsURL, "/legal/terms"), Privacy: cmp.Or(t.Settings.PrivacyURL, "/legal/privacy"),
			Help: cmp.Or(t.Settings.SupportURL, "/help"),
		},
	}
}

// passwords is the password policy with the operator's own breach list, if any.
func (s *Server) passwords() (credential.Passwords, error) {
	if s.Config.BreachFile == "" {
		return credential.Passwords{}, nil
	}
	list, err := credential.OpenBreachFile(s.Config.BreachFile)
	if err != nil {
		return credential.Passwords{}, refused("The breach file cannot be read.", "Make it with 'cardea breach build', or leave breach_file out.", err)
	}
	return credential.Passwords{Breach: list}, nil
}

// webauthn knows the models of authenticators that the operator's file vouches
// for, if there is one.
func (s *Server) webauthn() (*credential.WebAuthn, error) {
	if s.Config.FIDOMetadata == "" {
		return credential.NewWebAuthn(nil)
	}
	file, err := os.Open(s.Config.FIDOMetadata)
	if err != nil {
		return nil, refused("The FIDO metadata file cannot be read.", "Name an existing file, or leave fido_metadata out.", err)
	}
	defer func() { _ = file.Close() }()
	w, err := credential.NewWebAuthn(file)
	if err != nil {
		return nil, refused("The FIDO metadata file cannot be read.", "Get it anew from the FIDO Metadata Service, or leave fido_metadata out.", err)
	}
	return w, nil
}

// nodeName names this process to people who read leases and logs.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return strings.ToLower(host) + "-" + strconv.Itoa(os.Getpid())
}
