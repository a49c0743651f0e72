package privacy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// CertificateType is the typ of the signature of an erasure certificate
// (RFC 7515 section 4.1.9).
const CertificateType = "erasure-certificate+jwt"

// CertificateFormat names what the claims mean; docs/guides/erasure.md tells it.
const CertificateFormat = "cardea-erasure-certificate/1"

// ErasurePath is the public page of an erasure, on the tenant's origin.
const ErasurePath = "/erasure"

// What a certificate states.
const (
	StatesErased       = "erased"       // everything was emptied and the data key destroyed
	StatesFinal        = "final"        // the wrapping keys of then are destroyed: no older backup opens anything
	StatesAcknowledged = "acknowledged" // every recipient that was told has acknowledged
)

// ErrNoCertificate is told where there is none.
var ErrNoCertificate = fault.New(fault.NotFound, "certificate_not_found", "There is no such erasure certificate.")

type certificateID struct{}

func (certificateID) Prefix() string { return "erc" }

// CertificateID is the id of a certificate.
type CertificateID = id.ID[certificateID]

// Certificate is a signed statement on an erasure, as it rests. It is never
// rewritten: what comes later is another one, which refers to the first.
type Certificate struct {
	TenantID   tenant.ID
	ID         CertificateID
	CustomerID customer.ID
	Statement  string
	Signed     string // compact JWS (RFC 7515 section 7.1)
	IssuedAt   time.Time
}

// Fields names the columns.
func (c *Certificate) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &c.TenantID}, {Column: "id", Ptr: &c.ID}, {Column: "customer_id", Ptr: &c.CustomerID},
		{Column: "statement", Ptr: &c.Statement}, {Column: "signed", Ptr: &c.Signed}, {Column: "issued_at", Ptr: &c.IssuedAt},
	}
}

// Claims are what a certificate says. No personal value stands in it.
type Claims struct {
	Format     string      `json:"format"`
	Statement  string      `json:"statement"`
	Issuer     string      `json:"iss"`
	Controller string      `json:"controller"`
	IssuedAt   int64       `json:"iat"` // seconds: when it was signed
	ID         string      `json:"jti"`
	Subject    string      `json:"sub"` // customer.Pseudonym
	RefersTo   *Reference  `json:"refers_to,omitempty"`
	AskedAt    time.Time   `json:"asked_at"`
	Cause      string      `json:"cause,omitempty"` // why the account was closed, as a word of the house
	ErasedAt   time.Time   `json:"erased_at"`
	FinalAt    time.Time   `json:"final_at"` // from when on no older backup opens anything either
	Keys       []WrappedBy `json:"wrapping_keys"`
	Emptied    []Emptied   `json:"emptied"`
	Kept       []KeptTable `json:"kept"`
	// Readable names the fields that staff search, or once searched, in the clear:
	// backups from before hold words of them that no key seals.
	Readable   []string     `json:"readable_in_older_backups,omitempty"`
	Recipients []Informed   `json:"recipients"`
	Journal    JournalPlace `json:"journal"`
}

// Reference names an earlier certificate.
type Reference struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"` // of its compact JWS, hexadecimal
}

// WrappedBy is a wrapping key under which a backup from before the erasure could
// hold the destroyed data key.
type WrappedBy struct {
	ID        string    `json:"id"`
	DiesAfter time.Time `json:"destroyed_after,omitzero"` // zero: it was in use at the time of the erasure
	Destroyed bool      `json:"destroyed"`                // when this was signed
}

// Emptied is a room of the house with its tables, in which nothing of the
// customer is left.
type Emptied struct {
	Room   string   `json:"room"`
	Tables []string `json:"tables"`
}

// KeptTable is a table that keeps something, and why.
type KeptTable struct {
	Table string `json:"table"`
	Why   string `json:"why"`
}

// Informed is a recipient of the customer's data, as it stood when the
// certificate was signed.
type Informed struct {
	Name           string    `json:"name"`
	State          string    `json:"state"`
	ToldAt         time.Time `json:"told_at,omitzero"`
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
}

// JournalPlace is where the erasure stands in the journal's chain, and the last
// checkpoint that was signed over its heads by then.
type JournalPlace struct {
	Event      string    `json:"event"`
	Bucket     int64     `json:"bucket"`
	Seq        int64     `json:"seq"`
	Link       string    `json:"link"` // hexadecimal
	Checkpoint int64     `json:"checkpoint,omitempty"`
	Digest     string    `json:"checkpoint_digest,omitempty"` // hexadecimal
	At         time.Time `json:"checkpoint_at,omitzero"`
}

