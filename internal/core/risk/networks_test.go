package risk_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/risk"
)

func TestTheNarrowestNetworkNamesTheRepute(t *testing.T) {
	t.Parallel()
	n, err := risk.ReadNetworks(strings.NewReader(`# a list
192.0.2.0/24	hosting
192.0.2.7/32 tor   # one machine in it
192.0.2.7/32 tor

2001:db8::/32 vpn
2001:db8:5::/48 abuse`))
	if err != nil || n.Len() != 4 {
		t.Fatalf("%d networks, %v", n.Len(), err)
	}
	for address, want := range map[string]string{
		"192.0.2.7": "tor", "::ffff:192.0.2.7": "tor", "192.0.2.8": "hosting", "192.0.3.1": "",
		"2001:db8:5::1": "abuse", "2001:0DB8:0005::2%eth0": "abuse", "2001:db8:6::": "vpn", "2001:db9::": "",
	} {
		if got := n.Repute(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is %q, want %q", address, got, want)
		}
	}
	if n.Repute(netip.Addr{}) != "" {
		t.Error("no address has a repute")
	}
}

func TestAWrongLineIsToldWithItsNumber(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"192.0.2.0/24":                               "line 2: there must be a network and one word",
		"192.0.2.0/24 tor vpn":                       "line 2: there must be",
		"192.0.2.1 tor":                              `line 2: "192.0.2.1" is not a network`,
		"192.0.2.1/24 tor":                           "line 2: 192.0.2.1/24 has bits behind its end; it would be 192.0.2.0/24",
		"192.0.2.0/33 tor":                           `is not a network`,
		"::ffff:192.0.2.0/120 tor":                   `is not a network`,
		"192.0.2.0/24 bad":                           `"bad" is not one of abuse, hosting, tor, vpn`,
		"203.0.113.0/24 tor":                         "line 2: 203.0.113.0/24 stands above with the word vpn",
		"192.0.2.0/24 " + strings.Repeat("x", 1<<17): "after line 1",
	} {
		_, err := risk.ReadNetworks(strings.NewReader("203.0.113.0/24 vpn\n" + line + "\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", line, err, want)
		}
	}
	_, err := risk.ReadNetworks(strings.NewReader(strings.Repeat("x\n", 1000)))
	if lines := strings.Count(err.Error(), "line "); lines != 10 {
		t.Errorf("%d wrong lines are told at once", lines)
	}
}

func FuzzNetworksFile(f *testing.F) {
	f.Add("192.0.2.0/24 tor\n# x\n2001:db8::/32 vpn")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := risk.ReadNetworks(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, a := range []string{"192.0.2.1", "2001:db8::1", "::"} {
			if word := n.Repute(netip.MustParseAddr(a)); word != "" && !strings.Contains(text, word) {
				t.Errorf("%s is %q by no line", a, word)
			}
		}
	})
}
