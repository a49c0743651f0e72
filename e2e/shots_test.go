package e2e

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// look is one way in which pages are photographed.
type look struct {
	name, locale string
	view         View
}

var album = []look{
	{"light", "en", View{}},
	{"dark", "en", View{Dark: true}},
	{"phone", "en", View{Width: 390}},
	{"arabic", "ar", View{Width: 390, Dark: true}},
}

// The pictures are for people to look at: out/index.html is a contact sheet of
// every page. Nothing is compared.
func TestPictures(t *testing.T) {
	t.Parallel()
	h := Build(t)
	list := shown(telling(gallery(Open(t, View{}), h)))
	if err := os.MkdirAll("out", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("album", func(t *testing.T) {
		for _, l := range album {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				tab := Open(t, l.view)
				for _, s := range list {
					tab.Goto(s.at(h, l.locale))
					save(t, tab, s.String()+"-"+l.name+".png")
				}
			})
		}
	})
	if err := os.WriteFile("out/index.html", []byte(sheet(list)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shown are the specimens of the album: of every page the typical state and what
// it looks like when something is wrong. PICTURES=all takes every state.
func shown(list []specimen) (out []specimen) {
	if os.Getenv("PICTURES") == "all" {
		return list
	}
	typical := one(list)
	for _, s := range list {
		if slices.Contains(typical, s) || s.State == "error" || s.Name == "login/message" || s.Name == "portal/ask" {
			out = append(out, s)
		}
	}
	return out
}

func save(t *testing.T, tab *Tab, name string) {
	t.Helper()
	png := tab.Picture()
	if len(png) < 1000 {
		t.Errorf("%s is empty", name)
	}
	if err := os.WriteFile(filepath.Join("out", name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func sheet(list []specimen) string {
	var b strings.Builder
	b.WriteString("<!doctype html><meta charset=utf-8><title>Every page</title><style>body{font:14px sans-serif;background:#888;margin:16px}" +
		"section{display:flex;gap:12px;align-items:start;overflow:auto;margin-bottom:24px}img{max-height:640px;background:#fff}h2{font-size:16px;margin:8px 0;color:#fff}</style>")
	for _, s := range list {
		fmt.Fprintf(&b, "<h2>%s</h2><section>", html.EscapeString(s.String()))
		for _, l := range album {
			fmt.Fprintf(&b, "<a href=%[1]q><img loading=lazy src=%[1]q alt=%[2]q></a>", s.String()+"-"+l.name+".png", l.name)
		}
		b.WriteString("</section>\n")
	}
	return b.String()
}
