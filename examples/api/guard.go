package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// Config is what an API has to know.
type Config struct {
	Issuer   string           // https://id.example.com
	Audience string           // what the API is registered as, https://api.example.com
	Client   *http.Client     // nil: http.DefaultClient
	Now      func() time.Time // nil: time.Now
}

// Need is what a request must bring.
type Need struct {
	Scope  string        // "": none
	ACR    []string      // one of these authentication levels, best-liked first; none: any
	MaxAge time.Duration // how long ago the customer may last have proven who they are; 0: ever
}

// Token is an access token that was found good.
type Token struct {
	Subject  string // who; the application itself if there is no customer
	ClientID string // through which application
	Scopes   []string
	ACR      string
	AuthTime time.Time // zero: no customer
}

// Guard checks access tokens. It reads the issuer's keys at first use and again
// when a token names one that it does not know, so both may start in any order.
type Guard struct {
	cfg      Config
	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

// NewGuard returns a guard.
func NewGuard(cfg Config) *Guard {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Client == nil {
		cfg.Client = http.DefaultClient
	}
	return &Guard{cfg: cfg}
}

type key struct{}

// Of is the token of a request that a guard let through.
func Of(r *http.Request) Token {
	t, _ := r.Context().Value(key{}).(Token)
	return t
}

// Require lets requests through to next that bring what is needed; the others
// are told what is missing.
func (g *Guard) Require(n Need, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			challenge(w, http.StatusUnauthorized) // RFC 6750, 3.1: no token, no error code
			return
		}
		token, err := g.Verify(r.Context(), raw)
		if err != nil {
			challenge(w, http.StatusUnauthorized, "error", "invalid_token", "error_description", "The access token cannot be used here")
			return
		}
		if g.meets(w, n, token) {
			next(w, r.WithContext(context.WithValue(r.Context(), key{}, token)))
		}
	})
}

// meets answers the request if the token is not enough.
func (g *Guard) meets(w http.ResponseWriter, n Need, t Token) bool {
	if n.Scope != "" && !slices.Contains(t.Scopes, n.Scope) {
		challenge(w, http.StatusForbidden, "error", "insufficient_scope", "scope", n.Scope)
		return false
	}
	// RFC 9470, 3: both are told whenever one is lacking, so that the client
	// does not have to come twice.
	weak := len(n.ACR) > 0 && !slices.Contains(n.ACR, t.ACR)
	old := n.MaxAge > 0 && g.cfg.Now().Sub(t.AuthTime) > n.MaxAge
	if !weak && !old {
		return true
	}
	fields := []string{"error", "insufficient_user_authentication", "error_description", "Prove once more who you are"}
	if len(n.ACR) > 0 {
		fields = append(fields, "acr_values", strings.Join(n.ACR, " "))
	}
	if n.MaxAge > 0 {
		fields = append(fields, "max_age", fmt.Sprint(int(n.MaxAge/time.Second)))
	}
	challenge(w, http.StatusUnauthorized, fields...)
	return false
}

// challenge answers with WWW-Authenticate (RFC 6750, 3; RFC 9470, 3).
func challenge(w http.ResponseWriter, status int, fields ...string) {
	var parts []string
	body := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		parts = append(parts, fields[i]+`="`+fields[i+1]+`"`)
		body[fields[i]] = fields[i+1]
	}
	w.Header().Set("WWW-Authenticate", strings.TrimSpace("Bearer "+strings.Join(parts, ", ")))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}

var (
	algs    = []string{"ES256", "RS256", "EdDSA"}
	errType = errors.New("api: this JWT is no access token")
)

// Verify reads an access token (RFC 9068, 4): a JWT of the type for it, signed by
// the issuer, for this API, and not over.
func (g *Guard) Verify(ctx context.Context, raw string) (Token, error) {
	if err := typed(raw); err != nil {
		return Token{}, err
	}
	v, err := g.keys(ctx)
	if err != nil {
		return Token{}, err
	}
	good, err := v.Verify(oidc.ClientContext(ctx, g.cfg.Client), raw)
	if err != nil {
		return Token{}, err
	}
	var claims struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
		ACR      string `json:"acr"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := good.Claims(&claims); err != nil {
		return Token{}, err
	}
	t := Token{Subject: good.Subject, ClientID: claims.ClientID, Scopes: strings.Fields(claims.Scope), ACR: claims.ACR}
	if claims.AuthTime > 0 {
		t.AuthTime = time.Unix(claims.AuthTime, 0)
	}
	return t, nil
}

// typed refuses what the same issuer signed for another purpose: an ID token
// opens no API (RFC 9068, 2.1).
func typed(raw string) error {
	allowed := make([]jose.SignatureAlgorithm, 0, len(algs))
	for _, a := range algs {
		allowed = append(allowed, jose.SignatureAlgorithm(a))
	}
	jws, err := jose.ParseSignedCompact(raw, allowed)
	if err != nil {
		return err
	}
	typ, _ := jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	if t := strings.ToLower(typ); t != "at+jwt" && t != "application/at+jwt" {
		return errType
	}
	return nil
}

func (g *Guard) keys(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.verifier != nil {
		return g.verifier, nil
	}
	// The provider keeps this context for fetching keys later: it must not end
	// with the request.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), g.cfg.Client)
	p, err := oidc.NewProvider(lasting, g.cfg.Issuer)
	if err != nil {
		return nil, err
	}
	g.verifier = p.VerifierContext(lasting, &oidc.Config{ClientID: g.cfg.Audience, SupportedSigningAlgs: algs, Now: g.cfg.Now})
	return g.verifier, nil
}
