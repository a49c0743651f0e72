package account

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// exportSessions tells where the customer was signed in, and on which devices.
func exportSessions(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	sessions := privacy.Section{Name: "sessions", Columns: []string{"place", "methods", "since", "last_seen", "expires", "ended", "end_reason"}}
	list, err := db.All[session.Session](tx, `FROM session WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at, id LIMIT $3`, t.ID, c, mostRows)
	if err != nil {
		return nil, err
	}
	var sealed opened
	for i := range list {
		s := &list[i]
		proofs, err := session.Proofs(tx, *s)
		if err != nil {
			return nil, err
		}
		var methods []string
		for _, p := range proofs {
			methods = append(methods, string(p.Method))
		}
		row := []any{nil, methods, s.CreatedAt, s.SeenAt, s.ExpiresAt, when(s.EndedAt), text(s.EndReason)}
		sealed.into(&row[0], session.PlaceField, s.PlaceSealed)
		sessions.Rows = append(sessions.Rows, row)
	}
	devices := privacy.Section{Name: "devices", Columns: []string{"place", "since", "last_seen", "trusted_until"}}
	known, err := session.Devices(tx, t, c)
	if err != nil {
		return nil, err
	}
	for _, d := range known {
		row := []any{nil, d.CreatedAt, d.SeenAt, when(d.TrustedUntil)}
		sealed.into(&row[0], session.DevicePlaceField, d.PlaceSealed)
		devices.Rows = append(devices.Rows, row)
	}
	return []privacy.Section{sessions, devices}, sealed.open(tx, t, c)
}

