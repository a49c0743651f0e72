package login

import (
	"net/http"
	"slices"

	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// wellKnownLife is how long these documents may be kept. Browsers and stores ask
// for them without cookies, and a change should be felt within minutes.
const wellKnownLife = "public, max-age=300"

// wellKnown are the documents by which browsers and phones learn who else may
// use this tenant's passkeys. They are public, the same for everybody, and read
// by machines that follow no redirect.
func (l *Login) wellKnown(m *web.Mux) {
	document := func(path string, of func(*tenant.Tenant) (any, bool)) {
		m.Handle("GET /.well-known/"+path, l.ui.Teller("login"), publish(of), web.Public(), web.CORSEveryone())
	}
	document("webauthn", relatedOrigins)
	document("apple-app-site-association", appleApps)
	document("assetlinks.json", assetLinks)
	document("gpc.json", privacyControl)
	document("cardea-evidence.json", evidenceKeys)
}

func publish(document func(*tenant.Tenant) (any, bool)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		d, ok := document(of(r))
		if !ok {
			return web.ErrPath
		}
		w.Header().Set("Cache-Control", wellKnownLife)
		return web.JSON(w, http.StatusOK, d)
	}
}

// relatedOrigins are the origins on which passkeys of the tenant's RP ID work
// (Web Authentication Level 3, 5.11.1). Browsers look for it on the host of the
// RP ID alone: where that is a parent of the tenant's host, the company's own
// server there has to pass it on.
func relatedOrigins(t *tenant.Tenant) (any, bool) {
	origins := []string{}
	for _, o := range slices.Concat([]string{t.Origin}, t.Origins, t.Settings.Passkeys.Origins) {
		if !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	return map[string][]string{"origins": origins}, !t.Settings.Passkeys.Off
}

// appleApps are the applications for Apple's systems that may use passkeys and
// passwords of this host (Apple, Supporting associated domains: webcredentials).
// Nothing here lets an application open the house's links.
func appleApps(t *tenant.Tenant) (any, bool) {
	apps := t.Settings.Passkeys.AppleApps
	return map[string]any{"webcredentials": map[string]any{"apps": apps}}, len(apps) > 0
}

// assetLink is one statement of the Digital Asset Links format.
type assetLink struct {
	Relation []string    `json:"relation"`
	Target   assetTarget `json:"target"`
}

type assetTarget struct {
	Namespace    string   `json:"namespace"`
	Package      string   `json:"package_name"`
	Fingerprints []string `json:"sha256_cert_fingerprints"`
}

// assetLinks are the applications for Android that may use passkeys of this host
// (Google Digital Asset Links). get_login_creds shares credentials;
// handle_all_urls is what Android's credential provider also asks of a passkey's
// host. An application opens links only where its own manifest claims them too.
func assetLinks(t *tenant.Tenant) (any, bool) {
	links := []assetLink{}
	for _, a := range t.Settings.Passkeys.AndroidApps {
		links = append(links, assetLink{
			Relation: []string{"delegate_permission/common.get_login_creds", "delegate_permission/common.handle_all_urls"},
			Target:   assetTarget{"android_app", a.Package, a.Fingerprints},
		})
	}
	return links, len(links) > 0
}
