package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Difference is one value in which the house differs from a file.
type Difference struct {
	Tenant string `json:"tenant"`
	Path   string `json:"path"`  // "applications[Shop].redirect_uris"
	House  any    `json:"house"` // as it stands; null: it is not there
	File   any    `json:"file"`  // as apply would make it; null: apply would take it away
}

// Diff tells value by value what applying the file would change, and changes
// nothing. What the file leaves out is no difference; with prune, what the file
// does not name and apply would delete is one.
func (b *Base) Diff(ctx context.Context, name string, text []byte, prune bool) ([]Difference, error) {
	s, err := readDocument(name, text)
	if err != nil {
		return nil, err
	}
	out := []Difference{}
	for i := range s.doc.Tenants {
		var before, after TenantDoc
		look := func(a *applier) (err error) {
			before, after = TenantDoc{}, TenantDoc{}
			if before, err = a.stands(); err != nil {
				return err
			}
			if err := a.run(); err != nil {
				return err
			}
			after, err = a.stands()
			return err
		}
		if err := b.inTenant(ctx, s, i, Applying{Prune: prune, DryRun: true}, look); err != nil {
			return nil, err
		}
		out = append(out, compare(s.doc.Tenants[i].Slug, before, after)...)
	}
	return out, nil
}

// stands is the tenant as the transaction sees it; nothing if there is none.
func (a *applier) stands() (TenantDoc, error) {
	id, there, err := a.known()
	if err != nil || !there {
		return TenantDoc{}, err
	}
	return a.base.exportTenant(a.tx, tenant.ID(id))
}

func compare(slug string, was, is TenantDoc) (out []Difference) {
	a, b := map[string]any{}, map[string]any{}
	leaves("", plain(was), a)
	leaves("", plain(is), b)
	paths := []string{}
	for path := range a {
		paths = append(paths, path)
	}
	for path := range b {
		if _, both := a[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		if d := (Difference{slug, path, a[path], b[path]}); d.Text(d.House) != d.Text(d.File) {
			out = append(out, d)
		}
	}
	return out
}

// Text writes one side of a difference on one line.
func (d *Difference) Text(side any) string {
	text, err := json.Marshal(side)
	if err != nil { // what was read from YAML marshals
		panic(err)
	}
	return string(text)
}

// plain is a part of the file as maps and lists, with the members as the file
// spells them.
func plain(doc TenantDoc) (out any) {
	text, err := marshalDocument(doc)
	if err == nil {
		err = yaml.Unmarshal(text, &out)
	}
	if err != nil { // what export writes reads
		panic(err)
	}
	return out
}

// leaves writes the leaves of a tree by their paths. The items of a list of
// things stand under their names, so that an insertion moves none of them.
func leaves(path string, v any, into map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			leaves(strings.TrimPrefix(path+"."+k, "."), child, into)
		}
	case []any:
		names, ok := itemNames(v)
		if !ok {
			into[path] = v
			return
		}
		for i, child := range v {
			leaves(fmt.Sprintf("%s[%s]", path, names[i]), child, into)
		}
	default:
		into[path] = v
	}
}

// itemNames are the words by which a list's items are told apart.
func itemNames(list []any) (names []string, ok bool) {
	seen := map[string]bool{}
	for _, item := range list {
		m, isThing := item.(map[string]any)
		if !isThing {
			return nil, false
		}
		var words []string
		for _, key := range []string{"client_id", "id", "kind", "version", "locale", "name"} {
			word, there := m[key]
			if there && (key != "kind" || m["name"] == nil) && (key != "version" || m["id"] == nil) {
				words = append(words, fmt.Sprint(word))
			}
		}
		name := strings.Join(words, " ")
		if name == "" || seen[name] {
			return nil, false
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, len(list) > 0
}
