package main

import (
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type tenantCommands struct {
	Create tenantCreate `cmd:"" help:"Make a tenant."`
	List   tenantList   `cmd:"" help:"List the tenants."`
}

type tenantView struct {
	ID      string   `json:"id"`
	Slug    string   `json:"slug"`
	Name    string   `json:"name"`
	Issuer  string   `json:"issuer"`
	Origins []string `json:"origins"`
	RPID    string   `json:"rp_id"`
	Staff   bool     `json:"staff,omitempty"`
	Enabled bool     `json:"enabled"`
}

func viewTenant(t *tenant.Tenant) tenantView {
	return tenantView{t.ID.String(), t.Slug, t.Name, t.Issuer(), t.Origins, t.RPID, t.BuiltIn, t.Enabled}
}

type tenantCreate struct {
	asJSON
	Slug   string `arg:"" help:"Short name, for commands and files."`
	Name   string `help:"As customers read it; the short name if left out."`
	Origin string `required:"" help:"Where its pages are served, and so the issuer: https://host." placeholder:"URL"`
	RPID   string `name:"rp-id" help:"Passkey domain, if it is a parent of the origin's host. It can never be changed." placeholder:"DOMAIN"`
}

// Run makes the tenant.
func (c *tenantCreate) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		name := c.Name
		if name == "" {
			name = c.Slug
		}
		made, err := b.CreateTenant(t.ctx, tenant.New{Slug: c.Slug, Name: name, Origin: c.Origin, RPID: c.RPID})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(viewTenant(made))
		}
		t.line("Made the tenant %s.", made.Slug)
		err = t.facts("issuer", made.Issuer(), "passkey domain", made.RPID, "id", made.ID.String())
		t.line("Next: cardea app create web --tenant %s --name NAME --redirect https://app.example/callback", made.Slug)
		return err
	})
}

type tenantList struct{ asJSON }

// Run lists.
func (c *tenantList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		views, rows := []tenantView{}, [][]string{}
		for _, x := range b.House.All() {
			views = append(views, viewTenant(x))
			kind := "customers"
			if x.BuiltIn {
				kind = "staff"
			}
			rows = append(rows, []string{x.Slug, x.Name, x.Issuer(), kind, yes(x.Enabled)})
		}
		if c.JSON {
			return t.json(views)
		}
		return t.table([]string{"slug", "name", "issuer", "for", "enabled"}, rows)
	})
}
