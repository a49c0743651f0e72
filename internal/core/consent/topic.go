package consent

import (
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Channel is a way in which a company reaches a customer.
type Channel string

// The channels.
const (
	ByEmail Channel = "email"
	BySMS   Channel = "sms"
	ByPush  Channel = "push"
	ByPost  Channel = "post"
	ByPhone Channel = "phone"
)

// Channels are all of them, in the order in which pages show them.
func Channels() []Channel { return []Channel{ByEmail, BySMS, ByPush, ByPost, ByPhone} }

// Frequencies are how often a topic may be written about, the most often first.
func Frequencies() []string { return []string{"instant", "daily", "weekly", "monthly"} }

// The grounds on which a topic is written about. On OptIn nobody hears of it who
// did not ask for it; on the others everybody does until they say no.
const (
	OptIn    = "consent"
	Interest = "legitimate_interest"
	Contract = "contract"
)

// TopicWords are what a topic is called in one language.
type TopicWords struct {
	Title string `json:"title" yaml:"title"`
	Text  string `json:"text,omitempty" yaml:"text,omitempty"`
}

// Topic is something that a tenant writes to customers about.
type Topic struct {
	ID          string                `json:"-" yaml:"id"`
	Words       map[string]TopicWords `json:"words" yaml:"words"`
	Channels    []Channel             `json:"channels" yaml:"channels"`
	Frequencies []string              `json:"frequencies,omitempty" yaml:"frequencies,omitempty"` // none: the customer is not asked
	DoubleOptIn bool                  `json:"double_opt_in,omitempty" yaml:"double_opt_in,omitempty"`
	Basis       string                `json:"basis,omitempty" yaml:"basis,omitempty"`     // "": consent
	Purpose     string                `json:"purpose,omitempty" yaml:"purpose,omitempty"` // id of the purpose that it serves
	Ask         []string              `json:"ask,omitempty" yaml:"ask,omitempty"`         // AtSignUp: it is offered when an account is made
}

// The faults of topics.
var (
	ErrBadTopic   = fault.New(fault.Invalid, "bad_topic", "A topic has an id of a-z, 0-9, - and _, words, channels of email, sms, push, post and phone, frequencies of instant, daily, weekly and monthly, and a basis of consent, legitimate_interest or contract.")
	ErrNoTopic    = fault.New(fault.NotFound, "topic_not_found", "There is no such topic, or it does not use that channel.")
	ErrManyTopics = fault.New(fault.Conflict, "too_many_topics", "A tenant has at most 100 topics.")
)

const mostTopics = 100

// wrong names the first member that keeps a topic from being kept.
func (d *Topic) wrong() string {
	switch {
	case !topicName(d.ID):
		return "id"
	case !d.worded():
		return "words"
	case len(d.Channels) == 0 || !distinct(d.Channels, Channels()):
		return "channels"
	case !distinct(d.Frequencies, Frequencies()):
		return "frequencies"
	case d.Basis != "" && !slices.Contains([]string{OptIn, Interest, Contract}, d.Basis):
		return "basis"
	case d.Purpose != "" && !topicName(d.Purpose):
		return "purpose"
	case len(d.Ask) > 0 && !d.OptIn() || !distinct(d.Ask, []string{AtSignUp}):
		return "ask"
	case d.DoubleOptIn && !d.OptIn():
		return "double_opt_in" // nobody is asked, so nobody can confirm
	}
	return ""
}

func (d *Topic) worded() bool {
	for locale, w := range d.Words {
		if !tenant.ValidLocale(locale) || w.Title == "" || !tenant.ShortText(w.Title, 80) || !tenant.ShortText(w.Text, 300) {
			return false
		}
	}
	return len(d.Words) > 0
}

func topicName(s string) bool {
	return s != "" && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func distinct[T comparable](list, among []T) bool {
	for i, v := range list {
		if !slices.Contains(among, v) || slices.Contains(list[:i], v) {
			return false
		}
	}
	return true
}

// OptIn reports whether nobody hears of the topic who did not ask for it.
func (d *Topic) OptIn() bool { return d.Basis == "" || d.Basis == OptIn }

// Uses reports whether the topic is written about on the channel.
func (d *Topic) Uses(c Channel) bool { return slices.Contains(d.Channels, c) }

// In is what the topic is called in the first of the languages that has words,
// else in whichever comes first.
func (d *Topic) In(locales ...string) TopicWords {
	for _, l := range locales {
		for _, name := range []string{l, base(l)} {
			if w, ok := d.Words[name]; ok {
				return w
			}
		}
	}
	names := make([]string, 0, len(d.Words))
	for name := range d.Words {
		names = append(names, name)
	}
	if len(names) == 0 {
		return TopicWords{Title: d.ID}
	}
	return d.Words[slices.Min(names)]
}

// frequency is the one that counts when somebody chose f: one that is offered,
// the first of them if none was chosen.
func (d *Topic) frequency(f string) (string, bool) {
	switch {
	case f == "" && len(d.Frequencies) > 0:
		return d.Frequencies[0], true
	case f == "":
		return "", true
	}
	return f, slices.Contains(d.Frequencies, f)
}

type topicRow struct {
	tenant   tenant.ID
	id       string
	position int64
	topic    Topic
}

func (r *topicRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "id", Ptr: &r.id}, {Column: "position", Ptr: &r.position},
		{Column: "definition", Ptr: db.JSON(&r.topic)},
	}
}

