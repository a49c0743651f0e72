// Package api is the delivery address of an order, as a small API behind access
// tokens, and the Guard that lets only the right ones through. It is an example
// to read in one sitting and to copy from: it knows its issuer and its own
// audience, and speaks RFC 6750 (bearer tokens), RFC 9068 (JWT access tokens) and
// RFC 9470 (step-up challenges) with whoever calls.
//
//	client ── PUT /delivery, Bearer … ──► API: signed by the issuer? for me? scope?
//	client ◄─ 401 insufficient_user_authentication, acr_values, max_age ── too weak, too old
//	client ── /oauth2/authorize?acr_values&max_age&resource ──► issuer: one more proof
//	client ── PUT /delivery, Bearer … ──► API: 204
package api
