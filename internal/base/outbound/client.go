package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// The faults. Invalid means that the address is wrong and trying again is no
// use; Unavailable means that another time may be better.
var (
	ErrAddress     = fault.New(fault.Invalid, "outbound_address", "This address may not be called: it must be an https address with a public host, on port 443 or from 1024 on, and without a user name.")
	ErrUnreachable = fault.New(fault.Unavailable, "outbound_unreachable", "The other side could not be reached. Its name may be wrong, or its address is not a public one.")
	ErrCertificate = fault.New(fault.Unavailable, "outbound_certificate", "The other side's certificate is not valid for its name.")
	ErrTimeout     = fault.New(fault.Unavailable, "outbound_timeout", "The other side took too long to answer.")
	ErrRedirect    = fault.New(fault.Unavailable, "outbound_redirect", "The other side answered with a redirect. Give the final address: redirects are not followed.")
	ErrTooLarge    = fault.New(fault.Unavailable, "outbound_too_large", "The other side's answer is too large.")
	ErrAnswer      = fault.New(fault.Unavailable, "outbound_answer", "The other side's answer is not proper HTTP.")
)

// Options are what the operator decides. The zero value is the strictest.
type Options struct {
	// Allow are networks that may be called though they are not public, on any
	// port and without TLS. Only the operator's configuration fills it.
	Allow []netip.Prefix
	// Lookup resolves names; nil is the system's resolver.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Roots are the certificate authorities; nil is the system's.
	Roots *x509.CertPool
	// MaxBody is the most bytes of an answer that are read; default 1 MiB.
	MaxBody int64
	// MaxHeader is the most bytes of header that are read; default 64 KiB.
	MaxHeader int64
	// Time is for a whole call, from the look-up to the last byte; default 10 s.
	Time time.Duration
}

// Client calls out. It is safe for concurrent use; a process has one, and
// parts with tighter limits share its connections through Limit.
type Client struct {
	dialer    *dialer
	secure    *http.Transport
	plain     *http.Transport // to allowed networks only
	maxHeader int64
	maxBody   int64
	time      time.Duration
}

// Response is an answer, read to its end. Its status is from 200 to 299 or
// from 400 on; what a status means is the caller's matter.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// New returns a client.
func New(o Options) *Client {
	if o.Lookup == nil {
		o.Lookup = net.DefaultResolver.LookupNetIP
	}
	c := &Client{
		maxHeader: positive(o.MaxHeader, 64<<10),
		maxBody:   positive(o.MaxBody, 1<<20),
		time:      time.Duration(positive(int64(o.Time), int64(10*time.Second))),
	}
	c.dialer = &dialer{allow: normal(o.Allow), lookup: o.Lookup, wait: min(5*time.Second, c.time)}
	c.secure = c.transport(webPorts, o.Roots)
	c.plain = c.transport(noPorts, nil)
	return c
}

func positive(n, otherwise int64) int64 {
	if n > 0 {
		return n
	}
	return otherwise
}

// transport is used without an http.Client around it: redirects and cookies
// are things that a client adds.
func (c *Client) transport(open ports, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy: nil, // a proxy would resolve names after the guard
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.dialer.dial(ctx, network, addr, open)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // what is capped is what is held
		MaxResponseHeaderBytes: c.maxHeader,
		MaxConnsPerHost:        16,
		MaxIdleConnsPerHost:    2,
		MaxIdleConns:           64,
		IdleConnTimeout:        30 * time.Second,
		ExpectContinueTimeout:  time.Second,
	}
}

// Limit returns a client with other caps for one kind of call. A cap of 0 or
// less stays as it was.
func (c *Client) Limit(maxBody int64, whole time.Duration) *Client {
	l := *c
	l.maxBody = positive(maxBody, c.maxBody)
	l.time = time.Duration(positive(int64(whole), int64(c.time)))
	return &l
}

// Get fetches a URL.
func (c *Client) Get(ctx context.Context, url string) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, ErrAddress.Because(err)
	}
	return c.Do(ctx, req)
}

// Post sends a body to a URL. Fields of header replace the house's own.
func (c *Client) Post(ctx context.Context, url, contentType string, body []byte, header http.Header) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, ErrAddress.Because(err)
	}
	req.Header.Set("Content-Type", contentType)
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return c.Do(ctx, req)
}

// Do sends a request and reads its answer within the caps. Faults: Invalid
// outbound_address; Unavailable outbound_unreachable, _certificate, _timeout,
// _redirect (any 3xx), _too_large, _answer. The private cause tells the rest.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, error) {
	if err := c.admit(req); err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, c.time)
	defer cancel()
	out := req.Clone(timed)
	if out.Header == nil {
		out.Header = http.Header{}
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "Cardea")
	}
	res, err := c.way(out.URL).RoundTrip(out)
	if err != nil {
		return nil, told(ctx, named(err))
	}
	defer res.Body.Close()
	answer, err := c.read(res)
	if err != nil {
		return nil, told(ctx, err)
	}
	return answer, nil
}

func (c *Client) way(u *url.URL) *http.Transport {
	if u.Scheme == "https" {
		return c.secure
	}
	return c.plain
}

// admit judges the form of a request before anything is resolved.
func (c *Client) admit(req *http.Request) error {
	u := req.URL
	switch {
	case u == nil || u.Opaque != "" || u.Hostname() == "" || req.RequestURI != "":
		return ErrAddress.Because(errors.New("outbound: not a whole URL"))
	case u.Scheme != "https" && u.Scheme != "http":
		return ErrAddress.Because(fmt.Errorf("outbound: scheme %q", u.Scheme))
	case u.Scheme == "http" && len(c.dialer.allow) == 0:
		return ErrAddress.Because(errors.New("outbound: http without TLS"))
	case u.User != nil:
		return ErrAddress.Because(errors.New("outbound: a user name in the URL"))
	case req.Host != "" && req.Host != u.Host:
		return ErrAddress.Because(errors.New("outbound: the Host field is not the URL's host"))
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return ErrAddress.Because(fmt.Errorf("outbound: port %q", p))
		}
	}
	return nil
}

func (c *Client) read(res *http.Response) (*Response, error) {
	switch {
	case res.StatusCode < 200:
		return nil, ErrAnswer.Because(fmt.Errorf("outbound: status %d", res.StatusCode))
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return nil, ErrRedirect.Because(fmt.Errorf("outbound: status %d", res.StatusCode))
	case res.ContentLength > c.maxBody:
		return nil, ErrTooLarge.Because(fmt.Errorf("outbound: %d bytes announced", res.ContentLength))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, c.maxBody+1))
	switch {
	case err != nil:
		return nil, named(err)
	case int64(len(body)) > c.maxBody:
		return nil, ErrTooLarge.Because(fmt.Errorf("outbound: more than %d bytes", c.maxBody))
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// named finds the fault for an error of the transport.
func named(err error) error {
	var ours *fault.Error
	var badCertificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &ours) && !timedOut(ours.Err):
		return ours
	case errors.As(err, &badCertificate):
		return ErrCertificate.Because(err)
	case timedOut(err):
		return ErrTimeout.Because(err)
	case errors.As(err, &network):
		return ErrUnreachable.Because(err)
	}
	return ErrAnswer.Because(err)
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &network) && network.Timeout())
}
