// Command benchtable reads what `go test -bench` prints for internal/server and
// writes the table into docs/performance.md, between its two marks.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// budget is a row of the table: the benchmark, what it is called, and what it
// may cost in milliseconds of CPU on SQLite and PostgreSQL.
type budget struct{ name, title, lite, pg string }

var budgets = []budget{
	{"bare_answer", "a bare `net/http` answer", "", ""},
	{"client_credentials", "client_credentials, ES256 JWT", "0.12", "0.12"},
	{"introspection", "introspection of a live token", "0.08", "0.15"},
	{"refresh_with_rotation", "refresh with rotation", "0.25", "0.50"},
	{"userinfo", "userinfo", "0.10", "0.20"},
	{"JWKS", "JWKS", "0.035", "0.035"},
	{"discovery", "discovery", "0.035", "0.035"},
	{"session_check", "session check", "0.08", "0.15"},
	{"code_and_PKCE_for_who_is_signed_in", "code + PKCE for somebody who is signed in", "", ""},
	{"hosted_sign-in_by_password_(hash_left_out)", "code + PKCE, a whole hosted sign-in by password, hash left out", "1.5", "3.0"},
	{"hosted_sign-in_in_a_known_browser_(hash_left_out)", "the same in a browser that the account is known to use", "1.5", "3.0"},
	{"hosted_sign-in_by_mailed_code", "the same by a mailed code, message included", "", ""},
}

const (
	begin = "<!-- make bench -->"
	end   = "<!-- end -->"
)

// figures are one benchmark's, by unit.
type figures map[string]float64

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: benchtable FILE <results")
		os.Exit(2)
	}
	if err := run(os.Stdin, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, path string) error {
	results, machine, err := read(in)
	if err != nil {
		return err
	}
	if len(results) == 0 {
		return fmt.Errorf("there are no results: did the benchmarks run?")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table between %q and %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+table(results, machine)+end+after), 0o644)
}

var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// read takes the results by name, and the name of the processor.
func read(in io.Reader) (results map[string]figures, machine string, err error) {
	results = map[string]figures{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if cpu, ok := strings.CutPrefix(lines.Text(), "cpu: "); ok {
			machine = cpu
		}
		m := line.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		f, fields := figures{}, strings.Fields(m[2])
		for i := 0; i+1 < len(fields); i += 2 {
			if f[fields[i+1]], err = strconv.ParseFloat(fields[i], 64); err != nil {
				return nil, "", fmt.Errorf("%s: %w", lines.Text(), err)
			}
		}
		results[m[1]] = f
	}
	return results, machine, lines.Err()
}

func table(results map[string]figures, machine string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s.\n\n", machine)
	b.WriteString("| operation | SQLite: CPU | times bare | budget | allocations | PostgreSQL: CPU | of the server | times bare | budget |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range budgets {
		lite, pg := results["House/sqlite/"+row.name], results["House/postgres/"+row.name]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", row.title,
			ms(lite["CPU-us/op"]), times(lite), row.lite, allocations(lite),
			ms(pg["CPU-us/op"]+pg["pg-CPU-us/op"]), ms(pg["CPU-us/op"]), times(pg), row.pg)
	}
	b.WriteString(hash(results))
	if s := results["Start"]; s != nil {
		fmt.Fprintf(&b, "\n| start to first healthy answer | resident when idle | program |\n|---|---|---|\n| %.0f ms (budget 60) | %.0f MB (40) | %.0f MB (40) |\n\n",
			s["ms-to-healthy"], s["MB-resident"], s["MB-program"])
	}
	return b.String()
}

// hash compares a sign-in by password at the production cost with its hash.
func hash(results map[string]figures) string {
	alone := results["Hash"]["CPU-us/op"]
	if alone == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nOne argon2id hash at the production cost takes %s. A whole hosted sign-in with it takes\n", ms(alone))
	for _, engine := range []string{"sqlite", "postgres"} {
		whole := results["House/"+engine+"-hash/hosted_sign-in_by_password"]
		if whole == nil {
			continue
		}
		all := whole["CPU-us/op"] + whole["pg-CPU-us/op"]
		fmt.Fprintf(&b, "- %s: %s, the hash and %.0f %%\n", engine, ms(all), (all/alone-1)*100)
	}
	return b.String()
}

func ms(us float64) string {
	switch {
	case us == 0:
		return ""
	case us < 1000:
		return fmt.Sprintf("%.3f ms", us/1000)
	}
	return fmt.Sprintf("%.1f ms", us/1000)
}

func times(f figures) string {
	if f["times-bare"] == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", f["times-bare"])
}

func allocations(f figures) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%.0f, %.0f kB", f["allocs/op"], f["B/op"]/1000)
}
