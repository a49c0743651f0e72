package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Restore says what to restore and how.
type Restore struct {
	Dir     string // what Backup made; "": the database as it stands, put back by other tools
	Replace bool   // move a database that is there aside
	Clock   func() time.Time
	Log     *slog.Logger
}

// Restored is what a restore did.
type Restored struct {
	From     string    `json:"from,omitempty"`
	MadeAt   time.Time `json:"made_at,omitzero"` // when the backup was made
	Epoch    int64     `json:"epoch"`
	Sessions int64     `json:"sessions_ended"`
	Grants   int64     `json:"grants_ended"`
	Erased   int       `json:"erased_again"`
	Messages int64     `json:"messages_dropped"` // that waited in the backup and are not sent again
	Aside    string    `json:"moved_aside,omitempty"`
}

// HouseRestored is told in every tenant's journal when the database was set
// back.
type HouseRestored struct {
	Epoch  int64     `json:"epoch"`
	MadeAt time.Time `json:"made_at,omitzero"`

	Messages int64 `json:"messages_dropped,omitempty"` // of this tenant
}

// EventName names the event.
func (HouseRestored) EventName() string { return "house.restored" }

// Run restores. Nothing of the former state is touched before the backup has
// been found whole; and until the very last step, which gives the file its
// name, a failure leaves things as they were:
//
//	manifest ─► digest ─► copy aside ─► journal ─► end everything signed in,
//	erase again what was erased, new epoch ─► keyring knows the epoch ─► name
//
// Cut off between the last two, the former database is behind the keyring and
// refuses to start; running the restore again completes it.
func (r Restore) Run(ctx context.Context, c Config) (Restored, error) {
	if r.Dir == "" {
		return r.inPlace(ctx, c)
	}
	if c.Postgres() {
		return Restored{}, failed("A PostgreSQL database is restored by its own tools.", "Put the data back with pg_restore or point-in-time recovery, then run 'cardea restore' without a directory.", nil)
	}
	lock, err := holdData(c.Data)
	if err != nil {
		return Restored{}, err
	}
	defer lock.Close()
	return r.fromBackup(ctx, c)
}

func (r Restore) fromBackup(ctx context.Context, c Config) (Restored, error) {
	target := filepath.Join(c.Data, databaseName)
	_, err := os.Stat(target)
	there := err == nil
	if there && !r.Replace {
		return Restored{}, refused("There is a database in "+c.Data+" already.", "Add --replace to move it aside, or name an empty directory with --data DIR.", nil)
	}
	ring, err := r.keyring(c)
	if err != nil {
		return Restored{}, err
	}
	m, err := readManifest(r.Dir, ring)
	if err != nil {
		return Restored{}, err
	}
	if m.Schema > newestMigration() {
		return Restored{}, refused("The backup was made by a newer release.", "Install cardea "+m.Program+" or later and run the restore again.", nil)
	}
	staged, err := r.stage(c, m)
	if err != nil {
		return Restored{}, err
	}
	defer os.RemoveAll(staged)
	out, err := r.prepare(ctx, c, staged, m)
	if err != nil {
		return Restored{}, err
	}
	if there {
		if out.Aside, err = moveAside(target, out.Epoch); err != nil {
			return Restored{}, err
		}
	}
	if err := os.Rename(filepath.Join(staged, databaseName), target); err != nil {
		return Restored{}, err
	}
	out.From, out.MadeAt = r.Dir, m.MadeAt
	return out, syncDirectory(c.Data)
}

// keyring opens the keyring and never makes one.
func (r Restore) keyring(c Config) (*secret.Keyring, error) {
	b := &Base{Config: c, Clock: newClock(r.Clock), Log: r.log(c)}
	if c.KeyringText != "" {
		err := b.keyringOfText()
		return b.Ring, err
	}
	if _, err := os.Stat(c.Keyring); err != nil {
		return nil, refused("There is no keyring at "+c.Keyring+".", "Put the keyring of the backup there first, or name it with CARDEA_KEYRING_FILE. A backup never holds it.", nil)
	}
	ring, _, err := secret.OpenKeyring(c.Keyring, b.Clock.Now())
	return ring, err
}

