package portal

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Closed says what happens to an account that is being closed, and until when it
// can be kept after all.
type Closed struct {
	ui.Shell
	Hero  ui.Hero
	Until time.Time // zero: not known to this page
	Held  bool      // law obliges to keep the data beyond that
	Keep  ui.Button
}

// Template implements ui.Page.
func (Closed) Template() string { return "portal/closed" }

// days is how long one may change one's mind.
const days = int(account.Closing / (24 * time.Hour))

// typedName is the field of the typed confirmation.
const typedName = "typed_address"

func (v *visit) askClose() error {
	if err := v.fresh(access.ActClose); err != nil {
		return err
	}
	return v.showClose("", false)
}

func (v *visit) showClose(value string, wrong bool) error {
	s := v.shell(homePath)
	if wrong {
		s.Fail(typedName, "portal.close.mismatch", "address", v.who.Address)
	}
	held, err := v.onHold()
	if err != nil {
		return err
	}
	p := newClose(s, v.who.Address, value, held)
	p.Fields = append(p.Fields, v.mark())
	return v.render(p, p.Shell)
}

// onHold reports whether law obliges to keep the customer's data for now. Why is
// not told here.
func (v *visit) onHold() (held bool, err error) {
	err = v.view(func(tx *db.Tx) (err error) {
		_, held, err = privacy.Held(tx, v.t, v.me.CustomerID)
		return err
	})
	return held, err
}

func newClose(s ui.Shell, address, value string, held bool) Ask {
	p := ask(s, s.T("portal.close.title"), closePath, homePath)
	p.Lede = s.T("portal.close.lede", "shop", s.Look.Name)
	p.Notice = &ui.Notice{Kind: "warn", Title: s.T("portal.close.grace", "n", days), Text: s.T("portal.close.grace_text")}
	end := s.T("portal.close.erased", "n", days)
	if held {
		end = s.T("portal.close.held")
	}
	p.Consequences = []string{
		s.T("portal.close.signed_out"), s.T("portal.close.apps"), end, s.T("portal.privacy.erase_kept"), s.T("portal.close.orders"),
		s.T("portal.close.certificate"),
	}
	p.Fields = []ui.Component{
		ui.AccountCard{Address: address},
		ui.Field{Name: typedName, Label: s.T("portal.close.typed"), Value: value, Ltr: true, Max: 320},
	}
	p.Submit = ui.Button{Text: s.T("portal.close.submit"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

// close begins the end of the account, for somebody who typed its address.
func (v *visit) close() error {
	raw, err := v.typed(typedName)
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActClose); err != nil {
		return err
	}
	same, err := v.isOwn(raw)
	if err != nil {
		return err
	}
	if !same {
		return v.showClose(raw, true)
	}
	held, err := v.onHold()
	if err != nil {
		return err
	}
	var until time.Time
	err = v.freshly(access.ActClose, func(tx *db.Tx) (err error) {
		if err := v.openItself(tx, privacy.Erasure); err != nil {
			return err
		}
		until, err = v.p.acts.Close(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	v.leave(v.me.CustomerID)
	to := closedPath + "?until=" + sealTime(v.t, until)
	if held {
		to += "&held=1"
	}
	return v.to(to)
}

// isOwn reports whether what was typed is one of the account's own addresses, in
// whatever spelling.
func (v *visit) isOwn(raw string) (bool, error) {
	var all []release.OpenIdentifier
	err := v.view(func(tx *db.Tx) (err error) { all, err = v.identifiers(tx); return err })
	for _, i := range all {
		typed, wrong := customer.NormalizeFor(v.t, i.Kind, raw)
		if wrong == nil && typed == i.Value {
			return true, err
		}
	}
	return false, err
}

// sealTime lets a time travel in an address without anybody being able to make
// one up.
func sealTime(t *tenant.Tenant, at time.Time) string {
	plain := strconv.FormatInt(at.Unix(), 10)
	return base64.RawURLEncoding.EncodeToString(t.Key("portal/closed").Seal([]byte(plain), nil))
}

func openTime(t *tenant.Tenant, value string) time.Time {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return time.Time{}
	}
	plain, err := t.Key("portal/closed").Open(sealed, nil)
	if err != nil {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(string(plain), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// closed is shown to who has just closed an account and is nobody here any more.
func (p *Portal) closed(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r)
	if err != nil {
		return err
	}
	page := newClosed(p.ui.Shell(r, ui.Visit{Part: "portal"}), openTime(of(r), q.Get("until")))
	page.Held = q.Get("held") == "1"
	return p.ui.Render(w, r, http.StatusOK, page)
}

func newClosed(s ui.Shell, until time.Time) Closed {
	s.Layout, s.Title = ui.Hosted, s.T("portal.closed.title")
	return Closed{
		Shell: s, Until: until, Hero: ui.Hero{Icon: "hourglass", Kind: "warn"},
		Keep: ui.Button{Text: s.T("portal.closed.keep"), Href: signInPath, Block: true},
	}
}
