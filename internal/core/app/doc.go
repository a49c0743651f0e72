// Package app owns the registered applications of a tenant (OAuth clients) and
// its APIs (OAuth resource servers), what they may ask for, and their secrets.
//
// A redirect URI, post-logout URI or origin is checked once, when it is
// registered, and from then on compared byte for byte (RFC 9700 section 2.1);
// the one exception is the port of a native application's loopback address
// (RFC 8252 section 7.3). The sector, which decides the application's `sub`
// values, is fixed at registration and never changes.
//
// It never keeps a secret, only the digests of at most two at a time; never
// fetches anything; and never decides whether a customer may use an
// application, which is permit's.
//
// A secret's life. Generated secrets carry 256 bits, so a fast digest is enough:
//
//	RotateSecret           RotateSecret              SecretOverlap later
//	-----------> current ---------------> expiring --------------------> gone
//	                                          |  another RotateSecret
//	                                          +---------------------> gone
package app
