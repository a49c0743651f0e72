package consent_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
)

// CO-05: the ledger holds the digest of what was shown: of the house's own words
// on its own pages, of what an application says that it showed its visitor, and
// none where nobody knows. Who told it stands there too, and both come along when
// the address becomes an account's.
func TestTheLedgerHoldsWhatWasShownOfATopicAndWhoToldIt(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		shop := journal.Actor{Kind: "application", ID: h.App(true).ID}
		const shown = "Yes, send me offers."
		offers := consent.Wish{Topic: "offers", Channel: consent.ByEmail, On: true}
		guest := consent.Where{Locale: "de", Surface: "checkout", Method: "form", Actor: shop, Text: shown}
		tell := func(address string, w consent.Where, wish consent.Wish) {
			h.Update(func(tx *db.Tx) error {
				_, err := consent.Capture(tx, h.T(), customer.Email, address, []consent.Wish{wish}, w)
				return err
			})
		}
		tell(canary, guest, offers)
		silent := guest
		silent.Text = ""
		tell("silent@example.test", silent, offers)
		h.Wait(time.Minute)
		var mia, other customer.ID
		h.Update(func(tx *db.Tx) (err error) {
			if mia, err = join(tx, h.T(), canary); err == nil {
				other, err = join(tx, h.T(), "silent@example.test")
			}
			return err
		})
		last := func(c customer.ID) consent.Entry {
			var list []consent.Entry
			h.View(func(tx *db.Tx) (err error) { list, err = consent.Trail(tx, h.T(), c); return err })
			if len(list) != 2 {
				t.Fatalf("%d entries", len(list))
			}
			if list[0].TextDigest != list[1].TextDigest || list[0].ActorID != list[1].ActorID || list[0].Surface != "checkout" {
				t.Errorf("what came over is not what was decided: %+v", list)
			}
			return list[0]
		}
		if e := last(mia); e.TextDigest != sha256.Sum256([]byte(shown)) || e.ActorKind != shop.Kind || e.ActorID != shop.ID || e.Locale != "de" {
			t.Errorf("%+v", e)
		}
		if e := last(other); e.TextDigest != [32]byte{} || e.ActorKind != shop.Kind {
			t.Errorf("%+v", e)
		}
		h.Update(func(tx *db.Tx) error {
			return consent.Prefer(tx, h.T(), mia, []consent.Wish{{Topic: "offers", Channel: consent.ByEmail}}, consent.Where{Locale: "en", Surface: "portal", Method: "form"})
		})
		var want [32]byte
		h.View(func(tx *db.Tx) error {
			list, err := consent.Topics(tx, h.T())
			for _, d := range list {
				if d.ID == "offers" {
					want = consent.Words(d.In("en")).Digest()
				}
			}
			return err
		})
		var mine []consent.Entry
		h.View(func(tx *db.Tx) (err error) { mine, err = consent.Trail(tx, h.T(), mia); return err })
		if len(mine) != 3 || mine[0].TextDigest != want || mine[0].ActorKind != "customer" {
			t.Errorf("%+v", mine[0])
		}
	})
}
