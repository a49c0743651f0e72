package portal

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/privacy"
)

// archiveFormat names the form of data.json; docs/guides/privacy-requests.md
// tells it.
const archiveFormat = "cardea-archive/1"

//go:embed archive/index.html
var archivePage string

var archiveTemplate = template.Must(template.New("archive").Funcs(template.FuncMap{"words": inWords, "cell": cell}).Parse(archivePage))

// archived is data.json.
type archived struct {
	Format   string                      `json:"format"`
	Issuer   string                      `json:"issuer"`
	Name     string                      `json:"name"`
	Customer string                      `json:"customer"`
	MadeAt   time.Time                   `json:"made_at"`
	Data     map[string][]map[string]any `json:"data"`
	Cut      []string                    `json:"cut,omitempty"` // sections with more rows than an archive holds
}

// Pack writes an archive as a ZIP file: data.json for programs and index.html
// for people, which needs nothing but a browser.
func Pack(d privacy.Document) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	text, err := json.MarshalIndent(sheets(d), "", "  ")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := archiveTemplate.Execute(&page, d); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{"index.html", page.Bytes()}, {"data.json", text}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: d.At})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func sheets(d privacy.Document) archived {
	a := archived{
		Format: archiveFormat, Issuer: d.Tenant.Issuer(), Name: d.Tenant.Name, Customer: d.Customer.String(), MadeAt: d.At,
		Data: map[string][]map[string]any{},
	}
	for _, room := range d.Rooms {
		for _, s := range room.Sections {
			rows := make([]map[string]any, len(s.Rows))
			for i, r := range s.Rows {
				rows[i] = map[string]any{}
				for n, column := range s.Columns {
					if r[n] != nil {
						rows[i][column] = r[n]
					}
				}
			}
			a.Data[s.Name] = rows
			if s.Cut {
				a.Cut = append(a.Cut, s.Name)
			}
		}
	}
	return a
}

// inWords makes a name of the format readable: "last_seen" is "Last seen".
func inWords(name string) string {
	name = strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04 UTC")
	case []string:
		return strings.Join(v, ", ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(v)
}
