package ui

import (
	"cmp"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
)

// LicencesPage names the work of others that the program carries.
type LicencesPage struct {
	Shell
	Files   []Licence
	Modules []Module
}

// Template implements Page.
func (LicencesPage) Template() string { return "ui/licences" }

// Licence is a licence text that is shown in full.
type Licence struct{ Name, Kind, Text string }

// Module is a Go module that the program is built from.
type Module struct{ Path, Version string }

// carried are the files of others among the assets; tools/vendor/vendor.json and
// THIRD_PARTY.md say where they come from.
var carried = []Licence{{Name: "Figtree", Kind: "OFL-1.1", Text: "figtree"}, {Name: "Lucide", Kind: "ISC, MIT", Text: "lucide"}}

// Licences answers with the page of licences.
func (u *UI) Licences(w http.ResponseWriter, r *http.Request) error {
	return u.Render(w, r, http.StatusOK, u.Shell(r, Visit{}).Licences())
}

// Licences makes the page of licences.
func (s Shell) Licences() LicencesPage {
	p := LicencesPage{Shell: s, Modules: modules()}
	p.Title, p.Layout = s.T("ui.licences"), Document
	for _, l := range carried {
		text, err := own.ReadFile("licences/" + l.Text + ".txt")
		if err != nil {
			panic(err)
		}
		p.Files = append(p.Files, Licence{l.Name, l.Kind, string(text)})
	}
	return p
}

func modules() []Module {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var out []Module
	for _, m := range info.Deps {
		out = append(out, Module{m.Path, strings.TrimSuffix(m.Version, "+incompatible")})
	}
	slices.SortFunc(out, func(a, b Module) int { return cmp.Compare(a.Path, b.Path) })
	return out
}
