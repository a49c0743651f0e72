package server

import (
	"fmt"
	"slices"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
)

// declared refuses an application of the file that uses data for a purpose that
// is not there: it would get nothing for it, and nobody would know why.
func (a *applier) declared() error {
	if a.doc.Applications == nil {
		return nil
	}
	own, err := consent.OwnPurposes(a.tx, a.t)
	if err != nil {
		return err
	}
	all := slices.Concat(consent.Standard(), own)
	for i, one := range *a.doc.Applications {
		for n, id := range one.Purposes {
			if !slices.ContainsFunc(all, func(p consent.Purpose) bool { return p.ID == id }) {
				path := fmt.Sprintf("%s.applications[%d].purposes[%d]", a.path, i, n)
				return a.source.wrong(path, fmt.Sprintf("There is no purpose %q: publish it under purposes.", id), app.ErrBadSettings)
			}
		}
	}
	return nil
}
