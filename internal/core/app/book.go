package app

import (
	"errors"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Book looks applications up for requests, from memory where it can. What it
// returns is shared: never change it. A transaction that has changed an
// application itself reads it by Get.
type Book struct{}

const bookSize = 4096

var (
	byClient   = tenant.NewCache[ID, *Application](bookSize)
	byAudience = tenant.NewCache[string, ID](bookSize)
	origins    = tenant.NewCache[struct{}, map[string]bool](1)
)

// Find returns the application of a client_id with its secrets, disabled ones
// too. False: there is none, or the text is no client_id.
func (Book) Find(tx *db.Tx, t *tenant.Tenant, clientID string) (*Application, bool, error) {
	parsed, err := id.Parse[kind](clientID)
	if err != nil {
		return nil, false, nil
	}
	return Book{}.ByID(tx, t, parsed)
}

// Peek is Find from memory alone: requests on a hot path ask it first and open
// a View only when it knows nothing.
func (Book) Peek(t *tenant.Tenant, clientID string) (*Application, bool) {
	parsed, err := id.Parse[kind](clientID)
	if err != nil {
		return nil, false
	}
	return byClient.Peek(t, parsed)
}

// PeekAudience is ByAudience from memory alone.
func (Book) PeekAudience(t *tenant.Tenant, audience string) (*Application, bool) {
	parsed, ok := byAudience.Peek(t, audience)
	if !ok {
		return nil, false
	}
	return byClient.Peek(t, parsed)
}

// ByID is Find for an id.
func (Book) ByID(tx *db.Tx, t *tenant.Tenant, id ID) (*Application, bool, error) {
	a, err := byClient.Get(tx, t, id, func() (*Application, error) {
		a, err := Get(tx, t, id)
		if err != nil {
			return nil, err
		}
		a.secrets, err = Secrets(tx, t, id)
		return &a, err
	})
	return a, err == nil, unless(err, ErrNotFound)
}

// ByAudience returns the API that a resource indicator names (RFC 8707).
func (Book) ByAudience(tx *db.Tx, t *tenant.Tenant, audience string) (*Application, bool, error) {
	if !validAudience(audience) {
		return nil, false, nil
	}
	id, err := byAudience.Get(tx, t, audience, func() (ID, error) {
		b, ok, err := db.Value[[]byte](tx, `SELECT id FROM application WHERE tenant_id = $1 AND audience = $2`, t.ID, audience)
		if err != nil || !ok {
			return ID{}, orNotFound(err)
		}
		return ID(b), nil
	})
	if err != nil {
		return nil, false, unless(err, ErrNotFound)
	}
	return Book{}.ByID(tx, t, id)
}

// AllowsOrigin reports whether any enabled application registered the web
// origin: a CORS preflight does not say whose it is.
func (Book) AllowsOrigin(tx *db.Tx, t *tenant.Tenant, origin string) (bool, error) {
	all, err := origins.Get(tx, t, struct{}{}, func() (map[string]bool, error) {
		list, err := List(tx, t)
		out := map[string]bool{}
		for _, a := range list {
			for _, o := range a.Settings.Origins {
				out[o] = out[o] || a.Enabled
			}
		}
		return out, err
	})
	return all[origin], err
}

func orNotFound(err error) error {
	if err == nil {
		err = ErrNotFound
	}
	return err
}

// unless drops an error that is only the answer "no".
func unless(err error, no error) error {
	if err == nil || errors.Is(err, no) {
		return nil
	}
	return err
}
