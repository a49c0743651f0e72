package dev

import (
	"context"
	"embed"
	"encoding/json"
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

//go:embed *.html locales/*.json
var files embed.FS

// Part is what the pages need of base/ui.
func Part() ui.Part {
	return ui.Part{Name: "dev", Files: files, Pages: []ui.Page{Inbox{}, Message{}, Gallery{}}}
}

// Deps are what the server hands in.
type Deps struct {
	DB        *db.DB
	UI        *ui.UI
	Advance   func(context.Context, time.Duration) error // turns the house's clock
	Settle    func(context.Context) error                // runs every job that is due
	Galleries []Wing
}

// Wing is one part of the gallery.
type Wing struct {
	Name      string
	Specimens func(*ui.Sample) []ui.Specimen
}

// Dev serves the pages.
type Dev struct{ Deps }

// New returns the pages of the development server.
func New(d Deps) *Dev { return &Dev{d} }

// Routes hangs the pages on the router.
func (d *Dev) Routes(m *web.Mux) {
	teller := d.UI.Teller("dev")
	m.Handle("GET /dev/inbox", teller, d.inbox, web.Public())
	m.Handle("GET /dev/inbox.json", nil, d.inboxJSON, web.Public())
	m.Handle("GET /dev/inbox/{id}", teller, d.message, web.Public())
	m.Handle("GET /dev/inbox/{id}/html", teller, d.messageHTML, web.Public())
	m.Handle("POST /dev/clock", nil, d.clock, web.Public(), web.NoCSRF("for programs; a page of another site is refused by its headers"))
	m.Handle("GET /dev/gallery", teller, d.gallery, web.Public())
	m.Handle("GET /dev/gallery/page", teller, d.specimen, web.Public())
}

func of(r *http.Request) *tenant.Tenant { return web.Tenant(r).(*tenant.Tenant) }

// kept are the messages to an address, newest first, once all that is due was sent.
func (d *Dev) kept(r *http.Request, to string) (list []notify.Kept, err error) {
	if err := d.Settle(r.Context()); err != nil {
		return nil, err
	}
	err = d.DB.View(r.Context(), func(tx *db.Tx) error {
		list, err = notify.Inbox(tx, of(r), to)
		return err
	})
	if list == nil {
		list = []notify.Kept{}
	}
	return list, err
}

func (d *Dev) inboxJSON(w http.ResponseWriter, r *http.Request) error {
	list, err := d.kept(r, r.URL.Query().Get("to"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, list)
}

var (
	errForeign = fault.New(fault.Denied, "cross_site", "Another site may not turn the clock.")
	errAdvance = fault.New(fault.Invalid, "bad_advance", `Send {"advance":"90s"}: how far the clock is to be turned forward.`)
)

// foreign reports whether a page of another site sent the request. Programs,
// which say nothing of where they stand, are welcome here.
func foreign(r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	return site != "" && site != "same-origin" && site != "none" || origin != "" && origin != web.Origin(r)
}

const maxClock = 1 << 10

// clock turns the house's clock forward and runs what comes due.
func (d *Dev) clock(w http.ResponseWriter, r *http.Request) error {
	if foreign(r) {
		return errForeign
	}
	text, err := web.Body(r, maxClock)
	if err != nil {
		return err
	}
	var wish struct {
		Advance string `json:"advance"`
	}
	if err := json.Unmarshal(text, &wish); err != nil {
		return errAdvance
	}
	by, err := time.ParseDuration(wish.Advance)
	if err != nil || by < 0 {
		return errAdvance
	}
	if err := d.Advance(r.Context(), by); err != nil {
		return err
	}
	if err := d.Settle(r.Context()); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, map[string]time.Time{"now": d.DB.Now()})
}
