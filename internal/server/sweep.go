package server

import (
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/face/portal"
)

// What expired is deleted by one job that comes again every minute on one node
// of the house, a bounded number of rows at a time, so that no table grows
// because of visitors who never came back (H215).
const (
	sweepKind  = "sweep"
	sweepPause = time.Minute
	sweepRows  = 500
)

// sweeps are the rooms that leave expired rows behind, and the closings that a
// lost job forgot.
func (s *Server) sweeps() []func(*db.Tx, int) (int, error) {
	return []func(*db.Tx, int) (int, error){
		credential.Sweep, credential.SweepChallenges, session.Sweep, risk.Sweep, grant.Sweep, signin.Sweep, sweepChanges, s.closings().Sweep,
		credential.SweepFactors, session.SweepDevices, customer.SweepRests, sweepDead, privacy.SweepArchives, s.sweepCases, privacy.SweepCertificates, consent.SweepPending, consent.Sweep, account.Reminders(s.House),
		notify.SweepOverdue, notify.SweepWebhooks,
	}
}

// deadKept is how long staff can see, and revive, what was given up.
const deadKept = 90 * 24 * time.Hour

func sweepDead(tx *db.Tx, limit int) (int, error) {
	n, err := journal.PruneDead(tx, tx.Now.Add(-deadKept), limit)
	return int(n), err
}

func sweepChanges(tx *db.Tx, _ int) (int, error) {
	n, err := customer.SweepChanges(tx)
	return int(n), err
}

// closings is the wiring of the room that ends accounts.
func (s *Server) closings() privacy.Wiring {
	return privacy.Wiring{House: s.House, Erase: s.erase, Checkpoint: s.DB.Checkpoint, Rooms: account.Rooms(), Pack: portal.Pack, Idle: s.acts.Idle}
}

func (s *Server) sweepWork() journal.Work {
	return journal.Work{Kind: sweepKind, Parallel: 1, Finish: func(tx *db.Tx, _ *journal.Job, _ error) error {
		full := false
		for _, sweep := range s.sweeps() {
			n, err := sweep(tx, sweepRows)
			if err != nil {
				return err
			}
			full = full || n >= sweepRows
		}
		pause := sweepPause
		if full {
			pause = time.Second
		}
		return enqueueSweep(tx, pause)
	}}
}

func enqueueSweep(tx *db.Tx, pause time.Duration) error {
	_, err := journal.Enqueue(tx, journal.Job{Kind: sweepKind, Key: sweepKind, RunAt: tx.Now.Add(pause)})
	return err
}

func (s *Server) scheduleSweep(ctx context.Context) error {
	return s.DB.Update(ctx, func(tx *db.Tx) error {
		if err := enqueueSweep(tx, sweepPause); err != nil {
			return err
		}
		return privacy.ScheduleRetention(tx, sweepPause)
	})
}

// erase is what the erasure job does when a closing comes due.
func (s *Server) erase(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	return s.acts.Erase(tx, t, c, account.Rooms())
}
