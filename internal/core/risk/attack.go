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

// spread counts the first try at a meter that was empty at the meters of the
// many; the one of the tenant, when full, raises the alarm.
func (r round) spread(m Meter, row meterRow) error {
	if row.arrives.After(r.now.Add(m.Limit.Every)) {
		return nil // not the first
	}
	for _, wide := range m.first {
		if known, err := r.excused(wide); err != nil || known {
			return err
		}
		row, err := r.take(wide)
		if err != nil {
			return err
		}
		if !row.passed && wide.Limit == spreadTenant {
			if err := mark(r.ctx, r.d, r.t, attackMark, AttackHolds, time.Minute); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveBack lowers the meters of the many after a success: at the network by the
// one account, at the tenant by one more.
func (r round) giveBack(m Meter) error {
	account, _ := unpair(m.Key)
	for _, wide := range m.back {
		if known, err := r.excused(wide); err != nil || known {
			return err
		}
		by := wide.Limit.Every
		if wide.Limit == spreadTenant {
			by *= 2
		}
		_, err := r.d.Bump(r.ctx, `UPDATE throttle SET arrives_at = CASE WHEN arrives_at - $4 > $3 THEN arrives_at - $4 ELSE $3 END
			WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3 AND NOT EXISTS (
				SELECT 1 FROM throttle AS own WHERE own.tenant_id = $1 AND own.meter = $5 AND own.arrives_at > $6)`,
			r.t.ID, wide.key(r.t), r.now, by,
			Meter{Limit: passwordAccount, Key: account}.key(r.t), r.now.Add(fewTries*passwordAccount.Every))
		if err != nil {
			return err
		}
	}
	return nil
}

// level is how many tries a meter holds whose row runs empty at the instant.
func (l Limit) level(arrives, now time.Time) int {
	if !arrives.After(now) {
		return 0
	}
	return int((arrives.Sub(now) + l.Every - 1) / l.Every)
}
