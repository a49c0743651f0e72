package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// ports tells which ports of public addresses a kind of traffic may use.
// Networks that the operator opened are open on every port.
type ports func(uint16) bool

// webPorts are 443 and what needs no privilege to listen on. Below 1024 stand
// the protocols that an HTTP request could be mistaken for.
func webPorts(p uint16) bool { return p == 443 || p >= 1024 }

// mailPorts are relay, submission (RFC 8314) and the customary alternative.
func mailPorts(p uint16) bool { return p == 25 || p == 465 || p == 587 || p == 2525 }

// noPorts is for HTTP without TLS, which public addresses never get.
func noPorts(uint16) bool { return false }

// dialer makes guarded connections.
type dialer struct {
	allow  []netip.Prefix
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	wait   time.Duration // for all addresses of a name together
}

const maxAddresses = 4 // tried of one name

var errRefused = errors.New("outbound: the guard refuses this address or port")

// DialContext opens a TCP connection for mail: to public addresses on ports
// 25, 465, 587 and 2525, and to networks that the operator opened on any.
// It has the shape that mail libraries ask for. Faults: Invalid
// outbound_address, Unavailable outbound_unreachable.
func (c *Client) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := c.dialer.dial(ctx, network, addr, mailPorts)
	if err == nil {
		return conn, nil
	}
	return nil, told(ctx, err)
}

func (d *dialer) dial(ctx context.Context, network, addr string, open ports) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	found, named, err := d.resolve(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	good := slices.DeleteFunc(slices.Clone(found), func(a netip.AddrPort) bool { return !d.admits(a, open) })
	switch {
	case len(good) == 0 && named:
		return nil, ErrUnreachable.Because(fmt.Errorf("%w: %s is %v", errRefused, addr, found))
	case len(good) == 0:
		return nil, ErrAddress.Because(fmt.Errorf("%w: %s", errRefused, addr))
	}
	return d.connect(ctx, good[:min(len(good), maxAddresses)])
}

func (d *dialer) admits(a netip.AddrPort, open ports) bool {
	if a.Addr().Zone() != "" || a.Port() == 0 {
		return false
	}
	return within(d.allow, plain(a.Addr())) || (Public(a.Addr()) && open(a.Port()))
}

// resolve turns an address of any form into numbers, once. named tells that a
// name was looked up.
func (d *dialer) resolve(ctx context.Context, network, addr string) (found []netip.AddrPort, named bool, err error) {
	family, ok := map[string]string{"tcp": "ip", "tcp4": "ip4", "tcp6": "ip6"}[network]
	host, service, splitErr := net.SplitHostPort(addr)
	port, portErr := strconv.ParseUint(service, 10, 16)
	if !ok || host == "" || splitErr != nil || portErr != nil {
		return nil, false, ErrAddress.Because(fmt.Errorf("outbound: %s %q is not a TCP address with a port number", network, addr))
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a, uint16(port))}, false, nil
	}
	addrs, err := d.lookup(ctx, family, host)
	if err != nil {
		return nil, true, ErrUnreachable.Because(err)
	}
	for _, a := range addrs {
		found = append(found, netip.AddrPortFrom(a.Unmap(), uint16(port)))
	}
	return found, true, nil
}

// connect tries the addresses in their order, each with its share of the time.
func (d *dialer) connect(ctx context.Context, addrs []netip.AddrPort) (net.Conn, error) {
	one := net.Dialer{Timeout: d.wait / time.Duration(len(addrs))}
	var errs []error
	for _, a := range addrs {
		conn, err := one.DialContext(ctx, "tcp", a.String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, ErrUnreachable.Because(errors.Join(errs...))
}

// told is a failure as a fault. When the caller gave up, that is the reason.
func told(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.Of(ctx.Err())
	}
	return err
}
