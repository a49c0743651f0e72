package organization

import "github.com/cardea-id/cardea/internal/base/id"

type kind struct{}

func (kind) Prefix() string { return "org" }

// ID is the id of an organization; zero where somebody acts for themselves.
type ID = id.ID[kind]
