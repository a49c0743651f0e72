package portal_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/face/portal"
	"github.com/cardea-id/cardea/internal/server"
)

// packed is the archive of a customer as its job makes it, in a language.
func (d *desk) packed(c customer.ID, locale string) map[string]string {
	d.t.Helper()
	var doc privacy.Document
	d.Update(func(tx *db.Tx) (err error) {
		doc, err = privacy.Collect(tx, d.Tenant(), c, account.Rooms())
		return err
	})
	if locale != "" {
		doc.Locale = locale
	}
	file, err := portal.Pack(doc)
	if err != nil {
		d.t.Fatal(err)
	}
	return unzipped(d.t, string(file))
}

// planted is a row of a table with something in it that the archive must tell.
type planted struct {
	columns map[string]any
	canary  string
}

// plant writes a row in every table whose rows are told.
func (d *desk) plant(c customer.ID) map[string]planted {
	now := d.Clock.Now()
	year := func(n int) time.Time { return time.Date(n, 3, 4, 5, 6, 0, 0, time.UTC) }
	key := []byte("0123456789abcdef0123456789abcdef")
	id := key[:16]
	rows := map[string]planted{
		"app_grant": {map[string]any{"id": id, "application_id": id, "scope": "canary_grant", "resource": "", "claims": "", "nonce": "", "acr": "", "amr": "",
			"authenticated_at": now, "offline": true, "version": 1, "created_at": now, "used_at": now}, "canary_grant"},
		"session": {map[string]any{"id": id, "digest": key, "remembered": false, "place_sealed": d.sealed(c, "session.place", "canary session"),
			"authenticated_at": now, "created_at": now, "seen_at": now, "idle_at": now, "expires_at": now}, "canary session"},
		"session_proof": {map[string]any{"session_id": id, "method": "canary-proof", "proven_at": now}, "canary-proof"},
		"device":        {map[string]any{"id": id, "place_sealed": d.sealed(c, "device.place", "canary device"), "created_at": now, "seen_at": now}, "canary device"},
		"password":      {map[string]any{"phc": "x", "must_change": false, "changed_at": year(2041)}, "2041"},
		"passkey": {map[string]any{"id": id, "credential_digest": key, "credential_id": key, "public_key": key, "algorithm": -7, "sign_count": 0, "aaguid": id,
			"transports": "", "attestation": "none", "backup_eligible": false, "backed_up": false, "user_verified": true, "rp_id": "localhost",
			"name_sealed": d.sealed(c, "passkey.name", "canary passkey"), "created_at": now}, "canary passkey"},
		"totp": {map[string]any{"id": id, "secret_sealed": key, "name_sealed": d.sealed(c, "totp.name", "canary totp"), "last_step": 0, "created_at": now,
			"confirmed_at": now}, "canary totp"},
		"recovery_code": {map[string]any{"digest": key, "created_at": year(2042)}, "2042"},
		"recovery_wait": {map[string]any{"id": id, "lost": "canary-lost", "stop_digest": key, "target": key, "started_at": now, "ready_at": now, "expires_at": now}, "canary-lost"},
		"enrolment":     {map[string]any{"offer": "canary-offer", "never": false}, "canary-offer"},
		"alarm":         {map[string]any{"digest": key, "cause": "canary-alarm:x", "target": key, "created_at": now, "expires_at": now}, "canary-alarm"},
		"habit":         {map[string]any{"kind": "canary-habit", "value": key, "times": 3, "first_at": now, "last_at": now}, "canary-habit"},
		"verdict": {map[string]any{"bucket": 0, "id": id, "action": "canary-verdict", "verdict": "allow", "enforced": false, "score": 0, "signals": "",
			"created_at": now}, "canary-verdict"},
		"message": {map[string]any{"id": id, "template": "test", "channel": "email", "state": "failed", "reason": "canary-message", "created_at": now,
			"changed_at": now}, "canary-message"},
		"disclosure": {map[string]any{"recipient_kind": "staff", "recipient": id, "purpose": "support", "fields_digest": key, "day": 0, "entry": id,
			"fields": "email", "reason": "canary disclosure", "times": 1, "first_at": now, "last_at": now}, "canary disclosure"},
		"search_word": {map[string]any{"word": "canaryword", "field": "given_name"}, "canaryword"},
		"preference": {map[string]any{"topic": "canary-topic", "channel": "email", "state": "on", "frequency": "", "since": now, "surface": "portal",
			"method": "button"}, "canary-topic"},
		"contact_rule":    {map[string]any{"quiet_from": 0, "quiet_until": 0, "zone": "Canary/Zone", "changed_at": now}, "Canary/Zone"},
		"ask":             {map[string]any{"item": "canary-ask", "times": 1, "asked_at": now}, "canary-ask"},
		"role_assignment": {map[string]any{"role": "canary-role", "created_at": now}, "canary-role"},
		"privacy_case": {map[string]any{"id": id, "kind": "access", "item": "canary-case", "channel": "mail", "by_itself": false, "state": "closed",
			"identity": "staff", "opened_at": now, "due_at": now, "closed_at": now, "outcome": "done"}, "canary-case"},
		"case_entry": {map[string]any{"case_id": id, "id": id, "act": "canary-act", "actor_kind": "staff", "told": false, "due_at": now, "made_at": now}, "canary-act"},
		"legal_hold": {map[string]any{"id": id, "reason_sealed": key, "placed_kind": "staff", "placed_by": id, "placed_at": year(2001), "until": year(2043)}, "2043"},
	}
	d.Update(func(tx *db.Tx) error {
		for table, p := range rows {
			p.columns["tenant_id"], p.columns["customer_id"] = d.Tenant().ID, c
			names := slices.Sorted(maps.Keys(p.columns))
			var values []any
			var marks []string
			for i, name := range names {
				values, marks = append(values, p.columns[name]), append(marks, "$"+strconv.Itoa(i+1))
			}
			if _, err := tx.Exec("DELETE FROM "+table+" WHERE tenant_id = $1 AND customer_id = $2", d.Tenant().ID, c); err != nil && table == "password" {
				return err
			}
			statement := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
			if _, err := tx.Exec(statement, values...); err != nil {
				return err
			}
		}
		return consent.Record(tx, d.Tenant(), consent.Decision{Customer: c, Purpose: consent.Terms, Item: "canary-consent", Given: true})
	})
	return rows
}

