package server

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/risk/risktest"
)

func TestWrongNetworkAndGeoFilesAreToldAtTheStart(t *testing.T) {
	t.Parallel()
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b := setUp(t, liteConfig(t))
	for want, files := range map[string][2]string{
		"line 2":       {write("192.0.2.0/24 tor\n192.0.2.0/24 thieves\n"), ""},
		"no such file": {filepath.Join(t.TempDir(), "none"), ""},
		"not a valid":  {"", write("not a database")},
	} {
		b.Config.NetworksFile, b.Config.GeoFile = files[0], files[1]
		_, err := New(b, Options{})
		var a *Advice
		if !errors.As(err, &a) || a.Do == "" || a.Exit != ExitRefused || !strings.Contains(a.Err.Error(), want) && want != "not a valid" {
			t.Errorf("%v gives %v, want advice with %q", files, err, want)
		}
	}
	b.Config.NetworksFile, b.Config.GeoFile = write("192.0.2.0/24 tor\n"), risktest.File(t, map[string]risktest.Place{"192.0.2.0/24": {Country: "DE"}})
	s, err := New(b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddr("192.0.2.9")
	if s.Atlas.Networks.Repute(a) != "tor" || s.Atlas.Geo.Country(a) != "DE" {
		t.Error("what the files say did not arrive")
	}
}
