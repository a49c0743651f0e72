package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/server"
)

// typed runs a command with something on its input.
func (d *desk) typed(in string, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	t := &terminal{ctx: context.Background(), in: strings.NewReader(in), out: &o, err: &e, environ: d.environ}
	code = t.run(append([]string{"--data", d.data}, args...))
	return o.String(), e.String(), code
}

// An address is suppressed, shown and taken back; the house keeps its digest and
// never the address, in no table and no list.
func TestAnAddressIsSuppressedAndTakenBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const mia = "mia.canary@example.com"
	out, errs, code := d.typed(" "+mia+"\n", "suppression", "add", "-", "--reason", "complained")
	if code != 0 || strings.Contains(out+errs, "canary") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	d.must("suppression", "add", "MIA.canary@example.com", "--reason", "bounced") // the same address, once more
	list := read[[]server.Stopped](t, d.must("suppression", "list", mia, "--json"))
	if len(list) != 1 || list[0].Reason != "complained" || list[0].Topic != "" || strings.Contains(list[0].Address, "canary") {
		t.Errorf("%+v", list)
	}
	all := d.must("suppression", "list")
	if !strings.Contains(all, "1 suppressions") || strings.Contains(all, "mia") || !strings.Contains(all, list[0].Digest[:16]) {
		t.Error(all)
	}
	if n := d.count(`SELECT count(*) FROM event WHERE name = 'preference.suppressed'`); n != 1 {
		t.Errorf("told %d times", n)
	}
	if out := d.must("suppression", "list", "other@example.com"); !strings.Contains(out, "Nothing stands") {
		t.Error(out)
	}
	d.must("suppression", "remove", mia, "--reason", "asked by letter")
	if _, _, code := d.do("suppression", "remove", mia, "--reason", "asked by letter"); code == 0 {
		t.Error("taken back twice")
	}
	if n := d.count(`SELECT count(*) FROM suppression`); n != 0 {
		t.Errorf("%d are left", n)
	}
	if n := d.count(`SELECT count(*) FROM event WHERE name = 'preference.unsuppressed'`); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// What cannot be suppressed is refused with what to do, and changes nothing.
func TestASuppressionOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, args := range [][]string{
		{"add", "--reason", "bounced"}, {"add", "not an address", "--reason", "bounced"}, {"add", "mia@example.com", "--reason", "because"},
		{"add", "mia@example.com", "--reason", "bounced", "--topic", "nowhere"}, {"add", "mia@example.com", "--reason", "bounced", "--channel", "pigeon"},
		{"add", "mia@example.com", "--file", "x", "--reason", "bounced"}, {"add", "--file", filepath.Join(t.TempDir(), "none"), "--reason", "bounced"},
		{"remove", "mia@example.com"}, {"add", "mia@example.com"},
	} {
		if out, errs, code := d.do(append([]string{"suppression"}, args...)...); code == 0 || strings.TrimSpace(errs) == "" {
			t.Errorf("%v: exit %d\n%s%s", args, code, out, errs)
		}
	}
	if n := d.count(`SELECT count(*) FROM suppression`); n != 0 {
		t.Errorf("%d suppressions", n)
	}
}

// A file of addresses is kept in batches; lines that hold none are named by their
// numbers, once more does no harm, and a line without an end is no address.
func TestAFileOfAddressesIsSuppressed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var lines []string
	for i := range 450 { // more than two batches
		lines = append(lines, fmt.Sprintf("customer-%d@example.com", i))
	}
	lines[3], lines[7] = "not an address", ""
	file := filepath.Join(t.TempDir(), "bounces")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, errs, code := d.do("suppression", "add", "--file", file, "--reason", "bounced", "--json")
		done := read[server.Imported](t, out)
		if code != 0 || done.Lines != 449 || done.Kept != 448 || done.Bad != 1 || len(done.Refused) != 1 || done.Refused[0] != 4 {
			t.Fatalf("exit %d: %+v %s", code, done, errs)
		}
	}
	if n := d.count(`SELECT count(*) FROM suppression`); n != 448 {
		t.Errorf("%d suppressions", n)
	}
	if _, errs, code := d.typed(strings.Repeat("x", 5000), "suppression", "add", "--file", "-", "--reason", "bounced"); code == 0 || !strings.Contains(errs, "cannot be read") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