func (d *desk) sealed(c customer.ID, field, text string) (s []byte) {
	d.t.Helper()
	d.Update(func(tx *db.Tx) error {
		sealed, err := customer.Seal(tx, d.Tenant(), c, field, []byte(text))
		s = sealed
		return err
	})
	return s
}

// Whatever any room holds stands in both files of the archive; a room
// that tells a table has a canary in it here.
func TestEveryTableThatIsToldStandsInTheArchive(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.at(b, "/account/profile").Submit("given_name", "canary-field")
		c := d.who(mia).ID
		rows := d.plant(c)
		for table, canary := range map[string]string{"customer": c.String(), "customer_field": "canary-field", "customer_identifier": mia, "consent": "canary-consent"} {
			rows[table] = planted{canary: canary}
		}
		files := d.packed(c, "")
		for _, room := range account.Rooms() {
			for _, table := range room.Tells {
				canary := rows[table].canary
				if canary == "" && table != "subject" {
					d.t.Errorf("there is no canary in %s", table)
				}
				for _, name := range []string{"data.json", "index.html"} {
					if !strings.Contains(files[name], canary) {
						d.t.Errorf("%s does not hold the canary of %s: %s", name, table, canary)
					}
				}
			}
		}
	})
}

// rawWord is a word of the format or of the code, which no customer is to read.
var rawWord = regexp.MustCompile(`⟦|>[a-z]+(_[a-z0-9]+)+<|>[a-z]+\.[a-z_.]+<|archive\.`)

// The page of an archive speaks every language of the house, from the title to
// the values, and data.json keeps its keys in all of them.
func TestTheArchiveSpeaksTheCustomersLanguage(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.at(b, "/account/profile").Submit("given_name", "Goldammer")
		web := d.Apps["web"]
		d.Bearer("/oauth2/userinfo", d.Redeem(web, d.Authorize(b, web, mia, "scope", "openid email profile").Get("code")).AccessToken)
		c := d.who(mia).ID
		titles := map[string]bool{}
		var first []string
		for _, l := range words.Shipped() {
			files := d.packed(c, string(l))
			page := files["index.html"]
			if !strings.Contains(page, `<html lang="`+string(l)+`" dir="`+l.Dir()+`">`) {
				d.t.Errorf("%s: %.60s", l, page)
			}
			if raw := rawWord.FindAllString(strings.ReplaceAll(page, c.String(), ""), -1); len(raw) > 0 {
				d.t.Errorf("%s: %q", l, raw)
			}
			_, title, _ := strings.Cut(page, "<h1>")
			title, _, _ = strings.Cut(title, "</h1>")
			titles[title] = true
			var data struct {
				Version int            `json:"version"`
				Schema  string         `json:"schema"`
				Data    map[string]any `json:"data"`
			}
			if err := json.Unmarshal([]byte(files["data.json"]), &data); err != nil || data.Version < 2 || data.Schema == "" {
				d.t.Errorf("%s: %v %.80s", l, err, files["data.json"])
			}
			keys := slices.Sorted(maps.Keys(data.Data))
			if first == nil {
				first = keys
			}
			if !slices.Equal(first, keys) {
				d.t.Errorf("%s: the keys are %v", l, keys)
			}
			for _, id := range regexp.MustCompile(`href="#([a-z_]+)"`).FindAllStringSubmatch(page, -1) {
				if strings.Count(page, `<h2 id="`+id[1]+`"`) != 1 {
					d.t.Errorf("%s: the contents lead to %s, which is not there", l, id[1])
				}
			}
		}
		if len(titles) != len(words.Shipped()) {
			d.t.Errorf("titles: %v", titles)
		}
	})
}

// Each decision that has a receipt comes with it, signed, and whoever has the
// published keys alone can check it.
func TestTheArchiveHoldsTheSignedReceipts(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		partner := d.Apps["partner"]
		d.Authorize(b, partner, mia, "scope", "openid email")
		c := d.who(mia).ID
		var entries []consent.Entry
		d.View(func(tx *db.Tx) (err error) { entries, err = consent.Ledger(tx, d.Tenant(), c); return err })
		files := d.packed(c, "")
		keys := d.get(b, "/.well-known/cardea-evidence.json").Body
		n := 0
		for _, e := range entries {
			token, ok := files["receipts/"+e.ID.String()+".jws"]
			if !ok {
				continue
			}
			n++
			if r, err := server.VerifyReceiptWith([]byte(keys), token); err != nil || r.Identifier != e.ID.String() {
				d.t.Errorf("%v %+v", err, r)
			}
			if !strings.Contains(files["index.html"], `href="receipts/`+e.ID.String()+`.jws"`) {
				d.t.Errorf("the page does not lead to the receipt of %s", e.Item)
			}
		}
		if n == 0 || !strings.Contains(files["index.html"], "cardea receipt verify") {
			d.t.Errorf("%d receipts of %d decisions", n, len(entries))
		}
	})
}
