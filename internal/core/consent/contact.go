package consent

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The reasons of an answer. Of an address that nothing was decided for, nobody
// is told whether somebody has it.
const (
	Unknown      = "unknown"       // no such topic, not on this channel, or no address
	IsSuppressed = "suppressed"    // the address is not written to
	SaidNo       = "opted_out"     // the customer turned it off
	Waiting      = "pending"       // asked for, not confirmed
	Undecided    = "no_preference" // nothing was decided: the topic's basis says whether it may
	Paused       = "paused"        // until, as are quiet hours; WhyRestricted is one more
	QuietHours   = "quiet_hours"   // until
)

// Question is whether somebody may be contacted. One of Address and Subject is
// given.
type Question struct {
	Address string // an e-mail address, or a phone number
	Subject string // as the asking application knows the customer
	Topic   string
	Channel Channel
}

// Answer is what the house knows of it now.
type Answer struct {
	Allowed   bool
	Reason    string    // "": the customer wants it
	Until     time.Time // when a pause or quiet hours end
	Frequency string
	Digest    [32]byte // of the address that was asked about; zero: none was
}

// facts are what one read finds.
type facts struct {
	state, frequency      string
	pausedUntil           time.Time
	quietFrom, quietUntil int64
	zone                  string
	suppressed            int64
	restricted            int64
}

func (f *facts) Fields() []db.Field {
	return []db.Field{
		{Column: "state", Ptr: &f.state}, {Column: "frequency", Ptr: &f.frequency}, {Column: "paused_until", Ptr: &f.pausedUntil},
		{Column: "quiet_from", Ptr: &f.quietFrom}, {Column: "quiet_until", Ptr: &f.quietUntil}, {Column: "zone", Ptr: &f.zone},
		{Column: "suppressed", Ptr: &f.suppressed}, {Column: "restricted", Ptr: &f.restricted},
	}
}

// Every table is entered by its primary key, or by the unique index of subs.
const (
	askAddress = `FROM (SELECT COALESCE(p.state, '') AS state, COALESCE(p.frequency, '') AS frequency, r.paused_until AS paused_until,
		COALESCE(r.quiet_from, 0) AS quiet_from, COALESCE(r.quiet_until, 0) AS quiet_until, COALESCE(r.zone, '') AS zone,
		(SELECT count(*) FROM suppression AS s WHERE s.tenant_id = $1 AND s.digest = $2
			AND s.topic IN ('', $3) AND s.channel IN ('', $4)) AS suppressed,
		(SELECT count(*) FROM consent_state AS n WHERE n.tenant_id = $1 AND n.customer_id = who.id AND n.purpose = 'restriction'
			AND n.decision = 'given') AS restricted
		FROM (SELECT COALESCE((SELECT l.customer_id FROM lite_customer AS l WHERE l.tenant_id = $1 AND l.digest = $2),
			(SELECT i.customer_id FROM identifier AS i WHERE i.tenant_id = $1 AND i.digest = $2)) AS id) AS who
		LEFT JOIN preference AS p ON p.tenant_id = $1 AND p.customer_id = who.id AND p.topic = $3 AND p.channel = $4
		LEFT JOIN contact_rule AS r ON r.tenant_id = $1 AND r.customer_id = who.id) AS answer`
	askSubject = `FROM (SELECT COALESCE(p.state, '') AS state, COALESCE(p.frequency, '') AS frequency, r.paused_until AS paused_until,
		COALESCE(r.quiet_from, 0) AS quiet_from, COALESCE(r.quiet_until, 0) AS quiet_until, COALESCE(r.zone, '') AS zone,
		(SELECT count(*) FROM customer_identifier AS i JOIN suppression AS s ON s.tenant_id = i.tenant_id AND s.digest = i.digest
			WHERE i.tenant_id = $1 AND i.customer_id = who.id AND i.kind = $6
			AND s.topic IN ('', $3) AND s.channel IN ('', $4)) AS suppressed,
		(SELECT count(*) FROM consent_state AS n WHERE n.tenant_id = $1 AND n.customer_id = who.id AND n.purpose = 'restriction'
			AND n.decision = 'given') AS restricted
		FROM (SELECT (SELECT u.customer_id FROM subject AS u WHERE u.tenant_id = $1 AND u.sub = $2 AND u.sector = $5) AS id) AS who
		LEFT JOIN preference AS p ON p.tenant_id = $1 AND p.customer_id = who.id AND p.topic = $3 AND p.channel = $4
		LEFT JOIN contact_rule AS r ON r.tenant_id = $1 AND r.customer_id = who.id) AS answer`
)

