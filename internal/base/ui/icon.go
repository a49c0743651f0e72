package ui

import (
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// icons holds the inside of each icon's svg.
var icons = readIcons()

// pointing are the icons that show a direction of reading and turn round with it.
var pointing = []string{"arrow-left", "arrow-right", "chevron-left", "chevron-right", "external-link", "log-in", "log-out", "send", "undo-2", "scroll-text", "file-text"}

var (
	svg     = regexp.MustCompile(`(?s)<svg[^>]*>(.*)</svg>`)
	strokes = regexp.MustCompile(`(<path d="[^"]*)"/><path d="M`)
)

func readIcons() map[string]string {
	names, err := fs.Glob(own, "icons/*.svg")
	if err != nil {
		panic(err)
	}
	read := map[string]string{}
	for _, name := range names {
		raw, err := own.ReadFile(name)
		if err != nil {
			panic(err)
		}
		inside := svg.FindStringSubmatch(string(raw))
		if inside == nil {
			panic("ui: " + name + " is no picture")
		}
		body := strings.ReplaceAll(strings.Join(strings.Fields(inside[1]), " "), "> <", "><")
		body = strings.ReplaceAll(body, " />", "/>")
		read[strings.TrimSuffix(path.Base(name), ".svg")] = joined(body)
	}
	return read
}

// joined makes one path of strokes that stand side by side and each begin at a
// place of their own.
func joined(body string) string {
	for {
		less := strokes.ReplaceAllString(body, "${1}M")
		if less == body {
			return body
		}
		body = less
	}
}

// Icon draws an icon that only decorates: what it means stands in words beside
// it. An empty name draws nothing; an unknown one panics, as a page's slip of
// the pen.
func Icon(name string) template.HTML {
	if name == "" {
		return ""
	}
	body, ok := icons[name]
	if !ok {
		panic("ui: no icon " + name)
	}
	class := "ic"
	if slices.Contains(pointing, name) {
		class = "ic flip"
	}
	return template.HTML(`<svg class="` + class + `" viewBox="0 0 24 24" aria-hidden="true">` + body + `</svg>`)
}
