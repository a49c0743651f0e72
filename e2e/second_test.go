package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	digits "encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// appCode is what an authenticator app shows for a key (RFC 6238).
func appCode(t *testing.T, key string, at time.Time) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	var counter [8]byte
	digits.BigEndian.PutUint64(counter[:], uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, raw)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", digits.BigEndian.Uint32(sum[from:from+4])&0x7fffffff%1000000)
}

// A second factor is set up, used and recovered, with scripts and without.
func TestSecondFactorByApp(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]View{"WithScripts": {}, "WithoutScripts": {NoScript: true, Width: 390}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enrolAndReturn(t, v)
		})
	}
}

func enrolAndReturn(t *testing.T, v View) {
	h := Build(t, func(s *tenant.Settings) { s.Assurance.Rules = []tenant.AssuranceRule{{Need: "multi"}} })
	now := func() time.Time { return h.DB.Now() }
	tab := Open(t, v)
	tab.Pardon("422")
	tab.Goto(h.URL + "/signin")
	if tab.Sees("[data-passkey]") == v.NoScript {
		t.Errorf("the passkey button is there: %v", !v.NoScript)
	}
	h.Enter(tab, "mia@example.test")
	tab.Expect("Add a second step")
	tab.Press("Use an authenticator app")
	tab.Expect("Set up your authenticator app")
	key := Ask[string](tab, `document.querySelector('[data-copy]').dataset.copy`)
	tab.Reload()
	tab.Fill("code", "000000")
	tab.Send("code")
	tab.Expect("does not match")
	tab.Fill("code", appCode(t, key, now()))
	tab.Send("code")
	tab.Expect("Save your recovery codes")
	saved := Ask[string](tab, `document.querySelector('.codes code').textContent`)
	if file := Ask[string](tab, `decodeURIComponent(document.querySelector('a[download]').href)`); !strings.Contains(file, saved) || !strings.HasPrefix(file, "data:text/plain") {
		t.Errorf("the file holds %q", file)
	}
	tab.Act("action", "continue")
	tab.At(h.URL + "/account")
	h.Advance(2 * time.Minute)
	leaveHouse(tab, h)
	h.Enter(tab, "mia@example.test")
	tab.Expect("Enter the code from your app")
	tab.Fill("code", "000000")
	tab.Send("code")
	if got := tab.Title(); !strings.HasPrefix(got, "There is a problem: ") {
		t.Errorf("after a wrong code the title is %q", got)
	}
	tab.Click("details.more > summary")
	tab.Press("Use a recovery code")
	tab.Fill("recovery_code", strings.ToUpper(saved))
	tab.Send("recovery_code")
	tab.At(h.URL + "/account")
}
