package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// exportCases tells the customer's requests about their data, with everything
// that was said in them. What staff noted about them is told as well: it is
// about the customer.
func exportCases(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	cases := privacy.Section{Name: "requests", Columns: []string{
		"reference", "kind", "about", "channel", "identity", "state", "opened", "due", "closed", "outcome",
	}}
	history := privacy.Section{Name: "request_history", Columns: []string{"reference", "act", "by", "words", "at"}}
	list, err := privacy.CasesOf(tx, t, c)
	if err != nil {
		return nil, err
	}
	var sealed opened
	for i := range list {
		now := &list[i]
		cases.Rows = append(cases.Rows, []any{
			now.ID.String(), string(now.Kind), text(now.Item), now.Channel, now.Identity, string(now.State),
			now.OpenedAt, now.DueAt, when(now.ClosedAt), text(string(now.Outcome)),
		})
		lines, err := privacy.History(tx, now)
		if err != nil {
			return nil, err
		}
		for _, e := range lines {
			row := []any{now.ID.String(), e.Act, e.ActorKind, nil, e.MadeAt}
			if e.Sealed != nil {
				sealed.into(&row[3], e.Item().Field, e.Sealed)
			}
			history.Rows = append(history.Rows, row)
		}
	}
	return []privacy.Section{cases, history}, sealed.open(tx, t, c)
}
