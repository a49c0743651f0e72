// Package docs_test holds the documents against the tree.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/server"
)

var link = regexp.MustCompile(`(?:\]\(|(?:src|srcset)=")([^)"#\s]+)`)

func TestEveryLinkLeadsToAFile(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, m[1])
			}
		}
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("reference/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	config := reflect.TypeFor[server.Config]()
	for i := range config.NumField() {
		for _, tag := range []string{"yaml", "env"} {
			name := config.Field(i).Tag.Get(tag)
			if name != "-" && !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/reference/configuration.md does not tell of %s", name)
			}
		}
	}
}
