// Command cases prints docs/reference/hostile-cases.md: every hostile case with
// the tests that carry its number, in their names or in a comment inside.
//
//	go run ./tools/cases > docs/reference/hostile-cases.md
//
// The cases stand in cases.txt. A test with a number that does not stand there
// is an error.
package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed cases.txt
var list string

// hostile is one case. waits names what it attacks if Cardea has not that yet.
type hostile struct{ number, what, waits string }

// class is a letter's cases.
type class struct {
	name  string
	cases []hostile
}

// proof is a test and the file in which it stands.
type proof struct{ path, test string }

func main() {
	text, err := page(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "cases:", err)
		os.Exit(1)
	}
	fmt.Print(text)
}

// page writes the document for the repository at root.
func page(root string) (string, error) {
	classes := read(list)
	proofs, err := find(root)
	if err != nil {
		return "", err
	}
	known := map[string]bool{}
	for _, c := range classes {
		for _, h := range c.cases {
			known[h.number] = true
		}
	}
	for number, by := range proofs {
		if !known[number] {
			return "", fmt.Errorf("%s in %s has the number %s, which is not in tools/cases/cases.txt", by[0].test, by[0].path, number)
		}
	}
	return write(classes, proofs), nil
}

// read reads cases.txt: a line with one letter begins a class.
func read(text string) (out []class) {
	for line := range strings.Lines(text) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		what, waits, _ := strings.Cut(rest, " | ")
		switch {
		case key == "" || key == "#":
		case len(key) == 1:
			out = append(out, class{name: key + ". " + what})
		default:
			last := &out[len(out)-1]
			last.cases = append(last.cases, hostile{key, what, waits})
		}
	}
	return out
}

// find looks through every Go test of the repository.
func find(root string) (map[string][]proof, error) {
	proofs := map[string][]proof{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return look(root, path, proofs)
	})
	return proofs, err
}

var number = regexp.MustCompile(`H\d{3}`)

// look notes the numbers that the tests of one file carry.
func look(root, path string, proofs map[string][]proof) error {
	tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		words := f.Name.Name
		for _, c := range tree.Comments {
			if c.Pos() >= f.Pos() && c.End() <= f.End() {
				words += " " + c.Text()
			}
		}
		for _, n := range number.FindAllString(words, -1) {
			p := proof{filepath.ToSlash(rel), f.Name.Name}
			if !slices.Contains(proofs[n], p) {
				proofs[n] = append(proofs[n], p)
			}
		}
	}
	return nil
}

const head = `# Hostile cases

Attacks that are known to have worked against servers like this one, by number, with the tests that try them here. A test carries the number of its case in its name or in a comment inside. This page is made by ` + "`go run ./tools/cases`" + `; a test fails when it is out of date.

**%d** of %d cases have a test. %d attack something that Cardea does not have yet, and get theirs together with it.
`

func write(classes []class, proofs map[string][]proof) string {
	var b strings.Builder
	var all, tested, waiting int
	for _, c := range classes {
		fmt.Fprintf(&b, "\n## %s\n\n| | Case | Tests |\n|---|---|---|\n", c.name)
		for _, h := range c.cases {
			all++
			tests := strings.Join(links(proofs[h.number]), "<br>")
			switch {
			case tests != "":
				tested++
			case h.waits != "":
				waiting++
				tests = "not there yet: " + h.waits
			default:
				tests = "none under this number"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", h.number, h.what, tests)
		}
	}
	return fmt.Sprintf(head, tested, all, waiting) + b.String()
}

func links(by []proof) (out []string) {
	for _, p := range by {
		out = append(out, "["+p.test+"](../../"+p.path+")")
	}
	return out
}
