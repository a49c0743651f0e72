package main

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type appCommands struct {
	Create       appCreate       `cmd:"" help:"Register an application."`
	List         appList         `cmd:"" help:"List the applications."`
	Show         appShow         `cmd:"" help:"Show one application."`
	Update       appUpdate       `cmd:"" help:"Change an application; lists that are given replace those that stand."`
	RotateSecret appRotateSecret `cmd:"" help:"Draw another client secret; the former works for seven more days."`
	Delete       appDelete       `cmd:"" help:"Delete an application: nothing that it holds works any more."`
}

// appView is an application as programs read it.
type appView struct {
	ClientID     string    `json:"client_id"`
	ClientSecret string    `json:"client_secret,omitempty"`
	Issuer       string    `json:"issuer"`
	Name         string    `json:"name"`
	Type         app.Kind  `json:"type"`
	FirstParty   bool      `json:"first_party"`
	Enabled      bool      `json:"enabled"`
	Audience     string    `json:"audience,omitempty"`
	RedirectURIs []string  `json:"redirect_uris,omitempty"`
	PostLogout   []string  `json:"post_logout_uris,omitempty"`
	Origins      []string  `json:"origins,omitempty"`
	Grants       []string  `json:"grants,omitempty"`
	Scopes       []string  `json:"scopes,omitempty"`
	Resources    []string  `json:"resources,omitempty"`
	AuthMethod   string    `json:"auth_method"`
	SigningAlg   string    `json:"signing_alg"`
	Logout       string    `json:"backchannel_logout_uri,omitempty"`
	Country      string    `json:"country,omitempty"`
	Safeguard    string    `json:"safeguard,omitempty"`
	CreatedAt    time.Time `json:"created_at"`

	ACRValues       []string        `json:"default_acr_values,omitempty"`
	SessionIdle     tenant.Duration `json:"session_idle,omitempty"`
	SessionAbsolute tenant.Duration `json:"session_absolute,omitempty"`
}

func viewApp(t *tenant.Tenant, a app.Application, secret string) appView {
	s := a.Settings
	scopes := s.AllowedScopes
	for _, x := range s.Scopes {
		scopes = append(scopes, x.Name)
	}
	return appView{
		a.ClientID(), secret, t.Issuer(), a.Name, a.Kind, a.FirstParty, a.Enabled, a.Audience, s.RedirectURIs,
		s.PostLogoutURIs, s.Origins, s.Grants, scopes, s.Resources, s.AuthMethod, s.SigningAlg, s.BackchannelLogoutURI, s.Country, s.Safeguard, a.CreatedAt,
		s.DefaultACRValues, s.SessionIdle, s.SessionAbsolute,
	}
}

func (t *terminal) app(v appView) error {
	secret := v.ClientSecret
	if secret != "" {
		secret += "   (shown this once)"
	}
	party := "first"
	if !v.FirstParty {
		party = "third"
	}
	words := func(list []string) string { return strings.Join(list, " ") }
	return t.facts("client_id", v.ClientID, "client_secret", secret, "issuer", v.Issuer, "name", v.Name, "type", string(v.Type),
		"party", party, "enabled", yes(v.Enabled), "audience", v.Audience, "redirect", words(v.RedirectURIs),
		"post-logout", words(v.PostLogout), "origin", words(v.Origins), "grants", words(v.Grants), "scopes", words(v.Scopes),
		"resources", words(v.Resources), "auth method", v.AuthMethod, "signing", v.SigningAlg, "logout", v.Logout, "country", v.Country, "safeguard", v.Safeguard,
		"would like", words(v.ACRValues), "session idle", limit(v.SessionIdle), "session absolute", limit(v.SessionAbsolute))
}

