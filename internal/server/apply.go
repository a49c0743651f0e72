package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Applying says how a file is applied.
type Applying struct {
	Prune  bool // delete applications, own fields and further origins that the file does not name
	DryRun bool // tell what would change, and change nothing
}

// Change is one thing that apply did.
type Change struct {
	Tenant   string   `json:"tenant"`
	What     string   `json:"what"` // "tenant", "settings", "brand", "field", "application", "document", "purpose", "topic"
	Name     string   `json:"name,omitempty"`
	Act      string   `json:"act"` // "created", "changed", "deleted"
	Members  []string `json:"members,omitempty"`
	ClientID string   `json:"client_id,omitempty"`
	Secret   string   `json:"client_secret,omitempty"` // of a new application, this once
	Asks     *Asks    `json:"asks,omitempty"`          // of a new version of a legal text or a purpose
	Warning  string   `json:"warning,omitempty"`       // what customers lose by it
	Search   *Search  `json:"search,omitempty"`        // of a field that is to be found in another way
}

// Apply makes the house as the file says: one transaction for each tenant, and
// nothing is written for what is so already. It stops at the first tenant that
// is refused; those before it stand.
func (b *Base) Apply(ctx context.Context, name string, text []byte, how Applying) ([]Change, error) {
	s, err := readDocument(name, text)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	for i := range s.doc.Tenants {
		made, err := b.applyTenant(ctx, s, i, how)
		if err != nil {
			return changes, err
		}
		changes = append(changes, made...)
	}
	if how.DryRun {
		return changes, nil
	}
	return changes, b.House.Load(ctx) // a new tenant is known here at once
}

var errDryRun = errors.New("dry run")

func (b *Base) applyTenant(ctx context.Context, s *source, i int, how Applying) (changes []Change, err error) {
	err = b.inTenant(ctx, s, i, how, func(a *applier) error {
		err := a.run()
		changes = a.changes
		return err
	})
	if err != nil {
		return nil, err
	}
	if how.DryRun {
		for n := range changes {
			changes[n].Secret, changes[n].ClientID = "", ""
		}
	}
	return changes, nil
}

