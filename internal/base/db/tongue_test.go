package db

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestCheckFindsWhatOneEngineLacks(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"SELECT id FROM customer WHERE id = $1 FOR UPDATE",
		"SELECT id FROM job WHERE due < $1 FOR UPDATE SKIP LOCKED",
		"SELECT id FROM customer WHERE id = ANY($1)",
		"SELECT id FROM customer WHERE id = ANY ($1)",
		"SELECT settings->>'k' FROM tenant",
		"SELECT CAST(settings AS jsonb) FROM tenant",
		"ALTER TABLE tenant ADD COLUMN at TIMESTAMPTZ",
		"CREATE TABLE x (id INTEGER NOT NULL)",
		"CREATE TABLE x (id BIGSERIAL)",
		"CREATE TABLE x (id BIGINT GENERATED ALWAYS AS IDENTITY)",
		"SELECT now() FROM tenant",
		"SELECT CURRENT_TIMESTAMP FROM tenant",
		"SELECT id FROM customer WHERE name ILIKE $1",
		"SELECT id FROM customer WHERE name LIKE $1",
		"SELECT id FROM customer WHERE name_key LIKE $1",
		"SELECT id FROM customer WHERE lower(name) = $1",
		"SELECT nextval('s')",
		"NOTIFY jobs",
		"SELECT pg_advisory_lock($1)",
		"CREATE TRIGGER t AFTER INSERT ON x",
		"CREATE MATERIALIZED VIEW v AS SELECT id FROM x",
		"SAVEPOINT s",
		"CREATE TEMPORARY TABLE x (id BYTEA)",
		"SELECT $1::bigint",
		"SELECT * FROM customer",
		"UPDATE customer SET n = 1 RETURNING *",
		"SELECT sum(n) FROM counter",
		"INSERT OR REPLACE INTO x (id) VALUES ($1)",
		"SELECT id FROM x WHERE id = ?",
		"DELETE FROM a USING b WHERE a.id = b.id",
		"INSERT INTO x (id) VALUES ($1) ON CONFLICT DO UPDATE SET id = $1",
	} {
		if Check(sql) == nil {
			t.Errorf("nothing is wrong with %q", sql)
		}
	}
}

func TestCheckLetsTheHousesSQLPass(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"FROM customer WHERE tenant_id = $1 AND id = $2",
		"SELECT count(*) FROM customer -- now() in a comment",
		"SELECT 'now() and SKIP LOCKED -> ?' FROM customer",
		"SELECT CAST(sum(n) AS BIGINT) FROM counter",
		"SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM counter WHERE (a, b) > ($1, $2) ORDER BY a NULLS LAST",
		"SELECT id FROM customer WHERE name_key LIKE $1 ESCAPE '\\'",
		"INSERT INTO throttle (k, n) VALUES ($1, 1) ON CONFLICT (k) DO UPDATE SET n = throttle.n + 1 WHERE throttle.n < $2",
		"INSERT INTO x (id) VALUES ($1) ON CONFLICT DO NOTHING",
		"WITH gone AS (SELECT id FROM code WHERE expires_at < $1 LIMIT 10) DELETE FROM code WHERE id IN (SELECT id FROM gone)",
		"SELECT row_number() OVER (ORDER BY id) FROM customer WHERE a IS NOT DISTINCT FROM $1",
		"SELECT " + Pick("pg_backend_pid()", "random()", "a test") + " FROM tenant",
	} {
		if err := Check(sql); err != nil {
			t.Error(err)
		}
	}
}

// maxPicks is how many places in the house may need two spellings. Raise it
// only with a reason that Pick's third argument tells.
const maxPicks = 6

// strangers look at a database past the house, each with its reason.
var strangers = map[string]string{
	"internal/server/bench_test.go":        "asks PostgreSQL for its processes, to count their CPU",
	"internal/server/hostile_dump_test.go": "dumps every table as a thief would",
}

// TestTheHouseSpeaksOneSQL looks at every string of the repository's Go code
// that is a statement or a piece of one, and at every migration.
func TestTheHouseSpeaksOneSQL(t *testing.T) {
	t.Parallel()
	root := repository(t)
	picks, seen := 0, 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return skipped(root, path, e, err)
		}
		switch filepath.Ext(path) {
		case ".go":
			rel, _ := filepath.Rel(root, path)
			if strangers[filepath.ToSlash(rel)] != "" {
				return nil
			}
			p, s := inspect(t, path)
			picks, seen = picks+p, seen+s
		case ".sql":
			checkMigration(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if picks > maxPicks {
		t.Errorf("%d uses of db.Pick, at most %d are allowed", picks, maxPicks)
	}
	t.Logf("%d pieces of SQL, %d uses of db.Pick", seen, picks)
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// skipped leaves out what is not ours, and this package: it speaks to engines.
func skipped(root, path string, e fs.DirEntry, err error) error {
	if err != nil || path == root {
		return err
	}
	rel, _ := filepath.Rel(root, path)
	if e.Name() == "node_modules" || e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") || rel == filepath.FromSlash("internal/base/db") {
		return filepath.SkipDir
	}
	return nil
}

func checkMigration(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	for _, s := range statements(lex(string(text))) {
		var b strings.Builder
		for _, piece := range s {
			b.WriteString(piece.text)
		}
		if err := Check(b.String()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// piecesOfSQL are strings that begin like a statement or hold a parameter
// behind a keyword. Keywords are in capitals in this house.
var piecesOfSQL = regexp.MustCompile(`(?s)^\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s|WITH\s+\w+(\s*\([^)]*\))?\s+AS\s|FROM\s+[a-z_]+|CREATE\s+(UNIQUE\s+)?(TABLE|INDEX)\s|ALTER TABLE\s|DROP\s+(TABLE|INDEX)\s)|\b(WHERE|AND|OR|ORDER BY|SET|VALUES|LIMIT)\b.*\$\d`)

// inspect counts a file's Picks and pieces of SQL and tells what is wrong.
func inspect(t *testing.T, path string) (picks, seen int) {
	set := gotoken.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Logf("%s cannot be read: %v", path, err)
		return 0, 0
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && isPick(call) {
			picks++
			if len(call.Args) == 3 && literal(call.Args[2]) == "" {
				t.Errorf("%s: a Pick gives its reason as a text", set.Position(call.Pos()))
			}
			return false
		}
		text := ""
		if e, ok := n.(*ast.BasicLit); ok {
			text = literal(e)
		}
		if !piecesOfSQL.MatchString(text) {
			return true
		}
		seen++
		if err := Check(text); err != nil {
			t.Errorf("%s: %v", set.Position(n.Pos()), err)
		}
		return true
	})
	return picks, seen
}

func isPick(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Pick" {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "db"
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != gotoken.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}
