package consent

import (
	_ "embed"
	"encoding/json"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/core/app"
)

// Transfer is what it means under GDPR Chapter V that data goes to a country.
type Transfer string

// The kinds of transfer. A partly adequate country is one whose decision covers
// some of its organisations: whether the recipient is among them is the
// controller's to say, as its safeguard.
const (
	Nowhere  Transfer = "unknown"  // nobody has said where
	Inside   Transfer = "inside"   // the European Economic Area
	Adequate Transfer = "adequate" // Article 45
	Partly   Transfer = "partly"
	Third    Transfer = "third" // Articles 46 to 49
)

// Needs reports whether the controller has to say on what ground data goes there.
func (t Transfer) Needs() bool { return t == Partly || t == Third }

// Outside reports whether it is known to be outside of the European Economic Area.
func (t Transfer) Outside() bool { return t == Adequate || t.Needs() }

//go:embed adequacy.json
var adequacyText []byte

// adequacies is the file beside this one: what the European Commission has decided,
// when that was looked up, and where.
type adequacies struct {
	AsOf      string            `json:"as_of"`
	Source    string            `json:"source"`
	Area      []string          `json:"economic_area"`
	Inside    map[string]string `json:"also_inside"` // territories with codes of their own
	Decisions []Adequacy        `json:"decisions"`
}

// Adequacy is an adequacy decision of the European Commission that is in force.
type Adequacy struct {
	Country  string `json:"country"`
	Decision string `json:"decision"`
	Limit    string `json:"limit,omitempty"` // whom in the country it covers
	Partly   bool   `json:"partly,omitempty"`
	Until    string `json:"until,omitempty"` // the last day on which it holds
}

var lookedUp = func() (a adequacies) {
	if err := json.Unmarshal(adequacyText, &a); err != nil {
		panic(err) // the file is part of the program
	}
	return a
}()

// AdequacyAsOf is the day on which the list of decisions was looked up, and where.
func AdequacyAsOf() (day, source string) { return lookedUp.AsOf, lookedUp.Source }

// TransferTo tells what it means that data goes to a country (ISO 3166-1) at an
// instant, by the decisions that this program knows.
func TransferTo(country string, at time.Time) (Transfer, Adequacy) {
	if country == "" {
		return Nowhere, Adequacy{}
	}
	if _, part := lookedUp.Inside[country]; part || slices.Contains(lookedUp.Area, country) {
		return Inside, Adequacy{}
	}
	for _, d := range lookedUp.Decisions {
		switch {
		case d.Country != country, d.Until != "" && at.UTC().Format(time.DateOnly) > d.Until:
		case d.Partly:
			return Partly, d
		default:
			return Adequate, d
		}
	}
	return Third, Adequacy{}
}

// Place is where a recipient has the data, and what protects it there.
type Place struct {
	Country   string
	Transfer  Transfer
	Safeguard string // in the controller's words
	Adequacy  Adequacy
}

// PlaceOf tells where a recipient is: an application by its own settings.
func (r *Recipient) PlaceOf(a *app.Application, at time.Time) Place {
	p := Place{Country: r.Country, Safeguard: r.Safeguard}
	if a != nil {
		p.Country, p.Safeguard = a.Settings.Country, a.Settings.Safeguard
	}
	p.Transfer, p.Adequacy = TransferTo(p.Country, at)
	return p
}
