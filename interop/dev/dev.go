package dev

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The variables by which a program that Main runs hears of the house.
const (
	FactsVariable   = "CARDEA_DEV"      // the line that `cardea dev --json` printed
	ProgramVariable = "INTEROP_PROGRAM" // the binary
	DataVariable    = "INTEROP_DATA"    // its data directory
)

// Facts are what `cardea dev --json` says.
type Facts struct {
	Issuer    string     `json:"issuer"`
	Account   string     `json:"account"`
	Shop      string     `json:"shop"`
	Inbox     string     `json:"inbox"`
	Clients   []Client   `json:"clients"`
	Customers []Customer `json:"customers"`
}

// Client is a registered application.
type Client struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
	Type         string   `json:"type"`
	Audience     string   `json:"audience"`
}

// Customer is somebody who can sign in by a fixed code.
type Customer struct {
	Email string `json:"email"`
	Code  string `json:"code"`
}

// Client returns the application of a type: web, spa, native, service or api.
func (f *Facts) Client(kind string) (Client, error) {
	for _, c := range f.Clients {
		if c.Type == kind {
			return c, nil
		}
	}
	return Client{}, fmt.Errorf("the house has no client of type %q", kind)
}

// House is a running server.
type House struct {
	Facts
	Line    []byte // as it was printed
	Program string
	Data    string

	work    string
	command *exec.Cmd
	ended   chan error
	errors  *bytes.Buffer
}

const startsWithin = time.Minute

// Start builds the program and starts it with data of its own.
func Start() (*House, error) {
	work, err := os.MkdirTemp("", "cardea-interop-")
	if err != nil {
		return nil, err
	}
	h := &House{work: work, Program: filepath.Join(work, "cardea"), Data: filepath.Join(work, "data"), errors: &bytes.Buffer{}}
	if err := h.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(work))
	}
	return h, nil
}

func (h *House) start() error {
	root, err := root()
	if err != nil {
		return err
	}
	build := exec.Command("go", "build", "-C", root, "-o", h.Program, "./cmd/cardea")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("the program does not build: %w\n%s", err, out)
	}
	front, shop, err := freePorts()
	if err != nil {
		return err
	}
	h.command = h.Cardea("dev", "--json", "--no-open", "--listen", front, "--shop-listen", shop)
	h.command.Stderr = h.errors
	stdout, err := h.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := h.command.Start(); err != nil {
		return err
	}
	return h.hear(stdout)
}

// hear waits for the one line that the program prints, and sees to it that
// there is no second one.
func (h *House) hear(stdout io.Reader) error {
	first, rest := make(chan []byte, 1), make(chan string, 1)
	go func() {
		r := bufio.NewReader(stdout)
		line, _ := r.ReadBytes('\n') // what came until the end counts
		first <- line
		more, _ := io.ReadAll(r)
		rest <- string(more)
	}()
	h.ended = make(chan error, 1)
	go func() {
		more := <-rest
		err := h.command.Wait()
		if more != "" {
			err = errors.Join(err, fmt.Errorf("more than one line on stdout: %q", more))
		}
		h.ended <- err
	}()
	select {
	case h.Line = <-first:
	case <-time.After(startsWithin):
		return errors.Join(errors.New("the program prints nothing"), h.command.Process.Kill())
	}
	if err := json.Unmarshal(h.Line, &h.Facts); err != nil {
		return fmt.Errorf("the program printed %q and %s: %w", h.Line, h.errors, err)
	}
	return nil
}

// Cardea is a command of the program on the data of this house, in an
// environment that holds none of its variables.
func (h *House) Cardea(args ...string) *exec.Cmd {
	c := exec.Command(h.Program, append(args, "--data", h.Data)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CARDEA_") {
			c.Env = append(c.Env, v)
		}
	}
	return c
}

// Environ is what a program has to know to use the house.
func (h *House) Environ() []string {
	return append(os.Environ(), FactsVariable+"="+strings.TrimSpace(string(h.Line)), ProgramVariable+"="+h.Program, DataVariable+"="+h.Data)
}

const endsWithin = 30 * time.Second

// Stop ends the server by SIGTERM. That it does not end with 0 is an error.
func (h *House) Stop() error {
	defer os.RemoveAll(h.work)
	if err := h.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the server was gone already: %w\n%s", err, h.errors)
	}
	select {
	case err := <-h.ended:
		if err != nil {
			return fmt.Errorf("after SIGTERM: %w\n%s", err, h.errors)
		}
		return nil
	case <-time.After(endsWithin):
		return errors.Join(errors.New("the server does not end after SIGTERM"), h.command.Process.Kill())
	}
}

// root is the product's module: the folder above that holds the program.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "cardea")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no folder above holds cmd/cardea")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// freePorts are two addresses that are free on both loopback networks.
func freePorts() (front, shop string, err error) {
	var found []string
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		if six, err := net.Listen("tcp", "[::1]:"+port); err == nil {
			six.Close()
		} else if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if found = append(found, l.Addr().String()); len(found) == 2 {
			return found[0], found[1], nil
		}
	}
	return "", "", errors.New("no two ports are free")
}
