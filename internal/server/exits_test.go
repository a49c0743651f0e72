package server_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// exitField is a field of the house of exits. kind: "" is seen by everybody;
// "hidden" by operators alone, "own" by the customer alone; "scopeless" no scope
// carries; "special" is of a special category.
type exitField struct {
	name, kind string
	purposes   []string
}

var (
	exitFields = []exitField{
		{"x_account", "", []string{"account"}}, {"x_con", "", []string{"con"}}, {"x_ctr", "", []string{"ctr"}},
		{"x_law", "", []string{"law"}}, {"x_leg", "", []string{"leg"}}, {"x_research", "", []string{"research"}},
		{"x_con_ctr", "", []string{"con", "ctr"}}, {"x_hidden", "hidden", []string{"account", "ctr"}}, {"x_own", "own", []string{"account"}},
		{"x_scopeless", "scopeless", []string{"account"}}, {"x_special", "special", []string{"ctr"}},
	}
	exitBasis = map[string]consent.Basis{
		"con": consent.ByConsent, "ctr": consent.ByContract, "law": consent.ByLegalObligation, "leg": consent.ByLegitimateInterest,
		"research": consent.ByContract,
	}
	exitStates = []string{"nothing", "given", "refused", "nothing, restricted", "given, restricted"}
	exitApps   = []string{"web", "spa", "partner"} // the spa declares nothing; the partner is of somebody else
)

// exitGoes is the rule, said once more: whether an application gets a field of
// a customer by a token, or by a webhook.
func exitGoes(client, state string, f exitField, webhook bool) bool {
	state, restricted := strings.CutSuffix(state, ", restricted")
	if f.kind != "" { // nobody let the special one go: it needs consent to a scope, or to its purpose
		return false
	}
	return slices.ContainsFunc(f.purposes, func(p string) bool {
		switch {
		case p == "research", client == "spa" && p != "account", client == "partner" && p == "ctr":
			return false
		case p == "con":
			return state == "given"
		case p == "leg":
			return state != "refused" && !restricted
		case p == "ctr":
			return !restricted
		case p == "account":
			return !restricted || !webhook
		}
		return true
	})
}

// exitShown is the rule for who is at the machine and says a purpose.
func exitShown(state, purpose string, f exitField) bool {
	state, restricted := strings.CutSuffix(state, ", restricted")
	return f.kind != "own" && slices.Contains(f.purposes, purpose) && !restricted &&
		(purpose != "con" || state == "given") && (purpose != "leg" || state != "refused")
}

// exitWord is the value of a field, or the name in an address, like no other:
// none holds another.
func exitWord(person, field int) string { return fmt.Sprintf("qk%02dzaunkoenig%02dqk", person, field) }

// doors is the house of exits.
type doors struct {
	*servertest.House
	t        *testing.T
	all      canaries // by the name of who and what
	people   []customer.ID
	browsers []*servertest.Browser
	tokens   map[string]servertest.Tokens // by application and state
	ears     map[string]*ear
}

func (d *doors) address(person int) string { return exitWord(person, 99) + "@canary.example" }

func newDoors(t *testing.T, h *servertest.House) *doors {
	d := &doors{House: h, t: t, all: canaries{}, tokens: map[string]servertest.Tokens{}, ears: map[string]*ear{}}
	var list []catalog.Field
	for _, f := range exitFields {
		one := catalog.Field{
			Name: f.name, Type: catalog.Text, Class: catalog.Profile, Scope: "profile", Purposes: f.purposes,
			Viewers: []string{"customer", "application", "staff:operator"}, Words: map[string]catalog.Words{"en": {Label: f.name}},
		}
		switch f.kind {
		case "hidden":
			one.Viewers = []string{"staff:operator"}
		case "own":
			one.Viewers = []string{"customer"}
		case "scopeless":
			one.Scope = ""
		case "special":
			one.Class = catalog.Special
		}
		list = append(list, one)
	}
	h.Update(func(tx *db.Tx) error { return catalog.Put(tx, h.Tenant(), list) })
	for id, basis := range exitBasis {
		p := consent.Purpose{ID: id, Version: 1, Basis: basis, Words: map[string]consent.Words{"en": {Title: id, Text: "For " + id + "."}}}
		if id != "ctr" {
			p.Recipients = []consent.Recipient{{Application: h.Apps["partner"].ClientID}}
		}
		h.Update(func(tx *db.Tx) error { _, err := consent.PutPurpose(tx, h.Tenant(), p); return err })
	}
	for _, name := range exitApps {
		d.ears[name] = newEar(t, h).hooked(h.Apps[name], func(s *app.Settings) {
			if name != "spa" {
				s.Purposes = []string{"account", "con", "ctr", "law", "leg"}
			}
		})
	}
	for i, state := range exitStates {
		d.arrive(i, state)
	}
	return d
}

