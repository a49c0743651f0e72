package risk

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Geo says where networks are, by a file in MaxMind DB format in the layout of
// the GeoLite2 and DB-IP files for countries and cities. It asks nobody else.
// The nil Geo knows no place. A Geo never changes, and may be used by many at
// once until it is closed.
type Geo struct {
	file *maxminddb.Reader
}

// OpenGeo opens a file, which stays mapped into memory: whoever replaces it
// moves another one into its place. It refuses a file that says no country, as
// one of another kind does.
func OpenGeo(path string) (*Geo, error) {
	file, err := maxminddb.Open(path)
	if err != nil {
		return nil, err
	}
	g := &Geo{file: file}
	if !g.usable() {
		return nil, errors.Join(fmt.Errorf("a file of the type %q says nothing of countries", file.Metadata.DatabaseType), file.Close())
	}
	return g, nil
}

// sample is how many networks are looked at for a country before the file is
// thought to have none.
const sample = 10000

func (g *Geo) usable() bool {
	n := 0
	for result := range g.file.Networks() {
		if n++; n > sample || result.Err() != nil {
			return false
		}
		if country(result) != "" {
			return true
		}
	}
	return false
}

// Close lets go of the file.
func (g *Geo) Close() error {
	if g == nil {
		return nil
	}
	return g.file.Close()
}

// Country is the ISO 3166-1 code of the country that the address is in, or "".
func (g *Geo) Country(a netip.Addr) string {
	if g == nil || !a.IsValid() {
		return ""
	}
	return country(g.file.Lookup(a.Unmap().WithZone("")))
}

func country(r maxminddb.Result) string {
	var code string
	if r.DecodePath(&code, "country", "iso_code") != nil || len(code) != 2 {
		return ""
	}
	return code
}

// Position is where on Earth the address is, as well as the file knows.
func (g *Geo) Position(a netip.Addr) (Position, bool) {
	if g == nil || !a.IsValid() {
		return Position{}, false
	}
	var at struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	}
	err := g.file.Lookup(a.Unmap().WithZone("")).DecodePath(&at, "location")
	if err != nil || at.Latitude == nil || at.Longitude == nil {
		return Position{}, false
	}
	p := Position{Latitude: *at.Latitude, Longitude: *at.Longitude}
	return p, p.valid()
}

// Position is a point on Earth, in degrees.
type Position struct {
	Latitude, Longitude float64
}

func (p Position) valid() bool {
	return math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180 // NaN is neither
}

const earthRadius = 6371 // kilometres, on average

// Kilometres is the length of the shortest way over the globe between two
// points (the haversine of the central angle).
func (p Position) Kilometres(q Position) int {
	rad := math.Pi / 180
	dLat, dLon := (q.Latitude-p.Latitude)*rad, (q.Longitude-p.Longitude)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(p.Latitude*rad)*math.Cos(q.Latitude*rad)*math.Pow(math.Sin(dLon/2), 2)
	return int(math.Round(2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))))
}
