package server

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Document is cardea.yaml. docs/reference/cardea-yaml.md tells every member.
type Document struct {
	Version int         `yaml:"version"`
	Tenants []TenantDoc `yaml:"tenants"`
}

// TenantDoc is one tenant of the file. What is left out stays as it is; what is
// given is the whole of it.
type TenantDoc struct {
	Slug    string   `yaml:"slug"`
	Name    string   `yaml:"name,omitempty"`
	Origin  string   `yaml:"origin,omitempty"`
	Origins []string `yaml:"origins,omitempty"`
	RPID    string   `yaml:"rp_id,omitempty"`
	Enabled *bool    `yaml:"enabled,omitempty"`

	Settings     *tenant.Settings   `yaml:"settings,omitempty"`
	Brand        *tenant.Brand      `yaml:"brand,omitempty"`
	Fields       *[]catalog.Field   `yaml:"fields,omitempty"`
	Applications *[]AppDoc          `yaml:"applications,omitempty"`
	Documents    []LegalDoc         `yaml:"documents,omitempty"`
	Purposes     *[]consent.Purpose `yaml:"purposes,omitempty"`
	Topics       *[]consent.Topic   `yaml:"topics,omitempty"`
}

// AppDoc is one application of the file.
type AppDoc struct {
	Name         string   `yaml:"name"`
	ClientID     string   `yaml:"client_id,omitempty"`
	Kind         app.Kind `yaml:"kind"`
	ThirdParty   bool     `yaml:"third_party,omitempty"`
	Disabled     bool     `yaml:"disabled,omitempty"`
	Audience     string   `yaml:"audience,omitempty"`
	Sector       string   `yaml:"sector,omitempty"`
	app.Settings `yaml:",inline"`
}

const documentVersion = 1

// source is a file as it was read, for errors that name a line.
type source struct {
	name string
	text []byte
	tree *ast.File
	doc  Document
}

const seeReference = "See docs/reference/cardea-yaml.md for every member. Nothing was changed."

// readDocument reads the file strictly: unknown and doubled members are errors.
func readDocument(name string, text []byte) (*source, error) {
	s := &source{name: name, text: text}
	var err error
	if s.tree, err = parser.ParseBytes(text, 0); err != nil {
		return nil, s.syntax(err)
	}
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict(),
		yaml.CustomUnmarshaler[app.JWKS](readJWKS), yaml.CustomUnmarshaler[[]byte](readPicture)).Decode(&s.doc)
	if err != nil && len(bytes.TrimSpace(text)) > 0 {
		return nil, s.syntax(err)
	}
	if s.doc.Version != documentVersion {
		return nil, s.wrong("$.version", fmt.Sprintf("version must be %d.", documentVersion), nil)
	}
	return s, s.check()
}

func (s *source) syntax(err error) error {
	return &Advice{Text: s.name + ": " + strings.TrimSpace(yaml.FormatError(err, false, true)), Do: seeReference}
}

// check finds what reads well and still cannot be meant.
func (s *source) check() error {
	slugs := map[string]bool{}
	for i, t := range s.doc.Tenants {
		at := fmt.Sprintf("$.tenants[%d]", i)
		if t.Slug == "" || slugs[t.Slug] {
			return s.wrong(at+".slug", "Each tenant needs a slug of its own.", nil)
		}
		slugs[t.Slug] = true
		if t.Applications == nil {
			continue
		}
		names := map[string]bool{}
		for j, a := range *t.Applications {
			key := a.ClientID
			if key == "" {
				key = "name " + a.Name
			}
			if a.Name == "" || names[key] {
				return s.wrong(fmt.Sprintf("%s.applications[%d].name", at, j), "Each application needs a name of its own, or a client_id.", nil)
			}
			names[key] = true
		}
	}
	return nil
}

// wrong names the line of a member, or of what it stands in.
func (s *source) wrong(path, text string, cause error) error {
	where := s.name
	if line := s.line(path); line > 0 {
		where += ":" + strconv.Itoa(line)
	}
	member := strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")
	return &Advice{Text: where + ": " + member + ": " + text, Do: seeReference, Err: cause}
}

func (s *source) line(path string) int {
	for path != "$" && path != "" {
		if p, err := yaml.PathString(path); err == nil {
			if n, err := p.FilterFile(s.tree); err == nil && n != nil && n.GetToken() != nil {
				return n.GetToken().Position.Line
			}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

// blame turns a refusal of core into one that names the line. path is where the
// thing stands; the fault's field is the member in it.
func (s *source) blame(path string, err error) error {
	var f *fault.Error
	if err == nil || !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return err
	}
	if f.Field != "" {
		path += "." + f.Field
	}
	return s.wrong(path, f.Text, f.Err)
}

func readJWKS(into *app.JWKS, text []byte) error {
	j, err := yaml.YAMLToJSON(text)
	*into = app.JWKS(bytes.TrimSpace(j))
	return err
}

func writeJWKS(j app.JWKS) ([]byte, error) { return j, nil } // JSON is YAML

var errPicture = errors.New("a picture stands here as base64 text")

func readPicture(into *[]byte, text []byte) error {
	var plain string
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return errPicture
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(plain), ""))
	if err != nil {
		return errPicture
	}
	*into = b
	return nil
}

func writePicture(b []byte) ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(b)), nil
}
