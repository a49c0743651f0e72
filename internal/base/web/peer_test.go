package web

import (
	"io"
	"net/http"
	"net/netip"
	"testing"
)

func TestH076_OneLineIsOneNetwork(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"1.2.3.4", "::ffff:1.2.3.4", "::FFFF:1.2.3.4", "::ffff:102:304"},
		{"2001:db8:1:2::1", "2001:DB8:1:2:ffff:0:0:9", "2001:0db8:0001:0002::", "2001:db8:1:2::1%eth0"},
	} {
		for _, text := range same {
			if got := Network(netip.MustParseAddr(text)); got != Network(netip.MustParseAddr(same[0])) {
				t.Errorf("%s is %s", text, got)
			}
		}
	}
	if Network(netip.MustParseAddr("2001:db8:1:2::1")) == Network(netip.MustParseAddr("2001:db8:1:3::1")) || Network(netip.Addr{}) != "unknown" {
		t.Error("networks are mixed")
	}
}

func TestH143_ForwardedAddressesCountOnlyFromTrustedProxies(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		proxies []netip.Prefix
		remote  string
		headers []string
		want    string
	}{
		{nil, "192.0.2.1:99", []string{"X-Forwarded-For", "8.8.8.8"}, "192.0.2.1"},
		{proxies, "192.0.2.1:99", []string{"X-Forwarded-For", "8.8.8.8"}, "192.0.2.1"},
		{proxies, "10.0.0.1:99", []string{"X-Forwarded-For", "8.8.8.8"}, "8.8.8.8"},
		{proxies, "[::ffff:10.0.0.1]:99", []string{"X-Forwarded-For", "8.8.8.8"}, "8.8.8.8"},
		{proxies, "10.0.0.1:99", []string{"X-Forwarded-For", "6.6.6.6, 8.8.8.8, 10.1.1.1"}, "8.8.8.8"},
		{proxies, "10.0.0.1:99", []string{"X-Forwarded-For", "6.6.6.6", "X-Forwarded-For", "8.8.8.8"}, "8.8.8.8"},
		{proxies, "10.0.0.1:99", []string{"X-Forwarded-For", "6.6.6.6, evil"}, "10.0.0.1"},
		{proxies, "10.0.0.1:99", []string{"X-Forwarded-For", "8.8.8.8:4711"}, "8.8.8.8"},
		{proxies, "10.0.0.1:99", []string{"X-Forwarded-For", "[2001:db8::1]:4711"}, "2001:db8::1"},
		{proxies, "10.0.0.1:99", nil, "10.0.0.1"},
		{proxies, "10.0.0.1:99", []string{"X_Forwarded_For", "8.8.8.8", "X-Real-Ip", "8.8.8.8", "Forwarded", "for=8.8.8.8", "X-Client-Ip", "8.8.8.8"}, "10.0.0.1"},
		{proxies, "@", []string{"X-Forwarded-For", "8.8.8.8"}, "invalid IP"},
	} {
		b := newBench(func(cf *Config) { cf.Proxies = c.proxies })
		b.Handle("GET /a", nil, func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, Peer(r).String())
			return err
		})
		r := ask("GET", "/a", "", c.headers...)
		r.RemoteAddr = c.remote
		if got := b.answer(r).Body.String(); got != c.want {
			t.Errorf("%v %v: %s, want %s", c.remote, c.headers, got, c.want)
		}
	}
}

func TestPlainHTTPBehindAProxyIsSentToTheConfiguredOrigin(t *testing.T) {
	t.Parallel()
	b := newBench(func(c *Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	b.Handle("GET /a", nil, says("secret"))
	b.Handle("POST /a", nil, says("secret"), NoCSRF("test"))
	send := func(method, remote string, headers ...string) *http.Request {
		r := ask(method, "/a?x=1", "", append(headers, "X-Forwarded-Proto", "http")...)
		r.RemoteAddr = remote
		return r
	}
	if w := b.answer(send("GET", "10.0.0.1:9")); w.Code != 308 || w.Header().Get("Location") != testOrigin+"/a?x=1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := b.answer(send("POST", "10.0.0.1:9")); w.Code != 403 {
		t.Errorf("POST: %d", w.Code)
	}
	if w := b.answer(send("GET", "10.0.0.1:9", "Authorization", "Bearer x")); w.Code != 403 {
		t.Errorf("credentials: %d", w.Code)
	}
	if w := b.answer(send("GET", "192.0.2.1:9")); w.Code != 200 {
		t.Errorf("the header of a stranger counted: %d", w.Code)
	}
}
