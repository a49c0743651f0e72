package server_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The gate of a tenant under attack: so many accounts are tried before it
// stands, and so many guesses pass it at once. The clock stands still here, so
// none is added with time.
const (
	untilAttack = 120
	pastTheGate = 30
)

// siege is one password tried once at each of many accounts, from many networks
// in turn, while customers go on signing in.
type siege struct {
	accounts, networks, attackers int
	customers                     []*servertest.Browser
	turn                          sync.Mutex // of the customers
	signIns                       int
	mu                            sync.Mutex
	hashed, refused, others       int
}

func stuffingHouse(bots bool) servertest.Options {
	return servertest.Options{Config: manyNetworks.Config, Base: patient, Settings: func(s *tenant.Settings) {
		passwordAlone(s)
		s.Bots.Off = !bots
	}}
}

func regular(i int) string { return fmt.Sprintf("regular%d@example.com", i) }

// settleIn lets customers sign in once, each on a network and with a browser of
// their own.
func (s *siege) settleIn(t *testing.T, h *servertest.House, customers int) {
	t.Helper()
	for i := range customers {
		signedUp(t, h, regular(i))
		givePassword(t, h, regular(i), secure)
		b := from(t, fmt.Sprintf("203.0.113.%d", i+1))
		p := b.Get(h.URL+"/signin").Submit("identifier", regular(i), "action", "password", "remember", "on")
		if p = p.Submit("password", secure); p.URL.Path != "/account" {
			t.Fatalf("%s at rest: %d %s\n%s", regular(i), p.Status, p.URL, p.Text())
		}
		s.customers = append(s.customers, b)
	}
}

// run lays the siege. After every tenth account of each attacker a customer
// signs in.
func (s *siege) run(t *testing.T, h *servertest.House) {
	t.Helper()
	together(s.attackers, func(a int) {
		for i := a; i < s.accounts; i += s.attackers {
			s.guess(t, h, i)
			if i/s.attackers%10 == 9 {
				s.honest(t, h)
			}
		}
	})
}

func (s *siege) guess(t *testing.T, h *servertest.House, i int) {
	network := i % s.networks
	b := from(t, fmt.Sprintf("198.18.%d.%d", network/250, network%250+1))
	p := named(h, b, fmt.Sprintf("victim%d@example.com", i), "password")
	if p.Has("password") && p.Status == http.StatusOK {
		p = p.Submit("password", "Summer2026! for everybody")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.Contains(p.Text(), "That password does not match"):
		s.hashed++
	case p.Status == http.StatusTooManyRequests, strings.Contains(p.Text(), "with a code"), strings.Contains(p.Text(), "get a code"):
		s.refused++
	default:
		s.others++
		t.Errorf("victim %d: %d %s\n%s", i, p.Status, p.URL, p.Text())
	}
}

// honest lets the next customer sign in with the browser and from the network
// that are known, one after the other.
func (s *siege) honest(t *testing.T, h *servertest.House) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.signIns++
	i := s.signIns % len(s.customers)
	p := named(h, s.customers[i], regular(i), "password")
	if !p.Has("password") {
		t.Errorf("%s is asked for no password during the siege: %d %s\n%s", regular(i), p.Status, p.URL, p.Text())
		return
	}
	if p = p.Submit("password", secure); p.URL.Path != "/account" {
		t.Errorf("%s during the siege: %d %s\n%s", regular(i), p.Status, p.URL, p.Text())
	}
}

func (s *siege) judge(t *testing.T, h *servertest.House) {
	t.Helper()
	h.View(func(tx *db.Tx) error {
		under, err := risk.Attack(tx, h.Tenant())
		if err == nil && !under {
			t.Error("nobody noticed")
		}
		return err
	})
	if least, most := untilAttack, untilAttack+pastTheGate+s.attackers; s.hashed < least || s.hashed > most {
		t.Errorf("%d of %d guesses were hashed, want %d to %d", s.hashed, s.accounts, least, most)
	}
	if s.hashed+s.refused+s.others != s.accounts {
		t.Errorf("%d hashed and %d refused of %d", s.hashed, s.refused, s.accounts)
	}
}

// One password at many accounts from many networks, of which none sees many
// tries: the tenant notices, what is hashed for strangers stays bounded, and
// customers at home go on signing in.
func TestStuffing_OnePasswordEverywhereTripsTheGateAndCustomersGoOn(t *testing.T) {
	for _, bots := range []bool{false, true} {
		t.Run(fmt.Sprint("proof of work ", bots), func(t *testing.T) {
			servertest.Each(t, func(t *testing.T, h *servertest.House) {
				s := &siege{accounts: 300, networks: 60, attackers: 4}
				s.settleIn(t, h, 3)
				s.run(t, h)
				s.judge(t, h)
				if p := named(h, from(t, "192.0.2.50"), regular(0), "continue"); !p.Has("code") {
					t.Errorf("a customer on a journey gets no code: %d %s\n%s", p.Status, p.URL, p.Text())
				}
			}, stuffingHouse(bots))
		})
	}
}

// The same at 10,000 accounts from 500 networks; it takes minutes.
func TestStuffing_TenThousandAccountsFromFiveHundredNetworks(t *testing.T) {
	if os.Getenv(dbtest.Hard) == "" {
		t.Skip("set " + dbtest.Hard + "=1 for the long one")
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		s := &siege{accounts: 10000, networks: 500, attackers: 8}
		s.settleIn(t, h, 10)
		s.run(t, h)
		s.judge(t, h)
	}, stuffingHouse(false))
}
