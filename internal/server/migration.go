package server

import (
	"io/fs"
	"strconv"

	"github.com/cardea-id/cardea/internal/core/schema"
)

// newestMigration is the number of the newest schema that this program knows.
func newestMigration() int64 {
	names, err := fs.Glob(schema.Files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(names[len(names)-1][:4], 10, 64)
	return n
}