// Check answers whether somebody may be contacted now, by one read.
func Check(tx *db.Tx, t *tenant.Tenant, a *app.Application, q Question) (Answer, error) {
	list, err := Topics(tx, t)
	if err != nil {
		return Answer{}, err
	}
	topic := find(list, q.Topic)
	if topic == nil || !topic.Uses(q.Channel) || (q.Address == "") == (q.Subject == "") || len(q.Subject) > 64 {
		return Answer{Reason: Unknown}, nil
	}
	var f facts
	var digest [32]byte
	if q.Subject != "" {
		f, err = db.Get[facts](tx, askSubject, t.ID, q.Subject, q.Topic, string(q.Channel), a.Sector, q.Channel.Kind())
	} else {
		kind, canonical, wrong := Address(t, q.Address)
		if wrong != nil {
			return Answer{Reason: Unknown}, nil //nolint:nilerr // what is no address is nobody's
		}
		digest = customer.Digest(t, kind, canonical)
		f, err = db.Get[facts](tx, askAddress, t.ID, digest, q.Topic, string(q.Channel))
	}
	if err != nil {
		return Answer{}, err
	}
	answer := f.judge(topic, q.Channel, tx.Now)
	answer.Digest = digest
	return answer, nil
}

func find(list []Topic, id string) *Topic {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

// Address reads an address as somebody wrote it: with an @ it is an e-mail
// address, else a phone number. Faults: bad_email, bad_phone.
func Address(t *tenant.Tenant, raw string) (kind, canonical string, err error) {
	if strings.Contains(raw, "@") {
		canonical, err = catalog.ParseEmail(raw)
		return customer.Email, canonical, err
	}
	canonical, err = catalog.ParsePhone(raw, t.Settings.Identifiers.PhoneRegion)
	return customer.Phone, canonical, err
}

// judge weighs the facts, the lasting ones first.
func (f *facts) judge(topic *Topic, c Channel, now time.Time) Answer {
	quiet := Rule{QuietFrom: f.quietFrom, QuietUntil: f.quietUntil, Zone: f.zone}
	switch {
	case f.suppressed > 0:
		return Answer{Reason: IsSuppressed}
	case f.state == Off:
		return Answer{Reason: SaidNo}
	case f.state == Pending:
		return Answer{Reason: Waiting}
	case f.state == "" && topic.OptIn():
		return Answer{Reason: Undecided}
	case f.restricted > 0 && topic.Basis == Interest:
		return Answer{Reason: WhyRestricted}
	case f.pausedUntil.After(now):
		return Answer{Reason: Paused, Until: f.pausedUntil, Frequency: f.frequency}
	}
	if c.Rings() && quiet.Quiet() {
		if until := quiet.quietUntil(now); !until.IsZero() {
			return Answer{Reason: QuietHours, Until: until, Frequency: f.frequency}
		}
	}
	if f.state == "" {
		return Answer{Allowed: true, Reason: Undecided}
	}
	return Answer{Allowed: true, Frequency: f.frequency}
}

// Rings reports whether a message on the channel may wake somebody: quiet hours
// count for those alone. A mail or a letter waits until it is read.
func (c Channel) Rings() bool { return c == BySMS || c == ByPush || c == ByPhone }
