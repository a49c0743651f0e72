package portal

import (
	"os"
	"testing"

	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/base/ui/words"
)

func TestEveryPage(t *testing.T) {
	t.Parallel()
	uitest.EveryPage(t, Part(), Specimens)
}

func TestLocales(t *testing.T) {
	t.Parallel()
	words.Check(t, files, "portal")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	uitest.Keys(t, Part(), os.DirFS("."))
}
