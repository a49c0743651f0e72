package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/server"
)

// desk is a house in a temporary directory and the commands that are given to it.
type desk struct {
	t       *testing.T
	data    string
	environ []string
}

// newDesk is a migrated house with the tenant "fern".
func newDesk(t *testing.T, environ ...string) *desk {
	t.Helper()
	d := &desk{t: t, data: filepath.Join(t.TempDir(), "data"), environ: append(environ, "CARDEA_ORIGIN=https://staff.example.test", "CARDEA_METRICS_LISTEN=off")}
	d.must("migrate")
	d.must("tenant", "create", "fern", "--name", "Fern & Field", "--origin", "https://id.fern.example")
	return d
}

// do gives one command and returns what it wrote and its exit code.
func (d *desk) do(args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	t := &terminal{ctx: context.Background(), in: strings.NewReader(""), out: &o, err: &e, environ: d.environ}
	code = t.run(append([]string{"--data", d.data}, args...))
	return o.String(), e.String(), code
}

func (d *desk) must(args ...string) string {
	d.t.Helper()
	out, errs, code := d.do(args...)
	if code != 0 {
		d.t.Fatalf("%v: exit %d\n%s", args, code, errs)
	}
	return out
}

// fails wants an exit code and an error of at least two lines: what is wrong,
// and what to do.
func (d *desk) fails(code int, word string, args ...string) {
	d.t.Helper()
	_, errs, got := d.do(args...)
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if got != code || !strings.Contains(errs, word) || len(lines) < 2 || !strings.HasPrefix(lines[len(lines)-1], "  ") {
		d.t.Errorf("%v: exit %d, want %d with %q and what to do:\n%s", args, got, code, word, errs)
	}
}

func read[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// house opens the desk's house beside its commands.
func (d *desk) house() *server.Base {
	d.t.Helper()
	c, err := server.ReadCommandConfig("", d.data, d.environ)
	if err != nil {
		d.t.Fatal(err)
	}
	b, err := server.Open(context.Background(), c, server.Opening{})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { b.Close() })
	return b
}

func (d *desk) customer(address string) string {
	d.t.Helper()
	b := d.house()
	fern, err := b.Tenant("fern")
	if err != nil {
		d.t.Fatal(err)
	}
	var made customer.Customer
	err = b.DB.Update(context.Background(), func(tx *db.Tx) (err error) {
		made, err = customer.Register(tx, fern, customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "test",
		})
		if err != nil {
			return err
		}
		return customer.SetField(tx, fern, made.ID, "given_name", "Ada", "customer")
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return made.ID.String()
}

func TestEveryErrorHasItsExitCodeAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fails(2, "not understood", "tenent", "list")
	d.fails(2, "not understood", "app", "create", "web")
	d.fails(1, "no such application", "app", "show", "nothing")
	d.fails(1, "redirect_uris", "app", "create", "web", "--name", "X", "--redirect", "http://x.example/cb")
	d.fails(1, "no tenant moss", "app", "list", "--tenant", "moss")
	d.fails(1, "Another tenant has this short name", "tenant", "create", "fern", "--origin", "https://other.example")
	d.fails(1, "no such file", "apply", "-f", "/nowhere.yaml")
	d.fails(1, "mail relay", "mail", "test", "--to", "ada@example.com")
	d.fails(1, "no such customer", "customer", "show", "ada@example.com", "--reason", "asked")
	empty := &desk{t: t, data: filepath.Join(t.TempDir(), "none"), environ: d.environ}
	empty.fails(3, "no database", "tenant", "list")
	misspelt := &desk{t: t, data: d.data, environ: append(d.environ, "CARDEA_TRUSTED_PROXY=10.0.0.0/8")}
	misspelt.fails(3, "CARDEA_TRUSTED_PROXY", "tenant", "list")
	if out, _, code := d.do("--help"); code != 0 || !strings.Contains(out, "Usage: cardea") {
		t.Errorf("--help: exit %d %s", code, out)
	}
}

