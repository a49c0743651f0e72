package ui

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/ui/words"
)

// Specimen is a page in one of its states, for the gallery and for tests.
type Specimen struct {
	Name  string // "login/code"
	State string // "empty", "typical", "long", "error" or a word of the page's own
	Page  Page
}

// Sample makes the shells of specimens: one look, one instant, any locale.
type Sample struct {
	ui     *UI
	locale words.Locale
	look   *Look
	theme  string
}

// SampleTime is now in all specimens.
var SampleTime = time.Date(2026, time.November, 22, 9, 12, 0, 0, time.UTC)

// Sample makes specimens in a locale. look may be nil for a demo tenant's.
func (u *UI) Sample(locale words.Locale, look *Look) *Sample {
	if look == nil {
		look = u.MakeLook(Brand{
			Key: "\x00sample", Name: "Fern & Field", Tagline: "One account for your orders, wish lists and garden diary.", Zone: "Europe/Berlin",
			Links: Links{Terms: "/legal/terms", Privacy: "/legal/privacy", Help: "/help"},
		})
	}
	return &Sample{ui: u, locale: locale, look: look}
}

// Themed gives the samples a fixed theme, "light" or "dark".
func (s *Sample) Themed(theme string) *Sample {
	c := *s
	c.theme = theme
	return &c
}

// Shell begins a specimen.
func (s *Sample) Shell() Shell {
	shell := s.ui.shell(s.look, s.locale)
	shell.Now, shell.Theme = SampleTime, s.theme
	return shell
}

// T is a text in the sample's locale.
func (s *Sample) T(key string, args ...any) string { return s.Shell().T(key, args...) }

// Now is SampleTime.
func (s *Sample) Now() time.Time { return SampleTime }

// Locale is the sample's.
func (s *Sample) Locale() words.Locale { return s.locale }
