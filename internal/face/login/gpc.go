package login

import "github.com/cardea-id/cardea/internal/core/tenant"

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
