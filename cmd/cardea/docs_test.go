package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// everywhere are the flags that the page tells once for all commands.
var everywhere = map[string]bool{"help": true, "config": true, "data": true}

func TestEveryCommandAndFlagIsDescribed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reference/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections[strings.TrimSpace(name)], _, _ = strings.Cut(body, "\n## ")
	}
	k, err := kong.New(&commands{}, kong.Name("cardea"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, leaf := range k.Model.Leaves(true) {
		body, told := sections["cardea "+path(leaf)]
		if !told {
			t.Errorf("docs/reference/cli.md has no section %q", "cardea "+path(leaf))
		}
		if path(leaf) == "app update" {
			body += sections["cardea app create"]
		}
		for _, flags := range leaf.AllFlags(true) {
			for _, f := range flags {
				if !everywhere[f.Name] && !strings.Contains(body, "--"+f.Name) {
					t.Errorf("docs/reference/cli.md: cardea %s does not tell of --%s", path(leaf), f.Name)
				}
			}
		}
		known["cardea "+path(leaf)] = true
	}
	for name := range sections {
		if !known[name] {
			t.Errorf("docs/reference/cli.md tells of %q, which is no command", name)
		}
	}
}

// path is a command's name without its arguments.
func path(n *kong.Node) string {
	if n.Parent == nil || n.Parent.Type == kong.ApplicationNode {
		return n.Name
	}
	return path(n.Parent) + " " + n.Name
}
