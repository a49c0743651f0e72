package portal

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	consentsPath    = "/account/consents"
	consentAppPath  = "/account/consents/application"
	consentTextPath = "/account/consents/text"
	receiptPath     = "/account/consents/receipt"
	mailReceiptPath = "/account/consents/mail"
)

// Consents is "My consents": what data is used for, what was decided on it and
// when, who gets it, and the place to decide otherwise.
type Consents struct {
	ui.Shell
	Undo   *Undo
	Signal *ui.Notice // the browser asks not to sell or share
	Rests  *ui.Notice // the use of the data is restricted
	Cards  []ui.Card
	Fixed  *ui.Card // what leaves no choice, folded
	Check  ui.LinkRow
}

// Template implements ui.Page.
func (Consents) Template() string { return "portal/consent" }

// Undo says what was just decided and takes it back.
type Undo struct {
	Notice ui.Notice
	Form   Decide
}

// Decide is a form with one button for each decision.
type Decide struct {
	Action  string
	Note    string // what happens then
	Hidden  []ui.Component
	Buttons []ui.Button
}

// Template implements ui.Component.
func (Decide) Template() string { return "portal/_decide" }

// use is one purpose as it stands for the customer.
type use struct {
	Purpose    consent.Purpose
	State      consent.State
	Holds      bool
	Data       []string // names of fields, in the customer's words
	Recipients []string
	History    []consent.Entry
}

// uses are the facts of the page.
type uses struct {
	list      []use
	connected []connection // third-party applications
	scopes    map[app.ID][]consent.Entry
	words     lexicon
	signal    bool // by Global Privacy Control
	undo      string
	rests     time.Time // since when the use of the data is restricted; zero: it is not
	mark      ui.Hidden
}

func (p *Portal) consentRoutes(page func(pattern, back string, act func(*visit) error)) {
	page("GET /account/consents", consentsPath, (*visit).consents)
	page("POST /account/consents", consentsPath, (*visit).decide)
	page("POST /account/consents/application", consentsPath, (*visit).disconnect)
	page("GET /account/consents/text", consentsPath, (*visit).consentText)
	page("GET /account/consents/receipt", consentsPath, (*visit).receipt)
	page("POST /account/consents/mail", consentsPath, (*visit).mailReceipt)
}

