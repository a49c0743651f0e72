package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// LegalDoc is one legal text of the file, in one version and language. The
// words themselves lie at URL; what is kept of them is their digest.
type LegalDoc struct {
	Kind      string `yaml:"kind"`
	Version   int64  `yaml:"version"`
	Locale    string `yaml:"locale"`
	Title     string `yaml:"title"`
	URL       string `yaml:"url"`
	Effective string `yaml:"effective,omitempty"` // 2026-02-01, or an instant; left out: from now on
	Text      string `yaml:"text,omitempty"`      // the file with the words, beside cardea.yaml
	// Grace is for how long from then on customers may put accepting it off.
	Grace  tenant.Duration `yaml:"grace,omitempty"`
	SHA256 string          `yaml:"sha256,omitempty"` // its digest, where the file is not at hand
}

// legal are the tenant's texts as the consent room knows them, read before the
// transaction begins.
func (s *source) legal(i int) ([]consent.Document, error) {
	list := s.doc.Tenants[i].Documents
	out := make([]consent.Document, len(list))
	seen := map[string]bool{}
	for j, d := range list {
		path := fmt.Sprintf("$.tenants[%d].documents[%d]", i, j)
		if seen[d.name()] {
			return nil, s.wrong(path+".version", "Each text stands in the file once for each kind, version and language.", nil)
		}
		seen[d.name()] = true
		digest, err := s.digest(path, d)
		if err != nil {
			return nil, err
		}
		from, err := effective(d.Effective)
		if err != nil {
			return nil, s.wrong(path+".effective", "A date is written 2026-02-01, an instant 2026-02-01T09:00:00Z.", nil)
		}
		out[j] = consent.Document{
			Kind: d.Kind, Version: d.Version, Locale: d.Locale, Title: d.Title, URL: d.URL, Digest: digest, EffectiveAt: from,
			Grace: time.Duration(d.Grace),
		}
	}
	return out, nil
}

func (d *LegalDoc) name() string { return fmt.Sprintf("%s %d %s", d.Kind, d.Version, d.Locale) }

// digest reads the file with the words, beside the file that names it. Where
// both are given they must agree.
func (s *source) digest(path string, d LegalDoc) (sum [32]byte, err error) {
	if d.Text == "" && d.SHA256 == "" {
		return sum, s.wrong(path, "The words are missing: name their file with text, or give its sha256.", nil)
	}
	if d.SHA256 != "" {
		given, err := hex.DecodeString(d.SHA256)
		if err != nil || len(given) != len(sum) {
			return sum, s.wrong(path+".sha256", "A digest has 64 hexadecimal digits, as sha256sum prints them.", nil)
		}
		sum = [32]byte(given)
	}
	if d.Text == "" {
		return sum, nil
	}
	name := d.Text
	if !filepath.IsAbs(name) && s.name != "-" {
		name = filepath.Join(filepath.Dir(s.name), name)
	}
	words, err := os.ReadFile(name)
	if err != nil {
		return sum, s.wrong(path+".text", "The file with the words cannot be read.", err)
	}
	read := sha256.Sum256(words)
	if d.SHA256 != "" && read != sum {
		return sum, s.wrong(path+".sha256", "The file with the words has another digest: "+hex.EncodeToString(read[:])+".", nil)
	}
	return read, nil
}

// effective reads a date, which begins in UTC, or an instant.
func effective(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC().Truncate(time.Microsecond), err
}

// documents publishes the texts that are new. What was published stays: other
// words are another version.
func (a *applier) documents() error {
	was, err := consent.Published(a.tx, a.t)
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	for i, d := range a.texts {
		path := fmt.Sprintf("%s.documents[%d]", a.path, i)
		old, there := published(was, d)
		if there && d.Differs(old) == "" {
			continue
		}
		err := consent.PutDocument(a.tx, a.t, d)
		if errors.Is(err, consent.ErrFixedDocument) {
			member := fault.Of(err).Field
			if member == "text" && a.doc.Documents[i].Text == "" {
				member = "sha256"
			}
			return a.source.fixed(path, member, d, latest(was, a.texts, d.Kind)+1)
		}
		if err != nil {
			return a.source.blame(path, err)
		}
		c := Change{Tenant: a.doc.Slug, What: "document", Name: a.doc.Documents[i].name(), Act: "created"}
		if newest := latest(was, nil, d.Kind); d.Version > newest && d.Version == latest(nil, a.texts, d.Kind) && !asked[d.Kind] {
			asked[d.Kind] = true
			if c.Asks, err = a.asks(d, newest > 0); err != nil {
				return err
			}
		}
		a.changes = append(a.changes, c)
	}
	return nil
}

// Asks tells what a new version of a legal text, or of a purpose, means for
// customers.
type Asks struct {
	Customers int64     `json:"customers"` // who accept a text at their next sign-in, or whose consent to a purpose ends
	Again     bool      `json:"again"`     // there was a version before
	From      time.Time `json:"from,omitzero"`
}

func (a *applier) asks(d consent.Document, again bool) (*Asks, error) {
	n, err := consent.Asked(a.tx, a.t, d.Kind, d.Version)
	out := &Asks{Customers: n, Again: again}
	if d.EffectiveAt.After(a.tx.Now) {
		out.From = d.EffectiveAt
	}
	return out, err
}

func published(list []consent.Document, d consent.Document) (consent.Document, bool) {
	for _, old := range list {
		if old.Kind == d.Kind && old.Version == d.Version && old.Locale == d.Locale {
			return old, true
		}
	}
	return consent.Document{}, false
}

// latest is the highest version of a kind in either list, 0 if there is none.
func latest(was, is []consent.Document, kind string) (n int64) {
	for _, list := range [][]consent.Document{was, is} {
		for _, d := range list {
			if d.Kind == kind {
				n = max(n, d.Version)
			}
		}
	}
	return n
}

// fixed refuses another text under a version that was published.
func (s *source) fixed(path, member string, d consent.Document, next int64) error {
	err := s.wrong(path+"."+member, fmt.Sprintf("Version %d of %s (%s) was published with another %s, and customers may have accepted it.", d.Version, d.Kind, d.Locale, member), nil)
	a := Advise(err)
	a.Do = "Give the new text a version of its own, " + strconv.FormatInt(next, 10) + ", beside the former one or in its place: customers are asked again at their next sign-in. Or put this one back as it was. Nothing was changed."
	return a
}

// exportDocuments writes every version, the latest first.
func exportDocuments(tx *db.Tx, t *tenant.Tenant) ([]LegalDoc, error) {
	list, err := consent.Published(tx, t)
	out := make([]LegalDoc, len(list))
	for i, d := range list {
		out[i] = LegalDoc{
			Kind: d.Kind, Version: d.Version, Locale: d.Locale, Title: d.Title, URL: d.URL,
			Effective: strings.TrimSuffix(d.EffectiveAt.UTC().Format(time.RFC3339Nano), "T00:00:00Z"), SHA256: hex.EncodeToString(d.Digest[:]),
			Grace: tenant.Duration(d.Grace),
		}
	}
	return out, err
}
