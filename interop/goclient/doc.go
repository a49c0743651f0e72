// Package goclient is golang.org/x/oauth2 and coreos/go-oidc against the real
// program: what a Go web application does. It is tests alone.
package goclient
