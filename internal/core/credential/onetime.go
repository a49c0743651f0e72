package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type kind struct{}

func (kind) Prefix() string { return "crd" }

// ID is the id of one of a customer's credentials, or of a one-time code.
type ID = id.ID[kind]

const (
	codeLen = 6
	// Tries is how many codes may be entered per message. With five tries at a
	// million codes a guesser needs 200,000 messages to expect one hit.
	Tries = 5
	// usedKept is how long a used or expired row stays, so that whoever follows
	// its link is told that it was used.
	usedKept = 24 * time.Hour
)

// What can be wrong with a code or a link.
var (
	ErrCodeWrong   = fault.New(fault.Invalid, "code_wrong", "This code is not right.").At("code")
	ErrCodeTries   = fault.New(fault.Gone, "code_tries", "There were too many wrong codes. Ask for a new one.").At("code")
	ErrCodeExpired = fault.New(fault.Gone, "code_expired", "This code is no longer valid. Ask for a new one.").At("code")
	ErrLinkInvalid = fault.New(fault.Gone, "link_invalid", "This link does not lead anywhere (any more).")
	ErrLinkExpired = fault.New(fault.Gone, "link_expired", "This link is no longer valid. Ask for a new one.")
	ErrLinkUsed    = fault.New(fault.Gone, "link_used", "This link has been used already.")

	errPurpose = fault.New(fault.Internal, "purpose_unknown", "Something went wrong on our side. Try again in a moment.")
)

// NewOneTime says what a code and its link are to prove.
type NewOneTime struct {
	Flow     [16]byte // the journey in which it is to be entered
	Purpose  Purpose
	Customer customer.ID // zero: nobody yet
	Channel  Channel
	Target   [32]byte // customer.Digest of the address
	Address  string   // canonical; nothing but Codes.Fixed sees it
}

// OneTime is a code and its link, once sent. Who redeems one compares all of it
// with what it expects.
type OneTime struct {
	TenantID   tenant.ID
	ID         ID
	Flow       [16]byte
	Purpose    Purpose
	CustomerID customer.ID
	Channel    Channel
	Target     [32]byte
	Tries      int
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time

	code, link [32]byte
}

// Fields names the columns.
func (o *OneTime) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &o.TenantID}, {Column: "id", Ptr: &o.ID}, {Column: "flow_id", Ptr: &o.Flow},
		{Column: "purpose", Ptr: &o.Purpose}, {Column: "customer_id", Ptr: &o.CustomerID},
		{Column: "channel", Ptr: &o.Channel}, {Column: "target", Ptr: &o.Target},
		{Column: "code_digest", Ptr: &o.code}, {Column: "link_digest", Ptr: &o.link},
		{Column: "tries", Ptr: &o.Tries}, {Column: "created_at", Ptr: &o.CreatedAt},
		{Column: "expires_at", Ptr: &o.ExpiresAt}, {Column: "used_at", Ptr: &o.UsedAt},
	}
}

// Codes draws one-time codes. Its zero value draws them at random, which is the
// only thing that a server may do. Fixed gives some addresses a code that is known
// beforehand; it exists for the development server and its .test addresses, and
// nothing in this package sets it.
type Codes struct {
	Fixed func(address string) (code string, ok bool)
}

// Issue is Codes{}.Issue.
func Issue(tx *db.Tx, t *tenant.Tenant, n NewOneTime) (code, link string, o OneTime, err error) {
	return Codes{}.Issue(tx, t, n)
}

// Issue makes a code of six digits and a link's token for the same message. What
// was sent before for the same flow and purpose is dead from now on (H134).
func (c Codes) Issue(tx *db.Tx, t *tenant.Tenant, n NewOneTime) (code, link string, o OneTime, err error) {
	life := n.Purpose.Life()
	if life == 0 {
		return "", "", o, errPurpose
	}
	if _, err = tx.Exec(`DELETE FROM one_time WHERE tenant_id = $1 AND flow_id = $2 AND purpose = $3`,
		t.ID, n.Flow, n.Purpose); err != nil {
		return "", "", o, err
	}
	o = OneTime{
		TenantID: t.ID, ID: id.New[kind](tx.Now), Flow: n.Flow, Purpose: n.Purpose, CustomerID: n.Customer,
		Channel: n.Channel, Target: n.Target, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(life),
	}
	code = c.draw(n.Address)
	o.code = codeMAC(t, o.ID, code)
	link, o.link = t.Locator("link").Mint(o.ID)
	return code, link, o, db.Insert(tx, "one_time", o)
}

func (c Codes) draw(address string) string {
	if c.Fixed != nil {
		if code, ok := c.Fixed(address); ok {
			return code
		}
	}
	return secret.Digits(codeLen)
}

