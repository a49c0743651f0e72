// Package house_test holds the plan of the house against the code: floors,
// stairs and the six nevers. A failure names the file and the wrong import.
package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cardea-id/cardea/"

// floors, lowest first. A floor imports lower floors only.
var floors = []string{"internal/base", "internal/core", "internal/proto", "internal/face", "internal/server", "cmd"}

// stairs says which rooms of core a room may import.
var stairs = map[string]string{
	"schema":       "",
	"tenant":       "",
	"app":          "tenant",
	"catalog":      "tenant",
	"customer":     "tenant app catalog",
	"organization": "tenant customer",
	"access":       "tenant app customer organization",
	"consent":      "tenant app catalog customer",
	"credential":   "tenant customer",
	"session":      "tenant app customer organization credential",
	"risk":         "tenant app customer credential session",
	"release":      "tenant app catalog customer organization access consent",
	"permit":       "tenant app customer organization access consent credential session risk",
	"notify":       "tenant app customer consent release",
	"grant":        "tenant app customer organization consent session release permit",
	"insight":      "tenant app catalog customer consent release",
	"signin":       "tenant app customer credential session risk permit",
	"privacy":      "tenant app catalog customer consent release notify grant",
	"account":      "*",
}

// basement says which packages of base a package of base may import.
var basement = map[string]string{
	"fault": "", "id": "fault", "secret": "fault", "db": "fault id",
	"journal": "fault id secret db", "outbound": "fault", "web": "fault secret", "ui": "fault web",
}

type file struct {
	path, dir string
	tree      *ast.File
	test      bool
}

// sources parses every Go file of the product; e2e, interop, examples and
// tools are programs of their own.
func sources(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	set, files := token.NewFileSet(), []file(nil)
	for _, root := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			tree, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			dir := filepath.ToSlash(filepath.Dir(path))
			files = append(files, file{path, dir, tree, strings.HasSuffix(path, "_test.go") || testOnly(dir)})
			return nil
		})
		if err != nil && !strings.Contains(err.Error(), "no such file") {
			t.Fatal(err)
		}
	}
	return set, files
}

// testOnly names the packages that only tests import.
func testOnly(dir string) bool {
	return strings.HasSuffix(dir, "test") && dir != "internal/base/test"
}

func imports(f file) []string {
	var out []string
	for _, i := range f.tree.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		out = append(out, path)
	}
	return out
}

func floorOf(dir string) int {
	return slices.IndexFunc(floors, func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") })
}

// room is the first folder under a floor: "internal/core/customer" -> "customer".
func room(dir string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(dir, floors[floorOf(dir)]), "/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func TestNever1_NoImportGoesUpOrSideways(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	for _, f := range files {
		if f.test {
			continue
		}
		for _, path := range imports(f) {
			if to, ours := strings.CutPrefix(path, module); ours {
				if why := wrong(f.dir, to); why != "" {
					t.Errorf("%s imports %s: %s", f.path, to, why)
				}
			}
		}
	}
}

func wrong(from, to string) string {
	if strings.HasPrefix(to, "examples/") && (from == "internal/server" || from == "cmd/cardea") {
		return "" // the demo shop, run inside `cardea dev`; it uses public protocols alone
	}
	a, b := floorOf(from), floorOf(to)
	switch {
	case b < 0:
		return "it belongs to no floor"
	case testOnly(to):
		return "only tests may"
	case b > a:
		return "an import goes down, never up"
	case b < a || room(from) == room(to):
		return ""
	}
	return sideways(floors[a], room(from), room(to))
}

func sideways(floor, from, to string) string {
	allowed, known := "", true
	switch floor {
	case "internal/core":
		allowed, known = stairs[from], knows(stairs, from)
	case "internal/base":
		allowed, known = basement[from], knows(basement, from)
	case "internal/proto", "internal/face":
		return "faces never import each other, protocols never import each other"
	}
	if !known {
		return "the room has no place on the stairs: add it to house_test.go and to house drawing"
	}
	if allowed == "*" || slices.Contains(strings.Fields(allowed), to) {
		return ""
	}
	return from + " may import only: " + allowed
}