// arrive signs a customer up, fills in every field, signs in to every
// application and brings the ledger to the state.
func (d *doors) arrive(i int, state string) {
	b := from(d.t, fmt.Sprintf("198.51.100.%d", 10+i))
	d.SignUp(b, d.address(i))
	id := idOf(d.t, d.House, d.address(i))
	d.people, d.browsers = append(d.people, id), append(d.browsers, b)
	d.all[state+" address"] = exitWord(i, 99)
	for n, f := range exitFields {
		d.all[state+" "+f.name] = exitWord(i, n)
	}
	d.fill(i)
	claims := map[string]any{}
	for _, f := range exitFields {
		claims[f.name] = nil
	}
	asked, err := json.Marshal(map[string]any{"id_token": claims, "userinfo": claims})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range exitApps {
		c := d.Apps[name]
		code := d.Authorize(b, c, d.address(i), "scope", "openid profile offline_access", "claims", string(asked)).Get("code")
		d.tokens[name+state] = d.Redeem(c, code)
	}
	was, restricted := strings.CutSuffix(state, ", restricted")
	d.Update(func(tx *db.Tx) error {
		choose := func(purpose, decision string) error {
			_, err := consent.Decide(tx, d.Tenant(), consent.Choice{Customer: id, Purpose: purpose, Decision: decision, Version: 1, Surface: "portal", Method: "button"})
			return err
		}
		var list [][2]string
		switch was {
		case "given":
			list = [][2]string{{"con", consent.Given}}
		case "refused":
			list = [][2]string{{"con", consent.Given}, {"con", consent.Withdrawn}, {"leg", consent.Objected}}
		}
		for _, one := range list {
			if err := choose(one[0], one[1]); err != nil {
				return err
			}
		}
		if restricted {
			return consent.Restrict(tx, d.Tenant(), consent.Choice{Customer: id, Surface: "case"})
		}
		return nil
	})
}

// fill sets every field of a customer.
func (d *doors) fill(i int) {
	d.Update(func(tx *db.Tx) error {
		for n, f := range exitFields {
			if err := customer.SetField(tx, d.Tenant(), d.people[i], f.name, exitWord(i, n), customer.SourceImport); err != nil {
				return err
			}
		}
		return nil
	})
}

// is holds what is found in a text against what the rule lets stand there.
func (d *doors) is(where, text string, want func(state string, f exitField) bool, own ...string) {
	d.t.Helper()
	found := d.all.in(text)
	var ought []string
	for _, state := range exitStates {
		for _, f := range exitFields {
			if want != nil && want(state, f) {
				ought = append(ought, state+" "+f.name)
			}
		}
	}
	ought = append(ought, own...)
	slices.Sort(found)
	slices.Sort(ought)
	found = slices.Compact(found)
	if !slices.Equal(found, ought) {
		d.t.Errorf("%s\n holds %q\n ought %q", where, found, ought)
	}
}

// TestEveryExitLetsOutWhatTheRuleSays reads the bytes that leave a house, by
// every exit, of customers in every state of the ledger: what the catalogue and
// the ledger let go stands there, and no other value of anybody stands anywhere.
func TestEveryExitLetsOutWhatTheRuleSays(t *testing.T) {
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			logged := &tape{}
			d := newDoors(t, servertest.Open(t, engine, servertest.Options{Config: manyNetworks.Config, Base: func(o *server.Opening) {
				o.Log = slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			}}))
			d.byToken()
			d.byWebhook()
			d.byPage()
			d.byArchive()
			d.byCommand()
			d.bySide(logged)
		})
	}
}

func (d *doors) byToken() {
	for _, name := range exitApps {
		for i, state := range exitStates {
			tokens := d.Refresh(d.Apps[name], d.tokens[name+state].RefreshToken)
			status, info := d.Bearer("/oauth2/userinfo", tokens.AccessToken)
			said, err := json.Marshal([]any{d.Introspect(d.Apps[name], tokens.AccessToken), d.Introspect(d.Apps[name], tokens.RefreshToken)})
			if status != http.StatusOK || err != nil {
				d.t.Fatalf("%s %d: %d %v", name, i, status, err)
			}
			goes := func(s string, f exitField) bool { return s == state && exitGoes(name, s, f, false) }
			d.is("userinfo to "+name+" of "+state, string(info), goes)
			d.is("ID token to "+name+" of "+state, payload(d.t, tokens.IDToken), goes)
			d.is("access token and introspection of "+name+" of "+state, payload(d.t, tokens.AccessToken)+string(said), nil)
		}
	}
}

// byWebhook tells each application that every field of everybody changed.
func (d *doors) byWebhook() {
	for _, e := range d.ears {
		e.told()
	}
	for i := range d.people {
		d.fill(i)
	}
	for _, name := range exitApps {
		var bodies strings.Builder
		for _, call := range d.ears[name].told() {
			bodies.WriteString(call.body + "\n")
		}
		d.is("webhooks to "+name, bodies.String(), func(s string, f exitField) bool { return exitGoes(name, s, f, true) })
	}
}

