package release_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The world of the matrix. A purpose of each basis; "gone" was retired, "never"
// was not published.
var (
	matrixBasis = map[string]consent.Basis{
		"con": consent.ByConsent, "ctr": consent.ByContract, "law": consent.ByLegalObligation, "vit": consent.ByVitalInterests,
		"pub": consent.ByPublicTask, "leg": consent.ByLegitimateInterest, "gone": consent.ByContract,
	}
	matrixPurposes = []string{"account", "con", "ctr", "law", "vit", "pub", "leg", "gone", "never", "support", "privacy"}
	// What was decided on every purpose, the last word.
	matrixStates = []string{"nothing", "given", "withdrawn", "objected", "expired", "swept", "older"}
	matrixWho    = []string{
		"first", "first for its account", "named", "named without scope", "named, scope withdrawn", "unnamed",
		"first, by webhook", "named, by webhook",
		"self", "message", "export", "support", "privacy officer", "operator", "operator's outline",
	}
)

// matrixField is a field and what the test knows of it. kinds: plain, special,
// unseen (by applications), scopeless, ungranted (its scope is), outlined (for
// support), hidden (from the customer too).
type matrixField struct {
	name, kind string
	purposes   []string
}

func matrixFields() (list []matrixField) {
	for _, kind := range []string{"plain", "special", "unseen", "scopeless", "ungranted", "outlined", "hidden"} {
		for i, p := range matrixPurposes {
			if kind == "plain" || kind == "special" || i < 2 || p == "support" {
				list = append(list, matrixField{kind + "_" + p, kind, []string{p}})
			}
		}
	}
	for _, pair := range [][]string{{"con", "leg"}, {"gone", "con"}, {"account", "con"}, {"leg", "law"}, {"ctr", "con"}} {
		list = append(list, matrixField{"plain_" + pair[0] + "_" + pair[1], "plain", pair})
	}
	return list
}

func (f *matrixField) definition() catalog.Field {
	d := catalog.Field{
		Name: f.name, Type: catalog.Text, Class: catalog.Profile, Scope: "x", Purposes: f.purposes,
		Viewers: []string{"customer", "application", "staff:operator", "staff:support", "staff:privacy"},
	}
	switch f.kind {
	case "special":
		d.Class = catalog.Special
	case "unseen":
		d.Viewers = []string{"customer"}
	case "scopeless":
		d.Scope = ""
	case "ungranted":
		d.Scope = "y"
	case "outlined":
		d.Viewers[3] += ":masked"
	case "hidden":
		d.Viewers = []string{"staff:operator"}
	}
	return d
}

// ought is the rule, said once more and in another way: all that may stop a
// field, for one purpose after the other.
func ought(state string, restricted bool, who, asked string, f matrixField) (purpose, why string, outline bool) {
	switch who {
	case "self", "message", "export":
		if f.kind == "hidden" {
			return "", "viewer", false
		}
		return "any", "", false
	case "support", "privacy officer", "operator", "operator's outline":
		return oughtStaff(state, restricted, who, asked, f)
	}
	if f.kind == "unseen" || f.kind == "hidden" {
		return "", "viewer", false
	}
	order := []string{"purpose", "scope", "recipient", "consent:", "restricted"}
	best := 0
	why = "purpose"
	for _, p := range matrixPurposes {
		reason, rank := oughtFor(state, restricted, who, p, f), 0
		switch {
		case asked != "" && p != asked, who == "first for its account" && p != "account", !slices.Contains(f.purposes, p):
			continue
		case reason == "":
			return p, "", false
		}
		for i, prefix := range order {
			if strings.HasPrefix(reason, prefix) {
				rank = i
			}
		}
		if rank > best {
			best, why = rank, reason
		}
	}
	return "", why, false
}

