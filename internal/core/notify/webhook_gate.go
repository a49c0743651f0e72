package notify

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// telling is what is sent (Standard Webhooks 1.0, payload structure).
type telling struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"` // when it happened, RFC 3339
	Data      told   `json:"data"`
}

type told struct {
	Subject string `json:"sub"`
	Facts
	Values        map[string]any `json:"values,omitempty"`
	AcknowledgeBy string         `json:"acknowledge_by,omitempty"`
}

// errWithheld is told within the room where the gate lets nothing of it through.
var errWithheld = errors.New("notify: nothing of this may be told any more")

// body is what the application is told now: nothing is kept between attempts,
// so that what the customer took back meanwhile is not told. It fails with
// errWithheld. It may draw the customer's `sub`.
func (d *Delivery) body(tx *db.Tx, t *tenant.Tenant, a *app.Application) ([]byte, error) {
	out := telling{Type: d.Type, Timestamp: d.HappenedAt.UTC().Format(time.RFC3339Nano)}
	out.Data.Facts = d.Facts
	late, err := d.outdated(tx)
	if err != nil || late {
		return nil, cmp.Or(err, errWithheld)
	}
	if out.Data.Subject, err = d.subject(tx, t, a); err != nil {
		return nil, err
	}
	if len(d.Facts.Fields) > 0 {
		if err := out.Data.ask(tx, t, a, d); err != nil {
			return nil, err
		}
	}
	line, there, err := db.Find[Acknowledgement](tx, `FROM webhook_acknowledgement WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`,
		d.TenantID, d.CustomerID, d.ID)
	if err != nil {
		return nil, err
	}
	if there && !line.DueAt.IsZero() {
		out.Data.AcknowledgeBy = line.DueAt.UTC().Format(time.RFC3339)
	}
	return json.Marshal(out)
}

// subject is the customer as the application knows them.
func (d *Delivery) subject(tx *db.Tx, t *tenant.Tenant, a *app.Application) (string, error) {
	if d.Type == app.CustomerErased {
		return d.Subject, nil
	}
	c, err := customer.Get(tx, t, d.CustomerID)
	switch {
	case errors.Is(err, customer.ErrNotFound) || err == nil && c.State == customer.Erased:
		return "", errWithheld
	case err != nil:
		return "", err
	case d.Type == app.CustomerRegistered:
		return customer.Subject(tx, t, a, d.CustomerID)
	}
	sub, known, err := customer.FindSubject(tx, t, a, d.CustomerID)
	if err == nil && !known {
		err = errWithheld
	}
	return sub, err
}

// stillRemoved are those of the removed fields that the application was given
// before, and that nobody has set anew. The gate may withhold by now even that
// there is no value.
func stillRemoved(tx *db.Tx, t *tenant.Tenant, a *app.Application, d *Delivery) ([]string, error) {
	if len(d.Facts.Removed) == 0 {
		return nil, nil
	}
	given, err := release.GivenTo(tx, t, d.CustomerID, a.ID, d.Facts.Removed)
	if err != nil || len(given) == 0 {
		return nil, err
	}
	there, err := customer.FieldNames(tx, t, d.CustomerID)
	return slices.DeleteFunc(given, func(name string) bool { return slices.Contains(there, name) }), err
}

// ask has the gate decide on the fields. What it withholds is not even named; a
// field without a value is named alone, since that it is empty is what changed.
func (o *told) ask(tx *db.Tx, t *tenant.Tenant, a *app.Application, d *Delivery) error {
	scopes := a.Settings.AllowedScopes
	if !a.FirstParty {
		granted, err := consent.Granted(tx, t, d.CustomerID, a.ID)
		if err != nil {
			return err
		}
		scopes = granted
	}
	got, err := release.Disclose(tx, t, release.Ask{
		Customer: d.CustomerID, Recipient: release.Recipient{Kind: release.Application, ID: a.ID},
		Fields: d.Facts.Fields, Scopes: scopes, Occasion: d.ID,
	})
	if err != nil {
		if fault.Is(err, fault.Gone) || fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
			return errWithheld
		}
		return err
	}
	given, err := stillRemoved(tx, t, a, d)
	if err != nil {
		return err
	}
	o.Fields, o.Removed, o.Values = nil, nil, map[string]any{}
	for _, name := range d.Facts.Fields {
		v, shown := got.Values[name]
		removed := slices.Contains(d.Facts.Removed, name) && !shown
		switch {
		case removed && (got.Withheld[name] == release.Empty || slices.Contains(given, name)):
			o.Removed = append(o.Removed, name)
		case shown && strings.HasSuffix(name, "_verified"):
			o.Values[name] = v.Text == "true"
		case shown:
			o.Values[name] = v.Text
		case got.Withheld[name] != release.Empty:
			continue
		}
		o.Fields = append(o.Fields, name)
	}
	if len(o.Fields) == 0 && d.Type == app.CustomerUpdated {
		return errWithheld
	}
	return nil
}
