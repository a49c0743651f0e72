package consent

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// LinkPurpose is the one thing that a link of a mail is good for.
type LinkPurpose string

// The purposes of links, and for how long each works.
const (
	ToManage      LinkPurpose = "manage"      // see and change the preferences of one address
	ToUnsubscribe LinkPurpose = "unsubscribe" // end one topic on one channel
	ToConfirm     LinkPurpose = "confirm"     // confirm one pending preference, once

	manageLife      = 30 * 24 * time.Hour
	unsubscribeLife = 90 * 24 * time.Hour // mails are read late
	confirmLife     = 7 * 24 * time.Hour
)

// Where the links of mails lead, on the tenant's origin.
const (
	ManagePath      = "/preferences"
	ForgetPath      = "/preferences/forget" // by a link of ToManage
	UnsubscribePath = "/unsubscribe"
	ConfirmPath     = "/preferences/confirm"
)

// Link is what a link of a mail says, sealed so that only the house reads and
// writes it. It needs no sign-in and opens nothing but preferences of one
// address; nothing is stored for it.
type Link struct {
	Purpose LinkPurpose
	Owner   customer.ID // of the address when the link was made; zero: it was nobody's
	Digest  [32]byte    // of the address
	Topic   string
	Channel Channel
	Since   time.Time // of the pending preference
	Expires time.Time
}

// The faults of links.
var (
	ErrLink      = fault.New(fault.Gone, "link_gone", "This link is not valid any more. Use the one of a newer message, or sign in.")
	ErrConfirmed = fault.New(fault.Gone, "already_confirmed", "This was confirmed or changed already.")
)

func lifeOf(p LinkPurpose) time.Duration {
	switch p {
	case ToManage:
		return manageLife
	case ToUnsubscribe:
		return unsubscribeLife
	}
	return confirmLife
}

func confirmation(p Preference, digest [32]byte, now time.Time) Link {
	return Link{
		Purpose: ToConfirm, Owner: p.CustomerID, Digest: digest, Topic: p.Topic, Channel: p.Channel,
		Since: p.Since, Expires: now.Add(confirmLife),
	}
}

// LinkFor makes a link for an address, of which the digest is given. One to
// confirm comes from Capture alone.
func LinkFor(tx *db.Tx, t *tenant.Tenant, purpose LinkPurpose, digest [32]byte, topic string, c Channel) (Link, error) {
	owner, _, err := holderOf(tx, t, digest)
	return Link{Purpose: purpose, Owner: owner, Digest: digest, Topic: topic, Channel: c, Expires: tx.Now.Add(lifeOf(purpose))}, err
}

// URL is the address of the link.
func (l Link) URL(t *tenant.Tenant) string {
	path := map[LinkPurpose]string{ToManage: ManagePath, ToUnsubscribe: UnsubscribePath, ToConfirm: ConfirmPath}[l.Purpose]
	return t.Origin + path + "?t=" + l.token(t)
}

// Headers are what a mail about the topic must carry, so that mail programs show
// their own button to unsubscribe (RFC 8058, 3.1). Both must be among the
// headers that the mail's DKIM signature covers (RFC 8058, 4).
func (l Link) Headers(t *tenant.Tenant) map[string]string {
	return map[string]string{
		"List-Unsubscribe":      "<" + l.URL(t) + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}
}

// bound is what a token is good for: this purpose at this tenant, until a
// restore begins a new epoch.
func bound(t *tenant.Tenant, p LinkPurpose) []byte {
	out := binary.BigEndian.AppendUint64(t.ID.Bytes(), uint64(t.Ring().Epoch()))
	return append(out, p...)
}

func (l Link) token(t *tenant.Tenant) string {
	plain := append(l.Owner.Bytes(), l.Digest[:]...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(micro(l.Since)))
	plain = binary.BigEndian.AppendUint64(plain, uint64(micro(l.Expires)))
	plain = append(plain, string(l.Channel)+"/"+l.Topic...)
	return base64.RawURLEncoding.EncodeToString(t.Key("consent/link").Seal(plain, bound(t, l.Purpose)))
}

