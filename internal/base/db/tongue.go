package db

import (
	"fmt"
	"regexp"
	"strings"
)

// rule forbids a way of speaking SQL that one engine lacks, or that the two
// understand differently. The pattern is matched against the statement in lower
// case, without comments, with the contents of texts left out and every space
// single.
type rule struct {
	pattern *regexp.Regexp
	why     string
}

func never(pattern, why string) rule { return rule{regexp.MustCompile(pattern), why} }

// foreign are types of which the schema has no column.
const foreign = `(numeric|decimal|real|double precision|float\d?|varchar|char|int|integer|smallint|timestamp|date|time|uuid|blob|money|inet|cidr|jsonb?|serial)`

// rules are what the house's one SQL text never holds.
var rules = []rule{
	never(`\bfor (no key )?(update|share|key share)\b|\bskip locked\b|\bnowait\b`, "row locks: SQLite has none; decide in the WHERE of the statement that writes"),
	never(`\b(any|all|some) ?\( ?\$`, "= ANY($1): SQLite has no arrays"),
	never(`->|#>|@>|<@|\?\||\bjsonb?\b|\bjsonb?_\w+`, "JSON operators: they differ silently; what is searched is a column"),
	never(`\btimestamptz\b|\btimestamp with|\binterval ''`, "date types: times are BIGINT microseconds"),
	never(`\b(now|date|time|strftime|julianday|unixepoch|extract|to_char|to_timestamp|date_trunc|date_part|age|clock_timestamp)\(`, "date functions: time comes from tx.Now"),
	never(`\bcurrent_(timestamp|date|time)\b`, "date functions: time comes from tx.Now"),
	never(`\bilike\b|\bsimilar to\b|\bglob\b|\bregexp\b|[^<>=!]~`, "ILIKE, regular expressions and GLOB: compare normalised _key columns"),
	never(`\b(lower|upper|initcap)\(`, "lower() beyond ASCII differs: normalise in Go and keep a _key column"),
	never(`\bcollate\b`, "COLLATE: the schema's mapping sets it"),
	never(`\b(big|small)serial\b|\bas identity\b|\bautoincrement\b|\bcreate sequence\b|\b(next|curr|set)val\(|\blast_insert_rowid\(`, "sequences: ids are made in Go"),
	never(`^ ?(un)?listen\b|^ ?notify\b|\bpg_\w+`, "LISTEN, NOTIFY, advisory locks and pg_ functions do not exist on SQLite"),
	never(`\bcreate (or replace )?(constraint )?(trigger|function|procedure|rule|view|extension|type|domain)\b|\bmaterialized\b`, "triggers, procedures, views and types: the schema is tables and indexes"),
	never(`\bgenerated (always|by)\b`, "generated columns"),
	never(`\bsavepoint\b|^ ?(begin|commit|rollback|end|start transaction|set|lock|vacuum|analyze|pragma|attach|truncate|copy)\b`, "transactions and sessions belong to this package"),
	never(`\bcreate (local |global )?temp(orary)?\b|\bunlogged table\b`, "temporary tables"),
	never(`\bexclude using\b|\busing (gin|gist|hash|brin|btree)\b`, "exclusion constraints and index methods"),
	never(`::`, "x::type: write CAST(x AS type)"),
	never(`\bon conflict on constraint\b|\binsert or\b|\breplace into\b|\bmerge into\b`, "spell ON CONFLICT (columns)"),
	never(`\bselect( distinct)? \*|\breturning \*|\b\w+\.\*`, "SELECT *: columns are named once, in Fields"),
	never(`\bdistinct on\b|\blateral\b|\bunnest\(|\bgenerate_series\(|\barray ?\[|\barray_agg\(|\bstring_agg\(|\bgroup_concat\(`, "one engine alone has this"),
	never(`\bifnull\(|\bnvl\(|\biif\(|\bisnull\b|\bnotnull\b|\bgreatest\(|\bleast\(|\bconcat(_ws)?\(`, "write COALESCE, CASE and ||"),
	never(`\browid\b|\boid\b|\bctid\b|\bxmin\b`, "hidden columns"),
	never(`\brandom\(|\bmd5\(|\bsha256\(|\bgen_random_uuid\(|\brandomblob\(|\bdigest\(`, "chance and digests come from base/secret"),
	never(`\bas `+foreign+` ?\)|^(create|alter) table\b.*\b\w+ `+foreign+`\b`, "types are TEXT, BIGINT, BOOLEAN and BYTEA"),
	never(`\bavg\(|\bstddev|\bvariance\(`, "avg() gives different types: divide in Go"),
	never(`\?`, "parameters are $1 to $n"),
	never(`\bdelete from \w+( as)?( \w+)? using\b|\bonly \w+ where\b`, "DELETE ... USING: write WHERE ... IN (SELECT ...)"),
	never(`\bon conflict \w`, "an ON CONFLICT needs its columns, or do it by InsertNew"),
}

var (
	sum      = regexp.MustCompile(`\bsum\(`)
	castSum  = regexp.MustCompile(`\bcast\( ?(coalesce\( ?)?sum\(`)
	like     = regexp.MustCompile(`\blike\b`)
	honest   = regexp.MustCompile(`\w_key (not )?like (\$\d+|'') escape ''`)
	doNought = regexp.MustCompile(`\bon conflict do nothing\b`)
	spaces   = regexp.MustCompile(`[ \t\r\n]+`)
)

// Check tells what in a statement breaks the rules that let one text serve two
// engines, or nil. What stands inside Pick is not looked at.
func Check(sql string) error {
	plain := plainly(sql)
	judged := doNought.ReplaceAllString(plain, "on conflict () do nothing")
	for _, r := range rules {
		if at := r.pattern.FindString(judged); at != "" {
			return fmt.Errorf("db: %q in %q: %s", strings.TrimSpace(at), sql, r.why)
		}
	}
	if len(sum.FindAllString(plain, -1)) != len(castSum.FindAllString(plain, -1)) {
		return fmt.Errorf("db: sum() in %q: write CAST(sum(n) AS BIGINT), it is NUMERIC on PostgreSQL", sql)
	}
	if len(like.FindAllString(plain, -1)) != len(honest.FindAllString(plain, -1)) {
		return fmt.Errorf("db: LIKE in %q: only as name_key LIKE $1 ESCAPE '\\', case and escapes differ otherwise", sql)
	}
	return nil
}

// plainly is sql as the rules' patterns want it.
func plainly(sql string) string {
	var b strings.Builder
	for _, t := range lex(withoutPicks(sql)) {
		switch t.kind {
		case tokenComment:
			b.WriteByte(' ')
		case tokenString:
			b.WriteString("''")
		case tokenQuoted:
			b.WriteString(`""`)
		default:
			b.WriteString(strings.ToLower(t.text))
		}
	}
	return strings.TrimSpace(spaces.ReplaceAllString(strings.ReplaceAll(b.String(), " (", "("), " "))
}

func withoutPicks(sql string) string {
	for {
		i, end := strings.IndexByte(sql, pickOpen), strings.IndexByte(sql, pickClose)
		if i < 0 || end < i {
			return sql
		}
		sql = sql[:i] + sql[end+1:]
	}
}