// codeMAC is what rests of a code. A million codes are tried in a second, so a
// digest would hide nothing: it takes the tenant's key.
func codeMAC(t *tenant.Tenant, one ID, code string) [32]byte {
	return t.MAC("one_time/code", one[:], []byte(code))
}

// RedeemCode redeems the code that was sent in the flow for the purpose, once.
// Every code that could be one counts as a try, before it is looked at, and at
// most Tries are looked at, however many are entered at once: counting, comparing
// and using up are one statement. The refusals are ErrCodeWrong (kept, so that it
// counts), ErrCodeTries and ErrCodeExpired, which also stands for none and used.
func RedeemCode(tx *db.Tx, t *tenant.Tenant, flow [16]byte, p Purpose, code string) (OneTime, error) {
	digits, ok := CanonicalCode(code)
	if !ok {
		return OneTime{}, ErrCodeWrong
	}
	o, found, err := db.Find[OneTime](tx, `FROM one_time WHERE tenant_id = $1 AND flow_id = $2 AND purpose = $3`,
		t.ID, flow, p)
	if err != nil {
		return OneTime{}, err
	}
	if !found {
		return OneTime{}, ErrCodeExpired
	}
	tried, live, err := db.Take[OneTime](tx, `UPDATE one_time SET tries = tries + 1,
			used_at = CASE WHEN code_digest = $1 THEN $2 ELSE used_at END
		WHERE tenant_id = $3 AND id = $4 AND used_at IS NULL AND expires_at > $2 AND tries < $5`,
		codeMAC(t, o.ID, digits), tx.Now, t.ID, o.ID, Tries)
	switch {
	case err != nil:
		return OneTime{}, err
	case !live && o.Tries >= Tries && o.UsedAt.IsZero():
		return OneTime{}, ErrCodeTries
	case !live:
		return OneTime{}, ErrCodeExpired
	case tried.UsedAt.IsZero() && tried.Tries >= Tries:
		return OneTime{}, db.Keep(ErrCodeTries)
	case tried.UsedAt.IsZero():
		return OneTime{}, db.Keep(ErrCodeWrong)
	}
	return tried, nil
}

// PeekLink tells what a link would prove, and uses nothing up: mail programs
// follow links by themselves, so a GET must change nothing.
func PeekLink(tx *db.Tx, t *tenant.Tenant, link string) (OneTime, error) {
	one, digest, ok := t.Locator("link").Read(link)
	if !ok {
		return OneTime{}, ErrLinkInvalid
	}
	o, found, err := db.Find[OneTime](tx, `FROM one_time WHERE tenant_id = $1 AND id = $2 AND link_digest = $3`,
		t.ID, ID(one), digest)
	switch {
	case err != nil:
		return OneTime{}, err
	case !found:
		return OneTime{}, ErrLinkInvalid
	case !o.UsedAt.IsZero():
		return OneTime{}, ErrLinkUsed
	case !tx.Now.Before(o.ExpiresAt) || o.Tries >= Tries:
		return OneTime{}, ErrLinkExpired
	}
	return o, nil
}

// RedeemLink redeems a link, once, if it was sent for one of the purposes. The
// code of the same message is used up with it.
func RedeemLink(tx *db.Tx, t *tenant.Tenant, link string, purposes ...Purpose) (OneTime, error) {
	one, digest, ok := t.Locator("link").Read(link)
	if !ok {
		return OneTime{}, ErrLinkInvalid
	}
	for _, p := range purposes {
		o, taken, err := db.Take[OneTime](tx, `UPDATE one_time SET used_at = $1
			WHERE tenant_id = $2 AND id = $3 AND link_digest = $4 AND purpose = $5
				AND used_at IS NULL AND expires_at > $1 AND tries < $6`,
			tx.Now, t.ID, ID(one), digest, p, Tries)
		if err != nil || taken {
			return o, err
		}
	}
	if _, err := PeekLink(tx, t, link); err != nil {
		return OneTime{}, err
	}
	return OneTime{}, ErrLinkInvalid
}

// EndOutstanding ends every code and link that was sent to the customer, for
// whatever purpose: after a reset, a lock, a change of address.
func EndOutstanding(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	_, err := tx.Exec(`DELETE FROM one_time WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	return err
}

// Sweep deletes up to limit codes and links of all tenants that ran out a day
// ago, and tells how many.
func Sweep(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM one_time WHERE (tenant_id, id) IN
		(SELECT tenant_id, id FROM one_time WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		tx.Now.Add(-usedKept), limit)
	return int(n), err
}

// Destroy deletes everything of a customer in this room, for erasure.
func Destroy(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	if err := EndOutstanding(tx, t, cus); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM password WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM passkey WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM totp WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM recovery_code WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM recovery_wait WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM enrolment WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM alarm WHERE tenant_id = $1 AND customer_id = $2`,
	} {
		if _, err := tx.Exec(statement, t.ID, cus); err != nil {
			return err
		}
	}
	return nil
}
