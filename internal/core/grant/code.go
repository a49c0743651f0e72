package grant

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// CodeParams are what a code is bound to beside its grant: the redirect URI
// exactly as it was asked for, and the S256 challenge (RFC 7636 section 4.2).
type CodeParams struct{ RedirectURI, Challenge string }

type codeRow struct {
	tenant                tenant.ID
	customer              customer.ID
	digest                [32]byte
	grant                 ID
	application           app.ID
	redirect, challenge   string
	created, ends, usedAt time.Time
}

// Fields names the columns.
func (c *codeRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &c.tenant}, {Column: "customer_id", Ptr: &c.customer},
		{Column: "digest", Ptr: &c.digest}, {Column: "grant_id", Ptr: &c.grant},
		{Column: "application_id", Ptr: &c.application}, {Column: "redirect_uri", Ptr: &c.redirect},
		{Column: "challenge", Ptr: &c.challenge}, {Column: "created_at", Ptr: &c.created},
		{Column: "expires_at", Ptr: &c.ends}, {Column: "used_at", Ptr: &c.usedAt},
	}
}

// errChallenge is a defect of the caller, who had to refuse the request.
var errChallenge = fault.New(fault.Internal, "challenge_missing", "Something went wrong on our side. Try again in a moment.")

// NewCode returns a code for the grant. There is no code without a challenge.
func NewCode(tx *db.Tx, t *tenant.Tenant, g Grant, c CodeParams) (string, error) {
	if !ValidChallenge(c.Challenge) || c.RedirectURI == "" {
		return "", errChallenge
	}
	code, digest := t.Locator("code").Mint(g.CustomerID)
	return code, db.Insert(tx, "code", codeRow{
		tenant: t.ID, customer: g.CustomerID, digest: digest, grant: g.ID, application: g.ApplicationID,
		redirect: c.RedirectURI, challenge: c.Challenge, created: tx.Now, ends: tx.Now.Add(CodeLife),
	})
}

// Redemption is what an application presents for a code.
type Redemption struct {
	Code        string
	Application *app.Application // authenticated
	RedirectURI string
	Verifier    string
}

// RedeemCode exchanges a code for its grant, once. Everything that a code is
// bound to stands in the WHERE of the one statement that uses it up, so there is
// no order in which the conditions could be confused (H017). What is wrong is
// ErrInvalid, whatever it is. A used code that its application shows again ends
// the grant (RFC 6749 4.1.2); that refusal is already kept.
func RedeemCode(tx *db.Tx, t *tenant.Tenant, r Redemption) (Grant, error) {
	who, digest, ok := t.Locator("code").Read(r.Code)
	if !ok || r.Application == nil {
		return Grant{}, ErrInvalid
	}
	row, taken, err := db.Take[codeRow](tx, `UPDATE code SET used_at = $1
		WHERE tenant_id = $2 AND customer_id = $3 AND digest = $4 AND application_id = $5
			AND redirect_uri = $6 AND challenge = $7 AND expires_at > $1 AND used_at IS NULL`,
		tx.Now, t.ID, customer.ID(who), digest, r.Application.ID, r.RedirectURI, challengeOf(r.Verifier))
	if err != nil {
		return Grant{}, err
	}
	if !taken {
		return Grant{}, refuseCode(tx, t, who, digest, r.Application)
	}
	g, found, err := find(tx, t, row.customer, row.grant)
	if err == nil && !found {
		err = ErrInvalid.Because(errors.New("there is no such grant"))
	}
	if err != nil {
		return Grant{}, err
	}
	return g, admit(tx, t, g, r.Application, permit.ForCode)
}

// refuseCode looks whether the code was used before, and then ends its grant.
func refuseCode(tx *db.Tx, t *tenant.Tenant, who customer.ID, digest [32]byte, a *app.Application) error {
	row, found, err := db.Find[codeRow](tx, `FROM code
		WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3 AND application_id = $4 AND used_at IS NOT NULL`,
		t.ID, who, digest, a.ID)
	if err != nil {
		return err
	}
	if !found {
		return ErrInvalid
	}
	return reused(tx, t, who, row.grant, "code_reused")
}

// reused ends a grant whose code or token was shown twice, and refuses.
func reused(tx *db.Tx, t *tenant.Tenant, who customer.ID, gid ID, reason string) error {
	if _, err := End(tx, t, who, gid, reason); err != nil {
		return err
	}
	return db.Keep(ErrInvalid.Because(errors.New(reason)))
}

// admit asks for the permit of the moment for a grant that stands.
func admit(tx *db.Tx, t *tenant.Tenant, g Grant, a *app.Application, p permit.Purpose) error {
	if !g.standing(tx.Now) || g.ApplicationID != a.ID {
		return ErrInvalid.Because(errors.New("the grant has ended"))
	}
	if p == permit.ForRefresh && g.outlasted(a, tx.Now) {
		return ErrInvalid.Because(errors.New("the sign-in is too old for the application"))
	}
	ask := permit.Ask{
		Purpose: p, Customer: g.CustomerID, Application: a, Organization: g.OrganizationID,
		Offline: g.Offline, Scopes: g.Scopes(),
	}
	if !g.SessionID.IsZero() && !g.Offline {
		ask.Session = &session.Session{ID: g.SessionID}
	}
	held, err := permit.May(tx, t, ask)
	if err != nil {
		return refused(err)
	}
	if !held.Holds(tx, p) {
		return errNoPermit
	}
	return nil
}

// refused makes every refusal of the gate the one that clients are told, and
// lets failures through.
func refused(err error) error {
	switch f := fault.Of(err); f.Kind {
	case fault.Denied, fault.Unauthenticated, fault.NotFound:
		return ErrInvalid.Because(err)
	}
	return err
}

// ValidVerifier tells whether s is a code verifier: 43 to 128 unreserved
// characters (RFC 7636 section 4.1).
func ValidVerifier(s string) bool { return len(s) >= 43 && len(s) <= 128 && unreserved(s) }

// ValidChallenge tells whether s can be an S256 challenge: 43 characters of
// base64url that stand for 32 bytes (RFC 7636 section 4.2).
func ValidChallenge(s string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(s) == 43 && len(raw) == sha256.Size
}

func unreserved(s string) bool {
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

// challengeOf computes S256. A verifier that is none gives a text that no
// challenge is.
func challengeOf(verifier string) string {
	if !ValidVerifier(verifier) {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
