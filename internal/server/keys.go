package server

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	signingEvery = 90 * 24 * time.Hour // how long a signing key signs before TendKeys rotates
	rewrapBatch  = 500                 // data keys in one transaction
)

// SigningChange tells which keys of a tenant sign after a rotation.
type SigningChange struct {
	Tenant  string `json:"tenant"`
	Alg     string `json:"alg"`
	Current string `json:"current"`
	Next    string `json:"next"`
	First   bool   `json:"first,omitempty"` // the tenant had no key of this algorithm before
}

// RotateSigning moves the signing keys of a tenant on: of one algorithm, or of
// all that it has for "". For an algorithm that it has no key of, it draws the
// first two.
func (b *Base) RotateSigning(ctx context.Context, t *tenant.Tenant, alg string) ([]SigningChange, error) {
	algs := t.Algs()
	if alg != "" {
		if _, err := t.Signer(alg); errors.Is(err, tenant.ErrUnknownAlg) {
			return nil, err
		} else if err != nil {
			return b.firstKeys(ctx, t, alg)
		}
		algs = []string{alg}
	}
	if err := b.retireKeys(ctx, t); err != nil {
		return nil, err
	}
	var out []SigningChange
	for _, alg := range algs {
		next, err := tenant.DrawKey(alg)
		if err != nil {
			return out, err
		}
		if err := b.DB.Update(ctx, func(tx *db.Tx) error { return tenant.RotateKeys(tx, t, next) }); err != nil {
			return out, err
		}
		out = append(out, b.signing(t, alg, false))
	}
	return out, nil
}

// retireKeys destroys the private halves of the signing keys whose time in the
// key set is over; the checkpoint takes them out of the write-ahead log too.
func (b *Base) retireKeys(ctx context.Context, t *tenant.Tenant) error {
	n := 0
	err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
		n, err = tenant.RetireKeys(tx, t)
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	return b.DB.Checkpoint(ctx)
}

func (b *Base) firstKeys(ctx context.Context, t *tenant.Tenant, alg string) ([]SigningChange, error) {
	current, next, err := drawTwo(alg)
	if err != nil {
		return nil, err
	}
	if err := b.DB.Update(ctx, func(tx *db.Tx) error { return tenant.AddKeys(tx, t, current, next) }); err != nil {
		return nil, err
	}
	return []SigningChange{b.signing(t, alg, true)}, nil
}

func drawTwo(alg string) (current, next *tenant.DrawnKey, err error) {
	if current, err = tenant.DrawKey(alg); err == nil {
		next, err = tenant.DrawKey(alg)
	}
	return current, next, err
}

// signing tells what stands after a change that was just committed.
func (b *Base) signing(t *tenant.Tenant, alg string, first bool) SigningChange {
	c := SigningChange{Tenant: t.Slug, Alg: alg, First: first}
	fresh, ok := b.House.ByID(t.ID)
	if !ok {
		return c
	}
	for _, k := range fresh.PublicKeys() {
		switch {
		case k.Alg == alg && k.State == tenant.Current:
			c.Current = k.KID
		case k.Alg == alg && k.State == tenant.Next:
			c.Next = k.KID
		}
	}
	return c
}

// WrappingChange tells what became of the wrapping keys.
type WrappingChange struct {
	Current   string   `json:"current"`
	Moved     int      `json:"moved"`               // data keys wrapped anew
	Destroyed []string `json:"destroyed,omitempty"` // keys whose time was over
	NextText  string   `json:"next_text,omitempty"` // a keyring given as text: what to give to every node next
	Active    bool     `json:"active,omitempty"`    // with NextText the new key is in use; else it is a standby, and rotating again makes it so
	Due       []string `json:"due,omitempty"`       // a keyring given as text: keys whose time is over, for DestroyWrapping
}

// RotateWrapping draws a new wrapping key, wraps every customer's data key
// under it, and destroys retired keys whose time is over. A keyring given as
// text cannot change while it is in use: its next text is returned instead.
func (b *Base) RotateWrapping(ctx context.Context) (WrappingChange, error) {
	now := b.DB.Now()
	_, err := b.Ring.Rotate(now)
	if errors.Is(err, secret.ErrKeyringFixed) {
		text, active := b.Ring.NextText(now)
		c, err := b.settleWrapping(ctx, now)
		c.NextText, c.Active = text, active
		return c, err
	}
	if err != nil {
		return WrappingChange{}, err
	}
	return b.settleWrapping(ctx, now)
}

// settleWrapping wraps what lies under retired keys anew and destroys the due
// ones. It may be cut off anywhere and goes on where it was.
func (b *Base) settleWrapping(ctx context.Context, now time.Time) (WrappingChange, error) {
	ctx = b.DB.Background(ctx)
	keys := b.Ring.WrappingKeys()
	c := WrappingChange{Current: keys[len(keys)-1].ID}
	for {
		var n int
		err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = customer.Rewrap(tx, b.Ring, rewrapBatch)
			return err
		})
		if err != nil {
			return c, err
		}
		if c.Moved += n; n == 0 {
			break
		}
	}
	for _, k := range keys {
		if k.DestroyAfter.IsZero() || k.DestroyAfter.After(now) {
			continue
		}
		gone, err := b.destroyWrapping(ctx, k.ID)
		if err != nil {
			return c, err
		}
		switch {
		case gone && b.textRing():
			c.Due = append(c.Due, k.ID)
		case gone:
			c.Destroyed = append(c.Destroyed, k.ID)
		}
	}
	if c.Moved == 0 && len(c.Destroyed) == 0 {
		return c, nil
	}
	return c, b.DB.Checkpoint(ctx) // the former wrappings leave the write-ahead log
}

