package portal

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	erasurePath     = privacy.ErasurePath
	certificatePath = privacy.ErasurePath + "/certificate"
)

// Erased is the public page of an erasure: who has the link of the last message
// sees how far it has come and takes the signed statements along. Nothing on it
// is personal.
type Erased struct {
	ui.Shell
	Hero  ui.Hero
	Facts ui.KeyValue
	Told  *ui.KeyValue
	Files []ui.Button
	Soon  bool // the first statement is being signed
	Keys  string
}

// Template implements ui.Page.
func (Erased) Template() string { return "portal/erased" }

// erasureRoutes hangs the public pages of an erasure on the router.
func (p *Portal) erasureRoutes(m *web.Mux) {
	teller := p.ui.Teller("portal")
	m.Handle("GET "+erasurePath, teller, p.erased, web.Public())
	m.Handle("GET "+certificatePath, teller, p.certificate, web.Public())
}

// standing is the erasure that the address names.
func (p *Portal) standing(r *http.Request) (s privacy.Standing, token, id string, err error) {
	q, err := web.Query(r)
	if err != nil {
		return s, "", "", err
	}
	token = q.Get("c")
	err = p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		s, err = privacy.StandingAt(tx, of(r), token)
		return err
	})
	return s, token, q.Get("id"), err
}

func (p *Portal) erased(w http.ResponseWriter, r *http.Request) error {
	s, token, _, err := p.standing(r)
	if err != nil {
		return err
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	page := newErased(p.ui.Shell(r, ui.Visit{Part: "portal"}), s, token, of(r).Origin)
	return p.ui.Render(w, r, http.StatusOK, page)
}

func newErased(sh ui.Shell, s privacy.Standing, token, origin string) Erased {
	sh.Layout, sh.Title = ui.Document, sh.T("portal.erased.title")
	p := Erased{Shell: sh, Hero: ui.Hero{Icon: "check", Kind: "ok"}, Soon: len(s.Certificates) == 0, Keys: origin + tenant.EvidencePath}
	state := sh.T("portal.erased.until")
	if s.Final {
		state = sh.T("portal.erased.final")
	}
	p.Facts.Rows = []ui.Pair{
		{Key: sh.T("portal.erased.at"), HTML: sh.DateTime(s.ErasedAt)},
		{Key: state, HTML: sh.Date(s.FinalAt)},
	}
	if len(s.Recipients) > 0 {
		p.Told = &ui.KeyValue{}
	}
	for _, r := range s.Recipients {
		p.Told.Rows = append(p.Told.Rows, ui.Pair{Key: r.Name, Value: recipientState(sh, r)})
	}
	for _, c := range s.Certificates {
		p.Files = append(p.Files, ui.Button{
			Text: statementName(sh, c.Statement),
			Href: certificatePath + "?" + url.Values{"c": {token}, "id": {c.ID.String()}}.Encode(),
		})
	}
	return p
}

func statementName(s ui.Shell, statement string) string {
	switch statement {
	case privacy.StatesFinal:
		return s.T("portal.erased.file_final")
	case privacy.StatesAcknowledged:
		return s.T("portal.erased.file_acknowledged")
	}
	return s.T("portal.erased.file")
}

// recipientState says how far telling a recipient has come.
func recipientState(s ui.Shell, r privacy.Informed) string {
	switch {
	case !r.AcknowledgedAt.IsZero():
		return s.T("portal.erased.acknowledged", "date", s.Words().Date(r.AcknowledgedAt, s.Zone))
	case r.State == notify.Unconnected:
		return s.T("portal.erased.unconnected")
	case !r.ToldAt.IsZero():
		return s.T("portal.erased.told", "date", s.Words().Date(r.ToldAt, s.Zone))
	}
	return s.T("portal.erased.waiting")
}

// certificate hands a signed statement out, as it was signed.
func (p *Portal) certificate(w http.ResponseWriter, r *http.Request) error {
	s, _, id, err := p.standing(r)
	if err != nil {
		return err
	}
	for _, c := range s.Certificates {
		if c.ID.String() != id {
			continue
		}
		h := w.Header()
		h.Set("Content-Type", "application/jose")
		h.Set("Content-Disposition", `attachment; filename="erasure-`+c.Statement+"-"+c.IssuedAt.Format("2006-01-02")+`.jws"`)
		h.Set("Content-Length", strconv.Itoa(len(c.Signed)))
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		_, err := w.Write([]byte(c.Signed))
		return err
	}
	return privacy.ErrNoCertificate
}

func erasureSpecimens(s *ui.Sample) []ui.Specimen {
	now := s.Now()
	begun := privacy.Standing{ErasedAt: now, FinalAt: now.AddDate(0, 0, 60)}
	some := begun
	some.Certificates = []privacy.Certificate{{Statement: privacy.StatesErased, IssuedAt: now}}
	some.Recipients = []privacy.Informed{
		{Name: "Fern & Field Shop", State: notify.Acknowledged, ToldAt: now, AcknowledgedAt: now},
		{Name: "Last Mile", State: notify.AcknowledgementTold, ToldAt: now},
		{Name: "Weekly Planter", State: notify.AcknowledgementOpen}, {Name: "Old Barn", State: notify.Unconnected},
	}
	done := some
	done.Final, done.Recipients = true, some.Recipients[:1]
	done.Certificates = append(some.Certificates, privacy.Certificate{Statement: privacy.StatesAcknowledged}, privacy.Certificate{Statement: privacy.StatesFinal})
	page := func(st privacy.Standing) Erased {
		return newErased(s.Shell(), st, "c2FtcGxl", "https://id.fern.example")
	}
	return []ui.Specimen{
		{Name: "portal/erased", State: "empty", Page: page(begun)},
		{Name: "portal/erased", State: "typical", Page: page(some)},
		{Name: "portal/erased", State: "final", Page: page(done)},
	}
}
