package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The kill test: a real server on SQLite is under load when it is ended by
// kill -9, at random and many times. Whatever it had answered must be there
// afterwards. CARDEA_TEST_KILLS says how many times; a few if unset.
const (
	killsVariable = "CARDEA_TEST_KILLS"
	fewKills      = 3
	callers       = 8
	longestLoad   = 3 * time.Second
	hastyKills    = 40 // by far enough to notice a hasty server; it takes one or two
)

func TestWhatWasAnsweredOutlivesAKill(t *testing.T) {
	t.Parallel()
	kills := fewKills
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		kills = n
	}
	k := newKilling(t, orders{})
	for range kills {
		if lost := k.round(); len(lost) > 0 {
			t.Fatalf("after %d kills: %v", k.kills, lost)
		}
	}
	t.Logf("%d kills, %d registrations, %d sign-ins and %d refreshes were answered and are there", k.kills, len(k.people), k.signIns.Load(), k.refreshes.Load())
	if len(k.people) < kills || k.refreshes.Load() < int64(kills) {
		t.Error("there was next to no load: the test proves nothing")
	}
}

// TestTheKillTestNoticesAHastyServer is the proof that the test above can fail:
// a writer that answers before COMMIT loses what it had answered.
func TestTheKillTestNoticesAHastyServer(t *testing.T) {
	t.Parallel()
	k := newKilling(t, orders{Hasty: true})
	for range hastyKills {
		if lost := k.round(); len(lost) > 0 {
			t.Logf("noticed after %d kills: %v", k.kills, lost)
			return
		}
	}
	t.Errorf("%d kills of a server that answers before COMMIT, and nothing was noticed", k.kills)
}

// killing is a house, its callers, and what they were told.
type killing struct {
	*ground
	t     *testing.T
	kills int

	mu        sync.Mutex
	people    map[string]*person // that were told to be registered
	begun     atomic.Int64       // registrations, also those nobody was told of
	signIns   atomic.Int64
	refreshes atomic.Int64
}

// person is a customer and what they were told since the last kill.
type person struct {
	address string
	sub     string
	code    string   // redeemed
	chain   []string // refresh tokens, in order
	revoked bool     // the newest one was revoked
	unsure  bool     // a revocation was on its way
	fresh   bool     // something was told since the last kill
}

func newKilling(t *testing.T, o orders) *killing {
	t.Helper()
	if !slices.Contains(dbtest.Engines(), dbtest.SQLite) {
		t.Skip("what is killed is the server on SQLite")
	}
	return &killing{ground: newGround(t, o), t: t, people: map[string]*person{}}
}

// round looks at what the last kill left, calls on the server for a while and
// kills it. It returns what was lost.
func (k *killing) round() (lost []string) {
	c := start(k.t, k.orders)
	lost = k.check()
	if len(lost) > 0 {
		c.kill()
		return lost
	}
	var over atomic.Bool
	var callersLeft sync.WaitGroup
	for range callers {
		callersLeft.Go(func() { k.callUntil(&over) })
	}
	k.awaitLoad()
	c.kill()
	k.kills++
	over.Store(true)
	callersLeft.Wait()
	return k.look()
}

