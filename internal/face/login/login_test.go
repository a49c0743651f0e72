package login_test

import (
	"testing"

	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/face/login"
)

func TestEveryPage(t *testing.T) {
	t.Parallel()
	uitest.EveryPage(t, login.Part(), login.Specimens)
}

func TestLocales(t *testing.T) {
	t.Parallel()
	words.Check(t, login.Part().Files, "login")
}
