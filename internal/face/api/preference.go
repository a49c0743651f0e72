package api

import (
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// wishes is what somebody wishes of whom the company knows an address.
type wishes struct {
	Address     string `json:"address"`
	Locale      string `json:"locale"`
	Surface     string `json:"surface"` // where it was asked: "footer", "checkout"
	Text        string `json:"text"`    // what the visitor was shown, byte for byte; its digest alone is kept
	Preferences []wish `json:"preferences"`
}

type wish struct {
	Topic     string          `json:"topic"`
	Channel   consent.Channel `json:"channel"`
	On        *bool           `json:"on"`
	Frequency string          `json:"frequency"`
}

// The faults of wishes.
var (
	errWishes  = fault.New(fault.Invalid, "bad_preferences", "preferences has 1 to 50 entries with topic, channel and on.").At("preferences")
	errLocale  = fault.New(fault.Invalid, "bad_locale", "locale is a language tag, such as de or en-GB.").At("locale")
	errText    = fault.New(fault.Invalid, "bad_text", "text has at most 4,000 bytes.").At("text")
	errSurface = fault.New(fault.Invalid, "bad_surface", "surface has at most 40 characters.").At("surface")
)

const longestText = 4000

// capture keeps the wishes. The answer is the same whether the address is known
// or not, has an account or not, and must confirm or not.
func (a *API) capture(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	who, err := a.Caller(r, scopeWrite)
	if err != nil {
		return err
	}
	var in wishes
	if err := web.ReadJSON(r, 0, &in); err != nil {
		return err
	}
	list, err := in.wishes()
	if err != nil {
		return err
	}
	kind, canonical, err := consent.Address(t, in.Address)
	if err != nil {
		return fault.Of(err).At("address")
	}
	if err := risk.Reserve(r.Context(), a.DB, t, messages(kind, canonical, who)...); err != nil {
		return err
	}
	where := consent.Where{
		Locale: in.Locale, Surface: "api", Method: "form", Text: in.Text, Actor: journal.Actor{Kind: "application", ID: who.ID},
	}
	if in.Surface != "" {
		where.Surface = in.Surface
	}
	err = a.DB.Update(r.Context(), func(tx *db.Tx) error {
		return account.CapturePreferences(tx, t, kind, canonical, list, where)
	})
	if err != nil {
		return err
	}
	a.count(t, who, "preference.captured", "form")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// messages meters the message that may follow. It is the company's own network
// that asks, for all of its visitors, so a mail counts for its recipient alone.
func messages(kind, canonical string, who *app.Application) []risk.Meter {
	if kind == customer.Phone {
		return risk.SMS(canonical, who.ID.String())
	}
	return risk.Mail(canonical, "127.0.0.0/8")
}

func (in *wishes) wishes() ([]consent.Wish, error) {
	switch {
	case in.Locale != "" && !tenant.ValidLocale(in.Locale):
		return nil, errLocale
	case !tenant.ShortText(in.Surface, 40):
		return nil, errSurface
	case len(in.Text) > longestText:
		return nil, errText
	case len(in.Preferences) == 0 || len(in.Preferences) > 50:
		return nil, errWishes
	}
	out := make([]consent.Wish, len(in.Preferences))
	for i, p := range in.Preferences {
		if p.Topic == "" || p.Channel == "" || p.On == nil {
			return nil, errWishes
		}
		out[i] = consent.Wish{Topic: p.Topic, Channel: p.Channel, On: *p.On, Frequency: p.Frequency}
	}
	return out, nil
}
