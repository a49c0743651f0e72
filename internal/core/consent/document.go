package consent

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Document is a legal text in one language, at one version: where it lies and
// the digest of its words.
type Document struct {
	TenantID    tenant.ID
	Kind        string // "terms" or "privacy"
	Version     int64
	Locale      string
	Title       string
	URL         string
	Digest      [32]byte // SHA-256 of the text
	EffectiveAt time.Time
	// Grace is for how long from then on who has an account may put accepting off.
	Grace time.Duration
}

// Fields names the columns.
func (d *Document) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &d.TenantID}, {Column: "kind", Ptr: &d.Kind}, {Column: "version", Ptr: &d.Version},
		{Column: "locale", Ptr: &d.Locale}, {Column: "title", Ptr: &d.Title}, {Column: "url", Ptr: &d.URL},
		{Column: "digest", Ptr: &d.Digest}, {Column: "effective_at", Ptr: &d.EffectiveAt}, {Column: "grace", Ptr: &d.Grace},
	}
}

// The faults of documents.
var (
	ErrBadDocument   = fault.New(fault.Invalid, "bad_document", "A document is terms or privacy, with a version from 1, a language, a title and an https address.")
	ErrFixedDocument = fault.New(fault.Conflict, "document_fixed", "Customers may have accepted this version as it is. Publish a new version instead.")
)

// wrong names the first member that keeps a document from being published.
func (d *Document) wrong(t *tenant.Tenant) string {
	switch {
	case d.Kind != Terms && d.Kind != Privacy:
		return "kind"
	case d.Version < 1:
		return "version"
	case !tenant.ValidLocale(d.Locale):
		return "locale"
	case d.Title == "" || !tenant.ShortText(d.Title, 200):
		return "title"
	case !tenant.ValidURL(d.URL, t.Loopback()):
		return "url"
	case d.Digest == [32]byte{}:
		return "sha256"
	case d.Grace < 0 || d.Grace > mostGrace:
		return "grace"
	}
	return ""
}

const mostGrace = 365 * 24 * time.Hour

// MayWait reports whether accepting may still be put off.
func (d *Document) MayWait(now time.Time) bool { return now.Before(d.EffectiveAt.Add(d.Grace)) }

// Differs names the first member in which a text of the same kind, version and
// language is another one than d, or "". A zero EffectiveAt asks for no date.
func (d *Document) Differs(from Document) string {
	switch {
	case d.Digest != from.Digest:
		return "text"
	case d.Title != from.Title:
		return "title"
	case d.URL != from.URL:
		return "url"
	case !d.EffectiveAt.IsZero() && !d.EffectiveAt.Equal(from.EffectiveAt):
		return "effective"
	case d.Grace != from.Grace:
		return "grace"
	}
	return ""
}

// DocumentPut is told when a legal text is published.
type DocumentPut struct {
	Kind    string `json:"kind"`
	Version int64  `json:"version"`
	Locale  string `json:"locale"`
}

// EventName names the event.
func (DocumentPut) EventName() string { return "consent.document_put" }

// PutDocument publishes a legal text. The same text again is fine; another one
// under the same kind, version and language is document_fixed. A zero
// EffectiveAt is now, or when it was published before.
func PutDocument(tx *db.Tx, t *tenant.Tenant, d Document) error {
	if member := d.wrong(t); member != "" {
		return ErrBadDocument.At(member)
	}
	asked := d
	d.TenantID = t.ID
	if d.EffectiveAt.IsZero() {
		d.EffectiveAt = tx.Now
	}
	fresh, err := db.InsertNew(tx, "document", d)
	if err != nil {
		return err
	}
	if !fresh {
		return same(tx, t, asked)
	}
	e := DocumentPut{d.Kind, d.Version, d.Locale}
	if err := journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: t.ID, Event: e, Class: journal.Config}); err != nil {
		return err
	}
	return tenant.Changed(tx, t)
}

func same(tx *db.Tx, t *tenant.Tenant, d Document) error {
	old, err := db.Get[Document](tx, `FROM document WHERE tenant_id = $1 AND kind = $2 AND version = $3 AND locale = $4`,
		t.ID, d.Kind, d.Version, d.Locale)
	if err != nil {
		return err
	}
	if member := d.Differs(old); member != "" {
		return ErrFixedDocument.At(member)
	}
	return nil
}

// Published lists every text of the tenant, of all versions and languages: terms
// first, the latest version first. It reads the database each time.
func Published(tx *db.Tx, t *tenant.Tenant) ([]Document, error) {
	return db.All[Document](tx, `FROM document WHERE tenant_id = $1 ORDER BY kind DESC, version DESC, locale`, t.ID)
}

// Asked counts the customers who have not accepted the kind of text in this
// version or a later one: once it is in force they are asked at their next
// sign-in. It looks at every customer of the tenant.
func Asked(tx *db.Tx, t *tenant.Tenant, kind string, version int64) (n int64, err error) {
	n, _, err = db.Value[int64](tx, `SELECT count(*) FROM customer WHERE tenant_id = $1 AND state <> $2 AND NOT EXISTS (
		SELECT 1 FROM consent_state AS s WHERE s.tenant_id = customer.tenant_id AND s.customer_id = customer.id
		AND s.purpose IN ('terms', 'privacy') AND s.item = $3 AND s.decision = 'given' AND s.version >= $4)`,
		t.ID, customer.Erased, kind, version)
	return n, err
}

var texts = tenant.NewCache[struct{}, []Document](1)

func all(tx *db.Tx, t *tenant.Tenant) ([]Document, error) {
	return texts.Get(tx, t, struct{}{}, func() ([]Document, error) {
		return Published(tx, t)
	})
}

// Documents returns the texts in force, one of each kind, terms first: the
// latest effective version, in the language asked for, else in its base
// language, else in the tenant's, else in whichever there is.
func Documents(tx *db.Tx, t *tenant.Tenant, locale string) ([]Document, error) {
	list, err := all(tx, t)
	if err != nil {
		return nil, err
	}
	var out []Document
	for _, kind := range []string{Terms, Privacy} {
		if d, ok := pick(list, kind, []string{locale, base(locale), t.Locale(), base(t.Locale())}, tx.Now); ok {
			out = append(out, d)
		}
	}
	return out, nil
}

func base(locale string) string {
	language, _, _ := strings.Cut(locale, "-")
	return language
}

func pick(list []Document, kind string, locales []string, now time.Time) (best Document, ok bool) {
	rank := func(d Document) int {
		if i := slices.Index(locales, d.Locale); i >= 0 {
			return i
		}
		return len(locales)
	}
	for _, d := range list {
		if d.Kind != kind || d.EffectiveAt.After(now) {
			continue
		}
		if !ok || d.Version > best.Version || d.Version == best.Version && rank(d) < rank(best) {
			best, ok = d, true
		}
	}
	return best, ok
}

// Unaccepted returns the texts in force that the customer has still to accept,
// in a language of theirs; none: everything is accepted.
func Unaccepted(tx *db.Tx, t *tenant.Tenant, c customer.ID, locale string) ([]Document, error) {
	inForce, err := Documents(tx, t, locale)
	if err != nil || len(inForce) == 0 {
		return nil, err
	}
	states, err := db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2
		AND purpose IN ('terms', 'privacy')`, t.ID, c)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(inForce, func(d Document) bool {
		return slices.ContainsFunc(states, func(s State) bool {
			return s.Item == d.Kind && s.Given() && s.Version >= d.Version
		})
	}), nil
}
