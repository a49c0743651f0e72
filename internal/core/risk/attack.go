package risk

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Credential stuffing tries one password, or one leaked pair, at each of many
// accounts from many networks, so that no meter of an account or a network ever
// fills. What gives it away is that, over the whole tenant, ever new accounts
// are tried and not got into.
//
// The first try at an account (its meter was empty) from where it is not known
// counts one; who then gets in takes that back and one more, so that a big
// tenant's ordinary traffic keeps the level down by itself, and it sinks with
// time. When it is full the tenant is under attack:
//
//	quiet --120 accounts more than got in--> under attack --10 minutes without--> quiet
//
// Customers whose network or browser is known for them neither count nor are
// ever gated, so their sign-ins touch no row of the tenant's.

// attackMark stands while the tenant is under attack. No pair of an account and
// a network is spelt like it: they have a zero byte in them.
const attackMark = "attack"

// AttackHolds is how long the tenant counts as under attack after the level was
// last seen full.
const AttackHolds = 10 * time.Minute

// fewTries is how many tries at an account there may have been lately for its
// success to speak for the rest: nobody buys quiet with one account of their
// own that signs in from everywhere.
const fewTries = 3

// Attack tells whether the tenant's accounts are being tried on a large scale at
// this moment.
func Attack(tx *db.Tx, t *tenant.Tenant) (bool, error) {
	_, under, err := db.Value[bool](tx, `SELECT passed FROM throttle WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3`,
		t.ID, markKey(t, attackMark), tx.Now)
	return under, err
}

// spread are the meters of the many at which a try counts besides: those of the
// first try at a meter that was empty, where no mark excuses it.
func (r round) spread(m Meter, rows meterRows) ([]Meter, error) {
	row := rows[m.key(r.t)]
	if !row.passed || row.arrives.After(r.now.Add(m.Limit.Every)) {
		return nil, nil // not the first
	}
	for i, wide := range m.first {
		if known, err := r.excused(wide); err != nil || known {
			return m.first[:i], err
		}
	}
	return m.first, nil
}

// alarm counts a try at meters of the many; the one of the tenant, when full,
// raises the alarm.
func (r round) alarm(many []Meter) error {
	if len(many) == 0 {
		return nil
	}
	rows, err := r.take(many...)
	if err != nil {
		return err
	}
	for _, m := range many {
		if m.Limit == spreadTenant && !rows[m.key(r.t)].passed {
			return r.mark(AttackHolds, time.Minute, attackMark)
		}
	}
	return nil
}

// giveBack lowers the meters of the many after a success: at the network by the
// one account, at the tenant by one more.
func (r round) giveBack(m Meter) error {
	var list []drop
	for _, wide := range m.back {
		known, err := r.excused(wide)
		if err != nil {
			return err
		}
		if known {
			break
		}
		by := wide.Limit.Every
		if wide.Limit == spreadTenant {
			by *= 2
		}
		list = append(list, drop{wide, by})
	}
	account, _ := unpair(m.Key)
	return r.lowerUnless(list, `EXISTS (SELECT 1 FROM throttle AS own WHERE own.tenant_id = $1 AND own.meter = $3 AND own.arrives_at > $4)`,
		Meter{Limit: passwordAccount, Key: account}.key(r.t), r.now.Add(fewTries*passwordAccount.Every))
}

// level is how many tries a meter holds whose row runs empty at the instant.
func (l Limit) level(arrives, now time.Time) int {
	if !arrives.After(now) {
		return 0
	}
	return int((arrives.Sub(now) + l.Every - 1) / l.Every)
}