func oughtFor(state string, restricted bool, who, p string, f matrixField) string {
	who, webhook := strings.CutSuffix(who, ", by webhook")
	third := !strings.HasPrefix(who, "first")
	scope := map[string]string{"named without scope": "never", "named, scope withdrawn": "withdrawn", "first": "never", "first for its account": "never"}[who]
	needsScope := third || f.kind == "special" && p != "con"
	switch {
	case p == "gone" || p == "never":
		return "purpose"
	case f.kind == "scopeless" || f.kind == "ungranted":
		return "scope"
	case third && p != "account" && (who == "unnamed" || p == "support" || p == "privacy"):
		return "recipient"
	case needsScope && scope != "":
		return "consent:" + scope
	}
	if why := oughtHold(state, p); why != "" {
		return "consent:" + why
	}
	if restricted && slices.Contains([]string{"ctr", "pub", "leg", "support"}, p) {
		return "restricted"
	}
	if restricted && p == "account" && webhook { // nobody signed in
		return "restricted"
	}
	return ""
}

// oughtHold is what the ledger says against a purpose.
func oughtHold(state, p string) string {
	switch {
	case p == "con":
		return map[string]string{"nothing": "never", "given": "", "swept": "expired"}[state] +
			map[bool]string{true: state}[slices.Contains([]string{"withdrawn", "objected", "expired", "older"}, state)]
	case (p == "leg" || p == "pub") && (state == "objected" || state == "withdrawn"):
		return state
	}
	return ""
}

func oughtStaff(state string, restricted bool, who, asked string, f matrixField) (string, string, bool) {
	if f.kind == "unseen" || f.kind == "hidden" && !strings.HasPrefix(who, "operator") {
		return "", "viewer", false
	}
	switch {
	case !slices.Contains(f.purposes, asked) || asked == "gone" || asked == "never":
		return "", "purpose", false
	case asked == "privacy":
	case oughtHold(state, asked) != "":
		return "", "consent:" + oughtHold(state, asked), false
	case restricted:
		return "", "restricted", false
	}
	return asked, "", who == "operator's outline" || who == "support" && f.kind == "outlined"
}

// matrix is the house of that world.
type matrix struct {
	*scene
	fields []matrixField
	people map[string]customer.ID // by state and restriction
	asker  map[string]release.Ask
}

func TestWhatLeavesIsWhatTheRuleSays(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		m := newMatrix(t, h)
		asked := 0
		for person, id := range m.people {
			state, _ := strings.CutSuffix(person, ", restricted")
			for _, who := range matrixWho {
				h.Update(func(tx *db.Tx) error {
					for _, purpose := range append([]string{""}, matrixPurposes...) {
						asked += m.compare(tx, id, person, state, who, purpose)
					}
					return nil
				})
			}
		}
		m.recorded()
		t.Logf("%d combinations", asked)
		if asked < 50_000 {
			t.Errorf("only %d combinations were tried", asked)
		}
	})
}

// compare asks the gate for everything and holds the answer against the rule.
func (m *matrix) compare(tx *db.Tx, id customer.ID, person, state, who, purpose string) int {
	ask := m.asker[who]
	ask.Customer, ask.Purpose = id, purpose
	if ask.Recipient.Kind == release.Self {
		ask.Recipient.ID = id
	}
	for _, f := range m.fields {
		ask.Fields = append(ask.Fields, f.name)
	}
	d, err := release.Disclose(tx, m.T(), ask)
	if err != nil {
		m.t.Fatalf("%s %s %s: %v", person, who, purpose, err)
	}
	for _, f := range m.fields {
		_, why, outline := ought(state, state != person, who, purpose, f)
		want := canary(person, f.name)
		if outline {
			want = release.Mask("", want)
		}
		got, gone := d.Values[f.name]
		switch {
		case why != "" && (gone || d.Withheld[f.name] != why):
			m.t.Errorf("%s is told %q of %s for %q where the ledger says %s: %q %q", who, why, f.name, purpose, person, got.Text, d.Withheld[f.name])
		case why == "" && (got.Text != want || got.Masked != outline):
			m.t.Errorf("%s should have %s for %q where the ledger says %s: %q, withheld for %q", who, f.name, purpose, person, got.Text, d.Withheld[f.name])
		}
	}
	if len(d.Values)+len(d.Withheld) != len(m.fields) {
		m.t.Errorf("%s %s %s: %d values, %d withheld", person, who, purpose, len(d.Values), len(d.Withheld))
	}
	return len(m.fields)
}

