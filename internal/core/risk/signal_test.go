package risk

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var spelling = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

func TestEverySignalStandsInAFileOfItsOwnWithItsTest(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range signals {
		if !spelling.MatchString(s.name) || seen[s.name] || s.weight < 1 || s.weight > 100 || !strings.HasSuffix(s.words, ".") {
			t.Errorf("the signal %+v is not right", s)
		}
		seen[s.name] = true
		for _, name := range []string{"signal_" + s.name + ".go", "signal_" + s.name + "_test.go"} {
			text, err := os.ReadFile(name)
			if err != nil || strings.HasSuffix(name, "_test.go") && !strings.Contains(string(text), "hears(t, ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, is := strings.CutPrefix(strings.TrimSuffix(strings.TrimSuffix(f.Name(), ".go"), "_test"), "signal_")
		if is && name != "test" && !seen[name] {
			t.Errorf("%s is a signal that nobody asks", f.Name())
		}
	}
}

func TestAReasonOfAnotherReleaseStillHasWords(t *testing.T) {
	t.Parallel()
	if w := (Reason{Code: "moon_phase"}).Words(); !strings.Contains(w, "moon_phase") {
		t.Errorf("it says %q", w)
	}
	if w := (Reason{Code: "new_device"}).Words(); w != newDevice.words {
		t.Errorf("it says %q", w)
	}
}

func TestASignalRises(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 9: 0, 10: 50, 15: 75, 19: 95, 20: 100, 1 << 30: 100} {
		if got := rising(n, 10, 20); got != want {
			t.Errorf("at %d it is %d, want %d", n, got, want)
		}
	}
}
