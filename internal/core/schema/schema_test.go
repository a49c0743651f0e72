package schema_test

import (
	"context"
	"os"
	"strings"
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

// A statement writes to the table that it names and to no other: a transaction
// remembers what it has read by that (docs/decisions/0031-asked-once.md).
func TestTheSchemaWritesNothingByItself(t *testing.T) {
	t.Parallel()
	text, err := db.Schema(context.Background(), schema.Files)
	if err != nil || len(text) < 1000 {
		t.Fatal(len(text), err)
	}
	for _, word := range []string{"CASCADE", "TRIGGER", "SET NULL", "SET DEFAULT"} {
		if strings.Contains(strings.ToUpper(text), word) {
			t.Errorf("the schema says %s", word)
		}
	}
}
