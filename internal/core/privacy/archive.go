package privacy

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type archiveID struct{}

func (archiveID) Prefix() string { return "arc" }

// ArchiveID is the id of an archive.
type ArchiveID = id.ID[archiveID]

// ArchiveState is how far an archive has come.
type ArchiveState string

// The states of an archive.
const (
	Asked  ArchiveState = "asked"
	Making ArchiveState = "making"
	Ready  ArchiveState = "ready"
	Failed ArchiveState = "failed"
)

// Spans of time of archives.
const (
	ArchiveFor = 7 * 24 * time.Hour // how long an archive is kept
	LinkFor    = 5 * time.Minute    // how long a link to it works, once
)

const archiveField = "privacy.archive"

// The faults of archives.
var (
	ErrNoArchive = fault.New(fault.NotFound, "archive_not_found", "There is no copy of your data. Ask for one.")
	ErrLinkUsed  = fault.New(fault.Gone, "archive_link_used", "This link has been used or is too old. Ask for the download again.")
)

// Archive is a copy of everything that is held about a customer, on its way to
// them or waiting to be fetched.
type Archive struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	ID         ArchiveID
	State      ArchiveState
	Size       int64 // bytes of the file
	LinkUntil  time.Time
	AskedAt    time.Time
	ReadyAt    time.Time
	FetchedAt  time.Time // the last time; zero: never
	ExpiresAt  time.Time
}

// Fields names the columns.
func (a *Archive) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &a.TenantID}, {Column: "customer_id", Ptr: &a.CustomerID}, {Column: "id", Ptr: &a.ID},
		{Column: "state", Ptr: &a.State}, {Column: "size", Ptr: &a.Size}, {Column: "link_until", Ptr: &a.LinkUntil},
		{Column: "asked_at", Ptr: &a.AskedAt}, {Column: "ready_at", Ptr: &a.ReadyAt},
		{Column: "fetched_at", Ptr: &a.FetchedAt}, {Column: "expires_at", Ptr: &a.ExpiresAt},
	}
}

// parcel is an archive with what is in it.
type parcel struct {
	Archive
	sealed customer.Sealed
}

// Fields names the columns.
func (p *parcel) Fields() []db.Field {
	return append(p.Archive.Fields(), db.Field{Column: "sealed", Ptr: &p.sealed})
}

// ArchiveAsked is told when a customer asks for a copy of their data.
type ArchiveAsked struct {
	Archive string `json:"archive"`
}

// EventName names the event.
func (ArchiveAsked) EventName() string { return "privacy.archive_asked" }

// ArchiveFetched is told when a customer takes the copy away.
type ArchiveFetched struct {
	Archive string `json:"archive"`
}

// EventName names the event.
func (ArchiveFetched) EventName() string { return "privacy.archive_fetched" }

func note(tx *db.Tx, t *tenant.Tenant, c customer.ID, e journal.Event) error {
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: c, Actor: journal.Actor{Kind: "customer", ID: c}, Class: journal.Privacy, Event: e,
	})
}

// FindArchive is the customer's archive that stands or is being made, if any.
func FindArchive(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Archive, bool, error) {
	return db.Find[Archive](tx, `FROM archive WHERE tenant_id = $1 AND customer_id = $2 AND expires_at > $3`, t.ID, c, tx.Now)
}

// AskArchive has a copy of everything made that is held about a customer, for
// somebody who has freshly proven to be them. One that is being made already is
// returned as it is; one that stands is replaced. It is a case of its own
// (Access), which ends when the copy is ready.
func AskArchive(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Archive, error) {
	was, there, err := FindArchive(tx, t, c)
	if err != nil || there && (was.State == Asked || was.State == Making) {
		return was, err
	}
	if err := OpenItself(tx, t, c, Access, ""); err != nil {
		return Archive{}, err
	}
	return makeArchive(tx, t, c)
}

func makeArchive(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Archive, error) {
	if _, err := tx.Exec(`DELETE FROM archive WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c); err != nil {
		return Archive{}, err
	}
	a := Archive{
		TenantID: t.ID, CustomerID: c, ID: id.New[archiveID](tx.Now), State: Asked, AskedAt: tx.Now, ExpiresAt: tx.Now.Add(ArchiveFor),
	}
	if err := db.Insert(tx, "archive", a); err != nil {
		return Archive{}, err
	}
	if err := note(tx, t, c, ArchiveAsked{a.ID.String()}); err != nil {
		return Archive{}, err
	}
	return a, enqueueArchive(tx, t, a)
}

// LinkArchive makes the token of a link that hands the archive out once within
// five minutes, for somebody who has freshly proven to be the customer. A link
// that was made before stops working. It fails with ErrNoArchive.
func LinkArchive(tx *db.Tx, t *tenant.Tenant, c customer.ID) (token string, err error) {
	token = secret.Token()
	digest := secret.Digest([]byte(token))
	n, err := tx.Exec(`UPDATE archive SET link_digest = $3, link_until = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND state = 'ready' AND expires_at > $5`, t.ID, c, digest, tx.Now.Add(LinkFor), tx.Now)
	if err == nil && n == 0 {
		err = ErrNoArchive
	}
	return token, err
}

// TakeArchive redeems a link, exactly once, and opens the archive for the
// customer who is signed in. It fails with ErrLinkUsed; another customer's link
// is no link.
func TakeArchive(tx *db.Tx, t *tenant.Tenant, c customer.ID, token string) (Archive, []byte, error) {
	digest := secret.Digest([]byte(token))
	p, taken, err := db.Take[parcel](tx, `UPDATE archive SET link_digest = NULL, link_until = NULL, fetched_at = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND link_digest = $3 AND link_until > $4 AND state = 'ready' AND expires_at > $4`,
		t.ID, c, digest, tx.Now)
	if err != nil {
		return Archive{}, nil, err
	}
	if !taken {
		return Archive{}, nil, ErrLinkUsed
	}
	plain, err := release.Open(tx, t, release.Recipient{Kind: release.Self, ID: c}, c, archiveField+p.ID.String(), p.sealed)
	if err != nil {
		return Archive{}, nil, err
	}
	return p.Archive, plain, note(tx, t, c, ArchiveFetched{p.ID.String()})
}

// SweepArchives deletes archives whose time is over and tells how many.
func SweepArchives(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM archive WHERE (tenant_id, customer_id) IN (
		SELECT tenant_id, customer_id FROM archive WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, tx.Now, limit)
	return int(n), err
}

// DestroyArchives takes the customer's archive away, whatever its state.
func DestroyArchives(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	if err := journal.Cancel(tx, t.ID, archiveKey(c)); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM archive WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return err
}
