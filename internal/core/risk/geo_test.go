package risk_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/risk/risktest"
)

// places are networks for documentation, put somewhere.
var places = map[string]risktest.Place{
	"192.0.2.0/24":    {Country: "DE", Latitude: 52.5, Longitude: 13.4},
	"198.51.100.0/24": {Country: "NZ", Latitude: -36.8, Longitude: 174.7},
	"203.0.113.0/25":  {Country: "FR", NoPosition: true},
	"2001:db8:1::/48": {Country: "DE", Latitude: 48.1, Longitude: 11.6},
	"2001:db8:2::/48": {Country: "DE", Latitude: 123, Longitude: 11.6},
}

func openGeo(t *testing.T) *risk.Geo {
	t.Helper()
	g, err := risk.OpenGeo(risktest.File(t, places))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestGeoKnowsCountriesAndPlaces(t *testing.T) {
	t.Parallel()
	g := openGeo(t)
	for _, c := range []struct {
		address, country string
		placed           bool
	}{
		{"192.0.2.1", "DE", true}, {"::ffff:192.0.2.255", "DE", true}, {"198.51.100.77", "NZ", true},
		{"203.0.113.127", "FR", false}, {"203.0.113.128", "", false}, {"192.0.3.1", "", false},
		{"2001:db8:1:ffff::1", "DE", true}, {"2001:db8:2::1", "DE", false}, {"2001:db8:3::1", "", false},
		{"fe80::1%eth0", "", false}, {"127.0.0.1", "", false}, {"::", "", false},
	} {
		a := netip.MustParseAddr(c.address)
		_, placed := g.Position(a)
		if country := g.Country(a); country != c.country || placed != c.placed {
			t.Errorf("%s is in %q, placed %v; want %q, %v", a, country, placed, c.country, c.placed)
		}
	}
	at, _ := g.Position(netip.MustParseAddr("198.51.100.1"))
	if at != (risk.Position{Latitude: -36.8, Longitude: 174.7}) {
		t.Errorf("it is at %v", at)
	}
}

func TestWithoutAFileNothingIsKnown(t *testing.T) {
	t.Parallel()
	var atlas risk.Atlas
	a := netip.MustParseAddr("192.0.2.1")
	_, placed := atlas.Geo.Position(a)
	if atlas.Geo.Country(a) != "" || placed || atlas.Networks.Repute(a) != "" || atlas.Networks.Len() != 0 || atlas.Close() != nil {
		t.Error("nothing says something")
	}
	if openGeo(t).Country(netip.Addr{}) != "" {
		t.Error("no address is somewhere")
	}
}

func TestFilesThatSayNoPlacesAreRefused(t *testing.T) {
	t.Parallel()
	write := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := risktest.MMDB("City", places)
	for name, path := range map[string]string{
		"missing":           filepath.Join(t.TempDir(), "none"),
		"empty":             write("empty", nil),
		"text":              write("text", []byte(strings.Repeat("not a database\n", 100))),
		"without its end":   write("cut", whole[:len(whole)/2]),
		"without its start": write("end", whole[len(whole)-200:]),
		"another kind":      write("asn", risktest.MMDB("ASN", map[string]risktest.Place{"192.0.2.0/24": {Country: "64496"}})),
		"no networks":       write("none", risktest.MMDB("City", nil)),
	} {
		if g, err := risk.OpenGeo(path); err == nil {
			g.Close()
			t.Errorf("a file that is %s is taken", name)
		}
	}
}

func FuzzADamagedGeoFileHurtsNobody(f *testing.F) {
	whole := risktest.MMDB("City", places)
	f.Add(0, byte(0xff))
	f.Add(len(whole)/2, byte(0x80))
	f.Fuzz(func(t *testing.T, at int, with byte) {
		damaged := append([]byte(nil), whole...)
		damaged[max(at, -at-1)%len(damaged)] ^= with
		path := filepath.Join(t.TempDir(), "damaged")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		g, err := risk.OpenGeo(path)
		if err != nil {
			return
		}
		defer g.Close()
		for cidr := range places {
			a := netip.MustParsePrefix(cidr).Addr()
			g.Country(a)
			g.Position(a)
		}
	})
}

func TestKilometres(t *testing.T) {
	t.Parallel()
	berlin, munich := risk.Position{Latitude: 52.52, Longitude: 13.405}, risk.Position{Latitude: 48.137, Longitude: 11.575}
	auckland := risk.Position{Latitude: -36.848, Longitude: 174.763}
	for _, c := range []struct {
		a, b       risk.Position
		least, top int
	}{
		{berlin, berlin, 0, 0}, {berlin, munich, 495, 515}, {berlin, auckland, 17650, 17850}, {auckland, berlin, 17650, 17850},
		{risk.Position{Longitude: -179.5}, risk.Position{Longitude: 179.5}, 105, 117}, // over the date line
		{risk.Position{Latitude: 90}, risk.Position{Latitude: -90}, 20000, 20030},
		{risk.Position{Latitude: 0.0001}, risk.Position{Longitude: 180}, 20000, 20030},
	} {
		if km := c.a.Kilometres(c.b); km < c.least || km > c.top {
			t.Errorf("from %v to %v it is %d km", c.a, c.b, km)
		}
	}
}
