package login

import (
	"net/http"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// gpcSupport says that the house honours Global Privacy Control (W3C Global
// Privacy Control, section 5.1: the GPC support resource). LastUpdate is the day
// on which what it says became true.
type gpcSupport struct {
	GPC        bool   `json:"gpc"`
	LastUpdate string `json:"lastUpdate"`
}

func privacyControl(*tenant.Tenant) (any, bool) {
	return gpcSupport{GPC: true, LastUpdate: "2026-11-23"}, true
}

// signals reports whether the browser asks by Sec-GPC not to sell or share (W3C
// Global Privacy Control, section 3.1: no value but 1 says anything).
func signals(r *http.Request) bool { return r.Header.Get("Sec-GPC") == "1" }

// hear notes that the browser's signal means something here: the tenant has
// purposes that sell or share. Pages say then that it is heeded.
func (v *visit) hear(tx *db.Tx) error {
	if v.gpc = false; !v.flow.From.Signal {
		return nil
	}
	list, err := consent.Purposes(tx, v.t)
	v.gpc = slices.ContainsFunc(list, func(p consent.Purpose) bool { return p.SaleOrShare })
	return err
}
