package portal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
)

// Passkeys is the list of an account's passkeys, with what can be done with
// each.
type Passkeys struct {
	ui.Shell
	Add    *ui.Button // nil: none can be added here
	Empty  *ui.EmptyState
	Cards  []ui.Card
	Signal *Signal
}

// Template implements ui.Page.
func (Passkeys) Template() string { return "portal/passkey" }

// NewPasskey is where a passkey is made: it says for which account, and what a
// passkey is.
type NewPasskey struct {
	ui.Shell
	Account ui.AccountCard
	Facts   ui.Facts
	Mark    ui.Hidden
	Cancel  ui.Button
}

// Template implements ui.Page.
func (NewPasskey) Template() string { return "portal/passkey_new" }

// Signal tells the browser how the account and its passkeys stand, so that what
// it offers next time is right (WebAuthn Level 3, section 5.1.10). Name is the
// method of PublicKeyCredential, Told its argument as JSON.
type Signal struct{ Name, Told string }

// Template implements ui.Component.
func (Signal) Template() string { return "portal/_signal" }

// The scripts of pages with passkeys, which work without them but for the making
// of one.
var passkeyScripts = []string{"js/passkey.js", pageScript}

// pageScript belongs to this face.
const pageScript = "portal/page.js"

var errAgain = fault.New(fault.Conflict, "reauthentication_needed", "Sign in again to go on.")

// heldPasskey is a passkey with what rests sealed of it opened.
type heldPasskey struct {
	credential.Passkey
	Name       string
	Made, Used session.Place
	Foreign    bool // made for an address that this house had before: it does not work any more
}

func (v *visit) passkeys(tx *db.Tx) ([]heldPasskey, error) {
	all, err := credential.Passkeys(tx, v.t, v.me.CustomerID)
	if err != nil {
		return nil, err
	}
	out := make([]heldPasskey, len(all))
	var sealed letters
	for i, k := range all {
		o := &out[i]
		*o = heldPasskey{Passkey: k, Name: v.p.acts.WebAuthn.ModelName(k.AAGUID), Foreign: k.RPID != v.t.RPID}
		sealed.add(credential.PasskeyNameField, k.NameSealed, func(b []byte) { o.Name = string(b) })
		sealed.add(credential.PasskeyPlaceField, k.CreatedPlaceSealed, func(b []byte) { o.Made = session.OpenPlace(b) })
		sealed.add(credential.PasskeyPlaceField, k.UsedPlaceSealed, func(b []byte) { o.Used = session.OpenPlace(b) })
	}
	return out, sealed.open(tx, v)
}

// passkeyFacts is what the list shows.
type passkeyFacts struct {
	List   []heldPasskey
	Off    bool // the tenant takes none
	Handle func(heldPasskey) string
	Edit   credential.PasskeyID // whose name is being changed
	Typed  string               // into its field
	Mark   ui.Hidden
}

// passkeyList is the page of the list; ?passkey= opens the form of one name.
func (v *visit) passkeyList() error {
	f := passkeyFacts{}
	if v.form.Get("passkey") != "" {
		one, err := v.named16("passkey")
		if err != nil {
			return err
		}
		f.Edit = one
	}
	return v.showPasskeys(f, nil)
}

