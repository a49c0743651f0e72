// Package schema holds the migrations and nothing else: one SQL text for both
// engines, forward only, expand first and contract one release later. The
// server hands Files to base/db; no other package reads them.
package schema

import "embed"

// Files are the migrations, NNNN_name.sql in order.
//
//go:embed *.sql
var Files embed.FS
