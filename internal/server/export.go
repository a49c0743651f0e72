package server

import (
	"context"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const exportHead = "# Written by 'cardea export'. Every member is told in docs/reference/cardea-yaml.md.\n# Secrets are not in it: those of mail and SMS stand as references, those of applications are kept as digests.\n"

// Export writes the tenants as a file that Apply reads. Applied where it comes
// from, it changes nothing.
func (b *Base) Export(ctx context.Context, tenants ...*tenant.Tenant) ([]byte, error) {
	d := Document{Version: documentVersion}
	err := b.DB.View(ctx, func(tx *db.Tx) error {
		d.Tenants = nil
		for _, t := range tenants {
			doc, err := b.exportTenant(tx, t.ID)
			if err != nil {
				return err
			}
			d.Tenants = append(d.Tenants, doc)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	text, err := marshalDocument(d)
	return append([]byte(exportHead), text...), err
}

func marshalDocument(part any) ([]byte, error) {
	return yaml.MarshalWithOptions(part, yaml.Indent(2), yaml.IndentSequence(true),
		yaml.CustomMarshaler[app.JWKS](writeJWKS), yaml.CustomMarshaler[[]byte](writePicture))
}

func (b *Base) exportTenant(tx *db.Tx, id tenant.ID) (TenantDoc, error) {
	t, err := b.House.Read(tx, id)
	if err != nil {
		return TenantDoc{}, err
	}
	doc := TenantDoc{Slug: t.Slug, Name: t.Name, Origin: t.Origin, RPID: t.RPID, Settings: &t.Settings, Brand: &t.Brand}
	if !t.Enabled {
		doc.Enabled = &t.Enabled
	}
	doc.Origins = slices.DeleteFunc(slices.Clone(t.Origins), func(o string) bool { return o == t.Origin })
	c, err := catalog.Load(tx, t)
	if err != nil {
		return doc, err
	}
	if own := ownFields(c); len(own) > 0 {
		for i := range own {
			if own[i].Claim == own[i].Name {
				own[i].Claim = ""
			}
		}
		doc.Fields = &own
	}
	list, err := app.List(tx, t)
	if err != nil {
		return doc, err
	}
	apps := exportApplications(list)
	doc.Applications = &apps
	if doc.Documents, err = exportDocuments(tx, t); err != nil {
		return doc, err
	}
	if doc.Purposes, err = exportPurposes(tx, t, list); err != nil {
		return doc, err
	}
	doc.Topics, err = exportTopics(tx, t)
	return doc, err
}

func exportApplications(list []app.Application) []AppDoc {
	slices.SortStableFunc(list, func(a, b app.Application) int { return strings.Compare(a.Name, b.Name) })
	times := map[string]int{}
	for _, x := range list {
		times[x.Name]++
	}
	out := make([]AppDoc, len(list))
	for i, x := range list {
		out[i] = AppDoc{
			Name: x.Name, Kind: x.Kind, ThirdParty: !x.FirstParty, Disabled: !x.Enabled,
			Audience: x.Audience, Sector: x.Sector, Settings: bare(x),
		}
		if times[x.Name] > 1 {
			out[i].ClientID = x.ClientID()
		}
		if x.Sector == app.SectorTenant || x.Sector == x.ClientID() {
			out[i].Sector = ""
		}
	}
	return out
}

// bare leaves out what the kind decides by itself.
func bare(x app.Application) app.Settings {
	s := x.Settings
	d := app.Application{Kind: x.Kind, FirstParty: x.FirstParty}.Filled().Settings
	list := func(is *[]string, usual []string) {
		if slices.Equal(*is, usual) {
			*is = nil
		}
	}
	word := func(is *string, usual string) {
		if *is == usual {
			*is = ""
		}
	}
	list(&s.Grants, d.Grants)
	list(&s.AllowedScopes, d.AllowedScopes)
	list(&s.Purposes, d.Purposes)
	word(&s.AuthMethod, d.AuthMethod)
	word(&s.SigningAlg, d.SigningAlg)
	word(&s.SubjectType, d.SubjectType)
	return s
}
