package portal

import (
	_ "embed"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
)

// zonesText is the third column of zone1970.tab of the IANA time zone database
// (public domain), and UTC.
//
//go:embed zones.txt
var zonesText string

var zones = strings.Fields(zonesText)

// zoneOptions lists the time zones by name, each with its distance from UTC
// today.
func zoneOptions(s ui.Shell) []ui.Option {
	out := make([]ui.Option, 0, len(zones))
	for _, name := range zones {
		if zone, err := time.LoadLocation(name); err == nil {
			text := strings.ReplaceAll(strings.ReplaceAll(name, "_", " "), "/", " / ")
			out = append(out, ui.Option{Value: name, Text: text + " (UTC" + s.Now.In(zone).Format("-07:00") + ")", Lang: "en"})
		}
	}
	return out
}
