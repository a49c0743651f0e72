package portal

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	requestsPath        = privacy.RequestsPath
	newRequestPath      = requestsPath + "/new"
	requestPath         = requestsPath + "/one"
	requestWordsPath    = requestsPath + "/words"
	withdrawRequestPath = requestsPath + "/withdraw"
)

// Requests is the list of the customer's requests about their data, the place to
// make one, and who else there is to turn to.
type Requests struct {
	ui.Shell
	List    []RequestRow
	Nothing *ui.EmptyState
	Kinds   ui.Rows
	Officer tenant.Officer
	Turn    tenant.Authority
}

// Template implements ui.Page.
func (Requests) Template() string { return "portal/requests" }

// RequestRow is a request in a list.
type RequestRow struct {
	Href, Kind, About string
	Badge             ui.Badge
	State             Deadline
}

// Deadline says by when an answer is due, or when it was given.
type Deadline struct {
	Key string // of the words, with {date}
	At  time.Time
}

// requestWords names what requests are about.
type requestWords struct {
	fields   []catalog.Field
	purposes []consent.Purpose
	own      string // the tenant's language
}

func (p *Portal) requestRoutes(page func(pattern, back string, act func(*visit) error)) {
	page("GET "+requestsPath, requestsPath, (*visit).requests)
	page("GET "+newRequestPath, requestsPath, (*visit).askRequest)
	page("POST "+newRequestPath, requestsPath, (*visit).makeRequest)
	page("GET "+requestPath, requestsPath, (*visit).request)
	page("POST "+requestWordsPath, requestsPath, (*visit).addToRequest)
	page("GET "+withdrawRequestPath, requestsPath, (*visit).askWithdrawRequest)
	page("POST "+withdrawRequestPath, requestsPath, (*visit).withdrawRequest)
}

func (v *visit) requestWords(tx *db.Tx) (w requestWords, err error) {
	w.own = v.t.Locale()
	if w.fields, err = privacy.Editable(tx, v.t); err != nil {
		return w, err
	}
	w.purposes, err = consent.Purposes(tx, v.t)
	return w, err
}

