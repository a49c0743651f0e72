// Schema prints the schema as it stands after every migration, for
// internal/core/schema/schema.golden; `make schema` writes it there.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/schema"
)

func main() {
	text, err := db.Schema(context.Background(), schema.Files)
	if err == nil {
		_, err = os.Stdout.WriteString(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