func TestApplicationsFromTheirBeginningToTheirEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, c := range []struct {
		secret bool
		args   []string
	}{
		{true, []string{"web", "--name", "Web", "--redirect", "https://w.example/cb", "--redirect", "https://w.example/other", "--third-party"}},
		{false, []string{"spa", "--name", "Spa", "--redirect", "https://s.example/cb", "--origin", "https://s.example"}},
		{false, []string{"native", "--name", "Native", "--redirect", "http://127.0.0.1/cb"}},
		{true, []string{"service", "--name", "Service", "--resource", "https://api.example/", "--scope", "read"}},
		{true, []string{"api", "--name", "Api", "--audience", "https://api.example/", "--scope", "read", "--scope", "write"}},
	} {
		v := read[appView](t, d.must(append(append([]string{"app", "create"}, c.args...), "--json")...))
		if (v.ClientSecret != "") != c.secret || v.Issuer != "https://id.fern.example" || string(v.Type) != c.args[0] {
			t.Errorf("%+v", v)
		}
		if v.Name == "Web" && (v.FirstParty || len(v.RedirectURIs) != 2) {
			t.Errorf("%+v", v)
		}
	}
	if list := read[[]appView](t, d.must("app", "list", "--json")); len(list) != 5 || list[0].ClientSecret != "" {
		t.Errorf("%+v", list)
	}
	v := read[appView](t, d.must("app", "update", "web", "--name", "Shop", "--disable", "--redirect", "https://shop.example/cb", "--json"))
	if v.Name != "Shop" || v.Enabled || len(v.RedirectURIs) != 1 {
		t.Errorf("%+v", v)
	}
	if again := read[appView](t, d.must("app", "rotate-secret", v.ClientID, "--json")); again.ClientSecret == "" {
		t.Error("no secret")
	}
	d.must("app", "delete", v.ClientID)
	d.fails(1, "no such application", "app", "show", v.ClientID)
}

func TestSeveralTenantsMustBeNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must("tenant", "create", "moss", "--origin", "https://id.moss.example")
	d.fails(2, "several tenants", "app", "list")
	d.must("app", "list", "--tenant", "moss")
	if list := read[[]tenantView](t, d.must("tenant", "list", "--json")); len(list) != 3 || !list[2].Staff {
		t.Errorf("%+v", list)
	}
}

func TestCustomersAreSeenThroughTheGateAndOnRecord(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.customer("ada@example.com")
	d.fails(2, "reason", "customer", "show", id)
	d.fails(1, "reason", "customer", "show", id, "--reason", " ")
	found := read[[]server.Person](t, d.must("customer", "find", "ada@example.com", "--reason", "ticket 7", "--json"))
	if len(found) != 1 || found[0].ID != id || strings.Contains(found[0].Identifiers[0].Value, "ada@") {
		t.Errorf("%+v", found)
	}
	masked := read[server.Person](t, d.must("customer", "show", "ada@example.com", "--reason", "ticket 7", "--json"))
	if masked.Identifiers[0].Value != "a•••@example.com" || masked.Fields["given_name"] != "A•••" {
		t.Errorf("not an outline: %+v", masked)
	}
	d.fails(1, "no such purpose", "customer", "show", id, "--reason", "ticket 7", "--purpose", "curiosity")
	before := d.count(`SELECT count(*) FROM disclosure`)
	shown := read[server.Person](t, d.must("customer", "show", "ada@example.com", "--reveal", "--reason", "ticket 7", "--json"))
	if n := d.count(`SELECT count(*) FROM disclosure`); n != before+1 {
		t.Errorf("a look is %d lines of the record", n-before)
	}
	if shown.Identifiers[0].Value != "ada@example.com" || shown.Fields["given_name"] != "Ada" {
		t.Errorf("%+v", shown)
	}
	if n := d.count(`SELECT count(*) FROM disclosure WHERE recipient_kind = 'operator' AND reason <> ''`); n < 3 {
		t.Errorf("%d records of what was shown", n)
	}
}

