// Package oidc speaks OAuth 2 and OpenID Connect with applications: discovery
// and keys, the authorization endpoint, the token endpoint, userinfo,
// introspection, revocation and logout.
//
// It owns wire names, the order of checks and the form of tokens. It never
// decides whether a customer may have a token (core/permit does), never opens
// a personal value (core/release does), never renders a page (face/login does)
// and keeps no state of its own.
//
// An authorization request walks one visible table of checks (checks.go); the
// row where errors stop being shown and start being redirected is marked. A
// token request walks one pipeline (token.go), of which a grant fills in only
// its own part:
//
//	parse ► find client ► authenticate ► grant allowed ► scopes and resource
//	      ► the grant's own part ► mint ► answer
//
//	/authorize ──► good session, nothing to ask ──────────────► answer
//	     │                                                        ▲
//	     └──► signin flow ──► hosted pages ──► /oauth2/resume ────┘
package oidc