func (v *visit) showPasskeys(f passkeyFacts, wrong error) error {
	if err := v.view(func(tx *db.Tx) (err error) { f.List, err = v.passkeys(tx); return err }); err != nil {
		return err
	}
	f.Off, f.Mark = v.t.Settings.Passkeys.Off, v.mark()
	if f.Off && len(f.List) == 0 {
		return errNothing
	}
	f.Handle = func(k heldPasskey) string { return v.seal("passkey", k.ID[:]) }
	s := v.shell(securityPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newPasskeys(s, f)
	p.Signal = v.accepted(f.List)
	return v.render(p, p.Shell)
}

// signal is one signal about this customer.
func (v *visit) signal(name string, about map[string]any) *Signal {
	handle := credential.UserHandle(v.t, v.me.CustomerID)
	about["rpId"], about["userId"] = v.t.RPID, base64.RawURLEncoding.EncodeToString(handle[:])
	told, err := json.Marshal(about)
	if err != nil {
		return nil
	}
	return &Signal{Name: name, Told: string(told)}
}

// accepted tells the browser which passkeys there are: it may forget the others.
func (v *visit) accepted(list []heldPasskey) *Signal {
	ids := []string{}
	for _, k := range list {
		ids = append(ids, base64.RawURLEncoding.EncodeToString(k.CredentialID))
	}
	return v.signal("signalAllAcceptedCredentials", map[string]any{"allAcceptedCredentialIds": ids})
}

// renamed tells the browser how the account is called now, on the page that says
// that it was changed.
func (v *visit) renamed(s *ui.Shell) *Signal {
	if s.Flash == "" || v.t.Settings.Passkeys.Off {
		return nil
	}
	s.Scripts = append(s.Scripts, passkeyScripts...)
	return v.signal("signalCurrentUserDetails", map[string]any{"name": v.who.Address, "displayName": first(v.who.Name, v.who.Address)})
}

func newPasskeys(s ui.Shell, f passkeyFacts) Passkeys {
	s.Title = s.T("portal.passkey.title")
	s.Back = &ui.Link{Href: securityPath, Text: s.T("portal.security.title")}
	s.Scripts = append(s.Scripts, passkeyScripts...)
	p := Passkeys{Shell: s}
	if !f.Off {
		p.Add = &ui.Button{Text: s.T("portal.passkey.add"), Icon: "plus", Kind: "primary", Href: newPasskeyPath}
	}
	if len(f.List) == 0 {
		p.Empty = &ui.EmptyState{Title: s.T("portal.passkey.none"), Text: s.T("portal.passkey.none_text"), Action: p.Add}
		p.Add = nil
	}
	for _, k := range f.List {
		p.Cards = append(p.Cards, passkeyCard(s, k, f))
	}
	return p
}

// passkeyName is what a passkey is called: by its owner, its model, or as such.
func passkeyName(s ui.Shell, k heldPasskey) string {
	return first(k.Name, s.T("portal.passkey.unnamed"))
}

func passkeyCard(s ui.Shell, k heldPasskey, f passkeyFacts) ui.Card {
	name, handle := passkeyName(s, k), f.Handle(k)
	card := ui.Card{ID: k.ID.String(), Icon: "fingerprint", Kind: "brand", Title: name}
	card.Text, card.Badge = passkeyKind(s, k)
	card.Body = []ui.Component{ui.KeyValue{Rows: []ui.Pair{
		{Key: s.T("portal.passkey.created"), HTML: whenWhere(s, s.Date(k.CreatedAt), k.Made)},
		{Key: s.T("portal.passkey.used"), HTML: lastUse(s, k)},
	}}}
	if f.Edit == k.ID {
		value := name
		if len(s.Problems) > 0 {
			value = f.Typed
		}
		card.Body = append(card.Body, rename(s, passkeysPath+"/rename", passkeysPath, value, f.Mark, ui.Hidden{Name: "passkey", Value: handle}))
		return card
	}
	at := "?passkey=" + url.QueryEscape(handle)
	card.Body = append(card.Body, Actions{[]ui.Component{
		ui.Button{Text: s.T("portal.label.rename"), Label: s.T("portal.label.rename_it", "name", name), Icon: "pencil", Small: true, Href: passkeysPath + at + "#" + labelName},
		ui.Button{Text: s.T("portal.addresses.remove"), Label: s.T("portal.addresses.remove_it", "address", name), Icon: "trash-2", Small: true, Kind: "quiet", Href: passkeysPath + "/remove" + at},
	}})
	return card
}

// passkeyKind says where a passkey is, in a sentence and in a word.
func passkeyKind(s ui.Shell, k heldPasskey) (string, *ui.Badge) {
	switch {
	case k.Foreign:
		return s.T("portal.passkey.foreign_text"), &ui.Badge{Text: s.T("portal.passkey.foreign"), Kind: "warn", Icon: "triangle-alert"}
	case k.BackupEligible && k.BackedUp:
		return s.T("portal.passkey.synced_text"), &ui.Badge{Text: s.T("portal.passkey.synced"), Kind: "ok", Icon: "refresh-cw"}
	case k.BackupEligible:
		return s.T("portal.passkey.syncable_text"), &ui.Badge{Text: s.T("portal.passkey.bound"), Icon: "smartphone"}
	}
	return s.T("portal.passkey.bound_text"), &ui.Badge{Text: s.T("portal.passkey.bound"), Icon: "key-round"}
}

func lastUse(s ui.Shell, k heldPasskey) template.HTML {
	if k.UsedAt.IsZero() {
		return template.HTML(template.HTMLEscapeString(s.T("portal.passkey.unused")))
	}
	return whenWhere(s, s.Ago(k.UsedAt), k.Used)
}

// whenWhere puts the place beside the time, as far as it is known.
func whenWhere(s ui.Shell, when template.HTML, p session.Place) template.HTML {
	out := when
	for _, words := range []string{placeName(s, p), nearby(s, p.Network)} {
		if words != "" {
			out += template.HTML(" · <bdi>" + template.HTMLEscapeString(words) + "</bdi>")
		}
	}
	return out
}

func placeName(s ui.Shell, p session.Place) string {
	if p == (session.Place{}) {
		return ""
	}
	return deviceName(s, p)
}

// askPasskey is the page on which a passkey is made.
func (v *visit) askPasskey() error {
	if v.t.Settings.Passkeys.Off {
		return errNothing
	}
	if err := v.fresh(access.ActFactor); err != nil {
		return err
	}
	return v.showNewPasskey(nil)
}

func (v *visit) showNewPasskey(wrong error) error {
	s := v.shell(securityPath)
	if wrong != nil {
		s.FailText("", s.FaultText(fault.Of(wrong)))
	}
	p := newNewPasskey(s, v.who)
	p.Mark = v.mark()
	return v.renderWrong(p, p.Shell, wrong)
}

func newNewPasskey(s ui.Shell, who person) NewPasskey {
	s.Title = s.T("portal.passkey.new")
	s.Scripts = append(s.Scripts, passkeyScripts...)
	return NewPasskey{
		Shell: s, Account: ui.AccountCard{Name: who.Name, Address: who.Address},
		Facts: ui.Facts{Items: []ui.Fact{
			{Icon: "fingerprint", Title: s.T("portal.passkey.what"), Text: s.T("portal.passkey.what_text")},
			{Icon: "smartphone", Title: s.T("portal.passkey.where"), Text: s.T("portal.passkey.where_text")},
			{Icon: "shield-check", Title: s.T("portal.passkey.safe"), Text: s.T("portal.passkey.safe_text")},
		}},
		Cancel: ui.Button{Text: s.T("portal.cancel"), Href: passkeysPath},
	}
}

// passkeyOptions hands the browser what it needs to make a passkey, good for
// this session alone.
func (v *visit) passkeyOptions() error {
	if v.t.Settings.Passkeys.Off {
		return errNothing
	}
	var options json.RawMessage
	err := v.freshly(access.ActFactor, func(tx *db.Tx) (err error) {
		options, err = v.p.acts.PasskeyOptions(tx, v.t, v.me.CustomerID, v.me.ID, false)
		return err
	})
	if errors.Is(err, permit.ErrStale) || errors.Is(err, permit.ErrSession) {
		return errAgain // the script loads the page anew, which leads to a fresh proof
	}
	if err != nil {
		return err
	}
	return web.JSON(v.w, http.StatusOK, options)
}

// addPasskey keeps what the browser made.
func (v *visit) addPasskey() error {
	raw, err := v.typed("credential")
	if err != nil {
		return err
	}
	made, err := v.p.acts.WebAuthn.ParseCreate(v.t, []byte(raw))
	if err == nil {
		err = v.freshly(access.ActFactor, func(tx *db.Tx) error {
			_, err := v.p.acts.AddPasskey(tx, v.t, v.me.CustomerID, v.me.ID, v.me.ID, made, v.place())
			return err
		})
	}
	switch {
	case err == nil, v.addedBefore(raw):
		return v.to(passkeysPath + "?done=passkey")
	case correctablePasskey(err):
		return v.showNewPasskey(err)
	}
	return err
}

// addedBefore tells a form that came twice from one that is wrong: its passkey
// is in the account already.
func (v *visit) addedBefore(raw string) bool {
	var said struct {
		ID string `json:"id"`
	}
	if json.Unmarshal([]byte(raw), &said) != nil || said.ID == "" {
		return false
	}
	found := false
	err := v.view(func(tx *db.Tx) error {
		all, err := credential.Passkeys(tx, v.t, v.me.CustomerID)
		found = slices.ContainsFunc(all, func(k credential.Passkey) bool {
			return base64.RawURLEncoding.EncodeToString(k.CredentialID) == said.ID
		})
		return err
	})
	return err == nil && found
}

func correctablePasskey(err error) bool {
	for _, f := range []error{credential.ErrPasskeyWrong, credential.ErrPasskeyRefused, credential.ErrPasskeyTaken, credential.ErrPasskeyLimit} {
		if errors.Is(err, f) {
			return true
		}
	}
	return false
}

// place is where this request comes from.
func (v *visit) place() session.Place {
	return session.NewPlace(web.Peer(v.r), web.UserAgent(v.r))
}

func (v *visit) renamePasskey() error {
	one, err := v.named16("passkey")
	if err != nil {
		return err
	}
	name, err := v.typed(labelName)
	if err != nil {
		return err
	}
	err = v.update(func(tx *db.Tx) error { return credential.RenamePasskey(tx, v.t, v.me.CustomerID, one, name) })
	switch {
	case errors.Is(err, credential.ErrPasskeyName):
		return v.showPasskeys(passkeyFacts{Edit: one, Typed: name}, fault.Of(err).At(labelName))
	case err != nil:
		return err
	}
	return v.to(passkeysPath + "?done=renamed")
}

func (v *visit) askRemovePasskey() error {
	one, err := v.named16("passkey")
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActFactor); err != nil {
		return err
	}
	return v.showRemovePasskey(one, nil)
}