func (d *desk) count(sql string) (n int64) {
	d.t.Helper()
	err := d.house().DB.View(context.Background(), func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, sql)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestCustomersAreLockedUnlockedAndSecured(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.customer("ada@example.com")
	for act, want := range map[string]string{"lock": "locked"} {
		if p := read[server.Person](t, d.must("customer", act, id, "--reason", "asked by phone", "--json")); p.State != want {
			t.Errorf("%s: %+v", act, p)
		}
	}
	if p := read[server.Person](t, d.must("customer", "unlock", id, "--reason", "asked again", "--json")); p.State != "active" {
		t.Errorf("%+v", p)
	}
	if p := read[server.Person](t, d.must("customer", "recover", id, "--reason", "stolen phone", "--json")); p.State != "recovery" {
		t.Errorf("%+v", p)
	}
	if n := d.count(`SELECT count(*) FROM event WHERE actor_kind = 'operator' AND name IN ('account.locked', 'account.unlocked', 'account.recovery_started')`); n != 3 {
		t.Errorf("%d acts are journaled with their actor", n)
	}
}

func TestWhatTheCommandLineChangesIsTheOperatorsDoing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must("app", "create", "native", "--name", "N", "--redirect", "http://127.0.0.1/cb")
	if n := d.count(`SELECT count(*) FROM event WHERE actor_kind = 'operator' AND name IN ('tenant.created', 'application.registered')`); n < 2 {
		t.Errorf("%d events carry the actor", n)
	}
}

