package login

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Offer asks whether the next time is to be easier: by a passkey. It comes only
// to browsers that make them.
type Offer struct {
	ui.Shell
	Account *ui.AccountCard
	Facts   ui.Facts
	Action  string
	Create  *PasskeyButton
	Later   ui.Button
	Never   ui.Button
}

// Template names the page's file.
func (Offer) Template() string { return "login/offer" }

func (v *visit) offerPage(tx *db.Tx) (ui.Page, error) {
	who, err := v.whose(tx)
	return v.offering(who), err
}

func (v *visit) offering(who *ui.AccountCard) Offer {
	p := Offer{Shell: v.shell(), Account: who, Action: v.path(createPath)}
	p.Title = p.T("login.offer.title")
	tell(&p.Shell, v.wrong, "")
	for _, fact := range []struct{ word, icon string }{{"what", "scan-face"}, {"where", "smartphone"}, {"safe", "shield-check"}} {
		p.Facts.Items = append(p.Facts.Items, ui.Fact{Icon: fact.icon, Title: p.T("login.offer." + fact.word), Text: p.T("login.offer." + fact.word + "_text")})
	}
	if p.Create = v.passkeyButton(&p.Shell); p.Create != nil {
		p.Create.create(v, p.T("login.offer.create"))
		p.Create.Exists = p.T("login.passkey.exists")
		_, p.Create.Auto = v.flow.Proven(signin.Password)
		p.Create.Auto = p.Create.Auto && v.wrong == nil
	}
	p.Later = ui.Button{Text: p.T("login.skip"), Name: "action", Value: "later", Block: true}
	p.Never = ui.Button{Text: p.T("login.offer.never"), Kind: "quiet", Name: "action", Value: "never", Block: true}
	return p
}

// decideOffer takes the passkey that was made, or leaves the offer: for a while,
// or for good.
func (v *visit) decideOffer() error {
	action := v.typed("action")
	if action != "later" && action != "never" {
		if v.typed(passkeyField) == "" && !v.native {
			return v.to(v.path()) // pressed before the script ran
		}
		return v.made()
	}
	return v.act(func(tx *db.Tx) error {
		return v.l.acts.DeclineOffer(tx, v.t, &v.flow, v.entrance(), action == "never")
	})
}
