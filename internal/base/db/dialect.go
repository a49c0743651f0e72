package db

import (
	"fmt"
	"strings"
)

// dialectOf spells a migration for one engine.
//
// SQLite: BIGINT and BOOLEAN become INTEGER, BYTEA becomes BLOB and a default
// of the empty text on it the empty blob; tables are STRICT, and WITHOUT ROWID
// unless a comment "-- wide" stands right before CREATE TABLE or inside it (rows
// over about 200 bytes are better off in a table with a rowid). PostgreSQL: the
// type TEXT gets COLLATE "C", so that both engines order by bytes. "C", so that both engines order by bytes.
func dialectOf(sql string, lite bool) (string, error) {
	var out strings.Builder
	for _, s := range statements(lex(sql)) {
		if lite {
			mapped, err := liteStatement(s)
			if err != nil {
				return "", err
			}
			out.WriteString(mapped)
			continue
		}
		out.WriteString(pgStatement(s))
	}
	return out.String(), nil
}

// statements cuts at every semicolon, which stays with what it ends. Comments
// before a statement belong to it.
func statements(tokens []token) [][]token {
	var out [][]token
	begin := 0
	for i, t := range tokens {
		if t.text == ";" && t.kind == tokenSign {
			out = append(out, tokens[begin:i+1])
			begin = i + 1
		}
	}
	return append(out, tokens[begin:])
}

// words gives a statement's words in capitals, without comments and spaces.
func words(s []token) []string {
	var out []string
	for _, t := range s {
		if t.kind != tokenSpace && t.kind != tokenComment {
			out = append(out, strings.ToUpper(t.text))
		}
	}
	return out
}

func liteStatement(s []token) (string, error) {
	w := words(s)
	table := len(w) > 2 && w[0] == "CREATE" && w[1] == "TABLE"
	wide, end := false, len(s)
	binary := false // inside the definition of a BYTEA column
	var out []string
	for i, t := range s {
		switch upper := strings.ToUpper(t.text); {
		case t.kind == tokenComment:
			wide = wide || strings.TrimSpace(strings.TrimPrefix(t.text, "--")) == "wide"
		case t.kind == tokenSign && (upper == "," || upper == ";"):
			binary = false
			if upper == ";" {
				end = i
			}
		case t.kind == tokenWord && upper == "BYTEA":
			binary = true
		}
		out = append(out, liteToken(t, binary))
	}
	if !table {
		return strings.Join(out, ""), nil
	}
	suffix := " STRICT, WITHOUT ROWID"
	if wide {
		suffix = " STRICT"
	} else if !strings.Contains(strings.Join(w, " "), "PRIMARY KEY") {
		return "", fmt.Errorf("table %s has no PRIMARY KEY and is not marked -- wide", strings.ToLower(w[2]))
	}
	return strings.Join(out[:end], "") + suffix + strings.Join(out[end:], ""), nil
}

func liteToken(t token, binary bool) string {
	if t.kind == tokenString && t.text == "''" && binary {
		return "x''"
	}
	if t.kind != tokenWord {
		return t.text
	}
	switch strings.ToUpper(t.text) {
	case "BIGINT", "BOOLEAN":
		return "INTEGER"
	case "BYTEA":
		return "BLOB"
	}
	return t.text
}

// pgStatement leaves casts alone, where a collation has no place.
func pgStatement(s []token) string {
	var out strings.Builder
	w := words(s)
	ddl := len(w) > 1 && (w[0] == "CREATE" || w[0] == "ALTER") && w[1] == "TABLE"
	before := ""
	for _, t := range s {
		out.WriteString(t.text)
		if t.kind == tokenSpace || t.kind == tokenComment {
			continue
		}
		if ddl && t.kind == tokenWord && strings.EqualFold(t.text, "TEXT") && before != "AS" {
			out.WriteString(` COLLATE "C"`)
		}
		before = strings.ToUpper(t.text)
	}
	return out.String()
}