func knows(m map[string]string, k string) bool { _, ok := m[k]; return ok }

func TestNever2_CoreSeesNoHTTPNoHTMLNoWireFormat(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	for _, f := range files {
		if f.test || !strings.HasPrefix(f.dir, "internal/core") {
			continue
		}
		for _, path := range imports(f) {
			if strings.HasPrefix(path, "net/http") || strings.HasPrefix(path, "html") || strings.HasPrefix(path, "encoding/xml") ||
				path == module+"internal/base/web" || path == module+"internal/base/ui" {
				t.Errorf("%s imports %s", f.path, path)
			}
		}
	}
}

// openers may open transactions in core, each with its reason.
var openers = map[string]string{
	"internal/core/tenant": "the cache of tenants reads them when it is told to",
}

func TestNever3_CoreOpensNoTransaction(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	for _, f := range files {
		if f.test || !strings.HasPrefix(f.dir, "internal/core") || openers[f.dir] != "" {
			continue
		}
		calls(f, func(call *ast.CallExpr, sel *ast.SelectorExpr) {
			if slices.Contains([]string{"View", "Look", "Update", "Redeem", "Claim"}, sel.Sel.Name) && len(call.Args) == 2 {
				if _, closure := call.Args[1].(*ast.FuncLit); closure {
					t.Errorf("%s opens a transaction", set.Position(call.Pos()))
				}
			}
		})
	}
}

func TestNever4_OnlyDBKnowsTheEngine(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	for _, f := range files {
		if f.test || f.dir == "internal/base/db" {
			continue
		}
		for _, path := range imports(f) {
			for _, driver := range []string{"database/sql", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/pressly/goose"} {
				if path == driver || strings.HasPrefix(path, driver+"/") && path != "database/sql/driver" {
					t.Errorf("%s imports %s", f.path, path)
				}
			}
		}
	}
}

func TestNever6_OnlyReleaseUnseals(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	for _, f := range files {
		if f.test || f.dir == "internal/core/release" || f.dir == "internal/core/customer" {
			continue
		}
		calls(f, func(call *ast.CallExpr, sel *ast.SelectorExpr) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "customer" && strings.HasPrefix(sel.Sel.Name, "Unseal") {
				t.Errorf("%s opens a personal value beside the gate", set.Position(call.Pos()))
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "customer" && sel.Sel.Name == "OpenSecret" && f.dir != "internal/core/credential" {
				t.Errorf("%s opens a credential's secret outside the room of credentials", set.Position(call.Pos()))
			}
		})
	}
}

// clocks may read the wall clock, each with its reason.
var clocks = map[string]string{
	"internal/base/db":  "retries and lock waits are real time; tx.Now comes from the house clock",
	"internal/server":   "the house clock itself",
	"internal/base/web": "the length of a request is real time",
}

func TestOneClock(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	for _, f := range files {
		if f.test || clocks[f.dir] != "" {
			continue
		}
		calls(f, func(call *ast.CallExpr, sel *ast.SelectorExpr) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
				t.Errorf("%s reads the wall clock", set.Position(call.Pos()))
			}
		})
	}
}

func TestChanceComesThroughSecret(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	for _, f := range files {
		if f.test || f.dir == "internal/base/secret" || f.dir == "internal/base/id" {
			continue
		}
		for _, path := range imports(f) {
			if path == "crypto/rand" || path == "math/rand" {
				t.Errorf("%s imports %s", f.path, path)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	said := map[string]bool{}
	for _, f := range files {
		said[f.dir] = said[f.dir] || f.tree.Doc != nil && !strings.HasSuffix(f.path, "_test.go")
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestNoPackageIsCalledByWhatItIsNot(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	for _, f := range files {
		for _, name := range []string{"util", "utils", "common", "helper", "helpers", "model", "models", "types", "service", "manager", "repository", "dto"} {
			if f.tree.Name.Name == name {
				t.Errorf("%s: package %s says nothing", f.path, name)
			}
		}
	}
}

// calls visits every call of the form x.Name(...).
func calls(f file, visit func(*ast.CallExpr, *ast.SelectorExpr)) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			visit(call, sel)
		}
		return true
	})
}
