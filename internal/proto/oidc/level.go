package oidc

import (
	"encoding/json"
	"slices"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/session"
)

// acrValues reads the ordered wish. Values that are not levels of this house are
// passed over; without any wish the application's own stands in
// (OpenID Connect Dynamic Client Registration 1.0, 2).
//
// A wish is answered by what the sign-in was. For an API's access token it is
// more: the API said that it takes nothing else, and a token that it is known to
// refuse would only send the customer round in a circle (RFC 9470, 5).
func acrValues(_ *Provider, q *request) *fault.Error {
	text := q.one("acr_values")
	if len(text) > maxScope {
		return refuse("invalid_request", "acr_values is too long.")
	}
	values, ok := scopes(text)
	if !ok {
		return refuse("invalid_request", "acr_values is not a list of values.")
	}
	q.ACRValues = known(values)
	if len(values) > 0 && q.Resource != "" {
		q.Bound = true
		if len(q.ACRValues) == 0 {
			return errAssurance
		}
	}
	return nil
}

// essentialLevel refuses at once what no sign-in here could ever reach, and
// fills in the application's own wish where the request has none.
func essentialLevel(_ *Provider, q *request) *fault.Error {
	ask := q.Claims.IDToken["acr"]
	if len(q.essential()) > 0 && len(known(q.essential())) == 0 {
		return errAssurance
	}
	if ask == nil && q.one("acr_values") == "" {
		q.ACRValues = known(q.app.Settings.DefaultACRValues)
	}
	return nil
}

// known are the values that are levels of this house, in their order.
func known(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !slices.Contains(session.Levels(), v) })
}

// essential are the values of an essential acr claim, of which the sign-in must
// meet one (OpenID Connect Core 1.0, 5.5.1.1).
func (q *request) essential() []string {
	if ask := q.Claims.IDToken["acr"]; ask != nil && ask.Essential {
		return ask.wanted()
	}
	return nil
}

// must is the level without which the request is not answered; "": any will do.
// Of several values one is enough, so each list asks for its weakest.
func (q *request) must() string {
	level := weakest(known(q.essential()))
	if bound := weakest(known(q.ACRValues)); q.Bound && session.Meets(bound, level) {
		level = bound
	}
	return level
}

// wish is the level that is tried for: what must be, or the best-liked value.
func (q *request) wish() (acr string, essential bool) {
	if level := q.must(); level != "" {
		return level, true
	}
	if liked := q.levels(); len(liked) > 0 {
		return liked[0], false
	}
	return "", false
}

// levels are all values that were asked for, as claim or parameter, best first.
func (q *request) levels() []string {
	return known(append(q.Claims.IDToken["acr"].wanted(), q.ACRValues...))
}

func weakest(values []string) string {
	for _, l := range session.Levels() {
		if slices.Contains(values, l) {
			return l
		}
	}
	return ""
}

// told is the acr that tokens tell: the first of the values asked for that the
// sign-in meets, since clients and APIs compare acr as a word and do not know
// that one level is above another (OpenID Connect Core 1.0, 5.5.1.1; RFC 9470,
// 3); or what it was, if nothing that it meets was asked for.
func told(acr string, asked []string) string {
	for _, level := range asked {
		if session.Meets(acr, level) {
			return level
		}
	}
	return acr
}

// acr is what this exchange's tokens tell of the grant's sign-in.
func (x *exchange) acr() string {
	asked, err := grantClaims(x.grant.Claims)
	if err != nil {
		return x.grant.ACR
	}
	return told(x.grant.ACR, known(asked.IDToken["acr"].wanted()))
}

// keptLevels are the values asked for as they are kept with the grant.
func (q *request) keptLevels() *claimAsk {
	levels := q.levels()
	if len(levels) == 0 {
		return nil
	}
	ask := &claimAsk{}
	for _, l := range levels {
		text, _ := json.Marshal(l) // a string always marshals
		ask.Values = append(ask.Values, text)
	}
	return ask
}
