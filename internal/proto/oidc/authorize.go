package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
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
	q.from, held = p.from(r), q.awake(held, p.db.Now())
	var step signin.Step
	var facts signin.Facts
	err = p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		if facts, err = p.facts(tx, q, held); err == nil {
			step, err = p.survey(tx, q, facts, held)
		}
		return err
	})
	switch {
	case errors.Is(err, errUnknownSubject):
		return p.respondError(w, r, q, errUnknownSubject)
	case err != nil:
		return err
	case step.Name == signin.Done && !step.Session.IsZero():
		token, _ := tokenOf(held, step.Session)
		return p.issue(w, r, q, token)
	case q.asks("none"):
		return p.respondError(w, r, q, refusal(step.Reason))
	}
	return p.begin(w, r, q, facts, func(tx *db.Tx, f *signin.Flow) error {
		if step.Name != signin.Again {
			return nil
		}
		err := p.acts.Again(tx, q.tenant, f, account.Entrance{Held: session.Distinct(held), Policy: p.policy(q.tenant)})
		if errors.Is(err, account.ErrStep) {
			return nil // something changed since the look; the pages look again
		}
		return err
	})
}

// survey asks which step comes next.
func (p *Provider) survey(tx *db.Tx, q *request, facts signin.Facts, held []session.Held) (signin.Step, error) {
	flow := signin.Flow{Facts: facts, From: q.from, Request: signin.Request{Application: q.app.ID, Scopes: q.Scopes}}
	step, err := account.Survey(tx, q.tenant, &flow, p.policy(q.tenant), session.Distinct(held))
	if step.Reason == signin.ChoiceRequired && q.fresh(tx.Now, session.Distinct(held)) < 2 {
		step.Reason = signin.LoginRequired // of those who are signed in nobody is left to choose
	}
	return step, err
}

// awake leaves out the sessions that have rested for longer than the application
// lets them. A journey that begins instead asks for a proof that is younger.
func (q *request) awake(held []session.Held, now time.Time) []session.Held {
	most := time.Duration(q.app.Settings.SessionIdle)
	if most == 0 {
		return held
	}
	awake := slices.DeleteFunc(slices.Clone(held), func(h session.Held) bool { return now.Sub(h.SeenAt) > most })
	if len(awake) < len(held) {
		q.younger(most)
	}
	return awake
}

// fresh counts the sessions that max_age lets answer.
func (q *request) fresh(now time.Time, list []session.Session) (n int) {
	for _, s := range list {
		if !q.Aged || now.Sub(s.AuthenticatedAt) <= q.MaxAge {
			n++
		}
	}
	return n
}

// policy is the tenant's, with single sign-on: one session that is good enough
// answers an application without a page; two ask which.
func (p *Provider) policy(t tenantRef) signin.Policy {
	policy := signin.PolicyOf(t)
	policy.Silent = true
	return policy
}

// facts says in core's words what the application wants.
func (p *Provider) facts(tx *db.Tx, q *request, held []session.Held) (f signin.Facts, err error) {
	acr, essential := q.wish()
	f = signin.Facts{
		Kind: signin.SignIn, Aged: q.Aged, MaxAge: q.MaxAge, Hint: q.LoginHint,
		ACR: acr, Essential: essential,
		Prompt: signin.Prompt{Login: q.asks("login"), Create: q.asks("create"), Select: q.asks("select_account"), Consent: q.asks("consent"), None: q.asks("none")},
	}
	if f.Pinned, err = pinned(tx, q); err == nil && !f.Prompt.Select {
		f.Session, err = hinted(tx, q, held)
	}
	return f, err
}

// pinned is the customer who alone may answer: whom id_token_hint names, or a
// value asked of the claim sub (OpenID Connect Core 1.0, 3.1.2.1 and 5.5.1).
func pinned(tx *db.Tx, q *request) (who customer.ID, err error) {
	subs := q.Claims.IDToken["sub"].wanted()
	if q.Subject != "" {
		subs = append(subs, q.Subject)
	}
	slices.Sort(subs)
	if subs = slices.Compact(subs); len(subs) == 0 {
		return who, nil
	}
	who, found, err := customer.ParseSubjectFor(tx, q.tenant, q.app, subs[0])
	if err == nil && (!found || len(subs) > 1) {
		err = errUnknownSubject
	}
	return who, err
}

