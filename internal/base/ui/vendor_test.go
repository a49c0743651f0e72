package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

const root = "../../../"

func TestVendoredFiles(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "tools/vendor/vendor.json")
	if err != nil {
		t.Fatal(err)
	}
	var sources []struct {
		NPM, Version, Licence string
		Files                 []struct{ To, SHA256, Made string }
	}
	if err := json.Unmarshal(raw, &sources); err != nil {
		t.Fatal(err)
	}
	third, err := os.ReadFile(root + "THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, s := range sources {
		for _, want := range []string{s.NPM, s.Version, s.Licence} {
			if !strings.Contains(string(third), want) {
				t.Errorf("THIRD_PARTY.md does not name %s of %s", want, s.NPM)
			}
		}
		for _, f := range s.Files {
			listed[f.To] = true
			body, err := os.ReadFile(root + f.To)
			if err != nil {
				t.Error(err)
				continue
			}
			sum := sha256.Sum256(body)
			if want := f.Made; hex.EncodeToString(sum[:]) != f.SHA256 && hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s is not what was taken over", f.To)
			}
		}
	}
	for _, dir := range []string{"icons", "licences", "assets/font"} {
		names, err := fs.ReadDir(own, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if file := path.Join("internal/base/ui", dir, n.Name()); !listed[file] {
				t.Errorf("%s came from nowhere", file)
			}
		}
	}
}

func TestLicencesNameEveryModule(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	third, err := os.ReadFile(root + "THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		fields := strings.Fields(line)
		if len(fields) >= 2 && strings.HasPrefix(line, "\t") && !strings.Contains(line, "// indirect") && !strings.Contains(string(third), "| "+fields[0]+" |") {
			t.Errorf("THIRD_PARTY.md does not name %s", fields[0])
		}
	}
}
