package server

import (
	"fmt"
	"slices"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
)

// fields lays the file's fields over those that the tenant has.
func (a *applier) fields() error {
	if a.doc.Fields == nil {
		return nil
	}
	c, err := catalog.Load(a.tx, a.t)
	if err != nil {
		return err
	}
	was := ownFields(c)
	is, err := a.mergeFields(was)
	if err != nil {
		return err
	}
	if len(differences(fieldsByName(was), fieldsByName(is))) == 0 {
		return nil
	}
	a.noteFields(was, is)
	if err := catalog.Put(a.tx, a.t, is); err != nil {
		return a.source.blame(a.path+".fields", err)
	}
	return a.search(c)
}

// mergeFields gives the fields that are to be.
func (a *applier) mergeFields(was []catalog.Field) (is []catalog.Field, err error) {
	named := map[string]bool{}
	for i, f := range *a.doc.Fields {
		path := fmt.Sprintf("%s.fields[%d]", a.path, i)
		name := f.Name
		if f, err = f.Settled(); err != nil {
			return nil, a.source.wrong(path, Advise(err).Text, nil)
		}
		if named[name] {
			return nil, a.source.wrong(path+".name", "Each field stands in the file once.", nil)
		}
		named[name] = true
		is = append(is, f)
	}
	for _, f := range was {
		if !named[f.Name] && !a.prune {
			is = append(is, f)
		}
	}
	return is, nil
}

func (a *applier) noteFields(was, is []catalog.Field) {
	before, after := fieldsByName(was), fieldsByName(is)
	for _, f := range is {
		old, there := before[f.Name]
		switch {
		case !there:
			a.changed("field", f.Name, "created")
		case len(differences(old, f)) > 0:
			a.changed("field", f.Name, "changed", differences(old, f)...)
		}
	}
	for _, f := range was {
		if _, stays := after[f.Name]; !stays {
			a.changed("field", f.Name, "deleted")
		}
	}
}

func fieldsByName(list []catalog.Field) map[string]catalog.Field {
	out := map[string]catalog.Field{}
	for _, f := range list {
		out[f.Name] = f
	}
	return out
}

// ownFields are the tenant's own fields and its forms of standard ones.
func ownFields(c *catalog.Catalog) []catalog.Field {
	standard := fieldsByName(catalog.Standard())
	var own []catalog.Field
	for _, f := range c.Fields() {
		s, ok := standard[f.Name]
		if s.Claim = s.ClaimName(); ok && len(differences(s, f)) == 0 {
			continue
		}
		own = append(own, f)
	}
	return own
}

func (a *applier) applications() error {
	if a.doc.Applications == nil {
		return nil
	}
	list, err := app.List(a.tx, a.t)
	if err != nil {
		return err
	}
	named := map[app.ID]bool{}
	for i := range *a.doc.Applications {
		path := fmt.Sprintf("%s.applications[%d]", a.path, i)
		id, err := a.application(path, &(*a.doc.Applications)[i], list)
		if err != nil {
			return err
		}
		named[id] = true
	}
	if !a.prune {
		return nil
	}
	for _, old := range list {
		if named[old.ID] {
			continue
		}
		if err := deleteApp(a.tx, a.t, old.ID); err != nil {
			return err
		}
		a.changed("application", old.Name, "deleted")
	}
	return nil
}

// application makes one application as the file says, or finds it so.
func (a *applier) application(path string, d *AppDoc, list []app.Application) (app.ID, error) {
	old, there, err := a.match(path, d, list)
	if err != nil {
		return app.ID{}, err
	}
	if !there {
		return a.register(path, d)
	}
	is := old
	is.Name, is.Kind, is.FirstParty, is.Enabled = d.Name, d.Kind, !d.ThirdParty, !d.Disabled
	is.Audience, is.Settings = d.Audience, d.Settings
	if d.Sector != "" {
		is.Sector = d.Sector
	}
	is = is.Filled()
	members := differences(whole(old), whole(is))
	if len(members) == 0 {
		return old.ID, nil
	}
	a.changed("application", d.Name, "changed", members...)
	_, err = app.Change(a.tx, a.t, is)
	return old.ID, a.source.blame(path, err)
}

// whole is an application as the file sees it.
func whole(x app.Application) any {
	return struct {
		Name       string       `json:"name"`
		Kind       app.Kind     `json:"kind"`
		ThirdParty bool         `json:"third_party"`
		Disabled   bool         `json:"disabled"`
		Audience   string       `json:"audience"`
		Sector     string       `json:"sector"`
		Settings   app.Settings `json:"settings"`
	}{x.Name, x.Kind, !x.FirstParty, !x.Enabled, x.Audience, x.Sector, x.Settings}
}

// match finds the application that the file means: by its client_id, else by
// its name.
func (a *applier) match(path string, d *AppDoc, list []app.Application) (app.Application, bool, error) {
	if d.ClientID != "" {
		i := slices.IndexFunc(list, func(x app.Application) bool { return x.ClientID() == d.ClientID })
		if i < 0 {
			return app.Application{}, false, a.source.wrong(path+".client_id", "There is no such application here. Leave client_id out to make a new one.", nil)
		}
		return list[i], true, nil
	}
	found := slices.DeleteFunc(slices.Clone(list), func(x app.Application) bool { return x.Name != d.Name })
	switch len(found) {
	case 0:
		return app.Application{}, false, nil
	case 1:
		return found[0], true, nil
	}
	return app.Application{}, false, a.source.wrong(path+".name", "Several applications have this name. Say which with client_id.", nil)
}

func (a *applier) register(path string, d *AppDoc) (app.ID, error) {
	made, secret, err := app.Register(a.tx, a.t, app.New{
		Kind: d.Kind, Name: d.Name, FirstParty: !d.ThirdParty, Audience: d.Audience, Sector: d.Sector, Settings: d.Settings,
	})
	if err != nil {
		return app.ID{}, a.source.blame(path, err)
	}
	if d.Disabled {
		made.Enabled = false
		if _, err := app.Change(a.tx, a.t, made); err != nil {
			return app.ID{}, a.source.blame(path, err)
		}
	}
	a.changes = append(a.changes, Change{
		Tenant: a.doc.Slug, What: "application", Name: d.Name, Act: "created", ClientID: made.ClientID(), Secret: secret,
	})
	return made.ID, nil
}