func (v *visit) showRemovePasskey(one credential.PasskeyID, wrong error) error {
	var list []heldPasskey
	if err := v.view(func(tx *db.Tx) (err error) { list, err = v.passkeys(tx); return err }); err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(k heldPasskey) bool { return k.ID == one })
	if i < 0 {
		return v.to(passkeysPath)
	}
	s := v.shell(securityPath)
	if wrong != nil {
		s.FailText("", s.FaultText(fault.Of(wrong)))
	}
	p := newRemovePasskey(s, passkeyName(s, list[i]))
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "passkey", Value: v.seal("passkey", one[:])}}
	return v.renderWrong(p, p.Shell, wrong)
}

func newRemovePasskey(s ui.Shell, name string) Ask {
	p := ask(s, s.T("portal.passkey.remove"), passkeysPath+"/remove", passkeysPath)
	p.Lede = s.T("portal.passkey.remove_lede", "name", name)
	p.Consequences = []string{
		s.T("portal.passkey.remove_signin"), s.T("portal.passkey.remove_manager"), s.T("portal.passkey.remove_final"), s.T("portal.everywhere.told"),
	}
	p.Submit = ui.Button{Text: s.T("portal.passkey.remove"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

// removePasskey takes a passkey away, unless it is the last way in. One that is
// gone already is as good.
func (v *visit) removePasskey() error {
	one, err := v.named16("passkey")
	if err != nil {
		return err
	}
	v.back = passkeysPath + "/remove?passkey=" + url.QueryEscape(v.form.Get("passkey"))
	err = v.freshly(access.ActFactor, func(tx *db.Tx) error {
		_, err := v.p.acts.DropPasskey(tx, v.t, v.me.CustomerID, v.me.ID, one)
		return err
	})
	switch {
	case errors.Is(err, account.ErrLastWay):
		return v.showRemovePasskey(one, err)
	case err != nil && !errors.Is(err, credential.ErrPasskeyUnknown):
		return err
	}
	return v.to(passkeysPath + "?done=passkey_removed")
}
