package server

import (
	"context"
	"errors"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// RegisterApp adds an application and returns its secret this once. An
// algorithm that the tenant has no keys of gets its first ones.
func (b *Base) RegisterApp(ctx context.Context, t *tenant.Tenant, n app.New) (app.Application, string, error) {
	if alg := n.Settings.SigningAlg; alg != "" {
		if _, err := t.Signer(alg); errors.Is(err, tenant.ErrNoKey) {
			if _, err := b.firstKeys(ctx, t, alg); err != nil {
				return app.Application{}, "", err
			}
			t, _ = b.House.ByID(t.ID)
		}
	}
	var made app.Application
	var secret string
	err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
		made, secret, err = app.Register(tx, t, n)
		return err
	})
	return made, secret, err
}

// Apps lists a tenant's applications.
func (b *Base) Apps(ctx context.Context, t *tenant.Tenant) (list []app.Application, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) (err error) {
		list, err = app.List(tx, t)
		return err
	})
	return list, err
}

// App finds an application by its client_id or its name.
func (b *Base) App(ctx context.Context, t *tenant.Tenant, ref string) (app.Application, error) {
	list, err := b.Apps(ctx, t)
	if err != nil {
		return app.Application{}, err
	}
	var found []app.Application
	for _, a := range list {
		if a.ClientID() == ref {
			return a, nil
		}
		if strings.EqualFold(a.Name, ref) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 0:
		return app.Application{}, app.ErrNotFound
	case 1:
		return found[0], nil
	}
	return app.Application{}, &Advice{Text: "Several applications have this name.", Do: "Name it by its client_id; 'cardea app list' shows them.", Exit: ExitUsage}
}

// ChangeApp changes an application as it stands now. An algorithm that the
// tenant has no keys of gets its first ones.
func (b *Base) ChangeApp(ctx context.Context, t *tenant.Tenant, id app.ID, change func(*app.Application)) (app.Application, error) {
	var out app.Application
	var alg string
	act := func(tx *db.Tx) error {
		a, err := app.Get(tx, t, id)
		if err != nil {
			return err
		}
		change(&a)
		alg = a.Settings.SigningAlg
		out, err = app.Change(tx, t, a)
		return err
	}
	err := b.DB.Update(ctx, act)
	if !errors.Is(err, tenant.ErrNoKey) {
		return out, err
	}
	if _, err := b.firstKeys(ctx, t, alg); err != nil {
		return out, err
	}
	t, _ = b.House.ByID(t.ID)
	err = b.DB.Update(ctx, act)
	return out, err
}

// RotateAppSecret draws another secret; the former works for a while longer.
func (b *Base) RotateAppSecret(ctx context.Context, t *tenant.Tenant, id app.ID) (secret string, err error) {
	err = b.DB.Update(ctx, func(tx *db.Tx) (err error) {
		secret, err = app.RotateSecret(tx, t, id)
		return err
	})
	return secret, err
}

// DeleteApp removes an application: nothing that it holds works any more.
func (b *Base) DeleteApp(ctx context.Context, t *tenant.Tenant, id app.ID) error {
	return b.DB.Update(ctx, func(tx *db.Tx) error { return deleteApp(tx, t, id) })
}

// deleteApp ends what customers granted the application together with it, so
// that no row says that somebody lets in what is gone.
func deleteApp(tx *db.Tx, t *tenant.Tenant, id app.ID) error {
	if err := app.Delete(tx, t, id); err != nil {
		return err
	}
	_, err := grant.EndOfApplication(tx, t, id, "application_deleted")
	return err
}
