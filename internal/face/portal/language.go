package portal

import (
	"errors"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
)

// Language is where language and theme are chosen.
type Language struct {
	ui.Shell
	Languages ui.LanguagePicker
	Themes    ui.ThemePicker
}

// Template implements ui.Page.
func (Language) Template() string { return "portal/language" }

func (v *visit) language() error {
	p := newLanguage(v.shell(languagePath))
	return v.render(p, p.Shell)
}

func newLanguage(s ui.Shell) Language {
	s.Title = s.T("portal.language.title")
	return Language{
		Shell: s, Languages: ui.LanguagePicker{Action: languagePath, Return: languagePath},
		Themes: ui.ThemePicker{Action: "/account/theme", Return: languagePath},
	}
}

// setLanguage keeps the language on this browser and in the account, where
// messages find it.
func (v *visit) setLanguage() error {
	raw, err := v.typed("locale")
	if err != nil {
		return err
	}
	if !slices.Contains(v.shell(languagePath).Look.Locales, words.Locale(raw)) {
		return errNothing
	}
	if err := v.update(func(tx *db.Tx) error { return v.keepLocale(tx, raw) }); err != nil {
		return err
	}
	web.SetCookie(v.w, v.r, web.Cookie{Name: localeCookie, Value: raw, MaxAge: year})
	return v.to(languagePath + "?done=language")
}

// keepLocale sets the account's locale, unless the tenant's catalogue leaves
// that to others.
func (v *visit) keepLocale(tx *db.Tx, locale string) error {
	err := customer.SetField(tx, v.t, v.me.CustomerID, "locale", locale, catalog.Customer)
	if errors.Is(err, catalog.ErrReadOnly) || errors.Is(err, catalog.ErrUnknownField) {
		return nil
	}
	return err
}

func (v *visit) setTheme() error {
	theme, err := v.typed("theme")
	if err != nil {
		return err
	}
	switch theme {
	case "light", "dark":
		web.SetCookie(v.w, v.r, web.Cookie{Name: themeCookie, Value: theme, MaxAge: year})
	case "auto":
		web.DropCookie(v.w, v.r, themeCookie)
	default:
		return errNothing
	}
	return v.to(languagePath + "?done=theme")
}
