package notify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// relayServer is a mail relay of the test's own: it speaks SMTP over a real
// connection and keeps every command and message.
type relayServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	implicit bool
	plain    bool   // offers no STARTTLS
	user     string // asks for AUTH PLAIN
	answer   string // to RCPT, if not 250

	mu       sync.Mutex
	commands []string
	messages []string
	secure   bool // the last message came over TLS
}

func (s *relayServer) start() {
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.listener.Close() })
	go func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
}

func (s *relayServer) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	secure := false
	if s.implicit {
		c, secure = tls.Server(c, s.tls), true
	}
	r := bufio.NewReader(c)
	say := func(line string) { _, _ = fmt.Fprint(c, line+"\r\n") }
	say("220 relay.test ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.note(line)
		verb, _, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-relay.test")
			if !secure && !s.plain {
				say("250-STARTTLS")
			}
			if s.user != "" && (secure || s.plain) {
				say("250-AUTH PLAIN")
			}
			say("250-SMTPUTF8")
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			c, secure = tls.Server(c, s.tls), true
			r = bufio.NewReader(c)
		case "AUTH":
			say("235 welcome")
		case "RCPT":
			if s.answer != "" {
				say(s.answer)
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			s.keep(r, secure)
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *relayServer) keep(r *bufio.Reader, secure bool) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.secure = append(s.messages, b.String()), secure
}

func (s *relayServer) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, line)
}

func (s *relayServer) said(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.commands {
		if strings.HasPrefix(strings.ToUpper(c), prefix) {
			out = append(out, c)
		}
	}
	return out
}

// certificate makes one for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func relayFor(t *testing.T, kind string, shape func(*relayServer)) (*relayServer, *SMTP) {
	t.Helper()
	cert, pool := certificate(t)
	s := &relayServer{t: t, tls: &tls.Config{Certificates: []tls.Certificate{cert}}, implicit: kind == "implicit", plain: kind == "none"}
	if shape != nil {
		shape(s)
	}
	s.start()
	at := s.listener.Addr().(*net.TCPAddr)
	relay := Relay{From: "accounts@fern.test", FromName: "Fern & Field", ReplyTo: "help@fern.test", Host: "127.0.0.1", Port: at.Port, TLS: kind}
	if s.user != "" {
		relay.Username, relay.Password = s.user, "s3cret"
	}
	var d net.Dialer
	return s, &SMTP{
		Dial: d.DialContext, TLS: &tls.Config{RootCAs: pool},
		Relay: func(Envelope) (Relay, error) { return relay, nil },
		Now:   func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	}
}

func letter(to string) Envelope {
	return Envelope{
		ID: "msg1", Domain: "id.fern.test", Channel: Email, Locale: "de", To: to,
		Rendered: Rendered{Subject: "482 913 ist Ihr Code für Fern & Field", Text: "Ihr Code: 482 913\n.\nGrüße", HTML: "<p>482 913 ist Ihr Code für <b>Fern &amp; Field</b></p>"},
	}
}

func TestMailIsHandedOverSafely(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"starttls", "implicit", "none"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, sender := relayFor(t, kind, func(s *relayServer) {
				if kind != "none" {
					s.user = "cardea"
				}
			})
			if err := sender.Send(context.Background(), letter("mia@example.test")); err != nil {
				t.Fatal(err)
			}
			if len(s.messages) != 1 || s.secure != (kind != "none") {
				t.Fatalf("%d messages, over TLS: %v", len(s.messages), s.secure)
			}
			if got := s.said("RCPT"); len(got) != 1 || got[0] != "RCPT TO:<mia@example.test>" {
				t.Errorf("RCPT: %q", got)
			}
			if got := s.said("EHLO"); len(got) == 0 || got[0] != "EHLO fern.test" {
				t.Errorf("EHLO: %q", got)
			}
			if kind != "none" {
				auth := base64.StdEncoding.EncodeToString([]byte("\x00cardea\x00s3cret"))
				if got := s.said("AUTH"); len(got) != 1 || got[0] != "AUTH PLAIN "+auth {
					t.Errorf("AUTH: %q", got)
				}
			}
			checkMessage(t, s.messages[0])
		})
	}
}

