package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// LogoutKind is the kind of the jobs that tell an application of a sign-out.
const LogoutKind = "backchannel_logout"

// Logout is what such a job carries: pseudonyms of one application only.
type Logout struct {
	ClientID string `json:"client_id"`
	Subject  string `json:"sub"`
	Sid      string `json:"sid"`
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutLife is how long a logout token may be believed
// (OpenID Connect Back-Channel Logout 1.0, 2.4: short, two minutes at most).
const logoutLife = 2 * time.Minute

var (
	errLogoutGone    = fault.New(fault.Gone, "logout_nowhere", "The application takes no logout tokens any more.")
	errLogoutRefused = fault.New(fault.Unavailable, "logout_refused", "The application did not take the logout token.")
)

// Ended enqueues a logout token for every application that was signed in to in
// the session and wants to hear of it. It is account.Acts.Logout.
func (p *Provider) Ended(tx *db.Tx, t tenantRef, e account.Ended) error {
	told := map[app.ID]bool{}
	for _, g := range e.Grants {
		if told[g.ApplicationID] {
			continue
		}
		told[g.ApplicationID] = true
		if err := p.enqueue(tx, t, g.ApplicationID, e); err != nil {
			return err
		}
	}
	return nil
}

// logoutPatience is for how long an application that does not answer is tried.
const logoutPatience = time.Hour

func (p *Provider) enqueue(tx *db.Tx, t tenantRef, id app.ID, e account.Ended) error {
	a, ok, err := p.apps.ByID(tx, t, id)
	if err != nil || !ok || !a.Enabled || a.Settings.BackchannelLogoutURI == "" {
		return err
	}
	sub, err := customer.Subject(tx, t, a, e.Customer)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(Logout{ClientID: a.ClientID(), Subject: sub, Sid: sid(t, a, e.Session)})
	if err != nil {
		return err
	}
	_, err = journal.Enqueue(tx, journal.Job{Tenant: t.ID, Kind: LogoutKind, Payload: payload, ExpiresAt: tx.Now.Add(logoutPatience)})
	return err
}

// LogoutWork delivers logout tokens (OpenID Connect Back-Channel Logout 1.0,
// 2.5). Each attempt carries a fresh token; the loop repeats with back-off.
func (p *Provider) LogoutWork(house *tenant.House) journal.Work {
	return journal.Work{Kind: LogoutKind, Do: func(ctx context.Context, j *journal.Job) error {
		t, ok := house.ByID(j.Tenant)
		if !ok {
			return errLogoutGone
		}
		var l Logout
		if err := json.Unmarshal(j.Payload, &l); err != nil {
			return err
		}
		return p.tell(ctx, t, l)
	}}
}

func (p *Provider) tell(ctx context.Context, t tenantRef, l Logout) error {
	a, ok, err := p.application(ctx, t, l.ClientID)
	if err != nil {
		return err
	}
	if !ok || a.Settings.BackchannelLogoutURI == "" {
		return errLogoutGone
	}
	token, err := p.logoutToken(t, a, l)
	if err != nil {
		return err
	}
	body := url.Values{"logout_token": {token}}.Encode()
	answer, err := p.out.Post(ctx, a.Settings.BackchannelLogoutURI, "application/x-www-form-urlencoded", []byte(body), nil)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK && answer.Status != http.StatusNoContent {
		return errLogoutRefused.Because(fmt.Errorf("status %d", answer.Status))
	}
	return nil
}

func (p *Provider) logoutToken(t tenantRef, a applicationRef, l Logout) (string, error) {
	key, err := t.Signer(a.Settings.SigningAlg)
	if err != nil {
		return "", err
	}
	now := p.db.Now()
	claims := map[string]any{
		"iss": t.Issuer(), "aud": a.ID.String(), "iat": now.Unix(), "exp": now.Add(logoutLife).Unix(), "jti": secret.Token(),
		"sub": l.Subject, "sid": l.Sid, "events": map[string]any{logoutEvent: struct{}{}},
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return key.Sign(typLogout, text)
}
