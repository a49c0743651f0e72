package server

import (
	"fmt"
	"slices"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
)

// wanted refuses a file after which an application asks customers for a field that
// they cannot fill in, or for a purpose that the field does not name.
func (a *applier) wanted() error {
	list, err := app.List(a.tx, a.t)
	if err != nil || !slices.ContainsFunc(list, func(x app.Application) bool { return len(x.Settings.Asks) > 0 }) {
		return err
	}
	fields, err := catalog.Load(a.tx, a.t)
	if err != nil {
		return err
	}
	for _, x := range list {
		for _, q := range x.Settings.Asks {
			wrong, err := a.wrongAsk(fields, q)
			if err != nil {
				return err
			}
			if wrong != "" {
				return a.source.wrong(a.path+".applications", fmt.Sprintf("%s asks for the field %s, %s.", x.Name, q.Field, wrong), nil)
			}
		}
	}
	return nil
}

// wrongAsk tells what keeps a field from being asked for.
func (a *applier) wrongAsk(fields *catalog.Catalog, q app.Asked) (string, error) {
	f, ok := fields.Field(q.Field)
	switch {
	case !ok:
		return "which is not in the catalogue", nil
	case !f.Stored() || !slices.Contains(f.Editors, catalog.Customer):
		return "which customers cannot fill in", nil
	case !slices.Contains(f.Purposes, q.Purpose):
		return "which does not name the purpose " + q.Purpose, nil
	}
	p, ok, err := consent.FindPurpose(a.tx, a.t, q.Purpose)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "for the purpose " + q.Purpose + ", which there is not", nil
	case q.Needed && p.Basis == consent.ByConsent:
		return "which cannot be needed: the purpose " + q.Purpose + " rests on consent, and consent is free", nil
	}
	return "", nil
}