// textRing tells whether the keyring was given as text, and so cannot change
// while it is in use.
func (b *Base) textRing() bool { return b.Config.KeyringText != "" }

// destroyWrapping destroys a key that nothing lies under any more, and tells
// whether it could; a key of a text is only looked at. Another look, apart from
// the re-wrapping, keeps a row that came between from being lost.
func (b *Base) destroyWrapping(ctx context.Context, id string) (bool, error) {
	var used int64
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		used, _, err = db.Value[int64](tx, `SELECT (SELECT count(*) FROM customer_key WHERE wrapping_key = $1)
			+ (SELECT count(*) FROM flow WHERE wrapping_key = $1 AND expires_at > $2)`, id, tx.Now)
		return err
	})
	if err != nil || used > 0 || b.textRing() {
		return err == nil && used == 0, err
	}
	err = b.Ring.Destroy(id)
	return err == nil, err
}

// DestroyWrapping destroys the retired wrapping keys whose time is over, after
// wrapping anew what still lies under them: from then on nobody opens what was
// erased while they lived, in any backup. Of a keyring given as text it returns
// the next text, without them, for every node.
func (b *Base) DestroyWrapping(ctx context.Context) (WrappingChange, error) {
	c, err := b.settleWrapping(ctx, b.DB.Now())
	if err != nil {
		return c, err
	}
	ring := b.Ring
	for _, id := range c.Due {
		if c.NextText, err = ring.TextWithout(id); err != nil {
			return c, err
		}
		if ring, err = secret.KeyringFromText(c.NextText); err != nil {
			return c, err
		}
	}
	c.Destroyed, c.Due = append(c.Destroyed, c.Due...), nil
	if len(c.Destroyed) == 0 {
		return c, b.noneDue()
	}
	return c, nil
}

// noneDue tells when the next retired key is.
func (b *Base) noneDue() error {
	var next time.Time
	for _, k := range b.Ring.WrappingKeys() {
		if !k.DestroyAfter.IsZero() && (next.IsZero() || k.DestroyAfter.Before(next)) {
			next = k.DestroyAfter
		}
	}
	switch {
	case next.IsZero():
		return failed("No wrapping key is retired.", "Nothing is to be done. 'cardea keys rotate --wrapping' retires the current one.", nil)
	case next.After(b.DB.Now()):
		return failed("No retired wrapping key is due: the next one is on "+next.Format(time.DateOnly)+".", "Run the command again from that day on. Until then backups made under it can be restored.", nil)
	}
	return failed("Something still lies under the retired wrapping key.", "Wait for the sign-ins that are under way, at most an hour, and run the command again.", nil)
}

// TendKeys does what is due by now: a new wrapping key every 30 days, the
// re-wrapping, the destruction of retired keys, wrapping and signing ones, and new
// signing keys every 90 days. Call it at start and daily; on several nodes it does no harm twice.
func (b *Base) TendKeys(ctx context.Context) error {
	now := b.DB.Now()
	keys := b.Ring.WrappingKeys()
	var err error
	if !now.Before(keys[len(keys)-1].CreatedAt.Add(customer.RewrapEvery)) {
		_, err = b.Ring.Rotate(now)
	}
	if errors.Is(err, secret.ErrKeyringFixed) {
		b.Log.Warn("the wrapping key is older than 30 days: run 'cardea keys rotate --wrapping'")
		err = nil
	}
	if err == nil {
		var c WrappingChange
		if c, err = b.settleWrapping(ctx, now); len(c.Due) > 0 {
			b.Log.Warn("retired wrapping keys are due: run 'cardea keys destroy'; erasures are not final in backups before", "keys", c.Due)
		}
	}
	for _, t := range b.House.All() {
		err = errors.Join(err, b.retireKeys(ctx, t))
		for _, alg := range t.Algs() {
			if k, failed := t.Signer(alg); failed == nil && now.After(current(t, k).CurrentAt.Add(signingEvery)) {
				_, failed = b.RotateSigning(ctx, t, alg)
				err = errors.Join(err, failed)
			}
		}
	}
	return err
}

// CompleteKeys draws the first RS256 keys of every tenant that has none: OpenID
// Connect Discovery 1.0, section 3, wants the algorithm from every provider. It
// takes a good part of a second for each, so it is background work; once drawn
// they are found, and nothing happens.
func (b *Base) CompleteKeys(ctx context.Context) error {
	var errs []error
	for _, t := range b.House.All() {
		if _, err := t.Signer(tenant.RS256); !errors.Is(err, tenant.ErrNoKey) || ctx.Err() != nil {
			continue
		}
		_, err := b.firstKeys(ctx, t, tenant.RS256)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// current is the key in state current of the signer's algorithm: after a hasty
// rotation an older key may still sign.
func current(t *tenant.Tenant, signer *tenant.SigningKey) *tenant.SigningKey {
	for _, k := range t.PublicKeys() {
		if k.Alg == signer.Alg && k.State == tenant.Current {
			return k
		}
	}
	return signer
}
