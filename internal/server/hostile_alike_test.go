package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// kinds are people whom a stranger must not be able to tell apart. Their
// addresses are of one length.
var kinds = []string{"xqwpasswd@example.com", "xqwnopass@example.com", "xqwlocked@example.com", "xqwclosed@example.com", "xqwnobody@example.com"}

// people makes them: with a password, without, locked, closing, nobody.
func people(t *testing.T, h *servertest.House) {
	t.Helper()
	for _, address := range kinds[:4] {
		signedUp(t, h, address)
		h.Clock.Advance(time.Minute)
	}
	for _, address := range []string{kinds[0], kinds[2], kinds[3]} {
		givePassword(t, h, address, secure)
	}
	h.Update(func(tx *db.Tx) error {
		if err := (account.Acts{}).Lock(tx, h.Tenant(), idOf(t, h, kinds[2]), account.Staff{Reason: "test"}); err != nil {
			return err
		}
		_, err := account.Acts{}.Close(tx, h.Tenant(), idOf(t, h, kinds[3]))
		return err
	})
	h.Settle()
}

// knocks walks one stranger's journeys for an address: a code, a wrong code, a
// wrong password, recovery. Each answer comes with how long it took; who looks
// gets the pages that follow, too.
func knocks(t *testing.T, h *servertest.House, address, network string, look bool) (told map[string]string, took map[string]time.Duration) {
	t.Helper()
	told, took = map[string]string{}, map[string]time.Duration{}
	own := sha256.Sum256([]byte(network)) // each stranger has a browser of their own
	cookies := map[string]string{"browser": base64.RawURLEncoding.EncodeToString(own[:])}
	head := http.Header{"X-Forwarded-For": {network}, "X-Forwarded-Proto": {"http"}}
	var flow string
	begin := func() {
		flow = probe{Target: "/signin", Cookies: cookies, Header: head}.send(t, h).Header.Get("Location")
	}
	post := func(what, step string, pairs ...string) {
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		h.Clock.Advance(2 * time.Second)
		p := probe{Method: "POST", Target: flow + "/" + step, Cookies: cookies, Header: head.Clone(), Form: form}
		start := time.Now()
		answer := p.send(t, h)
		took[what] = time.Since(start)
		if look {
			page := probe{Target: flow, Cookies: cookies, Header: head}.send(t, h)
			told[what] = plainly(answer, address, flow) + plainly(page, address, flow)
		}
	}
	begin()
	post("a code is asked for", "identify", "identifier", address, "action", "continue")
	post("a wrong code", "code", "code", "00000x", "action", "continue")
	post("a code once more at once", "code", "action", "resend")
	begin()
	post("a password is asked for", "identify", "identifier", address, "action", "password")
	post("a wrong password", "password", "password", "wrong horse battery staple", "action", "continue")
	post("recovery", "recover", "action", "recover")
	return told, took
}

var changing = regexp.MustCompile(`(?m)^(X-Request-Id|Date|Content-Length): .*\r?$`)

// tasks are the proofs of work that pages hand out, each of its own.
var tasks = regexp.MustCompile(`"[A-Za-z0-9_-]{78}"`)

// plainly is an answer without what differs from request to request.
func plainly(r reply, address, flow string) string {
	var head strings.Builder
	if err := r.Header.Write(&head); err != nil {
		return err.Error()
	}
	text := fmt.Sprint(r.Status, "\n", changing.ReplaceAllString(head.String(), ""), r.Body)
	name, _, _ := strings.Cut(address, "@")
	_, id, _ := strings.Cut(flow, "/signin/")
	return strings.NewReplacer(id, "FLOW", name, "NAME").Replace(tasks.ReplaceAllString(text, "TASK"))
}

// Whoever an address belongs to, if to anybody: strangers hear the same words,
// with the same status and the same headers.
func TestH077_NobodyLearnsWhoHasAnAccount_ByWords(t *testing.T) {
	o := servertest.Options{Settings: passwordAlone, Config: manyNetworks.Config}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		people(t, h)
		h.Advance(10 * time.Hour)
		for round := range 4 { // the last ones beyond the budget of messages
			var first map[string]string
			for i, address := range kinds {
				told, _ := knocks(t, h, address, fmt.Sprintf("198.51.100.%d", 10*round+i), true)
				if i == 0 {
					first = told
				}
				for what, text := range told {
					if text != first[what] {
						t.Errorf("round %d, %s: %s", round, what, differing(first[what], text))
					}
				}
			}
		}
	}, o)
}

// differing are the first lines that differ.
func differing(a, b string) string {
	one, two := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(one), len(two)) {
		if one[i] != two[i] {
			return fmt.Sprintf("one hears\n%s\nthe other\n%s", one[i], two[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(one), len(two))
}

// samples is how often each is timed, rounds how often a suspicion is looked
// into: a machine that is busy tells one lie, an oracle the same one each time.
const (
	samples = 16
	rounds  = 4
)

// Nor does the time it takes tell: by ranks (Mann and Whitney, p > 0.01) or by
// medians less than 2 ms apart.
func TestH077_NobodyLearnsWhoHasAnAccount_ByTime(t *testing.T) {
	if os.Getenv("CARDEA_TEST_TIMES") == "" {
		t.Skip("compares times: set CARDEA_TEST_TIMES=1 on a machine that does nothing else, without the race detector")
	}
	o := servertest.Options{Settings: passwordAlone, Config: manyNetworks.Config, Hash: secret.Params{MemoryKiB: 12288, Time: 1, Threads: 1}}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		people(t, h)
		for round := range rounds {
			suspicious := timed(t, h, round)
			if len(suspicious) == 0 {
				return
			}
			if round == rounds-1 {
				t.Errorf("time tells: %v", suspicious)
			}
		}
	}, o)
}

func timed(t *testing.T, h *servertest.House, round int) (suspicious []string) {
	t.Helper()
	all := map[string]map[string][]time.Duration{}
	for i := range samples {
		h.Clock.Advance(15 * time.Hour)
		for j := range kinds {
			address := kinds[(i+j)%len(kinds)]
			_, took := knocks(t, h, address, fmt.Sprintf("2001:db8:%x:%x::1", round*samples+i, j), false)
			for what, d := range took {
				if all[what] == nil {
					all[what] = map[string][]time.Duration{}
				}
				all[what][address] = append(all[what][address], d)
			}
		}
	}
	for what, by := range all {
		for _, address := range kinds[:4] {
			if gap := apart(by[address], by[kinds[4]]); gap != "" {
				suspicious = append(suspicious, fmt.Sprintf("%s, %s against nobody: %s", what, address, gap))
			}
		}
	}
	return suspicious
}

// apart says how two samples differ, if they do.
func apart(a, b []time.Duration) string {
	gap := (median(a) - median(b)).Abs()
	if gap < 2*time.Millisecond || rankTest(a, b) > 0.01 {
		return ""
	}
	return fmt.Sprintf("medians %v and %v", median(a), median(b))
}

func median(list []time.Duration) time.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

// rankTest is the two-sided p of Mann and Whitney's test, by the normal
// approximation; continuous times have no ties to speak of.
func rankTest(a, b []time.Duration) float64 {
	var u float64
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	z := (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}
