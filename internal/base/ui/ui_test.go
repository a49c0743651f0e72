package ui_test

import (
	"testing"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/base/ui/words"
)

func TestEveryPage(t *testing.T) {
	t.Parallel()
	uitest.EveryPage(t, ui.Part{Pages: ui.Pages()}, ui.Specimens)
}

func TestLocales(t *testing.T) {
	t.Parallel()
	words.Check(t, ui.Words().Files, "ui", "fault")
}