func (v *visit) requests() error {
	var list []privacy.Case
	var words requestWords
	err := v.view(func(tx *db.Tx) (err error) {
		if words, err = v.requestWords(tx); err != nil {
			return err
		}
		list, err = privacy.CasesOf(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	p := newRequests(v.shell(privacyPath), list, words, v.t.Settings.Privacy)
	return v.render(p, p.Shell)
}

func newRequests(s ui.Shell, list []privacy.Case, w requestWords, who tenant.Privacy) Requests {
	s.Title = s.T("portal.request.title")
	s.Back = &ui.Link{Href: privacyPath, Text: s.T("portal.nav.privacy")}
	p := Requests{Shell: s, Officer: who.Officer, Turn: who.Authority, Kinds: ui.Rows{Label: s.T("portal.request.make")}}
	for i := range list {
		p.List = append(p.List, requestRow(s, &list[i], w))
	}
	if len(list) == 0 {
		p.Nothing = &ui.EmptyState{Title: s.T("portal.request.none"), Text: s.T("portal.request.none_text")}
	}
	for _, k := range requestKinds {
		p.Kinds.Items = append(p.Kinds.Items, ui.LinkRow{
			Href: newRequestPath + "?kind=" + string(k.kind), Icon: k.icon, Title: kindTitle(s, k.kind), Text: s.T("portal.request.what." + string(k.kind)),
		})
	}
	return p
}

// requestKinds are the kinds in the order of the page, with a quicker way where
// there is one.
var requestKinds = []struct {
	kind   privacy.CaseKind
	icon   string
	faster string // where the customer does it alone
}{
	{privacy.Access, "eye", privacyPath},
	{privacy.Portability, "download", privacyPath},
	{privacy.Rectification, "pencil", profilePath},
	{privacy.Erasure, "trash-2", closePath},
	{privacy.Restriction, "lock", ""},
	{privacy.Objection, "x", consentsPath},
	{privacy.Complaint, "message-square", ""},
}

func kindTitle(s ui.Shell, k privacy.CaseKind) string { return s.T("portal.request.kind." + string(k)) }

func requestRow(s ui.Shell, c *privacy.Case, w requestWords) RequestRow {
	return RequestRow{
		Href: requestPath + "?case=" + c.ID.String(), Kind: kindTitle(s, c.Kind), About: w.about(s, c),
		Badge: requestBadge(s, c), State: deadline(c),
	}
}

// about names the field or the purpose that a request is about.
func (w requestWords) about(s ui.Shell, c *privacy.Case) string {
	if c.Item == privacy.Lift {
		return s.T("portal.request.lift")
	}
	for _, f := range w.fields {
		if c.Kind == privacy.Rectification && f.Name == c.Item {
			return label(s, f)
		}
	}
	for _, p := range w.purposes {
		if c.Kind == privacy.Objection && p.ID == c.Item {
			return w.purpose(s, &p)
		}
	}
	return c.Item
}

func (w requestWords) purpose(s ui.Shell, p *consent.Purpose) string {
	words, _ := p.WordsIn(string(s.Locale), w.own)
	return first(words.Title, p.ID)
}

func requestBadge(s ui.Shell, c *privacy.Case) ui.Badge {
	if c.State != privacy.CaseClosed {
		kind := "info"
		if c.State == privacy.CaseWaiting {
			kind = "warn"
		}
		return ui.Badge{Text: s.T("portal.request.state." + string(c.State)), Kind: kind}
	}
	kind := map[privacy.Outcome]string{privacy.Done: "ok", privacy.Partly: "warn", privacy.Refused: "danger"}[c.Outcome]
	return ui.Badge{Text: s.T("portal.request.outcome." + string(c.Outcome)), Kind: kind}
}

func deadline(c *privacy.Case) Deadline {
	switch {
	case c.Outcome == privacy.Withdrawn || c.Outcome == privacy.Lapsed:
		return Deadline{"portal.request.over", c.ClosedAt}
	case c.State == privacy.CaseClosed:
		return Deadline{"portal.request.ended", c.ClosedAt}
	case c.State == privacy.CaseWaiting:
		return Deadline{"portal.request.stands", c.PausedAt}
	}
	return Deadline{"portal.request.due", c.DueAt}
}

// level is what the session that asks is worth.
func (v *visit) level(tx *db.Tx) (string, error) {
	proofs, err := session.Proofs(tx, v.me)
	return session.Assure(proofs).ACR, err
}

// openItself opens the case of what the customer does alone, with the level of
// the session in which it is done.
func (v *visit) openItself(tx *db.Tx, kind privacy.CaseKind) error {
	level, err := v.level(tx)
	if err != nil {
		return err
	}
	return privacy.OpenItself(tx, v.t, v.me.CustomerID, kind, level)
}

// theCase reads which request a form or link is about.
func (v *visit) theCase() (privacy.CaseID, error) {
	typed, err := v.typed("case")
	if err != nil {
		return privacy.CaseID{}, err
	}
	var c privacy.CaseID
	if c.UnmarshalText([]byte(typed)) != nil {
		return c, privacy.ErrNoCase
	}
	return c, nil
}

// Request is one request with what happened in it.
type Request struct {
	ui.Shell
	Facts    ui.KeyValue
	State    Deadline
	Lines    []RequestLine
	Add      *ui.Textarea
	Send     ui.Button
	Withdraw ui.Button
	Ended    *ui.Notice // an answer that one may disagree with
	Turn     tenant.Authority
	Case     ui.Hidden
	Mark     ui.Hidden
}

// Template implements ui.Page.
func (Request) Template() string { return "portal/request" }

// RequestLine is one line of the history that the customer is told.
type RequestLine struct {
	What, By, Words string
	Mine            bool
	At              time.Time
}

// story is a request with its history opened.
type story struct {
	privacy.Case
	lines []privacy.CaseEntry
	words []string
}

func (v *visit) story(id privacy.CaseID) (st story, w requestWords, err error) {
	err = v.view(func(tx *db.Tx) (err error) {
		if w, err = v.requestWords(tx); err != nil {
			return err
		}
		if st.Case, err = privacy.FindCase(tx, v.t, v.me.CustomerID, id); err != nil {
			return err
		}
		return st.open(tx, v.t)
	})
	return st, w, err
}

// open opens the lines that the customer is told.
func (st *story) open(tx *db.Tx, t *tenant.Tenant) error {
	all, err := privacy.History(tx, &st.Case)
	if err != nil {
		return err
	}
	st.lines, st.words = nil, nil
	var items []customer.Item
	var of []int
	for _, e := range all {
		if !e.Told {
			continue
		}
		if e.Sealed != nil {
			items, of = append(items, e.Item()), append(of, len(st.lines))
		}
		st.lines = append(st.lines, e)
	}
	st.words = make([]string, len(st.lines))
	plain, err := release.OpenAll(tx, t, self(st.CustomerID), st.CustomerID, items...)
	for i := range plain {
		st.words[of[i]] = string(plain[i])
	}
	return err
}

func (v *visit) request() error {
	id, err := v.theCase()
	if err != nil {
		return err
	}
	return v.showRequest(id, "", nil)
}

func (v *visit) showRequest(id privacy.CaseID, typed string, wrong error) error {
	st, words, err := v.story(id)
	if err != nil {
		return err
	}
	s := v.shell(privacyPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newRequest(s, st, words, v.t.Settings.Privacy.Authority, typed)
	p.Mark = v.mark()
	return v.renderWrong(p, p.Shell, wrong)
}

func newRequest(s ui.Shell, st story, w requestWords, turn tenant.Authority, typed string) Request {
	s.Title = kindTitle(s, st.Kind)
	s.Back = &ui.Link{Href: requestsPath, Text: s.T("portal.request.title")}
	badge := requestBadge(s, &st.Case)
	p := Request{Shell: s, State: deadline(&st.Case), Case: ui.Hidden{Name: "case", Value: st.ID.String()}, Turn: turn}
	p.Facts.Rows = []ui.Pair{
		{Key: s.T("portal.request.standing"), Badge: &badge},
		{Key: s.T("portal.request.reference"), Value: st.ID.String(), Ltr: true},
	}
	if about := w.about(s, &st.Case); about != "" {
		p.Facts.Rows = append(p.Facts.Rows, ui.Pair{Key: s.T("portal.request.about"), Value: about})
	}
	p.Facts.Rows = append(p.Facts.Rows, ui.Pair{Key: s.T("portal.request.channel"), Value: s.T("portal.request.by." + st.Channel)})
	for i, e := range st.lines {
		p.Lines = append(p.Lines, RequestLine{
			What: s.T("portal.request.act." + e.Act), By: lineBy(s, &e), Words: st.words[i], Mine: e.ActorKind == "customer", At: e.MadeAt,
		})
	}
	if st.State == privacy.CaseClosed {
		if st.Outcome == privacy.Refused || st.Outcome == privacy.Partly {
			p.Ended = &ui.Notice{Kind: "info", Title: s.T("portal.request.disagree"), Text: s.T("portal.request.disagree_text")}
		}
		return p
	}
	p.Add = &ui.Textarea{Name: "words", Label: s.T("portal.request.add"), Hint: s.T("portal.request.add_hint"), Value: typed, Max: 4000, Rows: 4}
	p.Send = ui.Button{Text: s.T("portal.request.send"), Kind: "primary", Wait: s.T("portal.wait")}
	if !st.ByItself {
		p.Withdraw = ui.Button{Text: s.T("portal.request.withdraw"), Kind: "quiet", Href: withdrawRequestPath + "?case=" + st.ID.String()}
	}
	return p
}

func lineBy(s ui.Shell, e *privacy.CaseEntry) string {
	switch e.ActorKind {
	case "customer":
		return s.T("portal.request.you")
	case "system":
		return s.T("portal.request.itself")
	}
	return s.Look.Name
}

// addToRequest adds words to a request.
func (v *visit) addToRequest() error {
	id, err := v.theCase()
	if err != nil {
		return err
	}
	words, err := v.typed("words")
	if err != nil {
		return err
	}
	err = v.update(func(tx *db.Tx) error {
		_, err := privacy.AddWords(tx, v.t, v.me.CustomerID, id, words)
		return err
	})
	if correctable(err, "words") || fault.Is(err, fault.Conflict) {
		return v.showRequest(id, words, err)
	}
	if err != nil {
		return err
	}
	return v.to(requestPath + "?case=" + id.String() + "&done=request_added")
}
