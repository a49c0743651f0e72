package main

import (
	"strings"

	"github.com/cardea-id/cardea/internal/server"
)

type privacyExplain struct {
	asJSON
	ofTenant
	Customer string `required:"" help:"An id, or an exact address, number or user name." placeholder:"WHO"`
	App      string `required:"" help:"The application, by client id or name." placeholder:"APP"`
	Scope    string `default:"openid profile email phone address" help:"The scopes that were granted, separated by spaces."`
}

// Run explains.
func (c *privacyExplain) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.ExplainClaims(t.ctx, home, c.Customer, c.App, strings.Fields(c.Scope))
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		rows := [][]string{}
		for _, l := range list {
			goes := "yes, for " + l.Purpose
			if l.Why != "" {
				goes = "no: " + l.Why
			}
			rows = append(rows, []string{l.Field, l.Claim, l.Scope, goes})
		}
		return t.table([]string{"field", "claim", "scope", "goes"}, rows)
	})
}
