package server

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Certificates are the signed statements on the erasure of a customer, or the
// one of an id, the first one first.
func (b *Base) Certificates(ctx context.Context, t *tenant.Tenant, of customer.ID, one privacy.CertificateID) ([]privacy.Certificate, error) {
	var out []privacy.Certificate
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		if one.IsZero() {
			out, err = privacy.Certificates(tx, t, of)
			return err
		}
		c, err := privacy.GetCertificate(tx, t, one)
		out = []privacy.Certificate{c}
		return err
	})
	if err == nil && len(out) == 0 {
		err = privacy.ErrNoCertificate
	}
	return out, err
}

// VerifyCertificateWith verifies an erasure certificate with a key set
// (RFC 7517 section 5) alone, with no house, and names what is wrong with it.
func VerifyCertificateWith(jwks []byte, token string) (privacy.Claims, error) {
	claims, err := verifyWith(jwks, privacy.CertificateType, token)
	switch {
	case errors.Is(err, errSignature):
		return privacy.Claims{}, failed("The certificate does not verify: it was not signed by one of these keys, it is not an erasure certificate, or it was changed.",
			"Get the issuer's "+tenant.EvidencePath+" anew, which has every key that ever signed, and the certificate from the page that the last message links to.", nil)
	case err != nil:
		return privacy.Claims{}, err
	}
	c, err := privacy.ReadCertificate(claims)
	if err != nil {
		return c, failed("The signature holds, but this is not a certificate of the form "+privacy.CertificateFormat+".", "Verify it with a newer release of cardea.", nil)
	}
	return c, nil
}

// LegalHold is a hold as an operator reads it.
type LegalHold struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	PlacedAt time.Time `json:"placed_at"`
	PlacedBy string    `json:"placed_by"`
	Until    time.Time `json:"until,omitzero"`
	Waits    time.Time `json:"erasure_waits_since,omitzero"` // since when an erasure is due and waits for it
	Reason   string    `json:"reason,omitempty"`
}

func legalHold(h privacy.Hold) LegalHold {
	return LegalHold{
		ID: h.ID.String(), Customer: h.CustomerID.String(), PlacedAt: h.PlacedAt, PlacedBy: h.PlacedKind, Until: h.Until, Waits: h.ToldAt,
	}
}

// mostHolds bounds a list of holds.
const mostHolds = 500

// PlaceHold obliges the house to keep a customer's data for now.
func (b *Base) PlaceHold(ctx context.Context, t *tenant.Tenant, ref, reason string, until time.Time) (out LegalHold, err error) {
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		id, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		h, err := privacy.PlaceHold(tx, t, privacy.HoldOrder{Customer: id, Actor: atTheMachine, Reason: reason, Until: until})
		out = legalHold(h)
		return err
	})
	return out, err
}

// ReleaseHold ends a hold of a customer before its time: the one of an id, or
// the only one that stands.
func (b *Base) ReleaseHold(ctx context.Context, t *tenant.Tenant, ref, hold, reason string) (out LegalHold, err error) {
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		id, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		which, err := whichHold(tx, t, id, hold)
		if err != nil {
			return err
		}
		h, err := privacy.ReleaseHold(tx, t, which, privacy.HoldOrder{Customer: id, Actor: atTheMachine, Reason: reason})
		out = legalHold(h)
		return err
	})
	return out, err
}

func whichHold(tx *db.Tx, t *tenant.Tenant, c customer.ID, hold string) (id privacy.HoldID, err error) {
	if hold != "" {
		if id.UnmarshalText([]byte(hold)) != nil {
			err = privacy.ErrNoHold
		}
		return id, err
	}
	list, err := privacy.HoldsOf(tx, t, c)
	switch {
	case err != nil:
		return id, err
	case len(list) == 0:
		return id, privacy.ErrNoHold
	case len(list) > 1:
		return id, failed("Several holds of this customer stand.", "Name one with --hold; 'cardea privacy holds' lists them.", nil)
	}
	return list[0].ID, nil
}

// Holds lists the holds that stand. With a reason for looking, why each was
// placed is opened, and each look is on record.
func (b *Base) Holds(ctx context.Context, t *tenant.Tenant, reason string) ([]LegalHold, error) {
	var out []LegalHold
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		list, err := privacy.Holds(tx, t, mostHolds)
		if err != nil {
			return err
		}
		out = make([]LegalHold, len(list))
		for i, h := range list {
			out[i] = legalHold(h)
			if reason == "" {
				continue
			}
			if out[i].Reason, err = privacy.HoldReason(tx, t, h, release.Recipient{Kind: release.Operator}, reason); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
