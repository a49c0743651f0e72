package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// PV-03: once the wrapping keys of the erasure are destroyed a second statement
// says that it is final and refers to the first; both verify with the published
// evidence keys years later, when the keys that signed them are long gone.
func TestCertificatesBecomeFinalAndVerifyForYears(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		if h.Config.Postgres() {
			t.Skip("a keyring given as text is changed by its operator; the certificates are the same")
		}
		ctx := context.Background()
		b := signedUp(t, h, ann)
		who := idOf(t, h, ann)
		at(t, b.Get(h.URL+"/account/close").Submit("typed_address", ann), "/account/closed")
		h.Advance(customer.CloseAfter + time.Minute)
		link := newest(t, h, ann, privacy.ErasurePath).Link
		h.Advance(time.Minute)
		all := func() (list []privacy.Certificate) {
			h.View(func(tx *db.Tx) (err error) { list, err = privacy.Certificates(tx, h.Tenant(), who); return err })
			return list
		}
		if list := all(); len(list) != 1 || list[0].Statement != privacy.StatesErased {
			t.Fatalf("%+v", list)
		}
		signer, _ := h.Tenant().Signer("")
		for day := 0; day < 3*365; day += 15 {
			h.Clock.Advance(15 * 24 * time.Hour)
			if err := h.TendKeys(ctx); err != nil {
				t.Fatal(err)
			}
			if day < 120 {
				h.Update(func(tx *db.Tx) error { _, err := privacy.SweepCertificates(tx, 10); return err })
				h.Settle()
			}
		}
		list := all()
		if len(list) != 2 || list[1].Statement != privacy.StatesFinal {
			t.Fatalf("%+v", list)
		}
		if _, there := h.Tenant().PublicKey(signer.KID); there {
			t.Fatal("the key that signed is still in the key set")
		}
		anybody := servertest.NewBrowser(t)
		keys := []byte(anybody.Get(h.URL + tenant.EvidencePath).Body)
		first, err := server.VerifyCertificateWith(keys, list[0].Signed)
		if err != nil {
			t.Fatal(err)
		}
		last, err := server.VerifyCertificateWith(keys, list[1].Signed)
		sum := sha256.Sum256([]byte(list[0].Signed))
		if err != nil || last.RefersTo == nil || last.RefersTo.ID != first.ID || last.RefersTo.SHA256 != hex.EncodeToString(sum[:]) {
			t.Fatalf("%+v %v", last, err)
		}
		for _, k := range last.Keys {
			if !k.Destroyed {
				t.Errorf("final, and %s lives", k.ID)
			}
		}
		if p := anybody.Get(link); p.Status != http.StatusOK || !strings.Contains(p.Text(), "gone from backups too") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		for _, c := range list {
			claims, err := h.Tenant().VerifyEvidence(privacy.CertificateType, c.Signed)
			if err != nil {
				t.Errorf("%s: %v", c.Statement, err)
			}
			if read, err := privacy.ReadCertificate(claims); err != nil || read.Issuer != h.Tenant().Issuer() {
				t.Errorf("%s: %+v %v", c.Statement, read, err)
			}
		}
		// What somebody signs today with the old key, found in an old backup, is not taken.
		claims := strings.Split(list[0].Signed, ".")[1]
		forged, err := signer.Sign(privacy.CertificateType, []byte(`{"format":"`+privacy.CertificateFormat+`","statement":"final","iat":`+
			strconv.FormatInt(h.Clock.Now().Unix(), 10)+`,"erased_at":"2026-01-01T00:00:00Z"}`))
		if err != nil || strings.Contains(forged, claims) {
			t.Fatal(err)
		}
		if _, err := server.VerifyCertificateWith(keys, forged); err == nil || !strings.Contains(err.Error(), "not made while the key was in use") {
			t.Errorf("a forgery: %v", err)
		}
	})
}
