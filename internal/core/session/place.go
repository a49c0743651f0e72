package session

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/mileusna/useragent"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// PlaceField is the name under which a Place is sealed with the customer's key.
const PlaceField = "session.place"

// Place is from where a session was begun, in words by which its customer
// recognises it, and no finer: the network without its last part, the browser
// without its build.
type Place struct {
	Network string `json:"network,omitempty"` // "203.0.113.0/24", "2001:db8:1::/48"
	Agent   string `json:"agent,omitempty"`   // "Firefox on Windows"
	Browser string `json:"browser,omitempty"` // "Firefox"
	System  string `json:"system,omitempty"`  // "Windows"
	Kind    string `json:"kind,omitempty"`    // "desktop", "phone", "tablet", "program" or ""
}

// NewPlace makes the words of a client's address and User-Agent header.
func NewPlace(peer netip.Addr, userAgent string) Place {
	ua := useragent.Parse(printable(userAgent))
	p := Place{Network: network(peer), Browser: short(ua.Name), System: short(ua.OS), Kind: deviceKind(ua)}
	p.Agent = p.Browser
	if p.Browser != "" && p.System != "" {
		p.Agent += " on "
	}
	p.Agent += p.System
	return p
}

// network drops what tells one subscriber from the next: all but 24 bits of an
// IPv4 address, all but 48 of an IPv6 one.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil || !p.IsValid() {
		return ""
	}
	return p.String()
}

func deviceKind(ua useragent.UserAgent) string {
	switch {
	case ua.Bot:
		return "program"
	case ua.Tablet:
		return "tablet"
	case ua.Mobile:
		return "phone"
	case ua.Desktop:
		return "desktop"
	}
	return ""
}

const longestAgent = 512 // bytes of the header that are looked at

func printable(s string) string {
	s = s[:min(len(s), longestAgent)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// short bounds a name, which for an unknown browser is the client's own word.
func short(s string) string { return strings.TrimSpace(s[:min(len(s), 40)]) }

func (p Place) seal(tx *db.Tx, t *tenant.Tenant, cus customer.ID, field string) (customer.Sealed, error) {
	if p == (Place{}) {
		return nil, nil
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return customer.Seal(tx, t, cus, field, plain)
}

// OpenPlace reads what release has unsealed. Bytes that are no Place give the
// empty one.
func OpenPlace(plain []byte) Place {
	var p Place
	if json.Unmarshal(plain, &p) != nil {
		return Place{}
	}
	return p
}
