package credential

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 section 1.2: what every authenticator app speaks; HMAC-SHA-1 stands
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	totpKeyLen = 20 // bytes: the length of an HMAC-SHA-1 (RFC 4226 section 4, R6)
	totpStep   = 30 // seconds
	totpWindow = 1  // steps before and after (RFC 6238 section 5.2)
	// otpauthLen bounds the tenant's name and the label in the URI, in code
	// points, so that its QR code stays coarse enough for a poor camera.
	otpauthLen = 40
)

// TOTPSetup is what a customer brings into an authenticator app, shown this once.
type TOTPSetup struct {
	ID     TOTPID
	Secret string // the key in base32 (RFC 4648 section 6), without padding
	URI    string // otpauth://totp/..., for QR
}

// Manual is the key as it is read off and typed: in groups of four.
func (s TOTPSetup) Manual() string {
	var out strings.Builder
	for i, r := range s.Secret {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
	}
	return out.String()
}

func newSetup(t *tenant.Tenant, one TOTPID, key []byte, label string) TOTPSetup {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
	return TOTPSetup{ID: one, Secret: text, URI: otpauth(t.Name, label, text)}
}

// otpauth writes the URI that authenticator apps read (Key Uri Format of Google
// Authenticator). The issuer stands in it twice, since old apps read the one and
// new ones the other; neither it nor the label may hold a colon.
func otpauth(issuer, label, key string) string {
	issuer, label = otpauthText(issuer), otpauthText(label)
	path := issuer
	if label != "" {
		path += ":" + label
	}
	return "otpauth://totp/" + path + "?secret=" + key + "&issuer=" + issuer + "&algorithm=SHA1&digits=6&period=30"
}

// otpauthText escapes all but what RFC 3986 leaves bare: apps read a space as
// %20 everywhere, and + only here and there.
func otpauthText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == ':' || unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	words := []rune(strings.Join(strings.Fields(s), " "))
	return strings.ReplaceAll(url.QueryEscape(string(words[:min(len(words), otpauthLen)])), "+", "%20")
}

// totpCode is the code of a step (RFC 4226 section 5.3).
func totpCode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// totpSteps are the steps around now whose code the digits are, the oldest
// first. Every step of the window is compared, whichever fits.
func totpSteps(key []byte, now time.Time, digits string) (out []int64) {
	current := now.Unix() / totpStep
	for step := current - totpWindow; step <= current+totpWindow; step++ {
		if hmac.Equal([]byte(totpCode(key, step)), []byte(digits)) {
			out = append(out, step)
		}
	}
	return out
}
