package main

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/server"
)

func TestTheBlastRadiusNamesCustomersAndOpensNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.customer("ada@example.com")
	if out := d.must("privacy", "blast-radius", "--recipient", "operator"); !strings.Contains(out, "Nobody") {
		t.Error(out)
	}
	d.must("customer", "show", id, "--reason", "ticket 7")
	d.must("customer", "show", id, "--reveal", "--reason", "ticket 7")
	lines := d.count(`SELECT count(*) FROM disclosure`)
	text := d.must("privacy", "blast-radius", "--recipient", "operator")
	sheet := d.must("privacy", "blast-radius", "--recipient", "operator", "--csv", "--purpose", "support")
	whole := read[struct {
		Customers []server.Seen
		Total     server.Blast
	}](t, d.must("privacy", "blast-radius", "--recipient", "operator", "--json"))
	for _, out := range []string{text, sheet} {
		if !strings.Contains(out, id) || !strings.Contains(out, "email:masked") || strings.Contains(out, "ada@") || strings.Contains(out, "Ada") {
			t.Error(out)
		}
	}
	if rows, err := csv.NewReader(strings.NewReader(sheet)).ReadAll(); err != nil || len(rows) != 2 || rows[1][0] != id || rows[1][6] != "2" {
		t.Errorf("%v %v", rows, err)
	}
	if len(whole.Customers) != 1 || whole.Customers[0].Times != 2 || whole.Total.Lines != 1 || whole.Total.Fields["email"].Times != 1 {
		t.Errorf("%+v", whole)
	}
	if d.count(`SELECT count(*) FROM disclosure`) != lines {
		t.Error("the question is in the record")
	}
	if out := d.must("privacy", "blast-radius", "--recipient", "operator", "--to", "2020-01-01"); !strings.Contains(out, "Nobody") {
		t.Error(out)
	}
	d.fails(1, "no recipient", "privacy", "blast-radius", "--recipient", "nobody")
	d.fails(2, "not a day", "privacy", "blast-radius", "--recipient", "operator", "--from", "yesterday")
}

func TestWhyAClaimIsMissingIsExplained(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.customer("ada@example.com")
	d.must("app", "create", "web", "--name", "Partner", "--redirect", "https://partner.example/cb", "--third-party")
	d.must("app", "create", "web", "--name", "Shop", "--redirect", "https://shop.example/cb")
	lines := d.count(`SELECT count(*) FROM disclosure`)
	for app, want := range map[string]string{"Shop": "account ", "Partner": " consent:never"} {
		for _, c := range read[[]server.Claim](t, d.must("privacy", "explain", "--customer", id, "--app", app, "--scope", "openid email", "--json")) {
			got := c.Purpose + " " + c.Why
			if c.Scope == "email" && got != want || c.Scope == "profile" && got != " scope" {
				t.Errorf("%s: %+v", app, c)
			}
		}
	}
	out := d.must("privacy", "explain", "--customer", id, "--app", "Shop")
	if !strings.Contains(out, "yes, for account") || strings.Contains(out, "ada@") || d.count(`SELECT count(*) FROM disclosure`) != lines {
		t.Error(out)
	}
}