func (r Restore) log(c Config) *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return NewLog(os.Stderr, c.LogLevel)
}

// stage copies the backup next to where it is to go, into a data directory of
// its own, and checks every byte on the way.
func (r Restore) stage(c Config, m *Manifest) (string, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", err
	}
	left, err := filepath.Glob(filepath.Join(c.Data, ".restore-*")) // of a run that was cut off; the lock is ours
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return "", err
	}
	staged, err := os.MkdirTemp(c.Data, ".restore-")
	if err != nil {
		return "", err
	}
	to := filepath.Join(staged, databaseName)
	if err := copyFile(filepath.Join(r.Dir, m.File), to); err != nil {
		return "", errors.Join(failed("The backup cannot be copied.", "Check the disk and run the restore again.", err), os.RemoveAll(staged))
	}
	size, sum, err := digestFile(to)
	if err == nil && (size != m.Size || sum != m.SHA256) {
		err = refused("The backup is damaged: its file is not the one that the manifest describes.", "Use another backup. Nothing was changed.", nil)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(staged))
	}
	return staged, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// prepare makes the staged copy fit to be served, and then lets the keyring
// know of the new epoch.
func (r Restore) prepare(ctx context.Context, c Config, staged string, m *Manifest) (Restored, error) {
	c.Data = staged
	c.Origin = "" // the staff's tenant is moved, if at all, by serve
	b, err := Open(ctx, c, Opening{Setup: true, Dev: DevData(filepath.Dir(staged)), Anyway: true, Clock: r.Clock, Log: r.log(c)})
	if err != nil {
		return Restored{}, err
	}
	defer b.Close()
	report, err := b.Audit(ctx, nil)
	if err != nil {
		return Restored{}, err
	}
	if report.Bad != nil && report.Bad.Flaw != string(journal.Truncated) {
		return Restored{}, refused("The journal in the backup does not hold: "+report.Bad.Text+".", "Use another backup. Nothing was changed.", nil)
	}
	out, err := b.settleRestore(ctx, m.MadeAt)
	if err != nil {
		return Restored{}, err
	}
	if err := b.DB.Checkpoint(ctx); err != nil {
		return Restored{}, err
	}
	return out, b.Close()
}

// inPlace takes the database as it stands for restored.
func (r Restore) inPlace(ctx context.Context, c Config) (Restored, error) {
	c.Origin = ""
	b, err := Open(ctx, c, Opening{Setup: true, Dev: !c.Postgres() && DevData(c.Data), Alone: true, Anyway: true, Clock: r.Clock, Log: r.log(c)})
	if err != nil {
		return Restored{}, err
	}
	defer b.Close()
	if err := b.refuseNodes(ctx); err != nil {
		return Restored{}, err
	}
	out, err := b.settleRestore(ctx, time.Time{})
	if err != nil {
		return Restored{}, err
	}
	return out, errors.Join(b.DB.Checkpoint(ctx), b.Close())
}

// refuseNodes looks for nodes that were seen at work lately: on PostgreSQL
// there is no file to hold.
func (b *Base) refuseNodes(ctx context.Context) error {
	if !b.Config.Postgres() {
		return nil
	}
	var alive int64
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		alive, _, err = db.Value[int64](tx, `SELECT count(*) FROM lease WHERE node <> '' AND lease_until > $1`, tx.Now)
		return err
	})
	if err == nil && alive > 0 {
		err = refused("A node works on this database.", "Stop every node, wait half a minute, and run 'cardea restore' again.", nil)
	}
	return err
}

