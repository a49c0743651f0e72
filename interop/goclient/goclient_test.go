package goclient_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/cardea-id/cardea/interop/dev"
)

var house *dev.House

func TestMain(m *testing.M) {
	var err error
	if house, err = dev.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := house.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

var people atomic.Int64

func somebody() string {
	return fmt.Sprintf("gopher-%d-%d@interop.test", os.Getpid(), people.Add(1))
}

// application is a client as the two libraries want it.
type application struct {
	oauth2.Config
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
}

func configure(t *testing.T, c dev.Client, style oauth2.AuthStyle) *application {
	t.Helper()
	p, err := oidc.NewProvider(t.Context(), house.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = style
	return &application{
		Config: oauth2.Config{
			ClientID: c.ID, ClientSecret: c.Secret, Endpoint: endpoint, RedirectURL: c.RedirectURIs[0],
			Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
		},
		provider: p, verifier: p.Verifier(&oidc.Config{ClientID: c.ID}),
	}
}

func client(t *testing.T, kind string) dev.Client {
	t.Helper()
	c, err := house.Client(kind)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signIn gets the tokens of a customer and has the library verify the ID token.
func (a *application) signIn(t *testing.T, b *browser, address string) (*oauth2.Token, *oidc.IDToken) {
	t.Helper()
	verifier, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	back := b.signIn(a.AuthCodeURL("here", oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)), address)
	q := back.Query()
	if q.Get("state") != "here" || q.Get("iss") != house.Issuer || !strings.HasPrefix(back.String(), a.RedirectURL) {
		t.Fatalf("sent to %s", back)
	}
	token, err := a.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id := a.verify(t, token)
	if id.Nonce != nonce {
		t.Errorf("nonce %q", id.Nonce)
	}
	return token, id
}

func (a *application) verify(t *testing.T, token *oauth2.Token) *oidc.IDToken {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := a.verifier.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}
	return id
}

func TestAWebApplicationSignsSomebodyIn(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]oauth2.AuthStyle{"basic": oauth2.AuthStyleInHeader, "post": oauth2.AuthStyleInParams, "found out": oauth2.AuthStyleAutoDetect} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := somebody()
			a := configure(t, client(t, "web"), style)
			token, id := a.signIn(t, newBrowser(t), address)
			person, err := a.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
			if err != nil {
				t.Fatal(err)
			}
			if person.Subject != id.Subject || person.Email != address || !person.EmailVerified {
				t.Errorf("userinfo %+v, ID token of %s", person, id.Subject)
			}
		})
	}
}

func TestAPublicApplicationSignsSomebodyIn(t *testing.T) {
	t.Parallel()
	a := configure(t, client(t, "native"), oauth2.AuthStyleInParams)
	a.RedirectURL = strings.Replace(a.RedirectURL, "127.0.0.1", "127.0.0.1:40404", 1)
	token, _ := a.signIn(t, newBrowser(t), somebody())
	if token.RefreshToken == "" {
		t.Error("no refresh token")
	}
}

func TestATokenSourceRefreshesByItself(t *testing.T) {
	t.Parallel()
	a := configure(t, client(t, "web"), oauth2.AuthStyleInHeader)
	first, id := a.signIn(t, newBrowser(t), somebody())
	old := *first
	old.Expiry = time.Now().Add(-time.Minute)
	second, err := a.TokenSource(t.Context(), &old).Token()
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("nothing was rotated")
	}
	if again := a.verify(t, second); again.Subject != id.Subject {
		t.Errorf("the subject changed to %s", again.Subject)
	}
	third := *second
	third.Expiry = old.Expiry
	if _, err := a.TokenSource(t.Context(), &third).Token(); err != nil {
		t.Fatal(err)
	}
	// Whoever has the first token now is not the one who got the third.
	_, err = a.TokenSource(t.Context(), &old).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("told %v", err)
	}
}

func TestAServiceGetsATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	c, api := client(t, "service"), client(t, "api")
	p, err := oidc.NewProvider(t.Context(), house.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	audience := api.Audience
	if audience == "" {
		audience = "https://api.fernfield.test"
	}
	cc := clientcredentials.Config{
		ClientID: c.ID, ClientSecret: c.Secret, TokenURL: p.Endpoint().TokenURL, Scopes: []string{"orders:read"},
		EndpointParams: url.Values{"resource": {audience}},
	}
	token, err := cc.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The access token is a JWT that the API can check with the same library.
	_, err = p.VerifierContext(t.Context(), &oidc.Config{ClientID: audience}).Verify(t.Context(), token.AccessToken)
	if err != nil {
		t.Error(err)
	}
	if _, err := p.Verifier(&oidc.Config{ClientID: "https://other.example"}).Verify(t.Context(), token.AccessToken); err == nil {
		t.Error("the token is good for another API")
	}
}

// TestBackChannelLogout_2_4_TheApplicationHearsOfIt signs out at the house and
// verifies the logout token that the application is sent.
func TestBackChannelLogout_2_4_TheApplicationHearsOfIt(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 1)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard <- r.PostFormValue("logout_token")
	}))
	defer listener.Close()
	a := configure(t, register(t, listener.URL), oauth2.AuthStyleInParams)
	a.Scopes = []string{oidc.ScopeOpenID}
	b := newBrowser(t)
	token, id := a.signIn(t, b, somebody())
	raw, _ := token.Extra("id_token").(string)
	out := b.open(house.Issuer + "/oauth2/end-session?" + url.Values{"id_token_hint": {raw}}.Encode())
	if out.has("continue") {
		out.submit("action", "continue")
	}
	select {
	case raw := <-heard:
		told, err := a.verifier.VerifyLogout(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		var mine struct{ SID string }
		if err := id.Claims(&mine); err != nil {
			t.Fatal(err)
		}
		if told.Subject != id.Subject || told.SessionID != mine.SID || mine.SID == "" {
			t.Errorf("told of sub %q sid %q, signed in as sub %q sid %q", told.Subject, told.SessionID, id.Subject, mine.SID)
		}
	case <-time.After(20 * time.Second):
		t.Error("the application was told nothing")
	}
}

// register adds a public application that wants to hear of logouts.
func register(t *testing.T, base string) dev.Client {
	t.Helper()
	name := "Logout listener"
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	doc, err := json.Marshal(map[string]any{"version": 1, "tenants": []any{map[string]any{
		"slug": "fern", "applications": []any{map[string]any{
			"name": name, "kind": "native", "redirect_uris": []string{base + "/callback"}, "backchannel_logout_uri": base + "/logout",
		}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := house.Cardea("apply", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := house.Cardea("app", "list", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name string `json:"name"`
		ID   string `json:"client_id"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, a := range list {
		if a.Name == name {
			time.Sleep(1500 * time.Millisecond) // the running server looks once a second
			return dev.Client{ID: a.ID, RedirectURIs: []string{base + "/callback"}}
		}
	}
	t.Fatalf("%s is not in the list: %s", name, out)
	return dev.Client{}
}
