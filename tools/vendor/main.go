// Command vendor refreshes the files of other people that the house carries:
// the typeface, the icons, and the accessibility rules of the browser tests.
// Only maintainers run it, and only it needs npm:
//
//	go run ./tools/vendor           take the versions that vendor.json names
//	go run ./tools/vendor -sums     the same, and write the new checksums
//
// A version is changed by editing vendor.json. Without -sums a file whose
// checksum differs is refused and nothing of its package is written.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const list = "tools/vendor/vendor.json"

// limit is the largest file that a package may bring.
const limit = 8 << 20

type source struct {
	NPM     string `json:"npm"`
	Version string `json:"version"`
	Licence string `json:"licence"`
	Home    string `json:"home"`
	Files   []file `json:"files"`
}

// file is one file of a package. Where Subset names a tool, what is kept is made
// from it by subset.mjs, and Made is the checksum of that.
type file struct {
	From   string `json:"from"`
	To     string `json:"to"`
	SHA256 string `json:"sha256"`
	Subset string `json:"subset,omitempty"`
	Made   string `json:"made,omitempty"`
}

func main() {
	sums := flag.Bool("sums", false, "write the checksums of what came")
	flag.Parse()
	if err := run(*sums); err != nil {
		fmt.Fprintln(os.Stderr, "vendor:", err)
		os.Exit(1)
	}
}

func run(sums bool) error {
	raw, err := os.ReadFile(list)
	if err != nil {
		return fmt.Errorf("%w (run it from the root of the repository)", err)
	}
	var sources []source
	if err := json.Unmarshal(raw, &sources); err != nil {
		return err
	}
	for i := range sources {
		if err := sources[i].refresh(sums); err != nil {
			return fmt.Errorf("%s: %w", sources[i].NPM, err)
		}
	}
	if !sums {
		return nil
	}
	raw, err = json.MarshalIndent(sources, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(list, append(raw, '\n'), 0o644)
}

func (s *source) refresh(sums bool) error {
	came, err := s.pack()
	if err != nil {
		return err
	}
	for i := range s.Files {
		f := &s.Files[i]
		body, ok := came[f.From]
		if !ok {
			return fmt.Errorf("the package has no %s", f.From)
		}
		if err := check(f.From, body, &f.SHA256, sums); err != nil {
			return err
		}
		if f.Subset == "" {
			continue
		}
		if came[f.From], err = subset(f.Subset, body); err != nil {
			return err
		}
		if err := check(f.To, came[f.From], &f.Made, sums); err != nil {
			return err
		}
	}
	for _, f := range s.Files {
		if err := os.MkdirAll(filepath.Dir(f.To), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.To, came[f.From], 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%s %s: %d files\n", s.NPM, s.Version, len(s.Files))
	return nil
}

// check compares a checksum, or writes it.
func check(name string, body []byte, want *string, write bool) error {
	sum := sha256.Sum256(body)
	got := hex.EncodeToString(sum[:])
	if write {
		*want = got
	}
	if got != *want {
		return fmt.Errorf("%s has the checksum %s, not %s; look at what changed, then run with -sums", name, got, *want)
	}
	return nil
}

// subset makes a typeface smaller with a tool from npm.
func subset(tool string, font []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "vendor")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	script, err := filepath.Abs("tools/vendor/subset.mjs")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "in.woff2"), font, 0o600); err != nil {
		return nil, err
	}
	for _, args := range [][]string{{"npm", "install", "--silent", "--ignore-scripts", "--prefix", dir, tool}, {"node", script, "in.woff2", "out.woff2"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", args[0], err)
		}
	}
	return os.ReadFile(filepath.Join(dir, "out.woff2"))
}

// pack fetches one package and gives the files in it that are wanted.
func (s *source) pack() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "vendor")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--silent", s.NPM+"@"+s.Version)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("npm pack: %w", err)
	}
	packed, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(packed) != 1 {
		return nil, errors.Join(err, errors.New("npm pack left no archive"))
	}
	return s.unpack(packed[0])
}

func (s *source) unpack(path string) (map[string][]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	wanted, came := map[string]bool{}, map[string][]byte{}
	for _, f := range s.Files {
		wanted[f.From] = true
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return came, nil
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "package/")
		if !wanted[name] {
			continue
		}
		if came[name], err = io.ReadAll(io.LimitReader(t, limit)); err != nil {
			return nil, err
		}
	}
}