// TopicsChanged is told when the tenant's topics change.
type TopicsChanged struct {
	Topic   string `json:"topic"`
	Deleted bool   `json:"deleted,omitempty"`
}

// EventName names the event.
func (TopicsChanged) EventName() string { return "preference.topic_changed" }

// PutTopic keeps a topic at its place in the list. What customers decided about
// one that was there before stays.
func PutTopic(tx *db.Tx, t *tenant.Tenant, d Topic, position int) error {
	if member := d.wrong(); member != "" {
		return ErrBadTopic.At(member)
	}
	if position < 0 || position >= mostTopics {
		return ErrManyTopics
	}
	_, err := tx.Exec(`DELETE FROM topic WHERE tenant_id = $1 AND id = $2`, t.ID, d.ID)
	if err == nil {
		err = db.Insert(tx, "topic", topicRow{t.ID, d.ID, int64(position), d})
	}
	if err != nil {
		return err
	}
	return topicChanged(tx, t, TopicsChanged{Topic: d.ID})
}

// DeleteTopic takes a topic away with what customers set for it; the ledger
// keeps what they decided. It fails with ErrNoTopic.
func DeleteTopic(tx *db.Tx, t *tenant.Tenant, id string) error {
	n, err := tx.Exec(`DELETE FROM topic WHERE tenant_id = $1 AND id = $2`, t.ID, id)
	if err == nil && n == 0 {
		err = ErrNoTopic
	}
	if err != nil {
		return err
	}
	return topicChanged(tx, t, TopicsChanged{Topic: id, Deleted: true})
}

func topicChanged(tx *db.Tx, t *tenant.Tenant, e TopicsChanged) error {
	if err := journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: t.ID, Event: e, Class: journal.Config}); err != nil {
		return err
	}
	return tenant.Changed(tx, t)
}

// StoredTopics lists the tenant's topics in their order, from the database.
func StoredTopics(tx *db.Tx, t *tenant.Tenant) ([]Topic, error) {
	rows, err := db.All[topicRow](tx, `FROM topic WHERE tenant_id = $1 ORDER BY position, id`, t.ID)
	out := make([]Topic, len(rows))
	for i := range rows {
		out[i] = rows[i].topic
		out[i].ID = rows[i].id
	}
	return out, err
}

var topics = tenant.NewCache[struct{}, []Topic](1)

// Topics lists the tenant's topics in their order, from memory where it can.
// They are not to be changed.
func Topics(tx *db.Tx, t *tenant.Tenant) ([]Topic, error) {
	return topics.Get(tx, t, struct{}{}, func() ([]Topic, error) { return StoredTopics(tx, t) })
}

// topicOf finds a topic that uses the channel, or fails with ErrNoTopic.
func topicOf(tx *db.Tx, t *tenant.Tenant, id string, c Channel) (*Topic, error) {
	list, err := Topics(tx, t)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id && list[i].Uses(c) {
			return &list[i], nil
		}
	}
	return nil, ErrNoTopic
}
