package credential

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// download makes lines as the download has them, ordered by hash.
func download(seen map[string]int) string {
	var lines []string
	for w, n := range seen {
		lines = append(lines, fmt.Sprintf("%X:%d", sha1.Sum([]byte(w)), n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\r\n") + "\r\n"
}

func TestBreachFileAnswersForItsDownload(t *testing.T) {
	t.Parallel()
	seen := map[string]int{"hunter2": 1, "Tr0ub4dor&3": 7, "пароль": 20}
	for i := range 5000 {
		seen[fmt.Sprintf("leaked-%d", i)] = 10
	}
	path := filepath.Join(t.TempDir(), "breach")
	rep, err := BuildBreach(strings.NewReader(download(seen)), path, 5)
	if err != nil || rep.Read != 5003 || rep.Kept != 5002 {
		t.Fatalf("%+v, %v", rep, err)
	}
	b, err := OpenBreachFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for w, n := range seen {
		if got, err := b.Contains(w); err != nil || got != (n >= 5) {
			t.Fatalf("%q seen %d times: %v, %v", w, n, got, err)
		}
	}
	p := Passwords{Breach: b}
	if _, _, err := p.Check(shop(false), PasswordContext{}, "leaked-4711"); !errors.Is(err, ErrLeaked) {
		t.Errorf("the operator's file is not asked: %v", err)
	}
	if b.Count() != 5002 {
		t.Errorf("the file counts %d", b.Count())
	}
}

func TestBreachFileRefusesWhatItCannotTrust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "breach")
	for name, text := range map[string]string{
		"out of order": "FFFF000000000000000000000000000000000000:1\n0000000000000000000000000000000000000000:1\n",
		"no count":     strings.Repeat("A", 40) + "\n",
		"short":        "AAAA:1\n",
		"no hash":      strings.Repeat("G", 40) + ":1\n",
		"empty":        "",
	} {
		if _, err := BuildBreach(strings.NewReader(text), path, 1); err == nil {
			t.Errorf("%s was built", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s left a file", name)
		}
	}
	if _, err := BuildBreach(strings.NewReader(download(map[string]int{"a": 1, "b": 1})), path, 1); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	for name, raw := range map[string][]byte{
		"empty": nil, "another file": []byte("hello, I am a text file of some length"), "cut index": whole[:100],
		"cut": whole[:len(whole)-1], "flipped": flipped,
	} {
		damaged := filepath.Join(dir, "damaged")
		if err := os.WriteFile(damaged, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := OpenBreachFile(damaged); err == nil {
			_, errA := b.Contains("a")
			_, errB := b.Contains("b")
			if errA == nil && errB == nil {
				t.Errorf("%s is trusted", name)
			}
			b.Close()
		}
	}
}

func TestEmbeddedListIsTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	notice, err := os.ReadFile("THIRD_PARTY")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(embedded)
	if !strings.Contains(string(notice), hex.EncodeToString(sum[:])) {
		t.Error("THIRD_PARTY names another common.breach")
	}
}
