package release_test

import (
	"errors"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// TestCaseworkIsForWhoMayReadRecords: what staff wrote about a customer,
// which is often more telling than any field, is for the privacy role and for
// operators, for that purpose and with a reason. Everybody else is refused, and
// a refusal leaves no line that says they saw it.
func TestCaseworkIsForWhoMayReadRecords(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := set(t, h)
		shop := h.App(true)
		var officer, both customer.ID
		built := builtIn(h)
		h.Update(func(tx *db.Tx) error {
			for id, roles := range map[*customer.ID][]access.Role{&officer: {access.Privacy}, &both: {access.Support, access.Privacy}} {
				c, err := customer.Register(tx, built, customer.New{})
				if err != nil {
					return err
				}
				*id = c.ID
				for _, r := range roles {
					if err := access.Assign(tx, built, c.ID, r); err != nil {
						return err
					}
				}
			}
			return nil
		})
		var note customer.Sealed
		h.Update(func(tx *db.Tx) (err error) {
			note, err = customer.Seal(tx, h.T(), s.mia, "case/note", []byte("she sues us"))
			return err
		})
		open := func(kind string, id [16]byte, purpose, reason string) (string, error) {
			var plain [][]byte
			err := h.Try(func(tx *db.Tx) (err error) {
				plain, err = release.OpenCasework(tx, h.T(), release.Ask{
					Customer: s.mia, Recipient: release.Recipient{Kind: kind, ID: id}, Purpose: purpose, Reason: reason, Fields: []string{"case"},
				}, customer.Item{Field: "case/note", Sealed: note})
				return err
			})
			if err != nil || len(plain) == 0 {
				return "", err
			}
			return string(plain[0]), nil
		}
		for name, c := range map[string]struct {
			kind            string
			id              [16]byte
			purpose, reason string
			want            error
		}{
			"support":                    {release.Staff, s.support, "privacy", "curious", access.ErrDenied},
			"staff without a role":       {release.Staff, s.nobody, "privacy", "curious", release.ErrRecipient},
			"a customer as staff":        {release.Staff, s.mia, "privacy", "mine", release.ErrRecipient},
			"nobody as staff":            {release.Staff, [16]byte{}, "privacy", "x", release.ErrRecipient},
			"an application":             {release.Application, shop.ID, "privacy", "x", release.ErrRecipient},
			"the customer":               {release.Self, s.mia, "privacy", "x", release.ErrRecipient},
			"a message":                  {release.Message, [16]byte{}, "privacy", "x", release.ErrRecipient},
			"an archive":                 {release.Export, [16]byte{}, "privacy", "x", release.ErrRecipient},
			"the officer for support":    {release.Staff, officer, "support", "ticket", release.ErrRecipient},
			"the operator for support":   {release.Operator, [16]byte{}, "support", "ticket", release.ErrRecipient},
			"the officer without reason": {release.Staff, officer, "privacy", " ", release.ErrReason},
		} {
			if got, err := open(c.kind, c.id, c.purpose, c.reason); got != "" || !errors.Is(err, c.want) {
				t.Errorf("%s: %q, %v, want %v", name, got, err, c.want)
			}
		}
		if l := s.lines(); len(l) > 0 {
			t.Errorf("refusals stand as looks: %+v", l)
		}
		for i, who := range []release.Recipient{{Kind: release.Staff, ID: officer}, {Kind: release.Staff, ID: both}, {Kind: release.Operator}} {
			if got, err := open(who.Kind, who.ID, "privacy", "case 7"); got != "she sues us" || err != nil {
				t.Errorf("%+v: %q, %v", who, got, err)
			}
			if l := s.lines(); len(l) != i+1 {
				t.Errorf("%d lines after %d looks", len(l), i+1)
			}
		}
	})
}

// builtIn is the tenant of the staff.
func builtIn(h *coretest.House) (built *tenant.Tenant) {
	for _, t := range h.House.All() {
		if t.BuiltIn {
			built = t
		}
	}
	return built
}
