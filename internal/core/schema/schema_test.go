package schema_test

import (
	"context"
	"os"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/schema"
)

// Whoever reviews a migration sees what it makes of the whole.
func TestTheWrittenSchemaIsTheOneThatTheMigrationsMake(t *testing.T) {
	t.Parallel()
	want, err := db.Schema(context.Background(), schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("schema.golden")
	if err != nil || string(got) != want {
		t.Errorf("schema.golden is not what the migrations make (%v): run make schema", err)
	}
}
