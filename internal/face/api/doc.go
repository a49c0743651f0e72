// Package api is the house's own API for the company's machines, below /v1:
// JSON in and out, errors as RFC 9457 problem details.
//
// It owns how those endpoints read and answer: whether somebody may be
// contacted, and what somebody wishes of whom an address alone is known. Who
// calls is told by an access token that the application got for itself
// (client_credentials, resource <issuer>/v1) with the scope of the endpoint; the
// server hands in who checks it.
//
// It never answers a browser, reads no cookie, decides nothing (core/consent
// does), and never tells whether an address has an account.
package api