// heed keeps what the browser says by Sec-GPC, for as long as the customer does
// not allow it by hand (W3C Global Privacy Control). Where nothing is sold or
// shared, or the signal was heard before, it costs no write.
func (v *visit) heed() error {
	if v.r.Header.Get("Sec-GPC") != "1" {
		return nil
	}
	var open []consent.Purpose
	err := v.view(func(tx *db.Tx) (err error) {
		open, err = consent.Unheard(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil || len(open) == 0 {
		return err
	}
	return v.update(func(tx *db.Tx) (err error) {
		v.heard, err = consent.Heed(tx, v.t, v.choice())
		return err
	})
}

func (v *visit) choice() consent.Choice {
	return consent.Choice{
		Customer: v.me.CustomerID, Locale: string(v.shell(consentsPath).Locale), Surface: "portal", Method: "button",
		Network: network(v.r), Agent: v.r.UserAgent(),
	}
}

func restedSince(tx *db.Tx, t *tenant.Tenant, c customer.ID) (time.Time, error) {
	rests, since, err := consent.Restricted(tx, t, c)
	if !rests {
		since = time.Time{}
	}
	return since, err
}

func (v *visit) consents() error {
	u := uses{signal: v.r.Header.Get("Sec-GPC") == "1", undo: first(v.form["undo"]...), mark: v.mark()}
	s := v.shell(consentsPath)
	err := v.view(func(tx *db.Tx) (err error) {
		u.list, u.connected = nil, nil
		if u.words, err = v.lexicon(tx); err != nil {
			return err
		}
		history, err := consent.Ledger(tx, v.t, v.me.CustomerID)
		if err != nil {
			return err
		}
		if u.rests, err = restedSince(tx, v.t, v.me.CustomerID); err != nil {
			return err
		}
		if err := u.read(tx, v, s, history); err != nil {
			return err
		}
		return u.connect(tx, v, history)
	})
	if err != nil {
		return err
	}
	p := newConsents(s, u)
	return v.render(p, p.Shell)
}

// read loads the purposes with their states.
func (u *uses) read(tx *db.Tx, v *visit, s ui.Shell, history []consent.Entry) error {
	list, err := consent.Purposes(tx, v.t)
	if err != nil {
		return err
	}
	for _, p := range list {
		one := use{Purpose: p}
		if one.State, one.Holds, err = consent.Holds(tx, v.t, v.me.CustomerID, p.ID, [16]byte{}); err != nil {
			return err
		}
		for _, f := range p.Data(u.words.fields) {
			one.Data = append(one.Data, label(s, f))
		}
		for _, r := range p.Recipients {
			one.Recipients = append(one.Recipients, u.words.recipient(s, r, tx.Now))
		}
		for _, e := range history {
			if e.Purpose == consent.ForPurpose && e.Item == p.ID {
				one.History = append(one.History, e)
			}
		}
		u.list = append(u.list, one)
	}
	return nil
}

// recipient names who gets data: an application or somebody else, in which
// country, and what that means.
func (l lexicon) recipient(s ui.Shell, r consent.Recipient, now time.Time) string {
	name := first(r.Name, r.Application)
	var of *app.Application
	for i := range l.apps {
		if r.Application == l.apps[i].ClientID() {
			of, name = &l.apps[i], l.apps[i].Name
		}
	}
	name = placed(s, name, r.PlaceOf(of, now))
	if r.Role == consent.Processor {
		return s.T("portal.consent.to_processor", "name", name)
	}
	return name
}

// placed is a name with the country where it is, if that is known, and what
// protects data there if it is a foreign one.
func placed(s ui.Shell, name string, p consent.Place) string {
	country := s.Locale.Country(p.Country)
	switch {
	case p.Transfer == consent.Nowhere:
		return name
	case p.Transfer == consent.Inside:
		return s.T("portal.consent.to_inside", "name", name, "country", country)
	case p.Safeguard != "":
		return s.T("portal.consent.to_safeguard", "name", name, "country", country, "safeguard", p.Safeguard)
	case p.Transfer == consent.Adequate:
		return s.T("portal.consent.to_adequate", "name", name, "country", country)
	}
	return s.T("portal.consent.to_outside", "name", name, "country", country)
}

// connect loads the third-party applications that have anything.
func (u *uses) connect(tx *db.Tx, v *visit, history []consent.Entry) error {
	list, err := v.connections(tx)
	if err != nil {
		return err
	}
	u.scopes = map[app.ID][]consent.Entry{}
	for _, c := range list {
		if !c.App.FirstParty {
			u.connected = append(u.connected, c)
		}
	}
	for _, e := range history {
		if e.Purpose == consent.Scope {
			u.scopes[app.ID(e.Recipient)] = append(u.scopes[app.ID(e.Recipient)], e)
		}
	}
	return nil
}

func newConsents(s ui.Shell, u uses) Consents {
	s.Title = s.T("portal.consent.title")
	p := Consents{Shell: s, Check: ui.LinkRow{
		Href: "/receipt", Icon: "scroll-text", Title: s.T("portal.consent.check"), Text: s.T("portal.consent.check_text"),
	}}
	if !u.rests.IsZero() {
		p.Rests = &ui.Notice{Title: s.T("portal.consent.rests"), Text: s.T("portal.consent.rests_text", "date", s.Words().Date(u.rests, s.Zone))}
	}
	if u.signal {
		p.Signal = &ui.Notice{Kind: "ok", Title: s.T("portal.consent.gpc"), Text: s.T("portal.consent.gpc_text")}
	}
	var fixed []ui.Component
	for _, one := range u.list {
		if one.Purpose.Basis == consent.ByConsent || one.Purpose.Basis.Objectable() {
			p.Cards = append(p.Cards, one.card(s, u.mark))
		} else {
			fixed = append(fixed, one.folded(s, u.mark))
		}
		if u.undo == one.Purpose.ID && one.State.Decision != "" {
			p.Undo = one.undo(s, u.mark)
		}
	}
	for _, c := range u.connected {
		p.Cards = append(p.Cards, scopeCard(s, c, u))
	}
	if len(fixed) > 0 {
		p.Fixed = &ui.Card{ID: "fixed", Title: s.T("portal.consent.fixed"), Text: s.T("portal.consent.fixed_text"), Icon: "lock", Body: fixed}
	}
	return p
}

// folded is a purpose that leaves no choice: its title, and the rest on demand.
func (o *use) folded(s ui.Shell, mark ui.Hidden) ui.Details {
	c := o.card(s, mark)
	return ui.Details{Summary: c.Title, Body: append([]ui.Component{ui.Text{Text: c.Text}}, c.Body...)}
}

// card says how a purpose stands, and offers what may be decided.
func (o *use) card(s ui.Shell, mark ui.Hidden) ui.Card {
	w, _ := o.Purpose.WordsIn(string(s.Locale), string(s.Look.Locale))
	badge := o.badge(s)
	c := ui.Card{ID: "purpose-" + o.Purpose.ID, Title: w.Title, Text: w.Text, Icon: "file-text", Kind: "brand", Badge: &badge}
	rows := []ui.Pair{{Key: s.T("portal.consent.basis"), Value: s.T("portal.consent.basis." + string(o.Purpose.Basis))}}
	if !o.State.MadeAt.IsZero() {
		rows = append(rows, ui.Pair{Key: s.T("portal.consent.since"), HTML: s.Date(o.State.MadeAt)})
	}
	if o.Holds && !o.State.ExpiresAt.IsZero() {
		rows = append(rows, ui.Pair{Key: s.T("portal.consent.until"), HTML: s.Date(o.State.ExpiresAt)})
	}
	if form := o.form(s, mark); len(form.Buttons) > 0 {
		c.Body = append(c.Body, form)
	}
	c.Body = append(c.Body, ui.KeyValue{Dense: true, Rows: append(rows,
		ui.Pair{Key: s.T("portal.consent.data"), Value: orNone(s, o.Data)},
		ui.Pair{Key: s.T("portal.consent.who"), Value: s.List(append([]string{s.Look.Name}, o.Recipients...))},
		ui.Pair{Key: s.T("portal.consent.kept"), Value: kept(s, o.Purpose.Retention)},
	)})
	if len(o.History) > 0 {
		c.Body = append(c.Body, history(s, o.Purpose.ID, o.History, mark))
	}
	return c
}

func orNone(s ui.Shell, list []string) string {
	if len(list) == 0 {
		return s.T("portal.consent.no_data")
	}
	return s.List(list)
}

func kept(s ui.Shell, d tenant.Duration) string {
	if d == 0 {
		return s.T("portal.consent.kept_account")
	}
	return s.Term(time.Duration(d))
}

func (o *use) badge(s ui.Shell) ui.Badge {
	b := ui.Badge{Text: s.T("portal.consent.state." + o.State.Why)}
	switch {
	case o.State.Why == consent.WhyGiven:
		b.Kind, b.Icon = "ok", "check"
	case o.State.Why == consent.WhyOlder || o.State.Why == consent.WhyExpired:
		b.Kind, b.Icon = "warn", "clock"
	case !o.Holds:
		b.Icon = "x"
	}
	return b
}

// form has one button: for what can be decided now. A consent that ends soon
// can be renewed as well as withdrawn.
func (o *use) form(s ui.Shell, mark ui.Hidden) Decide {
	f := Decide{Action: consentsPath, Hidden: []ui.Component{
		mark, ui.Hidden{Name: "purpose", Value: o.Purpose.ID}, ui.Hidden{Name: "version", Value: strconv.FormatInt(o.Purpose.Version, 10)},
	}}
	w, _ := o.Purpose.WordsIn(string(s.Locale), string(s.Look.Locale))
	add := func(decision, key string) {
		f.Buttons = append(f.Buttons, ui.Button{
			Text: s.T(key), Label: s.T("portal.consent.for", "act", s.T(key), "title", w.Title), Name: "decision", Value: decision, Wait: s.T("portal.wait"),
		})
	}
	switch p := o.Purpose; {
	case p.Basis == consent.ByConsent && o.Holds:
		f.Note = s.T("portal.consent.then.withdraw")
		add(consent.Withdrawn, "portal.consent.withdraw")
		if p.Renewable(o.State, s.Now) {
			add(consent.Given, "portal.consent.renew")
		}
	case p.Basis == consent.ByConsent:
		f.Note = s.T("portal.consent.then.give")
		add(consent.Given, "portal.consent.give")
	case p.Basis.Objectable() && o.Holds:
		f.Note = s.T("portal.consent.then.object")
		add(consent.Objected, "portal.consent.object")
	case p.Basis.Objectable():
		add(consent.Given, "portal.consent.allow")
	}
	return f
}

// undo offers the opposite of what was just decided.
func (o *use) undo(s ui.Shell, mark ui.Hidden) *Undo {
	f := o.form(s, mark)
	if len(f.Buttons) == 0 {
		return nil
	}
	w, _ := o.Purpose.WordsIn(string(s.Locale), string(s.Look.Locale))
	f.Buttons, f.Note = f.Buttons[:1], ""
	f.Buttons[0].Text, f.Buttons[0].Icon = s.T("portal.consent.undo"), "undo-2"
	f.Buttons[0].Label = s.T("portal.consent.for", "act", s.T("portal.consent.undo"), "title", w.Title)
	return &Undo{Form: f, Notice: ui.Notice{
		Kind: "ok", Title: s.T("portal.consent.noted"), Text: s.T("portal.consent.for", "act", o.badge(s).Text, "title", w.Title),
	}}
}

// history lists decisions, the latest first, each with its text and receipt; the
// last receipt can be had by mail.
func history(s ui.Shell, id string, list []consent.Entry, mark ui.Hidden) ui.Details {
	t := ui.Table{ID: "history-" + id, Caption: s.T("portal.consent.history"), Hush: true, Columns: []ui.Column{
		{Text: s.T("portal.consent.when")}, {Text: s.T("portal.consent.what")}, {Text: s.T("portal.consent.text")}, {Text: s.T("portal.consent.receipt")},
	}}
	for _, e := range list {
		what := s.T("portal.consent.event." + decision(e.Decision))
		if e.Purpose == consent.Scope {
			what += ": " + e.Item
		}
		if e.Surface == consent.SurfaceGPC {
			what += " (GPC)"
		}
		text := ui.Cell{Text: "–"}
		if e.Purpose == consent.ForPurpose {
			text = ui.Cell{Text: s.T("portal.consent.version", "n", int(e.Version)), Href: consentTextPath + "?entry=" + e.ID.String()}
		}
		t.Rows = append(t.Rows, []ui.Cell{
			{HTML: s.DateTime(e.MadeAt)}, {Text: what}, text,
			{Text: s.T("portal.consent.download"), Href: receiptPath + "?entry=" + e.ID.String()},
		})
	}
	mail := Decide{
		Action: mailReceiptPath, Hidden: []ui.Component{mark, ui.Hidden{Name: "entry", Value: list[0].ID.String()}},
		Buttons: []ui.Button{{Text: s.T("portal.consent.mail"), Icon: "mail", Wait: s.T("portal.wait")}},
	}
	return ui.Details{Summary: s.T("portal.consent.history"), Body: []ui.Component{t, mail}}
}

func decision(d string) string {
	switch d {
	case consent.Given, consent.Objected, consent.Expired:
		return d
	}
	return consent.Withdrawn
}

// scopeCard is what a third-party application has.
func scopeCard(s ui.Shell, c connection, u uses) ui.Card {
	card := ui.Card{
		ID: c.App.ClientID(), Title: c.App.Name, Text: s.T("portal.apps.third"), Icon: "app-window", Kind: "brand",
		Badge: &ui.Badge{Text: s.T("portal.consent.state.given"), Kind: "ok", Icon: "check"},
	}
	card.Body = []ui.Component{
		Decide{
			Note:   s.T("portal.consent.then.scope", "name", c.App.Name),
			Action: consentAppPath, Hidden: []ui.Component{u.mark, ui.Hidden{Name: "application", Value: c.App.ClientID()}},
			Buttons: []ui.Button{{
				Text: s.T("portal.consent.withdraw"), Wait: s.T("portal.wait"),
				Label: s.T("portal.consent.for", "act", s.T("portal.consent.withdraw"), "title", c.App.Name),
			}},
		},
		ui.KeyValue{Dense: true, Rows: []ui.Pair{
			{Key: s.T("portal.consent.basis"), Value: s.T("portal.consent.basis.consent")},
			{Key: s.T("portal.consent.since"), HTML: s.Date(c.Since)},
			{Key: s.T("portal.apps.sees"), HTML: bullets(s, c.Scopes, u.words)},
		}},
	}
	if list := u.scopes[c.App.ID]; len(list) > 0 {
		card.Body = append(card.Body, history(s, c.App.ClientID(), list, u.mark))
	}
	return card
}

// decide does what a button says: one press, and it is done.
func (v *visit) decide() error {
	ch := v.choice()
	version := ""
	for name, to := range map[string]*string{"purpose": &ch.Purpose, "decision": &ch.Decision, "version": &version} {
		var err error
		if *to, err = v.typed(name); err != nil {
			return err
		}
	}
	ch.Version, _ = strconv.ParseInt(version, 10, 64)
	err := v.update(func(tx *db.Tx) error {
		_, err := consent.Decide(tx, v.t, ch)
		return err
	})
	if err != nil {
		return err
	}
	return v.to(consentsPath + "?undo=" + ch.Purpose)
}

// disconnect takes back what a third-party application was allowed.
func (v *visit) disconnect() error {
	err := v.update(func(tx *db.Tx) error {
		a, err := v.named(tx)
		if err != nil {
			return err
		}
		return v.p.acts.RevokeApplication(tx, v.t, v.choice(), a.ID)
	})
	if err != nil {
		return err
	}
	return v.to(consentsPath + "?done=revoked")
}

// entry is the decision of this customer that a link names.
func (v *visit) entry() (id consent.ID, err error) {
	raw, err := v.typed("entry")
	if err == nil && (raw == "" || id.UnmarshalText([]byte(raw)) != nil) {
		err = errNothing
	}
	return id, err
}

// mailReceipt sends the customer's main address a link to a receipt.
func (v *visit) mailReceipt() error {
	id, err := v.entry()
	if err != nil {
		return err
	}
	if err := risk.Reserve(v.r.Context(), v.p.db, v.t, risk.Mail(v.me.CustomerID.String(), network(v.r))...); err != nil {
		return err
	}
	err = v.update(func(tx *db.Tx) error { return account.MailReceipt(tx, v.t, v.me.CustomerID, id) })
	if err != nil {
		return err
	}
	return v.to(consentsPath + "?done=receipt")
}

// receipt gives the signed receipt of a decision as a file.
func (v *visit) receipt() error {
	id, err := v.entry()
	if err != nil {
		return err
	}
	var r consent.Receipt
	err = v.view(func(tx *db.Tx) (err error) {
		r, err = consent.MakeReceipt(tx, v.t, v.me.CustomerID, id)
		return err
	})
	if err != nil {
		return err
	}
	token, err := consent.SignReceipt(v.t, r)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/jose") // RFC 7515 section 9.2.1
	h.Set("Content-Disposition", `attachment; filename="receipt-`+id.String()+`.jws"`)
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusOK)
	_, err = v.w.Write([]byte(token + "\n"))
	return err
}
