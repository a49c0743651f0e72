package account

import (
	"maps"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// AlarmPath is where the "this was not me" of a notice leads, on the tenant's
// origin, with the token as ?t=.
const AlarmPath = "/alarm"

// alert drafts a notice to every verified address of the customer, each with an
// alarm of its own: a link that says "this was not me" and works once. The cause
// is a word of ours, with the id of what was added behind a colon: what an alarm
// takes back. The session is the one in which it happened; zero: none.
func alert(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, cause string, d notify.Draft) error {
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return err
	}
	d.Customer = c
	words := d.Values
	for _, i := range list {
		if i.Kind == customer.Username || !i.Verified() {
			continue
		}
		token, err := credential.IssueAlarm(tx, t, c, credential.NewAlarm{Cause: cause, Session: s, Target: i.Digest})
		if err != nil {
			return err
		}
		d.Values = map[string]string{"link": t.Origin + AlarmPath + "?t=" + token}
		maps.Copy(d.Values, words)
		d.Target, d.Channel = i.Digest, notify.Channel(channel(i.Kind))
		if err := notify.Send(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}
