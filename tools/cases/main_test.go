package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestThePageIsUpToDate(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	want, err := page(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "reference", "hostile-cases.md"))
	if err != nil || string(got) != want {
		t.Errorf("docs/reference/hostile-cases.md is out of date (%v): run  go run ./tools/cases > docs/reference/hostile-cases.md", err)
	}
}

func TestANumberInANameOrInACommentInsideCounts(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "a_test.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("package a\n\nfunc TestH001_H002_X() {\n\t// H005\n}\n\n// H019 outside\nfunc helper() {}\n")
	proofs, err := find(root)
	if err != nil || len(proofs) != 3 || len(proofs["H005"]) != 1 {
		t.Fatalf("%v, %v", proofs, err)
	}
	write("package a\n\nfunc TestH999_X() {}\n")
	if _, err := page(root); err == nil || !strings.Contains(err.Error(), "H999") {
		t.Errorf("a number that no case has: %v", err)
	}
}