// byPage reads the customers' own pages, and the mails to them.
func (d *doors) byPage() {
	paths := []string{
		"", "/profile", "/addresses", "/security", "/sessions", "/devices", "/applications", "/consents", "/preferences", "/privacy",
		"/data", "/privacy/requests", "/privacy/requests/new", "/language", "/close",
	}
	for i, state := range exitStates {
		var pages strings.Builder
		for _, path := range paths {
			pages.WriteString(d.browsers[i].Get(d.URL+"/account"+path).Body + "\n")
		}
		d.is("the pages of "+state, pages.String(), func(s string, f exitField) bool { return s == state && f.kind != "hidden" }, state+" address")
		var mails strings.Builder
		for _, m := range d.Inbox(d.address(i)) {
			mails.WriteString(m.Subject + m.Text + m.HTML + "\n")
		}
		found := slices.DeleteFunc(d.all.in(mails.String()), func(what string) bool { return what == state+" address" })
		if mails.Len() == 0 || len(found) > 0 {
			d.t.Errorf("the mails to %s hold %q of %d bytes", state, found, mails.Len())
		}
	}
}

// byArchive takes each customer's data away.
func (d *doors) byArchive() {
	for i, state := range exitStates {
		b := d.browsers[i]
		at(d.t, b.Post(d.URL+"/account/privacy/download", nil), "/account/privacy")
		d.Settle()
		var token string
		d.Update(func(tx *db.Tx) (err error) { token, err = privacy.LinkArchive(tx, d.Tenant(), d.people[i]); return err })
		p := b.Get(d.URL + "/account/privacy/archive?t=" + token)
		z, err := zip.NewReader(strings.NewReader(p.Body), int64(len(p.Body)))
		if err != nil {
			d.t.Fatal(p.Status, err)
		}
		for _, name := range []string{"data.json", "index.html"} {
			file, err := z.Open(name)
			if err != nil {
				d.t.Fatal(err)
			}
			text, err := io.ReadAll(file)
			if err != nil {
				d.t.Fatal(err)
			}
			d.is("the "+name+" of "+state, string(text), func(s string, f exitField) bool { return s == state && f.kind != "hidden" }, state+" address")
		}
	}
}

// byCommand looks at each customer from the machine, for every purpose, and asks
// for what commands tell without opening anything.
func (d *doors) byCommand() {
	ctx := d.t.Context()
	text := func(v any, err error) string {
		d.t.Helper()
		out, failed := json.Marshal(v)
		if err != nil || failed != nil {
			d.t.Fatal(err, failed)
		}
		return string(out)
	}
	for i, state := range exitStates {
		for _, purpose := range []string{"account", "con", "ctr", "law", "leg", "research"} {
			p, err := d.ShowCustomer(ctx, d.Tenant(), d.people[i].String(), server.Looking{Purpose: purpose, Reveal: true, Reason: "the test"})
			var own []string
			if purpose == "account" && !strings.HasSuffix(state, ", restricted") { // which addresses name too
				own = []string{state + " address"}
			}
			d.is("the look for "+purpose+" at "+state, text(p, err), func(s string, f exitField) bool { return s == state && exitShown(s, purpose, f) }, own...)
			q, err := d.ShowCustomer(ctx, d.Tenant(), d.people[i].String(), server.Looking{Purpose: purpose, Reason: "the test"})
			d.is("the outline for "+purpose+" of "+state, text(q, err), nil)
		}
		claims, err := d.ExplainClaims(ctx, d.Tenant(), d.people[i].String(), d.Apps["web"].ClientID, []string{"openid", "profile"})
		d.is("what would go of "+state, text(claims, err), nil)
	}
	var seen bytes.Buffer
	for _, name := range exitApps {
		_, err := d.BlastRadius(ctx, d.Tenant(), d.Apps[name].ClientID, release.Span{}, func(s server.Seen) error {
			return json.NewEncoder(&seen).Encode(s)
		})
		if err != nil || !strings.Contains(seen.String(), "x_account") {
			d.t.Error(err, seen.String())
		}
	}
	d.is("who saw what", seen.String(), nil)
	doc, err := d.Export(ctx, d.Tenant())
	d.is("cardea.yaml", string(doc), nil)
	if err != nil || !bytes.Contains(doc, []byte("x_special")) {
		d.t.Error("nothing was exported", err)
	}
	report, err := d.Audit(ctx, d.Tenant())
	d.is("the audit", text(report, err), nil)
	if report.Record.Lines == 0 || !report.Holds {
		d.t.Errorf("%+v", report)
	}
}

// bySide reads what is nobody's to read: the answers of the contact check, the
// log, the metrics and the database.
func (d *doors) bySide(logged *tape) {
	m := newMailer(d.t, d.House)
	for i := range d.people {
		got := m.post("/v1/contact-check", `{"questions":[{"address":"`+d.address(i)+`","topic":"letter","channel":"email"}]}`)
		d.is("the contact check", got.Body, nil)
		if got.Status != http.StatusOK {
			d.t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	d.Settle()
	lines := logged.String()
	if strings.Count(lines, "\n") < 100 {
		d.t.Errorf("hardly a line was logged: %.300s", lines)
	}
	d.is("the log", lines, nil)
	w := httptest.NewRecorder()
	d.OpsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(w.Body.String(), "cardea_http_requests_total") {
		d.t.Error("there are no metrics")
	}
	d.is("the metrics", w.Body.String(), nil)
	searchTables(d.t, d.House, d.all)
	searchFiles(d.t, d.House, d.all)
}
