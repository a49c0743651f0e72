package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/server"
)

func TestARequestByLetterIsHandledFromTheCommandLine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.customer("mia@example.test")
	if out := d.must("case", "list"); !strings.Contains(out, "No requests") {
		t.Error(out)
	}
	d.fails(server.ExitFailed, "what it is about", "case", "open", "mia@example.test", "--kind", "objection", "--about", "nothing", "--reason", "letter")
	var r server.Request
	text := "\x1b[31mIt is Mia.\nTruly."
	if err := json.Unmarshal([]byte(d.must("case", "open", "mia@example.test", "--kind", "rectification", "--about", "nickname", "--words", text, "--reason", "letter of today", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if out := d.must("case", "list", "--kind", "rectification", "--state", "open"); !strings.Contains(out, r.ID) || !strings.Contains(out, "nickname") {
		t.Error(out)
	}
	if out := d.must("case", "list", "--due"); strings.Contains(out, r.ID) {
		t.Error("a request of today is due: " + out)
	}
	out := d.must("case", "show", r.ID, "--reason", "handling it")
	if strings.Contains(out, "\x1b") || !strings.Contains(out, "It is Mia.") || !strings.Contains(out, "letter of today") || !strings.Contains(out, "unverified") {
		t.Errorf("%q", out)
	}
	d.fails(server.ExitFailed, "how", "case", "decide", r.ID, "--outcome", "done", "--value", "Mia", "--reason", "Done.")
	d.must("case", "identify", r.ID, "--reason", "passport")
	d.must("case", "note", r.ID, "--reason", "looks right")
	d.must("case", "pause", r.ID, "--reason", "Which name?")
	if out := d.must("case", "list", "--state", "waiting"); !strings.Contains(out, r.ID) {
		t.Error(out)
	}
	d.must("case", "resume", r.ID, "--reason", "told by phone")
	d.must("case", "extend", r.ID, "--reason", "The archive is far.")
	d.fails(server.ExitFailed, "extended already", "case", "extend", r.ID, "--reason", "Still.")
	if out := d.must("case", "decide", r.ID, "--outcome", "done", "--value", "Mia", "--reason", "Corrected."); !strings.Contains(out, "answered: done") {
		t.Error(out)
	}
	d.fails(server.ExitFailed, "answered already", "case", "decide", r.ID, "--outcome", "refused", "--reason", "No.")
	if out := d.must("customer", "show", "mia@example.test", "--reveal", "--reason", "a look"); !strings.Contains(out, "Mia") {
		t.Error(out)
	}
	file := filepath.Join(t.TempDir(), "case.zip")
	d.must("case", "bundle", r.ID, "-o", file, "--reason", "for the authority")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	d.fails(server.ExitFailed, "key set", "case", "verify-bundle", file, "--jwks", file)
}