// awaitLoad waits until a random number of things were answered since now, and
// then for a random while; not for ever on a busy machine.
func (k *killing) awaitLoad() {
	enough := k.told() + int64(4+rand.IntN(60))
	for began := time.Now(); k.told() < enough && time.Since(began) < longestLoad; {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
}

func (k *killing) told() int64 { return k.signIns.Load() + k.refreshes.Load() }

func (k *killing) callUntil(over *atomic.Bool) {
	var known []*person
	v := newVisitor(k.origin(), k.Port)
	defer v.away()
	for !over.Load() {
		v.afresh()
		p := &person{address: fmt.Sprintf("p%d@kill.test", k.begun.Add(1))}
		if len(known) > 0 && rand.IntN(3) == 0 {
			p = known[rand.IntN(len(known))]
		}
		if k.visit(v, p) {
			known = append(known, p)
		}
	}
}

// visit signs somebody in or up and uses the tokens for a while. It reports
// whether the person is newly registered. An error ends the visit: nothing
// was told.
func (k *killing) visit(v *visitor, p *person) (registered bool) {
	code, err := v.authorize(&k.web, p.address)
	if err != nil {
		return false
	}
	k.mu.Lock()
	_, known := k.people[p.address]
	k.people[p.address] = p
	k.mu.Unlock()
	k.signIns.Add(1)
	out, err := v.redeem(&k.web, code)
	if err != nil || out.Status != 200 {
		return !known
	}
	sub := subject(out.IDToken)
	if p.sub != "" && p.sub != sub {
		k.t.Errorf("%s was %s and is %s", p.address, p.sub, sub)
	}
	p.sub, p.code, p.chain, p.revoked, p.unsure, p.fresh = sub, code, []string{out.RefreshToken}, false, false, true
	for range rand.IntN(6) {
		if out, err = v.refresh(&k.web, out.RefreshToken); err != nil || out.Status != 200 {
			return !known
		}
		p.chain = append(p.chain, out.RefreshToken)
		k.refreshes.Add(1)
	}
	if rand.IntN(8) == 0 {
		p.unsure = true
		status, _, err := v.call(&k.web, "/oauth2/revoke", url.Values{"token": {p.newest()}})
		p.revoked, p.unsure = err == nil && status == 200, err != nil
	}
	return !known
}

func (p *person) newest() string { return p.chain[len(p.chain)-1] }

// check asks the server that has just been started about everything that its
// forerunner had told since the kill before. It comes within the grace of a
// refresh whose answer was lost.
func (k *killing) check() (lost []string) {
	v := newVisitor(k.origin(), k.Port)
	defer v.away()
	for _, p := range k.people {
		if !p.fresh || p.unsure {
			continue
		}
		if what := k.recall(v, p); what != "" {
			lost = append(lost, p.address+": "+what)
		}
		p.fresh = false
	}
	return lost
}

// recall says what of a person's tokens is not as it was told, or "".
func (k *killing) recall(v *visitor, p *person) string {
	out, err := v.refresh(&k.web, p.newest())
	switch {
	case err != nil:
		return err.Error()
	case p.revoked && out.Error != "invalid_grant":
		return fmt.Sprintf("a revoked refresh token is answered by %d", out.Status)
	case p.revoked:
		return ""
	case out.Status != 200:
		return fmt.Sprintf("refresh token number %d is answered by %d %s", len(p.chain), out.Status, out.Error)
	}
	// The family is alive. Half of the visits prove that a rotated token stays
	// rotated, the others that the code stays used; either ends the family.
	if len(p.chain) > 1 && rand.IntN(2) == 0 {
		return k.dead(v, p.chain[len(p.chain)-2], out.RefreshToken, "a rotated refresh token")
	}
	again, err := v.redeem(&k.web, p.code)
	if err != nil || again.Error != "invalid_grant" {
		return fmt.Sprintf("a used code is answered by %d, %v", again.Status, err)
	}
	return k.dead(v, out.RefreshToken, "", "a refresh token after its code was used twice")
}

// dead says whether a token, and then the successor with it, is still good.
func (k *killing) dead(v *visitor, token, successor, what string) string {
	for _, t := range []string{token, successor} {
		if t == "" {
			continue
		}
		if out, err := v.refresh(&k.web, t); err != nil || out.Error != "invalid_grant" {
			return fmt.Sprintf("%s is answered by %d, %v", what, out.Status, err)
		}
	}
	return ""
}

// look opens the database that the killed server has left.
func (k *killing) look() (lost []string) {
	b, err := server.Open(k.t.Context(), k.config(), server.Opening{Dev: true, Alone: true, Log: servertest.Quiet})
	if err != nil {
		return []string{err.Error()}
	}
	defer b.Close()
	report, err := b.Audit(k.t.Context(), nil)
	if err != nil || !report.Holds {
		lost = append(lost, fmt.Sprintf("the journal: %v %+v", err, report.Bad))
	}
	err = b.DB.View(k.t.Context(), func(tx *db.Tx) error {
		home, _ := b.House.BySlug("fern")
		for address := range k.people {
			_, found, err := customer.ByIdentifier(tx, home, customer.Email, address)
			if err != nil {
				return err
			}
			if !found {
				lost = append(lost, address+" is not registered any more")
			}
		}
		halves, err := k.halves(tx)
		lost = append(lost, halves...)
		return err
	})
	if err != nil {
		lost = append(lost, err.Error())
	}
	return lost
}

// halves are things that one transaction makes together.
var halves = map[string]string{
	"customers without a data key":        `SELECT count(*) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM customer_key k WHERE k.tenant_id = c.tenant_id AND k.customer_id = c.id)`,
	"customers without an identifier":     `SELECT count(*) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM customer_identifier i WHERE i.tenant_id = c.tenant_id AND i.customer_id = c.id)`,
	"customers without accepted terms":    `SELECT count(*) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM consent s WHERE s.tenant_id = c.tenant_id AND s.customer_id = c.id)`,
	"customers that no event tells of":    `SELECT count(*) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.tenant_id = c.tenant_id AND e.subject_id = c.id AND e.name = 'customer.registered')`,
	"registrations without a customer":    `SELECT count(*) FROM event e WHERE e.name = 'customer.registered' AND NOT EXISTS (SELECT 1 FROM customer c WHERE c.tenant_id = e.tenant_id AND c.id = e.subject_id)`,
	"identifiers that nobody holds":       `SELECT count(*) FROM identifier i WHERE NOT EXISTS (SELECT 1 FROM customer_identifier c WHERE c.tenant_id = i.tenant_id AND c.customer_id = i.customer_id AND c.digest = i.digest)`,
	"identifiers that cannot be found by": `SELECT count(*) FROM customer_identifier c WHERE NOT EXISTS (SELECT 1 FROM identifier i WHERE c.tenant_id = i.tenant_id AND c.customer_id = i.customer_id AND c.digest = i.digest)`,
	"sessions without a proof":            `SELECT count(*) FROM session s WHERE NOT EXISTS (SELECT 1 FROM session_proof p WHERE p.tenant_id = s.tenant_id AND p.customer_id = s.customer_id AND p.session_id = s.id)`,
	"refresh tokens without a grant":      `SELECT count(*) FROM refresh_token r WHERE NOT EXISTS (SELECT 1 FROM app_grant g WHERE g.tenant_id = r.tenant_id AND g.customer_id = r.customer_id AND g.id = r.grant_id)`,
	"rotated tokens without a successor":  `SELECT count(*) FROM refresh_token r WHERE r.rotated_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM refresh_token n WHERE n.tenant_id = r.tenant_id AND n.customer_id = r.customer_id AND n.digest = r.successor)`,
}

func (k *killing) halves(tx *db.Tx) (found []string, err error) {
	for what, sql := range halves {
		n, _, err := db.Value[int64](tx, sql)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, what))
		}
	}
	return found, nil
}
