package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// exportPreferences tells what the customer wants to hear about, and when they
// are left in peace.
func exportPreferences(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	topics, err := told[preferenceRow](tx, "preferences", []string{"topic", "channel", "state", "frequency", "since", "surface", "method"},
		`FROM preference WHERE tenant_id = $1 AND customer_id = $2 ORDER BY topic, channel`, t, c)
	if err != nil {
		return nil, err
	}
	rules, err := told[ruleRow](tx, "contact_rules", []string{"paused_until", "quiet_from_minute", "quiet_until_minute", "zone", "changed"},
		`FROM contact_rule WHERE tenant_id = $1 AND customer_id = $2`, t, c)
	return []privacy.Section{topics, rules}, err
}

type preferenceRow struct {
	topic, channel, state, frequency, surface, method string
	since                                             time.Time
}

func (r *preferenceRow) Fields() []db.Field {
	return []db.Field{
		{Column: "topic", Ptr: &r.topic}, {Column: "channel", Ptr: &r.channel}, {Column: "state", Ptr: &r.state},
		{Column: "frequency", Ptr: &r.frequency}, {Column: "since", Ptr: &r.since}, {Column: "surface", Ptr: &r.surface}, {Column: "method", Ptr: &r.method},
	}
}

func (r *preferenceRow) tell() []any {
	return []any{r.topic, r.channel, r.state, text(r.frequency), r.since, text(r.surface), text(r.method)}
}

type ruleRow struct {
	paused, changed time.Time
	from, until     int64
	zone            string
}

func (r *ruleRow) Fields() []db.Field {
	return []db.Field{
		{Column: "paused_until", Ptr: &r.paused}, {Column: "quiet_from", Ptr: &r.from}, {Column: "quiet_until", Ptr: &r.until},
		{Column: "zone", Ptr: &r.zone}, {Column: "changed_at", Ptr: &r.changed},
	}
}

func (r *ruleRow) tell() []any {
	return []any{when(r.paused), r.from, r.until, text(r.zone), r.changed}
}
