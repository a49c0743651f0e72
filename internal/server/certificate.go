package server

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// certificate is a pair of PEM files that is read again when it was renewed.
type certificate struct {
	certFile, keyFile string
	mu                sync.Mutex
	pair              *tls.Certificate
	written           time.Time
}

func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	return c, c.read()
}

func (c *certificate) read() error {
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil {
		c.pair, c.written = &pair, info.ModTime()
	}
	return err
}

// get is tls.Config.GetCertificate. A renewal that cannot be read yet (one
// file is new, the other old) leaves the old pair in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if info, err := os.Stat(c.certFile); err == nil && !info.ModTime().Equal(c.written) {
		_ = c.read() // the old pair serves on
	}
	return c.pair, nil
}
