package signin

import "github.com/cardea-id/cardea/internal/base/id"

type flowKind struct{}

func (flowKind) Prefix() string { return "flo" }

// ID is the id of a journey.
type ID = id.ID[flowKind]