func micro(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

const maxToken = 512

// ReadLink reads what a link says. One of another purpose or tenant, one that
// was touched, and one that is too old, are all ErrLink.
func ReadLink(t *tenant.Tenant, purpose LinkPurpose, token string, now time.Time) (Link, error) {
	if len(token) > maxToken {
		return Link{}, ErrLink
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") { // which the decoder skips
		return Link{}, ErrLink
	}
	plain, err := t.Key("consent/link").Open(sealed, bound(t, purpose))
	if err != nil || len(plain) < 64 {
		return Link{}, ErrLink
	}
	l := Link{Purpose: purpose, Owner: customer.ID(plain[:16]), Digest: [32]byte(plain[16:48])}
	if since := int64(binary.BigEndian.Uint64(plain[48:56])); since != 0 {
		l.Since = time.UnixMicro(since).UTC()
	}
	l.Expires = time.UnixMicro(int64(binary.BigEndian.Uint64(plain[56:64]))).UTC()
	channel, topic, _ := strings.Cut(string(plain[64:]), "/")
	l.Channel, l.Topic = Channel(channel), topic
	if !now.Before(l.Expires) {
		return Link{}, ErrLink
	}
	return l, nil
}

// Holder finds whose preferences the link is about now: of the one that it was
// made for, or of the account that they became part of. False: of nobody (any
// more); an address that somebody else has now leads to nobody.
func (l Link) Holder(tx *db.Tx, t *tenant.Tenant) (customer.ID, bool, error) {
	now, there, err := holderOf(tx, t, l.Digest)
	if err != nil || !there {
		return customer.ID{}, false, err
	}
	if l.Owner.IsZero() || now == l.Owner {
		return now, true, nil
	}
	m, merged, err := db.Find[liteMerge](tx, `FROM lite_merge WHERE tenant_id = $1 AND lite_id = $2`, t.ID, l.Owner)
	if err != nil || !merged || m.customer != now {
		return customer.ID{}, false, err
	}
	return now, true, nil
}

// PreferByLink makes wishes so for the address that the link was sent to, on the
// channels that lead to that address; who holds it has proven that by the link.
// Faults: link_gone, topic_not_found, bad_frequency.
func PreferByLink(tx *db.Tx, t *tenant.Tenant, l Link, wishes []Wish, w Where) error {
	c, there, err := l.Holder(tx, t)
	if err == nil && !there && l.Owner.IsZero() {
		c, err = hold(tx, t, l.Channel.Kind(), l.Digest)
		there = err == nil
	}
	if err != nil {
		return err
	}
	if !there {
		return ErrLink
	}
	for _, wish := range wishes {
		if wish.Channel.Kind() != l.Channel.Kind() {
			return ErrNoTopic
		}
	}
	return prefer(tx, t, c, wishes, w, func(p Preference) error { return lift(tx, t, l.Digest, p) })
}

// Kind is the kind of identifier that the channel leads to, "" if to none.
func (c Channel) Kind() string {
	switch c {
	case ByEmail:
		return customer.Email
	case BySMS, ByPhone:
		return customer.Phone
	}
	return ""
}

// Unsubscribe ends the topic of the link for its address: the preference of its
// holder is off, and the address is suppressed. Twice is as good as once, also
// when there is nobody and no topic any more.
func Unsubscribe(tx *db.Tx, t *tenant.Tenant, l Link, w Where) error {
	c, there, err := l.Holder(tx, t)
	if err != nil {
		return err
	}
	if there {
		wish := []Wish{{Topic: l.Topic, Channel: l.Channel}}
		err := prefer(tx, t, c, wish, w, nil)
		if err != nil && !errors.Is(err, ErrNoTopic) {
			return err
		}
	}
	return Suppress(tx, t, l.Digest, l.Topic, l.Channel, Unsubscribed)
}

// Confirm turns on what waits for it, once. Faults: already_confirmed, link_gone
// if what the link was made for is nobody's any more.
func Confirm(tx *db.Tx, t *tenant.Tenant, l Link, w Where) (Preference, error) {
	c, there, err := l.Holder(tx, t)
	if err == nil && !there {
		err = ErrLink
	}
	if err != nil {
		return Preference{}, err
	}
	p, ok, err := db.Take[Preference](tx, `UPDATE preference SET state = 'on', since = $6, surface = $7, method = $8
		WHERE tenant_id = $1 AND customer_id = $2 AND topic = $3 AND channel = $4 AND state = 'pending' AND since = $5`,
		t.ID, c, l.Topic, string(l.Channel), l.Since, tx.Now, w.Surface, w.Method)
	if err == nil && !ok {
		err = ErrConfirmed
	}
	if err != nil {
		return Preference{}, err
	}
	if err := lift(tx, t, l.Digest, p); err != nil {
		return Preference{}, err
	}
	return p, p.record(tx, t, w)
}

// Awaits reports whether what the link confirms still waits for it.
func Awaits(tx *db.Tx, t *tenant.Tenant, l Link) (bool, error) {
	c, there, err := l.Holder(tx, t)
	if err != nil || !there {
		return false, err
	}
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM preference WHERE tenant_id = $1 AND customer_id = $2
		AND topic = $3 AND channel = $4 AND state = 'pending' AND since = $5`, t.ID, c, l.Topic, string(l.Channel), l.Since)
	return n > 0, err
}
