package main

import (
	"fmt"
	"strings"

	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/server"
)

type catalogCommands struct {
	Index catalogIndex `cmd:"" help:"Show how staff find customers by the fields, and how far a change of that has come."`
	List  catalogList  `cmd:"" help:"List what is known of customers: class, source, owner, purposes, who sees it, how long it is kept and how it lies."`
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

type catalogIndex struct {
	asJSON
	ofTenant
}

// Run shows how fields are searched, and how far a change of that has come.
func (c *catalogIndex) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.SearchIndex(t.ctx, home)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		rows := [][]string{}
		for _, f := range list {
			rows = append(rows, []string{f.Field, string(f.Search), readableOnce(f), indexed(f)})
		}
		return t.table([]string{"field", "search", "was open", "customers"}, rows)
	})
}

func readableOnce(f server.Indexed) string {
	switch {
	case f.Search == catalog.SearchOpen:
		return "readable now"
	case f.WasOpen:
		return "until " + day(f.Until) + ", in backups"
	}
	return ""
}

func indexed(f server.Indexed) string {
	if !f.Rebuilding {
		return "done"
	}
	return fmt.Sprintf("%d of %d", f.Done, f.Total)
}
