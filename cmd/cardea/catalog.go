package main

import (
	"strings"

	"github.com/cardea-id/cardea/internal/server"
)

type catalogCommands struct {
	List catalogList `cmd:"" help:"List what is known of customers: class, source, owner, purposes, who sees it, how long it is kept and how it lies."`
}

type catalogList struct {
	asJSON
	ofTenant
}

// Run lists.
func (c *catalogList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		r, err := b.Records(t.ctx, home)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r.Data)
		}
		var rows [][]string
		for _, d := range r.Data {
			var purposes []string
			for _, p := range d.Purposes {
				purposes = append(purposes, strings.TrimSuffix(p.ID+":"+p.Basis, ":"))
			}
			rows = append(rows, []string{
				d.Name, d.Kind, d.Class, d.Source, d.Owner, strings.Join(purposes, " "), strings.Join(d.Viewers, " "),
				strings.Join(d.Editors, " "), d.Retention, d.Where, d.Search,
			})
		}
		return t.table([]string{"name", "kind", "class", "source", "owner", "purposes", "viewers", "editors", "kept", "lies", "search"}, rows)
	})
}
