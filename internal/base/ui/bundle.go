package ui

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/web"
)

// sheets says which files make up each style sheet. Hosted pages are seen first,
// on any network, so they load the least.
var sheets = map[string][]string{
	"css/hosted.css": {"tokens.css", "base.css", "hosted.css"},
	"css/portal.css": {"tokens.css", "base.css", "portal.css"},
}

// bundle gathers the assets of this package and of the parts, style sheets
// joined and tightened, and has them served from memory.
func (u *UI) bundle() error {
	files := map[string][]byte{}
	errs := []error{gather(files, own, "assets", "")}
	for _, p := range u.parts {
		if _, err := fs.Stat(p.Files, "assets"); err == nil {
			errs = append(errs, gather(files, p.Files, "assets", p.Name+"/"))
		}
		u.styled[p.Name] = files[p.Name+"/style.css"] != nil
	}
	for name, parts := range sheets {
		var css bytes.Buffer
		for _, part := range parts {
			css.Write(files["css/"+part])
		}
		files["\x00"+name] = css.Bytes()
	}
	for name := range files {
		if strings.HasPrefix(name, "css/") {
			delete(files, name)
		}
	}
	for name := range sheets {
		files[name] = files["\x00"+name]
		delete(files, "\x00"+name)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	packed, err := pack(files)
	if err != nil {
		return err
	}
	u.assets, err = web.Assets(packed, "/_a")
	return err
}

func gather(to map[string][]byte, from fs.FS, dir, prefix string) error {
	return fs.WalkDir(from, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		switch path.Ext(name) {
		case ".css":
			body = []byte(fallback(tighten(string(body))))
		case ".js":
			body = margins.ReplaceAll(body, nil)
		}
		to[prefix+strings.TrimPrefix(name, dir+"/")] = body
		return nil
	})
}

// pack makes a file system of files in memory; a zip archive is the one that the
// standard library reads.
func pack(files map[string][]byte) (fs.FS, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range files {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(body); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// margins are what a browser does not need from our own scripts: indentation and
// lines that are comments from end to end. No text in them spans lines.
var margins = regexp.MustCompile(`(?m)^[ \t]*//.*\n|^[ \t]+`)

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	spaces   = regexp.MustCompile(`\s+`)
	joints   = regexp.MustCompile(` ?([{};,>]) ?`)
	colons   = regexp.MustCompile(`([{;][a-z-]+): `)
)

// tighten removes what a browser does not need from our own style sheets: no
// text in them holds spaces that matter.
func tighten(css string) string {
	css = spaces.ReplaceAllString(comments.ReplaceAllString(css, ""), " ")
	css = joints.ReplaceAllString(css, "$1")
	css = strings.ReplaceAll(colons.ReplaceAllString(css, "$1:"), ";}", "}")
	return strings.TrimSpace(css)
}

var (
	tokens = regexp.MustCompile(`--[a-z0-9-]+:light-dark\(([^(),]+),[^()]+\)`)
	rule   = regexp.MustCompile(`:root\{[^{}]*light-dark[^{}]*\}`)
)

// fallback puts, before each rule with light-dark(), the light values alone for
// browsers that do not know it, and the rule itself behind a question.
func fallback(css string) string {
	return rule.ReplaceAllStringFunc(css, func(r string) string {
		both := tokens.FindAllString(r, -1)
		light := tokens.ReplaceAllStringFunc(r, func(t string) string {
			name, _, _ := strings.Cut(t, ":")
			return name + ":" + tokens.FindStringSubmatch(t)[1]
		})
		return light + "@supports (color:light-dark(#000,#fff)){:root{" + strings.Join(both, ";") + "}}"
	})
}

// Icons lists the names of the icons.
func Icons() []string {
	names := make([]string, 0, len(icons))
	for name := range icons {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
