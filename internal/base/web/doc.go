// Package web is the rim of the house: everything between a listener and a
// handler. It owns the routes, the request record, cookies, forms, JSON bodies,
// the cross-site guard, security headers, CORS, assets and the server with its
// limits. It knows nothing of identity, never reads the database, writes no
// HTML but two pages that exist only to leave the house (Leave, FormPost), and
// never takes the public origin from what a client sent.
//
// A request goes this way; each step may refuse, and a refusal is rendered by
// the teller that is known at that moment:
//
//	listener -> caps and timeouts (Server)
//	  |  request line, Host, query text        400  Plain
//	  |  host -> origin and tenant (HostFunc)  421  Plain
//	  |  path is clean, route exists           404, 405  Config.Teller
//	  |  OPTIONS, CORS                         204
//	  |  body size, cross-site guard           413, 403  the route's teller
//	  v
//	handler -> answer, or an error -> the route's teller
//	  |
//	  v  one record: id, method, route pattern, status, time, bytes, facts
//
// # Paths
//
// Paths are plain ASCII. One that holds a percent sign, a semicolon, a
// backslash, an empty segment or a segment ending in a dot is answered 404
// before routing, so no encoded twin of a route can reach a handler, and
// ServeMux never has a path to clean and redirect. What people type
// goes into queries and bodies.
//
// # POSTs that a specification allows across sites
//
// The authorization endpoint, the end-session endpoint and a form_post callback
// are posted to from foreign pages, where SameSite=Lax cookies do not come
// along. Such a route opts out with NoCSRF, and its handler does this and no
// more: read the form, check it as untrusted input, store it as a row with an
// unguessable, short-lived key, and answer Redirect to a GET of its own that
// carries only the key. The GET is same-origin navigation, brings the
// cookies, and acts. CrossSite tells whether a POST came from elsewhere, so a
// same-origin one may be served without the detour.
//
// # Forms that end at a client
//
// Chromium applies form-action to every redirect after a form's POST, those of
// the client's own callback included. A page whose POST may end in a redirect
// to a client either names the client in CSP.FormAction or ends with Leave,
// which breaks the chain; Leave is the only way for addresses that a CSP cannot
// name (IPv6 literals) and the robust one for all.
package web