// ended are the statements that end what a restore must not bring back. They
// reach over the rooms on purpose: who set the database back has no customer to
// go through the rooms for.
var ended = []string{
	`DELETE FROM code WHERE expires_at > 0`,
	`DELETE FROM refresh_token WHERE expires_at > 0`,
	`DELETE FROM one_time WHERE expires_at > 0`,
	`DELETE FROM flow WHERE expires_at > 0`,
	`DELETE FROM identifier_change WHERE expires_at > 0`,
	`DELETE FROM house WHERE name = 'bootstrap'`,
	`UPDATE lease SET node = '', lease_until = 0 WHERE node <> ''`,
}

// settleRestore begins a new epoch: nothing that was given out before opens
// anything, and whoever was erased is erased again.
func (b *Base) settleRestore(ctx context.Context, madeAt time.Time) (Restored, error) {
	out := Restored{}
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		epoch, _, err := readNumber(tx, factEpoch)
		if err != nil {
			return err
		}
		out = Restored{Epoch: max(epoch, b.Ring.Epoch()) + 1}
		if err := writeNumber(tx, factEpoch, out.Epoch); err != nil {
			return err
		}
		return b.endAll(tx, &out, madeAt)
	})
	if err != nil {
		return out, err
	}
	if out.Erased, err = b.eraseAgain(ctx); err != nil {
		return out, err
	}
	if err := b.Ring.SetEpoch(out.Epoch); err != nil && !errors.Is(err, secret.ErrNoLedger) {
		return out, err
	}
	return out, nil
}

func (b *Base) endAll(tx *db.Tx, out *Restored, madeAt time.Time) (err error) {
	if out.Sessions, err = tx.Exec(`UPDATE session SET ended_at = $1, end_reason = 'restored' WHERE ended_at IS NULL`, tx.Now); err != nil {
		return err
	}
	if out.Grants, err = tx.Exec(`UPDATE app_grant SET ended_at = $1, end_reason = 'restored', version = version + 1 WHERE ended_at IS NULL`, tx.Now); err != nil {
		return err
	}
	for _, sql := range ended {
		if _, err := tx.Exec(sql); err != nil {
			return err
		}
	}
	if _, err := journal.CancelAll(tx, notify.Kind); err != nil {
		return err
	}
	for _, t := range b.House.All() {
		n, err := notify.DropWaiting(tx, t, "restored")
		if err != nil {
			return err
		}
		out.Messages += n
		err = journal.Append(tx, journal.Entry{
			Tenant: t.ID, Subject: t.ID, Actor: journal.Actor{Kind: "operator"}, Class: journal.Security,
			Event: HouseRestored{Epoch: out.Epoch, MadeAt: madeAt, Messages: n},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseAgain erases everybody whom the keyring remembers as erased and whom the
// restored database still has.
func (b *Base) eraseAgain(ctx context.Context) (int, error) {
	n := 0
	for _, e := range b.Ring.Erased() {
		t, ok := b.House.ByID(tenant.ID(e.Tenant))
		if !ok {
			continue // the tenant came later than the backup
		}
		done := false
		err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
			done, err = eraseOne(tx, t, customer.ID(e.Customer))
			return err
		})
		if err != nil {
			return n, fmt.Errorf("erasing %s again: %w", customer.ID(e.Customer), err)
		}
		if done {
			n++
		}
	}
	return n, nil
}

func eraseOne(tx *db.Tx, t *tenant.Tenant, id customer.ID) (bool, error) {
	c, err := customer.Get(tx, t, id)
	if errors.Is(err, customer.ErrNotFound) || err == nil && c.State == customer.Erased {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := notify.TellErased(tx, t, id); err != nil {
		return false, err
	}
	for _, room := range account.Rooms() {
		if err := room.Erase(tx, t, id); err != nil {
			return false, err
		}
	}
	if _, err = customer.Destroy(tx, t, id); err != nil {
		return false, err
	}
	return true, privacy.Attest(tx, t, c)
}

// moveAside renames a database with what belongs to it.
func moveAside(path string, epoch int64) (string, error) {
	aside := fmt.Sprintf("%s.before-epoch-%d", path, epoch)
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}

func syncDirectory(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
