package server

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// BundleType is the typ of the signature of a bundle's manifest (RFC 7515
// section 4.1.9).
const BundleType = "case-bundle+jwt"

const bundleFormat = "cardea-case-bundle/1"

// The files of a bundle that say what the others are.
const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.jws"
)

//go:embed casefile.html
var caseFilePage string

var caseFileTemplate = template.Must(template.New("case").Parse(caseFilePage))

// evidence is what belongs to a case, between the transaction that read it and
// the file.
type evidence struct {
	Request
	Tenant       *tenant.Tenant `json:"-"`
	At           time.Time      `json:"-"`
	events       []chained
	ledger       []decided
	disclosures  []disclosed
	told         []toldTo
	certificates []privacy.Certificate
}

// chained is an event of the case with its place in the journal's chain.
type chained struct {
	ID       string          `json:"id"`
	Name     string          `json:"event"`
	At       time.Time       `json:"at"`
	Bucket   int64           `json:"bucket"`
	Seq      int64           `json:"seq,omitempty"` // none: not chained yet
	Header   string          `json:"header_sha256"`
	Payload  string          `json:"payload_sha256"`
	Previous string          `json:"previous_link"`
	Link     string          `json:"link,omitempty"`
	Text     json.RawMessage `json:"says,omitempty"`
}

