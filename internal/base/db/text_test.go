package db

import (
	"strings"
	"testing"
)

func TestParametersAreNumberedForSQLite(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`a = $1 AND b = $12`:            `a = ?1 AND b = ?12`,
		`'$1' "$1" -- $1`:               `'$1' "$1" -- $1`,
		"/* $1 */ $2":                   "/* $1 */ ?2",
		`'it''s $1' || $2`:              `'it''s $1' || ?2`,
		Pick("pg $1", "lite $1", "why"): "lite ?1",
	} {
		lite := texts{lite: true}
		for range 2 { // the second time it is remembered
			if got, err := lite.of(in); err != nil || got != want {
				t.Errorf("%q: %q, %v", in, got, err)
			}
		}
	}
	pg := texts{}
	if got, err := pg.of("x " + Pick("pg $1", "lite $1", "why") + " y"); err != nil || got != "x pg $1 y" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLexingLosesNothing(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{"", "'open", `"open`, "/* open", "-- open", "$", "$x $1", "ä;ö'ü''", "a\x00b"} {
		var b strings.Builder
		for _, p := range lex(sql) {
			b.WriteString(p.text)
		}
		if b.String() != sql {
			t.Errorf("%q became %q", sql, b.String())
		}
	}
}

func FuzzLexingLosesNothing(f *testing.F) {
	f.Add("SELECT 'a''b', $1 -- c\n/* d */")
	f.Fuzz(func(t *testing.T, sql string) {
		var b strings.Builder
		for _, p := range lex(sql) {
			b.WriteString(p.text)
		}
		if b.String() != sql {
			t.Errorf("%q became %q", sql, b.String())
		}
	})
}

func TestAMigrationIsSpelledForEachEngine(t *testing.T) {
	t.Parallel()
	const house = `-- TEXT in a comment
CREATE TABLE a (
  id BYTEA NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '', -- 'BIGINT'
  n BIGINT, -- ; not the end
  ok BOOLEAN NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX a_n ON a (CAST(n AS TEXT));
-- wide
CREATE TABLE b (id BIGINT PRIMARY KEY);
`
	const lite = `-- TEXT in a comment
CREATE TABLE a (
  id BLOB NOT NULL DEFAULT x'',
  name TEXT NOT NULL DEFAULT '', -- 'BIGINT'
  n INTEGER, -- ; not the end
  ok INTEGER NOT NULL,
  PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX a_n ON a (CAST(n AS TEXT));
-- wide
CREATE TABLE b (id INTEGER PRIMARY KEY) STRICT;
`
	if got, err := dialectOf(house, true); err != nil || got != lite {
		t.Errorf("%v\n%s", err, got)
	}
	pg := strings.Replace(house, "name TEXT", `name TEXT COLLATE "C"`, 1)
	if got, err := dialectOf(house, false); err != nil || got != pg {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestOnlyOneUpdateIsKeptByAKeep(t *testing.T) {
	t.Parallel()
	commit, told := verdict(Keep(errOver))
	if !commit || told != errOver {
		t.Errorf("%v, %v", commit, told)
	}
	if commit, _ := verdict(told); commit {
		t.Error("a kept error keeps again")
	}
}
