package portal

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
)

const privacyPath = privacy.PrivacyPath

// Privacy is the privacy centre: take the data away, have it erased, see who
// looked at it.
type Privacy struct {
	ui.Shell
	Known  ui.LinkRow
	State  privacy.ArchiveState // "": there is no archive
	Since  time.Time
	Until  time.Time
	Get    ui.Button
	Ask    ui.Button
	Erase  ui.Button
	Held   *ui.Notice // law obliges to keep the data for now
	Looks  []Look
	Record ui.Button // all lines, to take away
	Nobody *ui.EmptyState
	Mark   ui.Hidden

	Requests ui.LinkRow
}

// Template implements ui.Page.
func (Privacy) Template() string { return "portal/privacy" }

// Look is a line of the record of disclosures, in plain words.
type Look struct {
	Who, What, Why, Reason string
	Last                   time.Time
	Times                  int
}

// looks is how many lines of the record the page shows; the archive has all.
const looks = 30

// privacyRoutes hangs the pages of the privacy centre.
func (p *Portal) privacyRoutes(page func(pattern, back string, act func(*visit) error)) {
	page("GET "+privacyPath, privacyPath, (*visit).privacyPage)
	page("POST "+privacyPath+"/download", privacyPath, (*visit).askArchive)
	page("POST "+privacyPath+"/link", privacyPath, (*visit).linkArchive)
	page("GET "+recordPath, privacyPath, (*visit).takeRecord)
	page("GET "+privacyPath+"/archive", privacyPath, (*visit).takeArchive)
}

func (v *visit) privacyPage() error {
	var a privacy.Archive
	var record []release.Entry
	var names witnesses
	err := v.view(func(tx *db.Tx) (err error) {
		if a, _, err = privacy.FindArchive(tx, v.t, v.me.CustomerID); err != nil {
			return err
		}
		if record, err = release.Record(tx, v.t, v.me.CustomerID, looks); err != nil {
			return err
		}
		names, err = v.witnesses(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := newPrivacy(v.shell(privacyPath), a, record, names)
	held, err := v.onHold()
	if err != nil {
		return err
	}
	p.hold(held)
	p.Mark = v.mark()
	return v.render(p, p.Shell)
}

func newPrivacy(s ui.Shell, a privacy.Archive, record []release.Entry, names witnesses) Privacy {
	s.Title = s.T("portal.privacy.title")
	p := Privacy{
		Known: ui.LinkRow{Href: dataPath, Icon: "id-card", Title: s.T("portal.data.title"), Text: s.T("portal.data.short")},
		Shell: s, State: a.State, Since: a.ReadyAt, Until: a.ExpiresAt,
		Get:   ui.Button{Text: s.T("portal.privacy.get"), Kind: "primary", Wait: s.T("portal.wait")},
		Ask:   ui.Button{Text: s.T("portal.privacy.ask"), Kind: "primary", Wait: s.T("portal.wait")},
		Erase: ui.Button{Text: s.T("portal.privacy.erase_open"), Href: closePath},
		Requests: ui.LinkRow{
			Href: requestsPath, Icon: "message-square", Title: s.T("portal.request.open"), Text: s.T("portal.request.open_text"),
		},
	}
	if a.State == privacy.Ready {
		p.Ask = ui.Button{Text: s.T("portal.privacy.ask_again"), Wait: s.T("portal.wait")}
	}
	for _, e := range record {
		p.Looks = append(p.Looks, look(s, e, names))
	}
	p.Record = ui.Button{Text: s.T("portal.privacy.record"), Href: recordPath, Icon: "download"}
	if len(record) == 0 {
		p.Nobody = &ui.EmptyState{Title: s.T("portal.privacy.nobody"), Text: s.T("portal.privacy.nobody_text")}
	}
	return p
}

// hold says that law obliges to keep the data, if it does.
func (p *Privacy) hold(held bool) {
	if held {
		p.Held = &ui.Notice{Kind: "warn", Title: p.T("portal.privacy.held"), Text: p.T("portal.close.held")}
	}
}

// askArchive has a copy of the data made, for somebody who has freshly proven
// who they are.
func (v *visit) askArchive() error {
	err := v.freshly(access.ActExport, func(tx *db.Tx) error {
		if err := v.openItself(tx, privacy.Access); err != nil {
			return err
		}
		_, err := privacy.AskArchive(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	return v.to(privacyPath)
}

// linkArchive leads to the file by a link that works once.
func (v *visit) linkArchive() error {
	var token string
	err := v.freshly(access.ActExport, func(tx *db.Tx) (err error) {
		token, err = privacy.LinkArchive(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	return v.to(privacyPath + "/archive?t=" + url.QueryEscape(token))
}

// takeArchive hands the file out. Asking about the link without taking the file
// does not use it up.
func (v *visit) takeArchive() error {
	if v.r.Method != http.MethodGet {
		return v.to(privacyPath)
	}
	token, err := v.typed("t")
	if err != nil {
		return err
	}
	var a privacy.Archive
	var file []byte
	err = v.update(func(tx *db.Tx) (err error) {
		a, file, err = privacy.TakeArchive(tx, v.t, v.me.CustomerID, token)
		return err
	})
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="my-data-`+a.AskedAt.Format("2006-01-02")+`.zip"`)
	h.Set("Content-Length", strconv.Itoa(len(file)))
	h.Set("Cache-Control", "no-store")
	_, err = v.w.Write(file)
	return err
}
