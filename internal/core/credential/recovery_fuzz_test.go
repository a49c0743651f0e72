package credential

import (
	"strings"
	"testing"
)

func FuzzRecoveryCode(f *testing.F) {
	f.Add("bcdfg-hjkmn-pqrst")
	f.Add("ＢＣＤＦＧ hjkmn\u2013PQRST")
	f.Add("٢٣٤٥٦-bcdfg-hjkmn")
	f.Fuzz(func(t *testing.T, raw string) {
		letters, ok := canonicalRecovery(raw)
		if !ok {
			return
		}
		if len(letters) != recoveryLen || strings.Trim(letters, recoveryLetters) != "" {
			t.Fatalf("%q gives %q", raw, letters)
		}
		if again, ok := canonicalRecovery(strings.ToUpper(grouped(letters))); !ok || again != letters {
			t.Fatalf("%q gives %q, which gives %q", raw, letters, again)
		}
	})
}

func TestRecoveryCodesAreDrawnFromAllLettersAlike(t *testing.T) {
	t.Parallel()
	count := map[rune]int{}
	const draws = 4000
	for range draws {
		for _, r := range drawRecoveryCode() {
			count[r]++
		}
	}
	mean := draws * recoveryLen / len(recoveryLetters)
	for _, r := range recoveryLetters {
		if n := count[r]; n < mean*3/4 || n > mean*5/4 { // over ten standard deviations
			t.Errorf("%c is drawn %d times, the mean is %d", r, n, mean)
		}
	}
	if len(count) != len(recoveryLetters) {
		t.Errorf("%d letters are drawn of %d", len(count), len(recoveryLetters))
	}
}
