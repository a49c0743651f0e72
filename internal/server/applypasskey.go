package server

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
)

// passkeys counts the tenant's passkeys.
func (a *applier) passkeys() (int64, error) {
	n, _, err := db.Value[int64](a.tx, `SELECT count(*) FROM passkey WHERE tenant_id = $1`, a.t.ID)
	return n, err
}

// otherRPID refuses another passkey domain and says what it would cost: a
// passkey answers to the domain alone that it was made for (Web Authentication
// Level 3, 5.4.2), and no browser moves it.
func (a *applier) otherRPID() error {
	lost, err := a.passkeys()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("The passkey domain is %s and can never be changed: with %s, %s would open nothing any more.",
		a.t.RPID, a.doc.RPID, counted(lost, "passkey"))
	return a.source.wrong(a.path+".rp_id", text, nil)
}

// warnOfOrigin says, where the new origin lies outside the passkey domain, what
// keeps the passkeys alive there.
func (a *applier) warnOfOrigin() error {
	u, err := url.Parse(a.doc.Origin)
	if err != nil {
		return err
	}
	if host := u.Hostname(); host == a.t.RPID || strings.HasSuffix(host, "."+a.t.RPID) {
		return nil
	}
	n, err := a.passkeys()
	if err != nil {
		return err
	}
	a.changes[len(a.changes)-1].Warning = fmt.Sprintf(
		"the passkey domain stays %s: %s work at %s only as long as https://%s/.well-known/webauthn names it, and only in browsers that look there",
		a.t.RPID, counted(n, "passkey"), a.doc.Origin, a.t.RPID)
	return nil
}

func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
