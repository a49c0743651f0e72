package risk

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Load is what decides whether a try at a password is to bring work, and how
// much of it.
type Load struct {
	// Network is how full the meter of the network's tries at passwords is, from
	// 0 to 1.
	Network float64
	// Attack tells that the tenant as a whole is under attack; see Attack.
	Attack bool
	// Asked is set by a verdict that wants work of this attempt.
	Asked bool
}

const (
	// quiet is how full a network's meter may be before its tries cost work: the
	// first forty of a burst, or one each five seconds for good.
	quiet = .2
	// restBits is the difficulty at rest where the tenant says none: some 10 ms
	// of a desktop browser.
	restBits = 14
	// mostBits is where rising ends: a second of a desktop browser, some ten of an
	// old phone. A tenant that begins higher stays there.
	mostBits = 21
)

// LoadOf reads how busy a network and the tenant are with passwords. A network that names
// nobody, as the loopback does, counts as quiet: see from.
func LoadOf(tx *db.Tx, t *tenant.Tenant, network string) (Load, error) {
	var l Load
	under := markKey(t, attackMark)
	meter, span := under, time.Duration(1)
	for _, m := range from(network, passwordNetwork) {
		meter, span = m.key(t), m.Limit.span()
	}
	rows, err := db.All[gauge](tx, `FROM throttle WHERE tenant_id = $1 AND meter IN ($2, $3) AND arrives_at > $4`, t.ID, under, meter, tx.Now)
	if err != nil {
		return Load{}, err
	}
	for _, g := range rows {
		if g.meter == under {
			l.Attack = true
		} else {
			l.Network = min(1, float64(g.arrives.Sub(tx.Now))/float64(span))
		}
	}
	return l, nil
}

// Familiar tells whether the account has signed in with this browser lately
// (Remember with DeviceKey). Such a try brings no work, however busy it is round
// about. Networks excuse nobody here: who shares one with a customer would learn
// from the difference that the customer has an account.
func Familiar(tx *db.Tx, t *tenant.Tenant, account, device string) (bool, error) {
	_, known, err := db.Value[bool](tx, `SELECT passed FROM throttle WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3`,
		t.ID, markKey(t, pair(account, DeviceKey(device))), tx.Now)
	return known, err
}

// Demands tells whether a try has to bring work. At rest none has to: the page
// has it done all the same, so that it is there at the first try that has to.
func (l Load) Demands(t *tenant.Tenant) bool {
	return !t.Settings.Bots.Off && (l.Asked || l.Attack || l.Network >= quiet)
}

// Bits is the difficulty of a task handed out under this load: the tenant's
// own at rest, one bit more with each fifth of the network's meter, and two
// while the tenant is under attack. Each bit doubles the work.
func (l Load) Bits(t *tenant.Tenant) int {
	rest := t.Settings.Bots.Work
	if rest == 0 {
		rest = restBits
	}
	more := int(5 * l.Network)
	if l.Attack {
		more += 2
	}
	return min(rest+more, max(rest, mostBits))
}
