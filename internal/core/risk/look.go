package risk

import (
	"net/netip"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Circumstance is what the caller of Look and Observe knows of an attempt. It
// lives in memory alone: what is kept is the Attempt that Look makes of it.
type Circumstance struct {
	Action  string     // as in Attempt
	Method  string     // as in Attempt
	Account string     // as PasswordTry took it; "": the customer's id
	Address netip.Addr // of the client
	Network string     // the same as meters count it (web.Network)

	KnownDevice bool     // session.See, or what it would say
	Breached    bool     // of the password that was right just now
	Automation  []string // marks that the face found: Headless, Robot, Bare, Hasty, Lured

	// Last is where the customer signed in last, as the place of their newest
	// session or device tells through release: the network in CIDR form
	// (session.Place.Network) and the instant. Zero: not known.
	Last Sighting
}

// Sighting is a network in which a customer was seen, and when.
type Sighting struct {
	Network string
	At      time.Time
}

// Look makes the facts of an attempt out of its circumstance, the habits of the
// customer, the meters and the operator's files, in two statements. It reads as
// much for the zero customer, whom nobody is, so that the time tells nothing
// (H077). It writes nothing.
func (a Atlas) Look(tx *db.Tx, t *tenant.Tenant, cus customer.ID, c Circumstance) (Attempt, error) {
	out := Attempt{
		Action: c.Action, Method: c.Method, KnownDevice: c.KnownDevice, Breached: c.Breached, Automation: c.Automation,
		Repute:  a.Networks.Repute(c.Address),
		Blocked: within(t.Settings.Risk.Block, c.Address), Trusted: within(t.Settings.Risk.Trust, c.Address),
	}
	a.travel(&out, c, tx.Now)
	tr := a.traces(t, cus, c, tx.Now)
	usual, err := tr.usual(tx, t, cus)
	if err != nil {
		return Attempt{}, err
	}
	out.History = usual[tr.any]
	out.KnownNetwork = usual[tr.network] > 0
	placed := usual[t.Index("risk/habit", cus.String(), habitPlaced, "true")]
	out.NewCountry = tr.located && placed > 0 && usual[tr.country] == 0
	out.UnusualHour = usual[tr.day] >= enoughDays && usual[tr.hours[0]]+usual[tr.hours[1]]+usual[tr.hours[2]] == 0
	return out, around(tx, t, cus, c, &out)
}

// travel measures the way from the last place. Where the file knows one end
// only, nothing is measured.
func (a Atlas) travel(out *Attempt, c Circumstance, now time.Time) {
	from, err := netip.ParsePrefix(c.Last.Network)
	if err != nil || c.Last.At.IsZero() {
		return
	}
	there, ok := a.Geo.Position(from.Addr())
	here, also := a.Geo.Position(c.Address)
	if !ok || !also {
		return
	}
	out.Kilometres = there.Kilometres(here)
	out.Minutes = max(0, int(now.Sub(c.Last.At)/time.Minute))
}

func within(networks []string, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, n := range networks {
		if p, err := netip.ParsePrefix(n); err == nil && p.Contains(a) {
			return true
		}
	}
	return false
}

// gauge is a meter as it stands.
type gauge struct {
	meter   [32]byte
	arrives time.Time
}

// Fields names the columns.
func (g *gauge) Fields() []db.Field {
	return []db.Field{{Column: "meter", Ptr: &g.meter}, {Column: "arrives_at", Ptr: &g.arrives}}
}

// around reads what goes on at the account, from the network and at the tenant.
func around(tx *db.Tx, t *tenant.Tenant, cus customer.ID, c Circumstance, out *Attempt) error {
	account := c.Account
	if account == "" {
		account = cus.String()
	}
	tries, accounts := Meter{Limit: passwordAccount, Key: account}, Meter{Limit: spreadNetwork, Key: c.Network}
	under := markKey(t, attackMark)
	rows, err := db.All[gauge](tx, `FROM throttle WHERE tenant_id = $1 AND meter IN ($2, $3, $4) AND arrives_at > $5`,
		t.ID, tries.key(t), accounts.key(t), under, tx.Now)
	for _, g := range rows {
		switch g.meter {
		case tries.key(t):
			out.Tries = tries.Limit.level(g.arrives, tx.Now)
		case accounts.key(t):
			out.Accounts = accounts.Limit.level(g.arrives, tx.Now)
		case under:
			out.Attack = true
		}
	}
	return err
}