func checkMessage(t *testing.T, raw string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "482 913 ist Ihr Code für Fern & Field" {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "Message-Id": "<msg1@id.fern.test>", "To": "<mia@example.test>",
		"From": `"Fern & Field" <accounts@fern.test>`, "Reply-To": "<help@fern.test>", "Content-Language": "de",
		"Date": "Sun, 01 Mar 2026 12:00:00 +0000",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{"Ihr Code: 482 913\r\n.\r\nGrüße", "<p>482 913 ist Ihr Code für <b>Fern &amp; Field</b></p>"} {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil || !bytes.Equal(bytes.TrimSpace(body), []byte(want)) {
			t.Errorf("part %q, %v", body, err)
		}
	}
}

func TestRelayThatOffersNoTLSIsNotTold(t *testing.T) {
	t.Parallel()
	s, sender := relayFor(t, "starttls", func(s *relayServer) { s.plain = true })
	err := sender.Send(context.Background(), letter("mia@example.test"))
	if !errors.Is(err, ErrRelay) || len(s.messages) != 0 || len(s.said("MAIL")) != 0 {
		t.Errorf("%v, %d messages", err, len(s.messages))
	}
}

func TestRelayWithAnotherCertificateIsNotTold(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"starttls", "implicit"} {
		s, sender := relayFor(t, kind, nil)
		sender.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		if err := sender.Send(context.Background(), letter("mia@example.test")); !errors.Is(err, ErrRelay) || len(s.messages) != 0 {
			t.Errorf("%s: %v, %d messages", kind, err, len(s.messages))
		}
	}
}

func TestRefusalsOfTheRelay(t *testing.T) {
	t.Parallel()
	for answer, kind := range map[string]fault.Kind{
		"550 5.1.1 no such mailbox": fault.Gone,
		"553 not here":              fault.Gone,
		"450 4.2.1 try later":       fault.Unavailable,
		"421 4.7.0 too busy":        fault.Unavailable,
	} {
		_, sender := relayFor(t, "none", func(s *relayServer) { s.answer = answer })
		if err := sender.Send(context.Background(), letter("mia@example.test")); !fault.Is(err, kind) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestRelayThatDoesNotAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	s, sender := relayFor(t, "none", nil)
	_ = s.listener.Close()
	if err := sender.Send(context.Background(), letter("mia@example.test")); !errors.Is(err, ErrRelay) {
		t.Error(err)
	}
}

func TestMailWithoutARelay(t *testing.T) {
	t.Parallel()
	sender := &SMTP{Relay: func(Envelope) (Relay, error) { return Relay{}, nil }}
	if err := sender.Send(context.Background(), letter("mia@example.test")); !errors.Is(err, ErrUnconfigured) {
		t.Error(err)
	}
}

// What reaches a relay names one mailbox and nothing else.
func TestH128_AddressesThatAnSMTPCommandCouldMisread(t *testing.T) {
	t.Parallel()
	s, sender := relayFor(t, "none", nil)
	for _, to := range []string{
		"", "x", "@example.test", "a@", "a@b@example.test", `"a@b.com> SIZE=1"@example.test`, "a@x.test,b@x.test",
		"a@x.test;b@x.test", "a@x.test\r\nRCPT TO:<b@x.test>", "a@x.test\nBcc: b@x.test", "a b@x.test", "<a@x.test>",
		"a@[127.0.0.1]", "a(comment)@x.test", "a\x00@x.test", "a\u2028@x.test", strings.Repeat("a", 65) + "@x.test",
		"a@" + strings.Repeat("x", 254),
	} {
		if err := sender.Send(context.Background(), letter(to)); !errors.Is(err, ErrBadRecipient) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if n := len(s.said("RCPT")); n != 0 {
		t.Errorf("%d recipients were named", n)
	}
	if err := sender.Send(context.Background(), letter("jürgen@example.test")); err != nil {
		t.Errorf("an address in other letters: %v", err)
	}
}

func TestNoValueBecomesAHeaderOfItsOwn(t *testing.T) {
	t.Parallel()
	s, sender := relayFor(t, "none", nil)
	e := letter("mia@example.test")
	e.Subject, e.Locale = "hi\r\nBcc: eve@example.test", "de\nX-Evil: 1"
	if err := sender.Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(s.messages[0]))
	if err != nil || m.Header.Get("Bcc") != "" || m.Header.Get("X-Evil") != "" {
		t.Errorf("%v %v", m.Header, err)
	}
}
