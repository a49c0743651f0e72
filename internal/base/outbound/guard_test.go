package outbound

import (
	"net/netip"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	public := []string{
		"1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "168.63.129.15",
		"2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "2001:200::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2003::1", "3ffe:ffff::",
	}
	for _, s := range public {
		if !Public(netip.MustParseAddr(s)) {
			t.Errorf("%s is refused", s)
		}
	}
}

// One row for each way to spell an address inside.
func TestH205_AddressesOfTheHouseAreNotPublic(t *testing.T) {
	t.Parallel()
	inside := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
		"169.254.169.254", "169.254.170.2", "169.254.0.0", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
		"192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255", "168.63.129.16",
		"::", "::1", "::127.0.0.1", "::7f00:1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "ff0e::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:0:7f00:1",
		"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b::", "64:ff9b:1::1", "64:ff9b:1:fffe::7f00:1",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
		"100::1", "3fff::1", "5f00::1", "4000::1", "fe80::1%eth0", "2606:4700:4700::1111%eth0",
	}
	for _, s := range inside {
		if Public(netip.MustParseAddr(s)) {
			t.Errorf("%s passes as public", s)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address at all passes as public")
	}
}

func TestAllowedNetworksAreComparedInOneForm(t *testing.T) {
	t.Parallel()
	c := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("::ffff:192.168.7.0/120"), netip.MustParsePrefix("fd00::/8"), {}}})
	cases := map[string]bool{
		"10.1.255.255:22": true, "[::ffff:10.1.0.1]:1": true, "10.2.0.1:443": false, "192.168.7.9:80": true, "192.168.8.9:443": false, "[fd12::1]:1": true,
		"[64:ff9b::a01:1]:9": true, "[fd12::1%eth0]:443": false, "10.1.0.1:0": false, "127.0.0.1:443": false, "8.8.8.8:443": true, "8.8.8.8:22": false,
	}
	for s, want := range cases {
		if got := c.dialer.admits(netip.MustParseAddrPort(s), webPorts); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

// Whatever an IPv4 address is, each IPv6 address that stands for it is no more.
func FuzzPublic(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{8, 8, 8, 8})
	f.Add(netip.MustParseAddr("2002:7f00:1::").AsSlice())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if Public(a) && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.IsLinkLocalMulticast()) {
			t.Fatalf("%s passes as public", a)
		}
		if !a.Is4() {
			return
		}
		four := a.As4()
		for _, head := range []string{"::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "::"} {
			six := netip.MustParseAddr(head).As16()
			copy(six[12:], four[:])
			if wrapped := netip.AddrFrom16(six); Public(wrapped) && !Public(a) {
				t.Fatalf("%s passes as public though %s does not", wrapped, a)
			}
		}
	})
}
