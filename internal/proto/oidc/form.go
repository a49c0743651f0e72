package oidc

import (
	"net/http"
	"net/url"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
)

// refuse makes an OAuth error: the code is the wire name.
func refuse(code, text string) *fault.Error { return fault.New(fault.Invalid, code, text) }

// given leaves out parameters without a value: they count as not sent
// (RFC 6749, 3.1 and 3.2).
func given(values url.Values) url.Values {
	out := make(url.Values, len(values))
	for name, list := range values {
		for _, v := range list {
			if v != "" {
				out[name] = append(out[name], v)
			}
		}
	}
	return out
}

// single refuses a parameter that stands twice (RFC 6749, 3.1 and 3.2). Only
// `resource` may (RFC 8707, 2), and has an error of its own.
func single(values url.Values) *fault.Error {
	for name, list := range values {
		if len(list) > 1 && name != "resource" {
			return refuse("invalid_request", "A parameter was sent twice.")
		}
	}
	return nil
}

// form reads the body of a request between machines.
func form(r *http.Request) (url.Values, *fault.Error) {
	values, err := web.Form(r, 0)
	if err != nil {
		return nil, refuse("invalid_request", "The request body is not a form.").Because(err)
	}
	if err := single(values); err != nil {
		return nil, err
	}
	return given(values), nil
}

// target reads the resource indicator: one API, or "" for the issuer itself,
// which need not be named (RFC 8707, 2).
func target(t tenantRef, values url.Values) (string, *fault.Error) {
	switch list := values["resource"]; {
	case len(list) > 1:
		return "", refuse("invalid_target", "Ask for one resource at a time.")
	case len(list) == 0 || list[0] == t.Issuer():
		return "", nil
	default:
		return list[0], nil
	}
}
