package oidc

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
)

// standardScopes are those that OpenID Connect Core 1.0 defines (5.4, 11).
var standardScopes = []string{"openid", "profile", "email", "phone", "address", offlineAccess}

const offlineAccess = "offline_access"

// grantable returns which of the scopes the application may have from a
// customer (RFC 6749, 3.3; RFC 8707, 2): those that say something about the
// customer, and with a resource also those of that API.
func (p *Provider) grantable(ctx context.Context, t tenantRef, a applicationRef, asked []string, resource string) ([]string, *fault.Error) {
	offered, err := p.apiScopes(ctx, t, a, resource)
	if err != nil {
		return nil, err
	}
	own, lost := p.customerScopes(ctx, t, a)
	if lost != nil {
		return nil, fault.Of(lost)
	}
	return allowed(a, asked, append(own, offered...)), nil
}

// allowed keeps what is offered and open to the application.
func allowed(a applicationRef, asked, offered []string) []string {
	var out []string
	for _, s := range asked {
		if slices.Contains(offered, s) && allowsScope(a, s) {
			out = append(out, s)
		}
	}
	return out
}

// customerScopes are the standard scopes and those that the catalogue adds. An
// application that takes no refresh tokens is given no offline_access.
func (p *Provider) customerScopes(ctx context.Context, t tenantRef, a applicationRef) ([]string, error) {
	c, err := p.fields(ctx, t)
	if err != nil {
		return nil, err
	}
	out := append(slices.Clone(standardScopes), c.Scopes()...)
	if !allowsGrant(a, app.GrantRefresh) {
		out = slices.DeleteFunc(out, func(s string) bool { return s == offlineAccess })
	}
	return out, nil
}

// apiScopes are what an API offers to an application that may ask for it. No
// resource is the issuer's own, and offers none.
func (p *Provider) apiScopes(ctx context.Context, t tenantRef, a applicationRef, resource string) ([]string, *fault.Error) {
	if resource == "" {
		return nil, nil
	}
	u, err := url.Parse(resource)
	if err != nil || !u.IsAbs() || strings.Contains(resource, "#") {
		return nil, refuse("invalid_target", "resource must be an absolute URI without a fragment.")
	}
	api, ok, lost := p.api(ctx, t, resource)
	if lost != nil {
		return nil, fault.Of(lost)
	}
	if !ok || !api.Enabled || !allowsResource(a, resource) {
		return nil, errTarget
	}
	own := make([]string, 0, len(api.Settings.Scopes))
	for _, s := range api.Settings.Scopes {
		own = append(own, s.Name)
	}
	return own, nil
}

var errTarget = refuse("invalid_target", "This application may not ask for that resource.")