func TestApplyAndExport(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	d.must("app", "create", "web", "--name", "Shop", "--redirect", "https://shop.example/cb")
	d.must("export", "-f", file)
	if out := d.must("apply", "-f", file); !strings.Contains(out, "Everything is as the file says") {
		t.Error(out)
	}
	text, _ := os.ReadFile(file)
	text = append(text, "      - name: Robot\n        kind: service\n"...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := d.must("plan", "-f", file); !strings.Contains(out, "+ fern: application Robot") || strings.Contains(out, "client_secret") {
		t.Error(out)
	}
	if out := d.must("diff", "-f", file); !strings.Contains(out, "fern: applications[Robot].kind\n  + \"service\"\n") || strings.Contains(out, "[Shop]") {
		t.Error(out)
	}
	list := read[[]server.Change](t, d.must("apply", "-f", file, "--json"))
	if len(list) != 1 || list[0].Secret == "" {
		t.Errorf("%+v", list)
	}
	if err := os.WriteFile(file, append(text, "        colour: red\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails(1, "colour", "apply", "-f", file)
}

func TestBackupRestoreAndAudit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := filepath.Join(t.TempDir(), "backup")
	d.must("backup", dir)
	d.fails(3, "already", "restore", dir)
	d.must("restore", dir, "--replace")
	d.must("audit", "verify")
	b := d.house()
	loop := journal.NewLoop(b.DB, "test", nil, nil, journal.Options{Sign: b.SignCheckpoint})
	if err := loop.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	d.must("audit", "verify")
	err := b.DB.Update(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE event SET name = 'tenant.vanished' WHERE name = 'tenant.created'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out, _, code := d.do("audit", "verify", "--json")
	if r := read[server.AuditReport](t, out); code != 1 || r.Bad == nil || r.Bad.Flaw != string(journal.AlteredHeader) {
		t.Errorf("exit %d %s", code, out)
	}
}

func TestDoctorTellsProblemsByItsExitCode(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if out, _, code := d.do("doctor"); code != 0 || !strings.Contains(out, "no mail relay") || !strings.Contains(out, "->") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if err := os.Chmod(d.data+".keyring", 0o644); err != nil {
		t.Fatal(err)
	}
	if out, _, code := d.do("doctor"); code != 1 || !strings.Contains(out, "chmod 600") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestKeysOnTheCommandLine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.customer("ada@example.com")
	if list := read[[]server.SigningChange](t, d.must("keys", "rotate", "--tenant", "fern", "--json")); len(list) != 2 {
		t.Errorf("%+v", list)
	}
	if w := read[server.WrappingChange](t, d.must("keys", "rotate", "--wrapping", "--json")); w.Moved != 1 {
		t.Errorf("%+v", w)
	}
	d.must("customer", "show", "ada@example.com", "--reason", "does it still open")
	if link := d.must("bootstrap"); !strings.HasPrefix(link, "https://staff.example.test/bootstrap?t=") {
		t.Error(link)
	}
	if v := read[server.Built](t, d.must("version", "--json")); v.Version == "" || v.Go == "" {
		t.Errorf("%+v", v)
	}
}

func TestBreachFileIsBuilt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(in, []byte("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9\n7C4A8D09CA3762AF61E59520943DC26494F8941B:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := d.must("breach", "build", in, out, "--min-seen", "2"); !strings.Contains(text, "kept 1 passwords") {
		t.Error(text)
	}
}

func TestCommandsWorkOnPostgres(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t, schema.Files, dbtest.Postgres)
	none := &desk{t: t, data: t.TempDir(), environ: []string{"CARDEA_DATABASE=" + url, "CARDEA_ORIGIN=https://staff.example.test"}}
	none.fails(3, "given", "migrate")
	keyring := none.must("keys", "new")
	d := newDesk(t, "CARDEA_DATABASE="+url, "CARDEA_KEYRING="+strings.ReplaceAll(keyring, "\n", " "))
	d.must("app", "create", "web", "--name", "Shop", "--redirect", "https://shop.example/cb")
	id := d.customer("ada@example.com")
	d.must("customer", "lock", id, "--reason", "asked")
	d.fails(1, "pg_dump", "backup", filepath.Join(t.TempDir(), "b"))
	d.must("audit", "verify")
	out, _, _ := d.do("keys", "rotate", "--wrapping")
	if !strings.Contains(out, `"standby"`) {
		t.Error(out)
	}
	if out := d.must("restore"); !strings.Contains(out, "Ended") {
		t.Error(out)
	}
	d.must("doctor")
}

func TestApplyTellsWhomANewVersionAsks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.customer("ada@example.com")
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	text := "version: 1\ntenants:\n  - slug: fern\n    documents:\n      - {kind: terms, version: 1, locale: en, title: Terms, url: 'https://fern.example/t', text: terms.md}\n"
	for name, words := range map[string]string{file: text, filepath.Join(filepath.Dir(file), "terms.md"): "Be kind."} {
		if err := os.WriteFile(name, []byte(words), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := d.must("apply", "-f", file, "--dry-run"); !strings.Contains(out, "+ fern: document terms 1 en\n    asks 1 customer at the next sign-in\n") {
		t.Error(out)
	}
	d.must("apply", "-f", file)
	if out := d.must("export"); !strings.Contains(out, "sha256: ") {
		t.Error(out)
	}
	text = strings.Replace(text, "version: 1, locale", "version: 2, locale", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := d.must("apply", "-f", file, "--dry-run"); !strings.Contains(out, "asks 1 customer again at the next sign-in") {
		t.Error(out)
	}
	text = strings.Replace(text, "version: 2, locale", "version: 1, locale", 1)
	if err := os.WriteFile(file, []byte(strings.Replace(text, "title: Terms", "title: Conditions", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails(1, "a version of its own, 2", "apply", "-f", file)
}

func TestKeysDestroyTellsWhenAKeyIsDue(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fails(1, "No wrapping key is retired", "keys", "destroy")
	d.must("keys", "rotate", "--wrapping")
	d.fails(1, "the next one is on", "keys", "destroy")
}

func TestAnAlgorithmThatIsAskedForGetsItsKeysAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made := read[appView](t, d.must("app", "create", "web", "--name", "Shop", "--redirect", "https://shop.example/cb", "--json"))
	if v := read[appView](t, d.must("app", "update", made.ClientID, "--alg", "RS256", "--json")); v.SigningAlg != "RS256" {
		t.Errorf("%+v", v)
	}
}