// ReadCertificate reads the claims of a certificate whose signature holds.
func ReadCertificate(claims []byte) (Claims, error) {
	var c Claims
	if json.Unmarshal(claims, &c) != nil || c.Format != CertificateFormat || c.Statement == "" || c.ErasedAt.IsZero() {
		return Claims{}, tenant.ErrBadToken
	}
	return c, nil
}

// Certificates lists the certificates of a customer's erasure, the first one
// first.
func Certificates(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Certificate, error) {
	return db.All[Certificate](tx, `FROM erasure_certificate WHERE tenant_id = $1 AND customer_id = $2 ORDER BY issued_at, id`, t.ID, c)
}

// GetCertificate is one certificate. It fails with ErrNoCertificate.
func GetCertificate(tx *db.Tx, t *tenant.Tenant, id CertificateID) (Certificate, error) {
	c, ok, err := db.Find[Certificate](tx, `FROM erasure_certificate WHERE tenant_id = $1 AND id = $2`, t.ID, id)
	if err == nil && !ok {
		err = ErrNoCertificate
	}
	return c, err
}

// ErasureToken names an erasure in the address of its public page. It is random
// to who does not hold the tenant's secret, and works for ever: also after a
// backup was restored that does not know of it.
func ErasureToken(t *tenant.Tenant, c customer.ID) string {
	return base64.RawURLEncoding.EncodeToString(t.Key("erasure/page").Seal(c[:], nil))
}

// ErasureLink leads to the public page of an erasure.
func ErasureLink(t *tenant.Tenant, c customer.ID) string {
	return t.Origin + ErasurePath + "?c=" + ErasureToken(t, c)
}

func openErasureToken(t *tenant.Tenant, token string) (c customer.ID, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(token) > 100 {
		return c, false
	}
	plain, err := t.Key("erasure/page").Open(sealed, nil)
	if err != nil || len(plain) != len(c) {
		return c, false
	}
	return customer.ID(plain), true
}

// Standing is how far an erasure has come.
type Standing struct {
	Customer     customer.ID
	ErasedAt     time.Time
	FinalAt      time.Time
	Final        bool // it is certified that no older backup opens anything
	Recipients   []Informed
	Certificates []Certificate
}

// StandingAt is the erasure that a public page's token names. It fails with
// ErrNoCertificate for a token that is none, and before the erasure.
func StandingAt(tx *db.Tx, t *tenant.Tenant, token string) (Standing, error) {
	c, ok := openErasureToken(t, token)
	if !ok {
		return Standing{}, ErrNoCertificate
	}
	return StandingOf(tx, t, c)
}

// StandingOf is the erasure of a customer. It fails with ErrNoCertificate for
// one who is not erased.
func StandingOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Standing, error) {
	e, ok, err := customer.FindErasure(tx, t, c)
	if err != nil {
		return Standing{}, err
	}
	if !ok {
		return Standing{}, ErrNoCertificate
	}
	s := Standing{Customer: c, ErasedAt: e.ErasedAt, FinalAt: e.FinalAt}
	if s.Recipients, err = informed(tx, t, c); err != nil {
		return Standing{}, err
	}
	s.Certificates, err = Certificates(tx, t, c)
	for _, made := range s.Certificates {
		s.Final = s.Final || made.Statement == StatesFinal
	}
	return s, err
}

// informed are the recipients that were to be told of the erasure.
func informed(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Informed, error) {
	list, err := notify.Acknowledgements(tx, t, c)
	out := []Informed{}
	for _, a := range list {
		if a.Type == erasedEvent {
			out = append(out, Informed{a.Application, a.State, a.ToldAt, a.AcknowledgedAt})
		}
	}
	return out, err
}

// erasedEvent is the name of the event, and of the webhook, of an erasure.
const erasedEvent = "customer.erased"

// allAcknowledged reports whether everybody who can be told has acknowledged,
// and whether there was anybody.
func allAcknowledged(list []Informed) bool {
	n := 0
	for _, r := range list {
		switch {
		case r.State == notify.Unconnected:
		case r.AcknowledgedAt.IsZero():
			return false
		default:
			n++
		}
	}
	return n > 0
}

func referTo(c Certificate) *Reference {
	sum := sha256.Sum256([]byte(c.Signed))
	return &Reference{ID: c.ID.String(), SHA256: hex.EncodeToString(sum[:])}
}

// errNotChained has a certificate wait until the clerk has chained the erasure.
var errNotChained = errors.New("privacy: the erasure is not chained yet")
