package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// CapturePreferences keeps what the company says that somebody wishes, of whom
// it knows an address alone, and asks the holder of the address to confirm what
// needs that: by a message whose link is good once. The caller has reserved the
// message (risk.Mail, risk.SMS), whether or not one is drafted. Faults: those of
// consent.Capture.
func CapturePreferences(tx *db.Tx, t *tenant.Tenant, kind, canonical string, wishes []consent.Wish, w consent.Where) error {
	waiting, err := consent.Capture(tx, t, kind, canonical, wishes, w)
	if err != nil {
		return err
	}
	for _, l := range waiting {
		if err := askToConfirm(tx, t, notify.Draft{To: canonical, Channel: notify.Channel(channel(kind)), Locale: w.Locale}, l); err != nil {
			return err
		}
	}
	return nil
}

func askToConfirm(tx *db.Tx, t *tenant.Tenant, d notify.Draft, l consent.Link) error {
	topics, err := consent.Topics(tx, t)
	if err != nil {
		return err
	}
	title := l.Topic
	for _, topic := range topics {
		if topic.ID == l.Topic {
			title = topic.In(d.Locale, t.Locale()).Title
		}
	}
	d.Template, d.Expires, d.Key, d.Flow = notify.TopicConfirm, l.Expires, customer.NewFlowKey(t, l.Owner), l.Owner
	d.Values = map[string]string{"topic": title, "link": l.URL(t)}
	return notify.Send(tx, t, d)
}