// decided is an entry of the consent ledger.
type decided struct {
	ID       string    `json:"id"`
	Purpose  string    `json:"purpose"`
	Item     string    `json:"item"`
	Decision string    `json:"decision"`
	Version  int64     `json:"version,omitempty"`
	Surface  string    `json:"surface"`
	Method   string    `json:"method"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Digest   string    `json:"sha256"`
}

// disclosed is a line of the record of disclosures.
type disclosed struct {
	Recipient string    `json:"recipient"`
	Purpose   string    `json:"purpose"`
	Fields    []string  `json:"fields"`
	Reason    string    `json:"reason,omitempty"`
	Times     int64     `json:"times"`
	First     time.Time `json:"first_at"`
	Last      time.Time `json:"last_at"`
}

// toldTo is a recipient that was told of something.
type toldTo struct {
	Application  string    `json:"application"`
	Type         string    `json:"type"`
	About        string    `json:"about,omitempty"`
	State        string    `json:"state"`
	Happened     time.Time `json:"happened_at"`
	Acknowledged time.Time `json:"acknowledged_at,omitzero"`
}

// mostDisclosures bounds the record in a bundle.
const mostDisclosures = 10_000

// BundleRequest makes the evidence of a case as a ZIP file: what was asked, what
// happened, the events of it with their places in the chain of the journal, the
// customer's ledger, who saw what, who was told and acknowledged, certificates
// of the erasure, and a manifest of all digests under the tenant's signature.
// That it was made is kept with the reason.
func (b *Base) BundleRequest(ctx context.Context, t *tenant.Tenant, ref, reason string) ([]byte, error) {
	id, err := parseCase(ref)
	if err != nil {
		return nil, err
	}
	var e evidence
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		c, err := privacy.GetCase(tx, t, id)
		if err != nil {
			return err
		}
		e = evidence{Tenant: t, At: tx.Now}
		if e.Request, err = openRequest(tx, t, &c, reason); err != nil {
			return err
		}
		return e.gather(tx, &c)
	})
	if err != nil {
		return nil, err
	}
	return e.pack()
}

// gather reads what lies beside the case.
func (e *evidence) gather(tx *db.Tx, c *privacy.Case) error {
	proofs, err := journal.Proofs(tx, e.Tenant.ID, c.CustomerID, func(r journal.Recorded) bool { return ofCase(&r, c) })
	if err != nil {
		return err
	}
	for _, p := range proofs {
		one := chained{
			ID: hex.EncodeToString(p.ID[:]), Name: p.Name, At: p.At, Bucket: p.Bucket, Seq: p.Seq, Header: hex.EncodeToString(p.Header[:]),
			Payload: hex.EncodeToString(p.Payload[:]), Previous: hex.EncodeToString(p.Previous[:]), Text: p.Text,
		}
		if p.Seq > 0 {
			if !p.Holds() {
				return failed("The journal of this case does not hold: an event or a link was changed.", "Run 'cardea audit verify', which names it.", nil)
			}
			one.Link = hex.EncodeToString(p.Link[:])
		}
		e.events = append(e.events, one)
	}
	if err := e.gatherLedger(tx, c); err != nil {
		return err
	}
	told, err := notify.Acknowledgements(tx, e.Tenant, c.CustomerID)
	for _, a := range told {
		e.told = append(e.told, toldTo{a.Application, a.Type, a.About, a.State, a.HappenedAt, a.AcknowledgedAt})
	}
	if err != nil {
		return err
	}
	e.certificates, err = privacy.Certificates(tx, e.Tenant, c.CustomerID)
	return err
}

// ofCase tells which events belong to a case: its own, and what was done to the
// account and to consents while it was open.
func ofCase(r *journal.Recorded, c *privacy.Case) bool {
	if strings.HasPrefix(r.Name, "privacy.case_") {
		var acted privacy.CaseActed
		return r.Decode(&acted) == nil && acted.Case == c.ID
	}
	if r.At.Before(c.OpenedAt) || !c.ClosedAt.IsZero() && r.At.After(c.ClosedAt) {
		return false
	}
	for _, room := range []string{"privacy.", "consent.", "account.", "customer.erased", "customer.profile_changed", "customer.disclosed", "customer.state_changed"} {
		if strings.HasPrefix(r.Name, room) {
			return true
		}
	}
	return false
}

func (e *evidence) gatherLedger(tx *db.Tx, c *privacy.Case) error {
	entries, err := consent.Ledger(tx, e.Tenant, c.CustomerID)
	if err != nil {
		return err
	}
	for i := range entries {
		n := &entries[i]
		digest := n.Digest()
		e.ledger = append(e.ledger, decided{
			n.ID.String(), n.Purpose, n.Item, n.Decision, n.Version, n.Surface, n.Method, n.ActorKind, n.MadeAt, hex.EncodeToString(digest[:]),
		})
	}
	record, err := release.Record(tx, e.Tenant, c.CustomerID, mostDisclosures)
	for _, r := range record {
		if !c.ClosedAt.IsZero() && r.FirstAt.After(c.ClosedAt) {
			continue // of the time of the case, not of who read its bundle later
		}
		e.disclosures = append(e.disclosures, disclosed{r.RecipientKind, r.Purpose, strings.Fields(r.Names), r.Reason, r.Times, r.FirstAt, r.LastAt})
	}
	return err
}

// bundleManifest is manifest.json, which is what is signed.
type bundleManifest struct {
	Format   string            `json:"format"`
	Issuer   string            `json:"iss"`
	IssuedAt int64             `json:"iat"`
	Case     string            `json:"case"`
	Files    map[string]string `json:"files"` // name: SHA-256, hexadecimal
}

// pack writes the files, digests and signs them, outside of any transaction.
func (e *evidence) pack() ([]byte, error) {
	files := map[string][]byte{}
	for name, v := range map[string]any{
		"case.json": e.Request, "events.json": e.events, "consents.json": e.ledger, "disclosures.json": e.disclosures, "told.json": e.told,
	} {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil, err
		}
		files[name] = append(text, '\n')
	}
	var page bytes.Buffer
	if err := caseFileTemplate.Execute(&page, e); err != nil {
		return nil, err
	}
	table, err := e.table()
	if err != nil {
		return nil, err
	}
	files["case.html"], files["history.csv"] = page.Bytes(), table
	for i, c := range e.certificates {
		files[fmt.Sprintf("certificate-%d-%s.jws", i+1, c.Statement)] = []byte(c.Signed)
	}
	return e.seal(files)
}

// seal adds the manifest with its signature and makes one file of all.
func (e *evidence) seal(files map[string][]byte) ([]byte, error) {
	m := bundleManifest{Format: bundleFormat, Issuer: e.Tenant.Issuer(), IssuedAt: e.At.Unix(), Case: e.ID, Files: map[string]string{}}
	for name, text := range files {
		sum := sha256.Sum256(text)
		m.Files[name] = hex.EncodeToString(sum[:])
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	key, err := e.Tenant.Signer(tenant.ES256)
	if err != nil {
		return nil, err
	}
	token, err := key.Sign(BundleType, text)
	if err != nil {
		return nil, err
	}
	files[manifestFile], files[signatureFile] = text, []byte(token)
	return zipped(files, e.At)
}

func zipped(files map[string][]byte, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

// table is the history as comma-separated values, of which no cell is taken for
// a formula (H166).
func (e *evidence) table() ([]byte, error) {
	var out bytes.Buffer
	sheet := ui.NewSheet(&out, "at", "act", "by", "told", "due", "words", "sha256")
	for _, l := range e.History {
		sheet.Row(l.At.Format(time.RFC3339), l.Act, l.By, fmt.Sprint(l.Told), l.DueAt.Format(time.RFC3339), l.Words, l.Digest)
	}
	err := sheet.End()
	return out.Bytes(), err
}

// Bounds of what is read of a bundle that somebody hands over.
const (
	mostBundleFiles = 64
	mostBundleBytes = 64 << 20
)

// errBundle is told of a bundle in which something does not fit. It names the
// first file that does not.
func errBundle(file, why string) error {
	return &Advice{
		Text: "The bundle does not verify: " + file + " " + why + ".",
		Do:   "Do not rely on it. Make it again with 'cardea case bundle', or verify it with the key set of the issuer at that time.",
	}
}

// VerifyBundleWith verifies a bundle with a key set alone, with no house, and
// returns the case that it is about. It fails on the first file that does not
// fit.
func VerifyBundleWith(jwks, bundle []byte) (caseID, issuer string, files int, err error) {
	content, err := unzipped(bundle)
	if err != nil {
		return "", "", 0, err
	}
	claims, err := verifyWith(jwks, BundleType, string(content[signatureFile]))
	switch {
	case errors.Is(err, errSignature):
		return "", "", 0, errBundle(signatureFile, "was not signed by one of these keys, or was changed")
	case err != nil:
		return "", "", 0, err
	case !bytes.Equal(claims, content[manifestFile]):
		return "", "", 0, errBundle(manifestFile, "is not what was signed")
	}
	var m bundleManifest
	if json.Unmarshal(claims, &m) != nil || m.Format != bundleFormat {
		return "", "", 0, errBundle(manifestFile, "is of another format")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		text, there := content[name]
		sum := sha256.Sum256(text)
		switch {
		case !there:
			return "", "", 0, errBundle(name, "is missing")
		case hex.EncodeToString(sum[:]) != m.Files[name]:
			return "", "", 0, errBundle(name, "was changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if _, listed := m.Files[name]; !listed && name != manifestFile && name != signatureFile {
			return "", "", 0, errBundle(name, "was added")
		}
	}
	return m.Case, m.Issuer, len(m.Files), nil
}

// unzipped reads a bundle, within bounds.
func unzipped(bundle []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil || len(z.File) > mostBundleFiles {
		return nil, &Advice{Text: "This is no bundle of a case.", Do: "Give the ZIP file that 'cardea case bundle' wrote.", Err: err}
	}
	out, left := map[string][]byte{}, int64(mostBundleBytes)
	for _, f := range z.File {
		if _, twice := out[f.Name]; twice {
			return nil, errBundle(f.Name, "stands in it twice")
		}
		r, err := f.Open()
		if err != nil {
			return nil, errBundle(f.Name, "cannot be read")
		}
		text, err := io.ReadAll(io.LimitReader(r, left+1))
		if errors.Join(err, r.Close()) != nil {
			return nil, errBundle(f.Name, "cannot be read")
		}
		if left -= int64(len(text)); left < 0 {
			return nil, errBundle(f.Name, "is too long")
		}
		out[f.Name] = text
	}
	return out, nil
}
