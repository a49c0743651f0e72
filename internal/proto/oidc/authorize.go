package oidc

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// PathSignIn is where the hosted pages of a flow begin; the flow's id follows.
const PathSignIn = "/signin/"

// authorize is the authorization endpoint (RFC 6749, 3.1; OpenID Connect Core
// 1.0, 3.1.2). A form that another site posted comes back as a GET first.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) error {
	form, err := p.parameters(r, PathAuthorize)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost && web.CrossSite(r) {
		return p.park(w, r, PathAuthorize, form)
	}
	q := &request{ctx: r.Context(), form: form, tenant: of(r)}
	for _, c := range shown {
		if err := c.run(p, q); err != nil {
			web.Record(r).Add("check", c.name)
			return err
		}
	}
	web.Record(r).Add("application", q.ClientID)
	for _, c := range redirected {
		if err := c.run(p, q); err != nil {
			web.Record(r).Add("check", c.name)
			return p.respondError(w, r, q, err)
		}
	}
	return p.decide(w, r, q)
}

// decide answers at once if a session of this browser is good enough and there
// is nothing to ask; else the hosted pages take over.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request, q *request) error {
	held, err := p.held(r)
	if err != nil {
		return err
	}
	var step signin.Step
	var facts signin.Facts
	err = p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		if facts, err = p.facts(tx, q); err != nil {
			return err
		}
		flow := signin.Flow{Facts: facts, Request: signin.Request{Application: q.app.ID, Scopes: q.Scopes}}
		step, err = account.Survey(tx, q.tenant, &flow, p.policy(q.tenant), session.Distinct(held))
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case step.Name == signin.Done && !step.Session.IsZero():
		token, _ := tokenOf(held, step.Session)
		return p.issue(w, r, q, token)
	case q.asks("none"):
		return p.respondError(w, r, q, refusal(step.Reason))
	}
	return p.begin(w, r, q, facts)
}

// policy is the tenant's, with single sign-on: one session that is good enough
// answers an application without a page; two ask which.
func (p *Provider) policy(t tenantRef) signin.Policy {
	policy := signin.PolicyOf(t)
	policy.Silent = true
	return policy
}

// facts says in core's words what the application wants.
func (p *Provider) facts(tx *db.Tx, q *request) (signin.Facts, error) {
	f := signin.Facts{
		Kind: signin.SignIn, Aged: q.Aged, MaxAge: q.MaxAge, Hint: q.LoginHint,
		Prompt: signin.Prompt{Login: q.asks("login"), Create: q.asks("create"), Select: q.asks("select_account"), Consent: q.asks("consent"), None: q.asks("none")},
	}
	sub := q.Subject
	if wanted := q.Claims.IDToken["sub"].wanted(); len(wanted) == 1 {
		sub = wanted[0] // OpenID Connect Core 1.0, 5.5.1: a value asked of sub names who must answer
	}
	if sub == "" {
		return f, nil
	}
	id, found, err := customer.ParseSubject(tx, q.tenant, sub)
	if err == nil && !found {
		return f, errUnknownSubject
	}
	f.Pinned = id
	return f, err
}

var errUnknownSubject = refuse("login_required", "Nobody of that name can sign in here.")

// refusal is how an application hears why a journey ended.
func refusal(why signin.Reason) *fault.Error {
	switch why {
	case signin.LoginRequired, signin.ChoiceRequired, signin.ConsentRequired, signin.InteractionNeeded:
		return refuse(string(why), "The customer has to do something that prompt=none forbids.")
	}
	return fault.New(fault.Denied, "access_denied", "The sign-in was not completed.")
}

// begin hands over to the hosted pages. The checked request travels sealed in
// the flow and never changes again (H010).
func (p *Provider) begin(w http.ResponseWriter, r *http.Request, q *request, facts signin.Facts) error {
	opaque, err := json.Marshal(q)
	if err != nil {
		return err
	}
	browser := p.browser(w, r)
	var flow signin.Flow
	err = p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		flow, err = signin.Begin(tx, q.tenant, signin.New{Browser: browser, Facts: facts, Request: signin.Request{
			Application: q.app.ID, Opaque: opaque, Scopes: q.Scopes, Locales: locales(q.Locales), ReturnPath: PathResume, FormAction: q.RedirectURI,
		}})
		return err
	})
	if err != nil {
		return err
	}
	web.Redirect(w, r, PathSignIn+flow.ID.String())
	return nil
}

// resume is where the hosted pages come back to. The flow is taken exactly
// once; that it ended well is not believed, the gate is asked again.
func (p *Provider) resume(w http.ResponseWriter, r *http.Request) error {
	values, err := web.Query(r)
	if err != nil {
		return err
	}
	var id signin.ID
	if err := id.UnmarshalText([]byte(values.Get("flow"))); err != nil {
		return err
	}
	browser, ok := p.knownBrowser(r)
	if !ok {
		return errElsewhere
	}
	var flow signin.Flow
	err = p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		flow, err = signin.Resume(tx, of(r), id, browser)
		return err
	})
	if err != nil {
		return err
	}
	q, err := p.restore(r, flow)
	if err != nil {
		return err
	}
	if flow.Outcome == nil || flow.Outcome.Session.IsZero() {
		return p.respondError(w, r, q, refusal(outcomeReason(flow)))
	}
	held, err := p.held(r)
	if err != nil {
		return err
	}
	token, ok := tokenOf(held, flow.Outcome.Session)
	if !ok {
		return p.respondError(w, r, q, refuse("login_required", "The sign-in ended before it could be used."))
	}
	return p.issue(w, r, q, token)
}

var errElsewhere = fault.New(fault.Denied, "flow_elsewhere", "This sign-in began in another browser. Go back to the application and start again.")

func outcomeReason(f signin.Flow) signin.Reason {
	if f.Outcome == nil {
		return signin.AccessDenied
	}
	return f.Outcome.Reason
}

// restore rebuilds the request from what the flow carried. The application
// and its redirect URI are looked up again: they may have changed meanwhile.
func (p *Provider) restore(r *http.Request, flow signin.Flow) (*request, error) {
	q := &request{ctx: r.Context(), tenant: of(r)}
	if err := json.Unmarshal(flow.Request.Opaque, q); err != nil {
		return nil, err
	}
	q.form = url.Values{"client_id": {q.ClientID}, "redirect_uri": {q.RedirectURI}}
	for _, c := range shown {
		if err := c.run(p, q); err != nil {
			return nil, err
		}
	}
	return q, nil
}