// exportCredentials tells what the customer signs in with: that it is there,
// since when and what it is called. No key, secret, code or digest is told.
func exportCredentials(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	var sealed opened
	out := make([]privacy.Section, 0, 7)
	for _, one := range []func(*db.Tx, *tenant.Tenant, customer.ID, *opened) (privacy.Section, error){
		exportPassword, exportPasskeys, exportTOTPs, exportRecoveryCodes, exportWaits, exportAlarms, exportOffers,
	} {
		s, err := one(tx, t, c, &sealed)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, sealed.open(tx, t, c)
}

func exportPassword(tx *db.Tx, t *tenant.Tenant, c customer.ID, _ *opened) (privacy.Section, error) {
	s := privacy.Section{Name: "password", Columns: []string{"changed"}}
	changed, err := credential.PasswordChanged(tx, t, c)
	if err == nil && !changed.IsZero() {
		s.Rows = [][]any{{changed}}
	}
	return s, err
}

func exportPasskeys(tx *db.Tx, t *tenant.Tenant, c customer.ID, sealed *opened) (privacy.Section, error) {
	s := privacy.Section{Name: "passkeys", Columns: []string{"name", "model", "synced", "since", "made_at_place", "last_used", "used_at_place"}}
	list, err := credential.Passkeys(tx, t, c)
	for _, p := range list {
		row := []any{nil, text(credential.ModelName(p.AAGUID)), p.BackedUp, p.CreatedAt, nil, when(p.UsedAt), nil}
		sealed.into(&row[0], credential.PasskeyNameField, p.NameSealed)
		sealed.into(&row[4], credential.PasskeyPlaceField, p.CreatedPlaceSealed)
		sealed.into(&row[6], credential.PasskeyPlaceField, p.UsedPlaceSealed)
		s.Rows = append(s.Rows, row)
	}
	return s, err
}

func exportTOTPs(tx *db.Tx, t *tenant.Tenant, c customer.ID, sealed *opened) (privacy.Section, error) {
	s := privacy.Section{Name: "authenticator_apps", Columns: []string{"name", "since", "last_used"}}
	list, err := credential.TOTPs(tx, t, c)
	for _, g := range list {
		row := []any{nil, when(g.ConfirmedAt), when(g.UsedAt)}
		sealed.into(&row[0], credential.TOTPNameField, g.NameSealed)
		s.Rows = append(s.Rows, row)
	}
	return s, err
}

func exportRecoveryCodes(tx *db.Tx, t *tenant.Tenant, c customer.ID, _ *opened) (privacy.Section, error) {
	s := privacy.Section{Name: "recovery_codes", Columns: []string{"issued", "left", "since"}}
	left, issued, since, err := credential.RecoveryCodes(tx, t, c)
	if err == nil && issued > 0 {
		s.Rows = [][]any{{int64(issued), int64(left), since}}
	}
	return s, err
}

func exportWaits(tx *db.Tx, t *tenant.Tenant, c customer.ID, _ *opened) (privacy.Section, error) {
	s := privacy.Section{Name: "recoveries", Columns: []string{"lost", "started", "ready", "expires", "stopped", "used"}}
	list, err := db.All[credential.Wait](tx, `FROM recovery_wait WHERE tenant_id = $1 AND customer_id = $2 ORDER BY started_at`, t.ID, c)
	for _, w := range list {
		s.Rows = append(s.Rows, []any{w.Lost, w.StartedAt, w.ReadyAt, w.ExpiresAt, when(w.StoppedAt), when(w.UsedAt)})
	}
	return s, err
}

func exportAlarms(tx *db.Tx, t *tenant.Tenant, c customer.ID, _ *opened) (privacy.Section, error) {
	s := privacy.Section{Name: "notices", Columns: []string{"about", "sent", "link_until", "alarm_raised"}}
	list, err := db.All[credential.Alarm](tx, `FROM alarm WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at`, t.ID, c)
	for _, a := range list {
		about, _, _ := strings.Cut(a.Cause, ":")
		s.Rows = append(s.Rows, []any{about, a.CreatedAt, a.ExpiresAt, when(a.UsedAt)})
	}
	return s, err
}

func exportOffers(tx *db.Tx, t *tenant.Tenant, c customer.ID, _ *opened) (privacy.Section, error) {
	return told[offerRow](tx, "offers", []string{"offer", "not_before", "never_again", "owed_since"},
		`FROM enrolment WHERE tenant_id = $1 AND customer_id = $2 ORDER BY offer`, t, c)
}

// exportGrants tells what the customer allowed applications.
func exportGrants(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	s := privacy.Section{Name: "applications", Columns: []string{"application", "scopes", "resource", "offline", "since", "last_used", "expires", "ended", "end_reason"}}
	list, err := db.All[grant.Grant](tx, `FROM app_grant WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at, id LIMIT $3`, t.ID, c, mostRows)
	if err != nil {
		return nil, err
	}
	names, err := applications(tx, t)
	for _, g := range list {
		s.Rows = append(s.Rows, []any{
			text(names[g.ApplicationID]), strings.Fields(g.Scope), text(g.Resource), g.Offline, g.CreatedAt, g.UsedAt, when(g.ExpiresAt), when(g.EndedAt), text(g.EndReason),
		})
	}
	s.Cut = len(list) == mostRows
	return []privacy.Section{s}, err
}

// exportConsents tells the ledger, the whole of it.
func exportConsents(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	list, err := consent.Ledger(tx, t, c)
	if err != nil {
		return nil, err
	}
	trail, err := consent.Trail(tx, t, c)
	if err != nil {
		return nil, err
	}
	names, err := applications(tx, t)
	if err != nil {
		return nil, err
	}
	columns := []string{"purpose", "item", "recipient", "decision", "version", "locale", "surface", "method", "at", "until", "entry", "text_sha256"}
	own, before := privacy.Section{Name: "consents", Columns: columns}, privacy.Section{Name: "consents_before_account", Columns: columns}
	for _, e := range list {
		own.Rows = append(own.Rows, entryRow(e, names))
	}
	for _, e := range trail {
		if e.CustomerID != c {
			before.Rows = append(before.Rows, entryRow(e, names))
		}
	}
	return []privacy.Section{own, before}, nil
}

func entryRow(e consent.Entry, names map[app.ID]string) []any {
	digest := ""
	if e.TextDigest != [32]byte{} {
		digest = hex.EncodeToString(e.TextDigest[:])
	}
	return []any{
		e.Purpose, text(e.Item), text(names[app.ID(e.Recipient)]), e.Decision, e.Version, text(e.Locale), text(e.Surface), text(e.Method), e.MadeAt,
		when(e.ExpiresAt), e.ID.String(), text(digest),
	}
}

// exportRisk tells how sign-ins were judged, and how often something usual was
// seen: what it was is kept as a keyed digest alone, which nobody reads back.
func exportRisk(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	verdicts, err := told[verdictRow](tx, "verdicts", []string{"about", "verdict", "at"},
		`FROM verdict WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at DESC LIMIT 10000`, t, c)
	if err != nil {
		return nil, err
	}
	habits, err := told[habitRow](tx, "habits", []string{"kind", "times", "first", "last"},
		`FROM habit WHERE tenant_id = $1 AND customer_id = $2 ORDER BY kind, first_at`, t, c)
	verdicts.Cut = len(verdicts.Rows) == mostRows
	return []privacy.Section{verdicts, habits}, err
}

func exportRoles(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	s, err := told[roleRow](tx, "roles", []string{"role", "since"},
		`FROM role_assignment WHERE tenant_id = $1 AND customer_id = $2 ORDER BY role`, t, c)
	return []privacy.Section{s}, err
}

type subjectRow struct{ sector, sub string }

func (r *subjectRow) Fields() []db.Field {
	return []db.Field{{Column: "sector", Ptr: &r.sector}, {Column: "sub", Ptr: &r.sub}}
}
func (r *subjectRow) tell() []any { return []any{text(r.sector), r.sub} }

type offerRow struct {
	offer       string
	until, owed time.Time
	never       bool
}

func (r *offerRow) Fields() []db.Field {
	return []db.Field{
		{Column: "offer", Ptr: &r.offer}, {Column: "rests_until", Ptr: &r.until}, {Column: "never", Ptr: &r.never}, {Column: "owed_since", Ptr: &r.owed},
	}
}
func (r *offerRow) tell() []any { return []any{r.offer, when(r.until), r.never, when(r.owed)} }

type verdictRow struct {
	action, verdict string
	created         time.Time
}

func (r *verdictRow) Fields() []db.Field {
	return []db.Field{{Column: "action", Ptr: &r.action}, {Column: "verdict", Ptr: &r.verdict}, {Column: "created_at", Ptr: &r.created}}
}
func (r *verdictRow) tell() []any { return []any{r.action, r.verdict, r.created} }

type habitRow struct {
	kind        string
	times       int64
	first, last time.Time
}

func (r *habitRow) Fields() []db.Field {
	return []db.Field{
		{Column: "kind", Ptr: &r.kind}, {Column: "times", Ptr: &r.times}, {Column: "first_at", Ptr: &r.first}, {Column: "last_at", Ptr: &r.last},
	}
}
func (r *habitRow) tell() []any { return []any{r.kind, r.times, r.first, r.last} }

type roleRow struct {
	role    string
	created time.Time
}

func (r *roleRow) Fields() []db.Field {
	return []db.Field{{Column: "role", Ptr: &r.role}, {Column: "created_at", Ptr: &r.created}}
}
func (r *roleRow) tell() []any { return []any{r.role, r.created} }
