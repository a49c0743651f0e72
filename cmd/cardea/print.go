package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// asJSON is the flag of commands that answer programs too.
type asJSON struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// ofTenant chooses the tenant.
type ofTenant struct {
	Tenant string `help:"Short name of the tenant; the only one beside the staff's if left out." placeholder:"SLUG"`
}

func (t *terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// line prints one line.
func (t *terminal) line(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// table prints rows under their heads, in columns.
func (t *terminal) table(heads []string, rows [][]string) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(heads, "\t")))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// facts prints names and values, leaving out what is empty.
func (t *terminal) facts(pairs ...string) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "  %s\t%s\n", pairs[i], pairs[i+1])
		}
	}
	return w.Flush()
}

func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
