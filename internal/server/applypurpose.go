package server

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// purposes publishes the purposes of the file that are new or changed. In the
// file an application stands by its name or client_id.
func (a *applier) purposes() error {
	if a.doc.Purposes == nil {
		return a.stillFit()
	}
	own, err := consent.OwnPurposes(a.tx, a.t)
	if err != nil {
		return err
	}
	apps, err := app.List(a.tx, a.t)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for i, p := range *a.doc.Purposes {
		path := fmt.Sprintf("%s.purposes[%d]", a.path, i)
		if named[p.ID] {
			return a.source.wrong(path+".id", "Each purpose stands in the file once, in its newest version.", nil)
		}
		named[p.ID] = true
		if p.Recipients, err = a.recipients(path, p.Recipients, apps); err != nil {
			return err
		}
		if err := a.purpose(path, p, own); err != nil {
			return err
		}
	}
	if err := a.retire(own, named); err != nil {
		return err
	}
	return a.stillFit()
}

func (a *applier) recipients(path string, list []consent.Recipient, apps []app.Application) ([]consent.Recipient, error) {
	out := slices.Clone(list)
	for i, r := range out {
		if r.Application == "" {
			continue
		}
		found := slices.DeleteFunc(slices.Clone(apps), func(x app.Application) bool {
			return x.Name != r.Application && x.ClientID() != r.Application
		})
		if len(found) != 1 {
			return nil, a.source.wrong(fmt.Sprintf("%s.recipients[%d].application", path, i), "No application, or more than one, has this name. Say which by its client_id.", nil)
		}
		out[i].Application = found[0].ClientID()
	}
	return out, nil
}

func (a *applier) purpose(path string, p consent.Purpose, own []consent.Purpose) error {
	if p.Version == 0 {
		p.Version = 1
	}
	at := slices.IndexFunc(own, func(o consent.Purpose) bool { return o.ID == p.ID })
	var members []string
	if at >= 0 {
		if members = differences(own[at], p); len(members) == 0 {
			return nil
		}
	}
	asks, err := consent.PutPurpose(a.tx, a.t, p)
	if errors.Is(err, consent.ErrFixedPurpose) {
		return a.source.fixedPurpose(path, p, fault.Of(err).Field)
	}
	if err != nil {
		return a.source.blame(path, err)
	}
	c := Change{Tenant: a.doc.Slug, What: "purpose", Name: fmt.Sprintf("%s %d", p.ID, p.Version), Act: "created"}
	if at >= 0 {
		c.Act, c.Members = "changed", members
	}
	if asks {
		if c.Asks, err = a.asksAgain(p); err != nil {
			return err
		}
	}
	a.changes = append(a.changes, c)
	return nil
}

// asksAgain counts who has to consent again, and from when on the former
// consent does not hold any more.
func (a *applier) asksAgain(p consent.Purpose) (*Asks, error) {
	n, err := consent.AskedAgain(a.tx, a.t, p.ID, p.Version)
	out := &Asks{Customers: n, Again: true}
	if p.Grace > 0 {
		out.From = a.tx.Now.Add(time.Duration(p.Grace))
	}
	return out, err
}

func (a *applier) retire(own []consent.Purpose, named map[string]bool) error {
	for _, p := range own {
		if named[p.ID] || !a.prune {
			continue
		}
		if err := consent.RetirePurpose(a.tx, a.t, p.ID); err != nil {
			return err
		}
		a.changed("purpose", p.ID, "deleted")
	}
	return nil
}

// stillFit refuses a file that takes a field away from the catalogue, or the
// purpose away from a field, while a purpose tells customers that it uses it.
func (a *applier) stillFit() error {
	own, err := consent.OwnPurposes(a.tx, a.t)
	if err != nil || len(own) == 0 {
		return err
	}
	c, err := catalog.Load(a.tx, a.t)
	if err != nil {
		return err
	}
	for _, p := range own {
		for _, name := range p.Fields {
			if f, ok := c.Field(name); !ok || !slices.Contains(f.Purposes, p.ID) {
				return a.source.wrong(a.path+".purposes", fmt.Sprintf("The purpose %s uses the field %s, which is not in the catalogue or does not name the purpose.", p.ID, name), nil)
			}
		}
	}
	return nil
}

// fixedPurpose refuses another meaning of a version that was published.
func (s *source) fixedPurpose(path string, p consent.Purpose, member string) error {
	a := Advise(s.wrong(path+"."+member, fmt.Sprintf("Version %d of %s was published with other %s, and customers may have decided on it.", p.Version, p.ID, member), nil))
	a.Do = fmt.Sprintf("Raise its version to %d. Or put this one back as it was. Nothing was changed.", p.Version+1)
	return a
}

// exportPurposes writes the tenant's own purposes in their newest version, with
// applications by their names where those are unique.
func exportPurposes(tx *db.Tx, t *tenant.Tenant, apps []app.Application) (*[]consent.Purpose, error) {
	own, err := consent.OwnPurposes(tx, t)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	for i := range own {
		own[i].Recipients = slices.Clone(own[i].Recipients)
		for j, r := range own[i].Recipients {
			own[i].Recipients[j].Application = appName(apps, r.Application)
		}
	}
	return &own, nil
}

func appName(apps []app.Application, client string) string {
	name, times := client, 0
	for _, x := range apps {
		if x.ClientID() == client {
			name = x.Name
		}
	}
	for _, x := range apps {
		if x.Name == name {
			times++
		}
	}
	if times != 1 {
		return client
	}
	return name
}
