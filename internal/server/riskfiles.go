package server

import (
	"os"

	"github.com/cardea-id/cardea/internal/core/risk"
)

// openAtlas reads what the operator's files say of networks. A file that is
// wrong is told at the start: a watch that is silently off is one that somebody
// relies on.
func (b *Base) openAtlas() error {
	if b.Atlas != (risk.Atlas{}) {
		return nil
	}
	networks, err := readNetworks(b.Config.NetworksFile)
	if err != nil {
		return refused("The networks file "+b.Config.NetworksFile+" cannot be used.",
			"Write a network and one word (abuse, hosting, tor, vpn) a line, or leave networks_file out. docs/guides/risk.md tells more.", err)
	}
	b.Atlas.Networks = networks
	if b.Config.GeoFile == "" {
		return nil
	}
	if b.Atlas.Geo, err = risk.OpenGeo(b.Config.GeoFile); err != nil {
		return refused("The geo file "+b.Config.GeoFile+" cannot be used.",
			"Give geo_file an MMDB file of countries or cities, or leave it out. docs/guides/risk.md tells more.", err)
	}
	return nil
}

func readNetworks(path string) (*risk.Networks, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return risk.ReadNetworks(f)
}