// hinted is the session of this browser whose customer login_hint names, if
// there is one. Nothing is told of anybody who is not signed in here.
func hinted(tx *db.Tx, q *request, held []session.Held) (none session.ID, err error) {
	if q.LoginHint == "" || len(held) == 0 {
		return none, nil
	}
	kind, canonical, err := customer.Guess(q.tenant, q.LoginHint)
	if err != nil {
		return none, nil // a hint that is no identifier is shown in the field and no more
	}
	c, found, err := customer.ByIdentifier(tx, q.tenant, kind, canonical)
	if err != nil || !found {
		return none, err
	}
	for _, s := range session.Distinct(held) {
		if s.CustomerID == c.ID {
			return s.ID, nil
		}
	}
	return none, nil
}

var errUnknownSubject = refuse("login_required", "Nobody of that name can sign in here.")

// refusal is how an application hears why a journey ended.
func refusal(why signin.Reason) *fault.Error {
	switch why {
	case signin.LoginRequired, signin.ChoiceRequired, signin.ConsentRequired, signin.InteractionNeeded:
		return refuse(string(why), "The customer has to do something first.")
	case signin.Unmet:
		return errAssurance
	}
	return errDenied
}

var errDenied = fault.New(fault.Denied, "access_denied", "The sign-in was not completed.")

// begin hands over to the hosted pages. The checked request travels sealed in
// the flow and never changes again (H010). A session that does not do is turned
// away at once, so that the first page asks for the proof.
func (p *Provider) begin(w http.ResponseWriter, r *http.Request, q *request, facts signin.Facts, turn func(*db.Tx, *signin.Flow) error) error {
	opaque, err := json.Marshal(q)
	if err != nil {
		return err
	}
	if err := risk.Reserve(r.Context(), p.db, q.tenant, risk.FlowStart(web.Network(web.Peer(r)))...); err != nil {
		return err
	}
	browser := p.browser(w, r)
	var flow signin.Flow
	err = p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		flow, err = signin.Begin(tx, q.tenant, signin.New{Browser: browser, Facts: facts, Request: signin.Request{
			Application: q.app.ID, Opaque: opaque, Scopes: q.Scopes, Locales: locales(q.Locales), ReturnPath: PathResume, FormAction: q.RedirectURI,
		}})
		if err != nil {
			return err
		}
		flow.From = q.from
		return turn(tx, &flow)
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
	flow, err := p.take(r, id, browser)
	if err != nil {
		return err
	}
	q, err := p.restore(r, flow)
	if err != nil {
		return err
	}
	web.Record(r).Add("application", q.ClientID)
	if flow.Outcome == nil || flow.Outcome.Session.IsZero() {
		return p.respondError(w, r, q, refusal(outcomeReason(flow)))
	}
	for _, check := range again {
		if err := check(p, q); err != nil {
			return p.respondError(w, r, q, err)
		}
	}
	held, err := p.held(r)
	if err != nil {
		return err
	}
	q.since = flow.CreatedAt
	token, ok := tokenOf(held, flow.Outcome.Session)
	if !ok {
		return p.respondError(w, r, q, refuse("login_required", "The sign-in ended before it could be used."))
	}
	return p.issue(w, r, q, token)
}

// take uses up an ended flow of ours. One that did not begin here (a plain
// sign-in to the portal) stays for whom it is.
func (p *Provider) take(r *http.Request, id signin.ID, browser [32]byte) (flow signin.Flow, err error) {
	// READ COMMITTED: everything that is decided stands in the one statement that
	// takes the journey (docs/decisions/0045-one-journey.md).
	err = p.db.Redeem(r.Context(), func(tx *db.Tx) (err error) {
		flow, err = signin.Resume(tx, of(r), id, browser)
		if err == nil && flow.Request.ReturnPath != PathResume {
			err = signin.ErrExpired
		}
		return err
	})
	return flow, err
}

var errElsewhere = fault.New(fault.Denied, "flow_elsewhere", "This sign-in began in another browser. Go back to the application and start again.")

func outcomeReason(f signin.Flow) signin.Reason {
	if f.Outcome == nil {
		return signin.AccessDenied
	}
	return f.Outcome.Reason
}

// restore rebuilds the request from what the flow carried. The application,
// its redirect URI and what it may ask for are looked up again: they may have
// changed meanwhile.
func (p *Provider) restore(r *http.Request, flow signin.Flow) (*request, error) {
	q := &request{ctx: r.Context(), tenant: of(r)}
	if err := json.Unmarshal(flow.Request.Opaque, q); err != nil {
		return nil, err
	}
	q.form = url.Values{"client_id": {q.ClientID}, "redirect_uri": {q.RedirectURI}}
	if q.Resource != "" {
		q.form.Set("resource", q.Resource)
	}
	for _, c := range shown {
		if err := c.run(p, q); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// again are the checks of the table that are asked once more on the way back.
var again = []func(*Provider, *request) *fault.Error{mayUseCodes, resource}