func limit(d tenant.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// appSettings are the flags that create and update share.
type appSettings struct {
	Redirect   []string `help:"Redirect URI, exact; may be repeated." placeholder:"URL" sep:"none"`
	PostLogout []string `help:"Where customers may return after signing out; may be repeated." placeholder:"URL" sep:"none"`
	Origin     []string `help:"Web origin whose pages may call the token endpoint; may be repeated." placeholder:"URL" sep:"none"`
	Scope      []string `help:"Scope that an api offers, or that another may ask for; may be repeated." placeholder:"SCOPE"`
	Resource   []string `help:"Audience of an API that it may ask for; may be repeated." placeholder:"URI" sep:"none"`
	Grant      []string `help:"Grant type; those of its kind if left out." placeholder:"GRANT"`
	AuthMethod string   `help:"client_secret_basic, client_secret_post, private_key_jwt or none." placeholder:"METHOD"`
	JwksURI    string   `name:"jwks-uri" help:"Its public keys, for private_key_jwt." placeholder:"URL"`
	Alg        string   `help:"Signature of its ID tokens: ES256, RS256 or EdDSA." placeholder:"ALG"`
	Logout     string   `help:"Back-channel logout URI." placeholder:"URL"`
	Country    string   `help:"Country in which whoever runs it has the data, in two letters (ISO 3166-1)." placeholder:"DE"`
	Safeguard  string   `help:"On what ground data goes to a country outside of the European Economic Area, in words." placeholder:"TEXT"`
	Home       string   `help:"Where it begins, for people." placeholder:"URL"`
	AcrValue   []string `help:"Level that it would like of sign-ins where a request tells none, best first; may be repeated." placeholder:"URN"`

	SessionIdle     tenant.Duration `help:"For how long a sign-in may rest unused and still answer it." placeholder:"SPAN"`
	SessionAbsolute tenant.Duration `help:"How old a sign-in may be there; its refresh tokens end with it." placeholder:"SPAN"`
}

// onto puts the flags that were given onto the settings.
func (f *appSettings) onto(kind app.Kind, s *app.Settings) {
	list := func(to *[]string, given []string) {
		if len(given) > 0 {
			*to = given
		}
	}
	word := func(to *string, given string) {
		if given != "" {
			*to = given
		}
	}
	list(&s.RedirectURIs, f.Redirect)
	list(&s.PostLogoutURIs, f.PostLogout)
	list(&s.Origins, f.Origin)
	list(&s.Resources, f.Resource)
	list(&s.Grants, f.Grant)
	list(&s.DefaultACRValues, f.AcrValue)
	limit := func(to *tenant.Duration, given tenant.Duration) {
		if given != 0 {
			*to = given
		}
	}
	limit(&s.SessionIdle, f.SessionIdle)
	limit(&s.SessionAbsolute, f.SessionAbsolute)
	word(&s.AuthMethod, f.AuthMethod)
	word(&s.JWKSURI, f.JwksURI)
	word(&s.SigningAlg, f.Alg)
	word(&s.BackchannelLogoutURI, f.Logout)
	word(&s.HomeURL, f.Home)
	word(&s.Country, f.Country)
	word(&s.Safeguard, f.Safeguard)
	if kind != app.API {
		list(&s.AllowedScopes, f.Scope)
	} else if len(f.Scope) > 0 {
		s.Scopes = nil
		for _, name := range f.Scope {
			s.Scopes = append(s.Scopes, app.Scope{Name: name})
		}
	}
}

type appCreate struct {
	asJSON
	ofTenant
	appSettings
	Kind       string `arg:"" enum:"web,spa,native,service,api" help:"web, spa, native, service or api."`
	Name       string `required:"" help:"As customers read it."`
	Audience   string `help:"Resource identifier of an api, an absolute URI." placeholder:"URI"`
	ThirdParty bool   `help:"Somebody else's: customers are asked for consent, and are known to it by a subject of its own."`
}

// Run registers.
func (c *appCreate) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		n := app.New{Kind: app.Kind(c.Kind), Name: c.Name, FirstParty: !c.ThirdParty, Audience: c.Audience}
		c.onto(n.Kind, &n.Settings)
		made, secret, err := b.RegisterApp(t.ctx, home, n)
		if err != nil {
			return err
		}
		v := viewApp(home, made, secret)
		if c.JSON {
			return t.json(v)
		}
		t.line("Registered %q.", made.Name)
		return t.app(v)
	})
}

type appList struct {
	asJSON
	ofTenant
}

// Run lists.
func (c *appList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.Apps(t.ctx, home)
		if err != nil {
			return err
		}
		views, rows := []appView{}, [][]string{}
		for _, a := range list {
			views = append(views, viewApp(home, a, ""))
			rows = append(rows, []string{a.ClientID(), string(a.Kind), a.Name, yes(a.FirstParty), yes(a.Enabled)})
		}
		if c.JSON {
			return t.json(views)
		}
		return t.table([]string{"client_id", "type", "name", "first party", "enabled"}, rows)
	})
}

// oneApp names an application.
type oneApp struct {
	asJSON
	ofTenant
	App string `arg:"" help:"Its client_id or name."`
}

// on finds the application, does the work and shows how it stands afterwards.
func (c *oneApp) on(t *terminal, work func(b *server.Base, home *tenant.Tenant, a app.Application) (appView, error)) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		a, err := b.App(t.ctx, home, c.App)
		if err != nil {
			return err
		}
		v, err := work(b, home, a)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(v)
		}
		return t.app(v)
	})
}

type appShow struct{ oneApp }

// Run shows.
func (c *appShow) Run(t *terminal) error {
	return c.on(t, func(_ *server.Base, home *tenant.Tenant, a app.Application) (appView, error) {
		return viewApp(home, a, ""), nil
	})
}

type appUpdate struct {
	oneApp
	appSettings
	Name    string `help:"Another name."`
	Enable  bool   `xor:"able" help:"Open it again."`
	Disable bool   `xor:"able" help:"Shut it; nothing is deleted."`
}

// Run changes.
func (c *appUpdate) Run(t *terminal) error {
	return c.on(t, func(b *server.Base, home *tenant.Tenant, a app.Application) (appView, error) {
		out, err := b.ChangeApp(t.ctx, home, a.ID, func(a *app.Application) {
			if c.Name != "" {
				a.Name = c.Name
			}
			a.Enabled = (a.Enabled || c.Enable) && !c.Disable
			c.onto(a.Kind, &a.Settings)
		})
		return viewApp(home, out, ""), err
	})
}

type appRotateSecret struct{ oneApp }

// Run draws another secret.
func (c *appRotateSecret) Run(t *terminal) error {
	return c.on(t, func(b *server.Base, home *tenant.Tenant, a app.Application) (appView, error) {
		secret, err := b.RotateAppSecret(t.ctx, home, a.ID)
		return viewApp(home, a, secret), err
	})
}

type appDelete struct {
	ofTenant
	App string `arg:"" help:"Its client_id or name."`
}

// Run deletes.
func (c *appDelete) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		a, err := b.App(t.ctx, home, c.App)
		if err != nil {
			return err
		}
		if err := b.DeleteApp(t.ctx, home, a.ID); err != nil {
			return err
		}
		t.line("Deleted %q (%s).", a.Name, a.ClientID())
		return nil
	})
}
