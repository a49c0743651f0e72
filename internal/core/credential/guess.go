package credential

import (
	"math"
	"strings"
	"unicode"
)

// Strength is how long a password would stand against guessing, in five steps.
// It is told to the customer in words and decides nothing.
type Strength uint8

// The steps. Each is a hundredfold to a thousandfold of the one before.
const (
	VeryWeak Strength = iota // under 10^6 guesses
	Weak                     // under 10^8
	Fair                     // under 10^10
	Good                     // under 10^14
	Strong
)

// String is the step as it stands in keys of words.
func (s Strength) String() string {
	return [...]string{"very_weak", "weak", "fair", "good", "strong"}[min(s, Strong)]
}

// estimated bounds the work of estimating; a password longer than that is judged
// by its beginning.
const estimated = 64 // code points

// A known piece costs an attacker about as many guesses as there are pieces of
// its kind; anything else costs its alphabet per character. Both in bits.
const (
	bitsContext  = 4.0  // one of a handful of words about the customer
	bitsCommon   = 15.6 // one of some 50,000 common passwords and words
	bitsSequence = 6.0  // where it begins and which way it goes
	bitsRepeat   = 2.0  // how often
	bitsYear     = 7.0
	bitsCapital  = 1.0
)

// estimate finds the cheapest way to put the password together from known pieces
// and single characters (the method of D. Wheeler, "zxcvbn: Low-Budget Password
// Strength Estimation", USENIX Security 2016, in the least that serves here).
func estimate(nfc string, words []string) Strength {
	plain := []rune(nfc)
	plain = plain[:min(len(plain), estimated)]
	folded := []rune(fold(string(plain)))
	if len(folded) != len(plain) { // folding may change the count; then judge what came out
		plain = folded
	}
	per := math.Log2(alphabet(plain))
	cost := make([]float64, len(plain)+1)
	for end := 1; end <= len(plain); end++ {
		cost[end] = cost[end-1] + per
		for begin := 0; begin < end; begin++ {
			if bits, known := piece(plain[begin:end], folded[begin:end], words); known {
				cost[end] = min(cost[end], cost[begin]+bits)
			}
		}
	}
	return strengthOf(cost[len(plain)])
}

func strengthOf(bits float64) Strength {
	digits := bits * math.Log10(2)
	for s, limit := range []float64{6, 8, 10, 14} {
		if digits < limit {
			return Strength(s)
		}
	}
	return Strong
}

// piece tells what a stretch costs if it is a known one.
func piece(plain, folded []rune, words []string) (bits float64, known bool) {
	n := len(plain)
	if n < 3 {
		return 0, false
	}
	if unit := period(folded); unit <= n/2 {
		return float64(unit)*math.Log2(alphabet(plain[:unit])) + bitsRepeat, true
	}
	if isSequence(folded) {
		return bitsSequence, true
	}
	text := string(folded)
	if n == 4 && (strings.HasPrefix(string(plain), "19") || strings.HasPrefix(string(plain), "20")) && allDigits(plain) {
		return bitsYear, true
	}
	capitals := 0.0
	if strings.ToLower(string(plain)) != string(plain) {
		capitals = bitsCapital
	}
	for _, w := range words {
		if w == text {
			return bitsContext + capitals, true
		}
	}
	if n <= 20 && (common().has(strings.ToLower(string(plain))) || common().has(text)) {
		return bitsCommon + capitals, true
	}
	return 0, false
}

// alphabet is how many characters an attacker must try per place who knows which
// kinds of characters there are.
func alphabet(s []rune) float64 {
	size := map[string]float64{}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
			size["lower"] = 26
		case r >= 'A' && r <= 'Z':
			size["upper"] = 26
		case r >= '0' && r <= '9':
			size["digit"] = 10
		case r < 0x80:
			size["sign"] = 33
		default:
			size["other"] = 100
		}
	}
	sum := 0.0
	for _, n := range size {
		sum += n
	}
	return max(sum, 2)
}

// period is the length of the shortest unit whose repetition is s.
func period(s []rune) int {
	for unit := 1; unit <= len(s)/2; unit++ {
		if len(s)%unit == 0 && repeats(s, unit) {
			return unit
		}
	}
	return len(s)
}

func repeats(s []rune, unit int) bool {
	for i := unit; i < len(s); i++ {
		if s[i] != s[i-unit] {
			return false
		}
	}
	return true
}

// rows are what sits side by side on keyboards, and the orders that everybody
// knows.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "azertyuiop",
	"asdfghjkl", "zxcvbnm", "yxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm",
}

// runs are the rows forwards and backwards, each twice for those who begin anew
// at the end.
var runs = func() string {
	var all []string
	for _, row := range rows {
		twice := row + row
		all = append(all, twice, reversed([]rune(twice)))
	}
	return strings.Join(all, "\x00")
}()

// isSequence tells whether s runs along a row, forwards or backwards.
func isSequence(s []rune) bool { return strings.Contains(runs, string(s)) }

func reversed(s []rune) string {
	out := make([]rune, len(s))
	for i, r := range s {
		out[len(s)-1-i] = r
	}
	return string(out)
}

func allDigits(s []rune) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// beyond counts the characters that a password has beyond known words, runs and
// repetition: what an attacker who knows the customer has to guess. Longer
// passwords are judged by their beginning.
func beyond(folded string, words []string) int {
	s := []rune(folded)
	s = s[:min(len(s), estimated)]
	if unit := period(s); unit <= shortestRunOff {
		return 0
	} else if unit < len(s) {
		s = s[:unit]
	}
	least := make([]int, len(s)+1)
	for end := 1; end <= len(s); end++ {
		least[end] = least[end-1] + 1
		for begin := 0; begin <= end-3; begin++ {
			if least[begin] < least[end] && given(s[begin:end], words) {
				least[end] = least[begin]
			}
		}
	}
	return least[len(s)]
}

func given(s []rune, words []string) bool {
	if isSequence(s) || period(s) == 1 {
		return true
	}
	for _, w := range words {
		if string(s) == w {
			return true
		}
	}
	return false
}

// swaps are the letters that people write as other signs.
var swaps = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i")

// fold brings spellings of the same word together: case, and signs for letters
// inside words. Digits on their own stay what they are.
func fold(s string) string {
	s = strings.ToLower(s)
	if !strings.ContainsFunc(s, unicode.IsLetter) {
		return s
	}
	return swapInside(s)
}

// swapInside swaps only signs that stand between or beside letters, so that
// "p4ssw0rd2024" becomes "password2024".
func swapInside(s string) string {
	r := []rune(s)
	out := make([]rune, len(r))
	copy(out, r)
	for i := range r {
		swapped := []rune(swaps.Replace(string(r[i])))
		if len(swapped) == 1 && swapped[0] != r[i] && besideLetters(r, i) {
			out[i] = swapped[0]
		}
	}
	return string(out)
}

func besideLetters(r []rune, i int) bool {
	before := i > 0 && unicode.IsLetter(r[i-1])
	after := i+1 < len(r) && unicode.IsLetter(r[i+1])
	return before && after || after && i == 0 || before && i == len(r)-1
}

func notLetterOrDigit(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
