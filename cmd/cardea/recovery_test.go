package main

import (
	"context"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

// in works on a customer past the command line.
func (d *desk) in(address string, fn func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error) {
	d.t.Helper()
	b := d.house()
	defer b.Close()
	home, err := b.Tenant("")
	if err == nil {
		err = b.DB.Update(context.Background(), func(tx *db.Tx) error {
			c, _, err := customer.ByIdentifier(tx, home, customer.Email, address)
			if err != nil {
				return err
			}
			return fn(tx, home, c.ID)
		})
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// CR-15: staff start a recovery, are told what it ended, and choose no secret.
func TestARecoveryByStaffSaysWhatItEndsAndChoosesNoSecret(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.customer("ada@example.com")
	d.in("ada@example.com", func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
		_, _, err := credential.StartWait(tx, t, c, "second", [32]byte{1})
		return err
	})
	if out := d.must("customer", "show", "ada@example.com", "--reason", "asked"); !strings.Contains(out, "waits since") {
		t.Errorf("the waiting is not shown:\n%s", out)
	}
	d.fails(2, "password", "customer", "recover", "ada@example.com", "--reason", "asked", "--password", "x")
	out := d.must("customer", "recover", "ada@example.com", "--reason", "asked")
	for _, want := range []string{"is recovery", "a recovery that waited", "nobody else can"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
}

func TestAlarmsAreListed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.customer("ada@example.com")
	if out := d.must("customer", "alarms"); !strings.Contains(out, "No alarms") {
		t.Errorf("%s", out)
	}
	d.in("ada@example.com", func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
		link, err := credential.IssueAlarm(tx, t, c, credential.NewAlarm{Cause: "app_added:otp_1"})
		if err == nil {
			_, err = credential.TakeAlarm(tx, t, link)
		}
		return err
	})
	list := read[[]server.Case](t, d.must("customer", "alarms", "--json"))
	if len(list) != 1 || list[0].Customer != id || list[0].Cause != "app_added" || list[0].At.IsZero() {
		t.Errorf("%+v", list)
	}
	if out := d.must("customer", "show", id, "--reason", "asked"); !strings.Contains(out, "about app_added") {
		t.Errorf("%s", out)
	}
}