func canary(person, field string) string { return "canary of " + person + " " + field }

// recorded looks at the record: whatever went to applications, and nothing else,
// stands there under the purpose that the rule names.
func (m *matrix) recorded() {
	for person, id := range m.people {
		state, _ := strings.CutSuffix(person, ", restricted")
		var list []release.Entry
		m.View(func(tx *db.Tx) (err error) { list, err = release.Record(tx, m.T(), id, 10_000); return err })
		got, want := map[string]bool{}, map[string]bool{}
		for _, e := range list {
			for _, f := range strings.Fields(e.Names) {
				if e.RecipientKind == release.Application {
					got[fmt.Sprintf("%x %s %s", e.Recipient, e.Purpose, f)] = true
				}
			}
		}
		for _, who := range matrixWho {
			for _, asked := range append([]string{""}, matrixPurposes...) {
				for _, f := range m.fields {
					if p, why, _ := ought(state, state != person, who, asked, f); why == "" && m.asker[who].Recipient.Kind == release.Application {
						want[fmt.Sprintf("%x %s %s", m.asker[who].Recipient.ID, p, f.name)] = true
					}
				}
			}
		}
		for k := range want {
			if !got[k] {
				m.t.Errorf("%s: not on record: %s", person, k)
			}
		}
		for k := range got {
			if !want[k] {
				m.t.Errorf("%s: on record: %s", person, k)
			}
		}
	}
}

func newMatrix(t *testing.T, h *coretest.House) *matrix {
	m := &matrix{scene: set(t, h), fields: matrixFields(), people: map[string]customer.ID{}}
	var list []catalog.Field
	for _, f := range m.fields {
		list = append(list, f.definition())
	}
	h.Update(func(tx *db.Tx) error { return consent.RetirePurpose(tx, h.T(), "fitting") })
	h.Update(func(tx *db.Tx) error { return catalog.Put(tx, h.T(), list) })
	m.recipients()
	m.publish(1)
	for _, state := range matrixStates {
		for _, after := range []string{"", ", restricted"} {
			m.people[state+after] = m.person(state+after, state == "older")
		}
	}
	m.publish(2)
	for person, id := range m.people {
		m.decide(id, strings.TrimSuffix(person, ", restricted"), strings.HasSuffix(person, ", restricted"))
	}
	h.Wait(2 * time.Hour)
	h.Update(func(tx *db.Tx) error { return consent.RetirePurpose(tx, h.T(), "gone") })
	return m
}

// recipients registers the applications and gives staff their roles.
func (m *matrix) recipients() {
	all := func(n *app.New) { n.Settings.Purposes = matrixPurposes }
	to := func(kind string, id [16]byte) release.Ask {
		return release.Ask{Recipient: release.Recipient{Kind: kind, ID: id}, Scopes: []string{"openid", "x"}, Reason: "the matrix"}
	}
	m.asker = map[string]release.Ask{
		"self": to(release.Self, [16]byte{}), "message": to(release.Message, [16]byte{}), "export": to(release.Export, [16]byte{}),
		"support": to(release.Staff, m.support), "operator": to(release.Operator, [16]byte{}),
		"first": to(release.Application, m.App(true, all).ID), "first for its account": to(release.Application, m.App(true).ID),
	}
	for _, who := range []string{"named", "named without scope", "named, scope withdrawn", "unnamed"} {
		m.asker[who] = to(release.Application, m.App(false, all).ID)
	}
	for _, who := range []string{"first", "named"} {
		webhook := m.asker[who]
		webhook.Occasion = [16]byte{1}
		m.asker[who+", by webhook"] = webhook
	}
	outline := m.asker["operator"]
	outline.Outline = true
	m.asker["operator's outline"] = outline
	var built *tenant.Tenant
	for _, t := range m.House.House.All() {
		if t.BuiltIn {
			built = t
		}
	}
	m.Update(func(tx *db.Tx) error {
		c, err := customer.Register(tx, built, customer.New{})
		if err != nil {
			return err
		}
		m.asker["privacy officer"] = to(release.Staff, c.ID)
		return access.Assign(tx, built, c.ID, access.Privacy)
	})
}

