// Package shop is "Fern & Field", a small plant shop that signs its customers
// in through OpenID Connect. It is an example to read in one sitting: it knows
// its issuer, its client id and secret, and nothing else of the house. The
// sign-in is in signin.go, the pages are in shop.go; delivery.go calls an API
// that may want more of the sign-in than there was, and goes back for it.
//
//	browser ── GET /signin ──► shop ── 303 ──► issuer's sign-in pages
//	browser ◄─ 303 /callback?code ─────────── issuer
//	shop ── code + PKCE verifier ──► token endpoint ──► ID token, userinfo
//	issuer ── POST /backchannel-logout ──► shop   (signed out everywhere)
package shop
