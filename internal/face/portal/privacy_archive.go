package portal

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/privacy"
)

// The form of data.json, which docs/guides/privacy-requests.md tells. Its keys
// are never translated.
const (
	archiveFormat  = "cardea-archive/1"
	archiveVersion = 2
	archiveNote    = "data has one list per section; keys never change within a format, and may be added with a version. " +
		"Times are RFC 3339 in UTC. A key that is absent is unknown. Each entry of consents may have a signed receipt, receipts/<entry>.jws."
)

// archived is data.json.
type archived struct {
	Format   string                      `json:"format"`
	Version  int                         `json:"version"`
	Schema   string                      `json:"schema"`
	Issuer   string                      `json:"issuer"`
	Name     string                      `json:"name"`
	Customer string                      `json:"customer"`
	MadeAt   time.Time                   `json:"made_at"`
	Data     map[string][]map[string]any `json:"data"`
	Cut      []string                    `json:"cut,omitempty"` // sections with more rows than an archive holds
}

// file is one of an archive.
type file struct {
	name string
	text []byte
}

// Pack writes an archive as a ZIP file: data.json for programs, index.html for
// people in their language, which needs nothing but a browser, and a signed
// receipt of each decision that has one. It signs: call it outside of a
// transaction.
func Pack(d privacy.Document) ([]byte, error) {
	data, err := json.MarshalIndent(sheets(d), "", "  ")
	if err != nil {
		return nil, err
	}
	page, err := archivePage(d)
	if err != nil {
		return nil, err
	}
	files := []file{{"index.html", page}, {"data.json", data}}
	for _, r := range d.Receipts {
		signed, err := consent.SignReceipt(d.Tenant, r)
		if err != nil {
			return nil, err
		}
		files = append(files, file{receiptFile(r.Identifier), []byte(signed)})
	}
	return zipped(files, d.At)
}

func receiptFile(entry string) string { return "receipts/" + entry + ".jws" }

func zipped(files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func sheets(d privacy.Document) archived {
	a := archived{
		Format: archiveFormat, Version: archiveVersion, Schema: archiveNote,
		Issuer: d.Tenant.Issuer(), Name: d.Tenant.Name, Customer: d.Customer.String(), MadeAt: d.At,
		Data: map[string][]map[string]any{},
	}
	for _, room := range d.Rooms {
		for _, s := range room.Sections {
			a.Data[s.Name] = records(s)
			if s.Cut {
				a.Cut = append(a.Cut, s.Name)
			}
		}
	}
	return a
}

func records(s privacy.Section) []map[string]any {
	rows := make([]map[string]any, len(s.Rows))
	for i, r := range s.Rows {
		rows[i] = map[string]any{}
		for n, column := range s.Columns {
			if r[n] != nil {
				rows[i][column] = r[n]
			}
		}
	}
	return rows
}