func (m *matrix) publish(version int64) {
	var named []consent.Recipient
	for _, who := range []string{"named", "named without scope", "named, scope withdrawn"} {
		named = append(named, consent.Recipient{Application: app.ID(m.asker[who].Recipient.ID).String()})
	}
	for id, basis := range matrixBasis {
		p := consent.Purpose{
			ID: id, Version: version, Basis: basis, AskAgain: version > 1, Recipients: named,
			Words: map[string]consent.Words{"en": {Title: id, Text: "What " + id + " is for."}},
		}
		m.Update(func(tx *db.Tx) error { _, err := consent.PutPurpose(tx, m.T(), p); return err })
	}
	if err := m.House.House.Load(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// person is a customer with a canary in every field; one who is older has
// consented to what stands now.
func (m *matrix) person(name string, older bool) (id customer.ID) {
	m.Update(func(tx *db.Tx) error {
		c, err := customer.Register(tx, m.T(), customer.New{})
		if err != nil {
			return err
		}
		id = c.ID
		for _, f := range m.fields {
			if err := customer.SetField(tx, m.T(), id, f.name, canary(name, f.name), customer.SourceImport); err != nil {
				return err
			}
		}
		return nil
	})
	for who, scope := range map[string][]bool{"named": {true}, "unnamed": {true}, "named, scope withdrawn": {true, false}} {
		for _, given := range scope {
			m.record(consent.Decision{Customer: id, Purpose: consent.Scope, Recipient: m.asker[who].Recipient.ID, Item: "x", Given: given})
		}
	}
	if older {
		m.record(consent.Decision{Customer: id, Purpose: consent.ForPurpose, Item: "con", Given: true, Version: 1})
	}
	return id
}

// decide brings the ledger of all purposes to a state.
func (m *matrix) decide(id customer.ID, state string, restricted bool) {
	for _, p := range matrixPurposes {
		d := consent.Decision{Customer: id, Purpose: consent.ForPurpose, Item: p, Given: true, Version: 2}
		switch state {
		case "nothing", "older":
			continue
		case "expired", "swept":
			m.Update(func(tx *db.Tx) error {
				d.ExpiresAt = tx.Now.Add(time.Hour)
				return consent.Record(tx, m.T(), d)
			})
			continue
		}
		m.record(d)
		if d.Given = state == "given"; !d.Given {
			d.Objected = state == "objected"
			m.record(d)
		}
	}
	if state == "swept" {
		m.sweep(id)
	}
	if restricted {
		m.Update(func(tx *db.Tx) error {
			return consent.Restrict(tx, m.T(), consent.Choice{Customer: id, Surface: "case"})
		})
	}
}

// sweep writes "expired" for one customer, as the house does when it is time.
func (m *matrix) sweep(id customer.ID) {
	m.Update(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE consent_state SET decision = 'expired', expires_at = NULL WHERE tenant_id = $1 AND customer_id = $2 AND purpose = 'purpose'`, m.T().ID, id)
		return err
	})
}

func (m *matrix) record(d consent.Decision) {
	m.Update(func(tx *db.Tx) error { return consent.Record(tx, m.T(), d) })
}
