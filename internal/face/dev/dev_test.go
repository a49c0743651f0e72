package dev_test

import (
	"os"
	"testing"

	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/face/dev"
)

func TestEveryPage(t *testing.T) {
	t.Parallel()
	uitest.EveryPage(t, dev.Part(), dev.Specimens)
}

func TestLocales(t *testing.T) {
	t.Parallel()
	words.Check(t, os.DirFS("."), "dev")
}