// inTenant gives work an applier of the file's tenant i in one transaction,
// which is undone in a dry run.
func (b *Base) inTenant(ctx context.Context, s *source, i int, how Applying, work func(*applier) error) error {
	keys, err := b.drawMissing(s.doc.Tenants[i])
	if err != nil {
		return err
	}
	texts, err := s.legal(i)
	if err != nil {
		return err
	}
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		a := &applier{
			base: b, source: s, doc: &s.doc.Tenants[i], path: fmt.Sprintf("$.tenants[%d]", i), prune: how.Prune,
			keys: keys, texts: texts, tx: tx,
		}
		if err := work(a); err != nil {
			return err
		}
		if how.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// drawMissing draws the first keys of algorithms that applications of the file
// ask for and the tenant does not have: too slow for a transaction.
func (b *Base) drawMissing(d TenantDoc) (map[string][2]*tenant.DrawnKey, error) {
	have := []string{tenant.ES256, tenant.EdDSA}
	if t, ok := b.House.BySlug(d.Slug); ok {
		have = t.Algs()
	}
	drawn := map[string][2]*tenant.DrawnKey{}
	if d.Applications == nil {
		return drawn, nil
	}
	for _, a := range *d.Applications {
		alg := a.SigningAlg
		if _, there := drawn[alg]; alg == "" || there || slices.Contains(have, alg) {
			continue
		}
		current, next, err := drawTwo(alg)
		if errors.Is(err, tenant.ErrUnknownAlg) {
			continue // the application's own check tells where it stands
		}
		if err != nil {
			return nil, err
		}
		drawn[alg] = [2]*tenant.DrawnKey{current, next}
	}
	return drawn, nil
}

// applier applies one tenant of the file in one transaction.
type applier struct {
	base   *Base
	source *source
	doc    *TenantDoc
	path   string
	prune  bool
	keys   map[string][2]*tenant.DrawnKey
	texts  []consent.Document

	tx      *db.Tx
	t       *tenant.Tenant
	changes []Change
}

func (a *applier) run() error {
	for _, step := range []func() error{a.find, a.tenant, a.origins, a.settings, a.brand, a.fields, a.signing, a.applications, a.documents, a.purposes, a.declared, a.topics, a.wanted} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) changed(what, name, act string, members ...string) {
	a.changes = append(a.changes, Change{Tenant: a.doc.Slug, What: what, Name: name, Act: act, Members: members})
}

// find reads the tenant as the transaction sees it, or makes it.
func (a *applier) find() error {
	id, there, err := a.known()
	if err != nil {
		return err
	}
	made := tenant.ID{}
	if there {
		made = tenant.ID(id)
	} else if made, err = a.create(); err != nil {
		return a.source.blame(a.path, err)
	}
	a.t, err = a.base.House.Read(a.tx, made)
	return err
}

// known is the id of the tenant that has the file's slug, if there is one.
func (a *applier) known() (id []byte, there bool, err error) {
	return db.Value[[]byte](a.tx, `SELECT id FROM tenant WHERE slug = $1`, a.doc.Slug)
}

func (a *applier) create() (tenant.ID, error) {
	if a.doc.Settings != nil {
		if err := risk.CheckWeights(a.doc.Settings.Risk); err != nil {
			return tenant.ID{}, err
		}
	}
	n := tenant.New{Slug: a.doc.Slug, Name: a.doc.Name, Origin: a.doc.Origin, RPID: a.doc.RPID}
	if n.Name == "" {
		n.Name = n.Slug
	}
	if a.doc.Settings != nil {
		n.Settings = *a.doc.Settings
	}
	if a.doc.Brand != nil {
		n.Brand = *a.doc.Brand
	}
	a.changed("tenant", a.doc.Slug, "created")
	return tenant.Create(a.tx, a.base.Ring, n)
}

func (a *applier) tenant() error {
	d, t := a.doc, a.t
	if d.RPID != "" && d.RPID != t.RPID {
		return a.otherRPID()
	}
	var members []string
	if d.Name != "" && d.Name != t.Name {
		members = append(members, "name")
		if err := tenant.SetName(a.tx, t, d.Name); err != nil {
			return a.source.blame(a.path, err)
		}
	}
	if d.Enabled != nil && *d.Enabled != t.Enabled {
		members = append(members, "enabled")
		if err := tenant.SetEnabled(a.tx, t, *d.Enabled); err != nil {
			return err
		}
	}
	if members != nil {
		a.changed("tenant", t.Slug, "changed", members...)
	}
	return nil
}

func (a *applier) origins() error {
	d, t := a.doc, a.t
	if d.Origin != "" && d.Origin != t.Origin {
		if t.BuiltIn {
			return a.source.wrong(a.path+".origin", "The staff's origin stands in the server's configuration (CARDEA_ORIGIN).", nil)
		}
		if err := tenant.SetOrigin(a.tx, t, d.Origin, false); err != nil {
			return a.source.blame(a.path, err)
		}
		a.changed("tenant", t.Slug, "changed", "origin")
		if err := a.warnOfOrigin(); err != nil {
			return err
		}
	}
	for i, origin := range d.Origins {
		if slices.Contains(t.Origins, origin) {
			continue
		}
		if err := tenant.AddOrigin(a.tx, t, origin); err != nil {
			return a.source.blame(fmt.Sprintf("%s.origins[%d]", a.path, i), err)
		}
		a.changed("tenant", t.Slug, "changed", "origins")
	}
	if !a.prune || d.Origins == nil {
		return nil
	}
	for _, origin := range t.Origins {
		if origin == t.Origin || origin == d.Origin || slices.Contains(d.Origins, origin) {
			continue
		}
		if err := tenant.RemoveOrigin(a.tx, t, origin); err != nil {
			return a.source.blame(a.path, err)
		}
		a.changed("tenant", t.Slug, "changed", "origins")
	}
	return nil
}

func (a *applier) settings() error {
	if a.doc.Settings == nil {
		return nil
	}
	members := differences(a.t.Settings, *a.doc.Settings)
	if len(members) == 0 {
		return nil
	}
	if err := risk.CheckWeights(a.doc.Settings.Risk); err != nil {
		return a.source.blame(a.path, err)
	}
	a.changed("settings", "", "changed", members...)
	return a.source.blame(a.path, tenant.SetSettings(a.tx, a.t, *a.doc.Settings))
}

func (a *applier) brand() error {
	if a.doc.Brand == nil {
		return nil
	}
	members := differences(a.t.Brand, *a.doc.Brand)
	if len(members) == 0 {
		return nil
	}
	a.changed("brand", "", "changed", members...)
	return a.source.blame(a.path, tenant.SetBrand(a.tx, a.t, *a.doc.Brand))
}

// signing stores the keys that were drawn for this tenant.
func (a *applier) signing() error {
	if len(a.keys) == 0 {
		return nil
	}
	for _, pair := range a.keys {
		if err := tenant.AddKeys(a.tx, a.t, pair[0], pair[1]); err != nil {
			return err
		}
	}
	t, err := a.base.House.Read(a.tx, a.t.ID)
	a.t = t
	return err
}

// differences names the members in which two values differ, by their path in
// JSON, sorted.
func differences(was, is any) []string {
	a, b := map[string]string{}, map[string]string{}
	flatten("", tree(was), a)
	flatten("", tree(is), b)
	var out []string
	for path, v := range a {
		if b[path] != v {
			out = append(out, path)
		}
	}
	for path := range b {
		if _, both := a[path]; !both {
			out = append(out, path)
		}
	}
	sort.Strings(out)
	return out
}

func tree(v any) any {
	text, err := json.Marshal(v)
	if err != nil { // settings, brands, fields and applications marshal
		panic(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// flatten writes the leaves of a JSON tree by their paths. A list is one leaf:
// which of its items changed is for people to see in the file.
func flatten(path string, v any, into map[string]string) {
	if m, ok := v.(map[string]any); ok {
		for k, child := range m {
			next := k
			if path != "" {
				next = path + "." + k
			}
			flatten(next, child, into)
		}
		return
	}
	text, _ := json.Marshal(v)
	into[path] = string(text)
}
