package portal

import (
	"encoding/json"
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
	set := archiveSet()
	words.Check(t, set.Files, set.Name)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	uitest.Keys(t, Part(), os.DirFS("."))
}

// TestFieldNamesAreStable: password managers and people's own scripts know the
// forms by these names (checklist 6).
func TestFieldNamesAreStable(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(uitest.Names(t, Part(), Specimens), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("the names of fields have changed:\n%s", got)
	}
}
