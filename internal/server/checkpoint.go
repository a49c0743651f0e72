package server

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// noteEvery is how often a tenant's checkpoint is told in the log and noted in
// the keyring: a busy tenant makes one each minute, and each note writes the
// whole file durably.
const noteEvery = 5 * time.Minute

// checkpointNotes remembers what was noted when, and the open checkpoint file.
type checkpointNotes struct {
	mu    sync.Mutex
	noted map[[16]byte]time.Time
	file  *os.File
}

// checkpointKey is the key that signs a tenant's checkpoints. It follows from
// the root key and never changes, so that the whole journal can be verified
// with nothing but the keyring, however often signing keys have rotated.
func (b *Base) checkpointKey(tenant [16]byte) (string, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed(b.Ring.Root("journal checkpoint", tenant[:])[:])
	print := secret.Digest(key.Public().(ed25519.PublicKey))
	return "root-" + hex.EncodeToString(print[:8]), key
}

// SignCheckpoint is the journal's Signer.
func (b *Base) SignCheckpoint(_ context.Context, tenant [16]byte, message []byte) (string, []byte, error) {
	id, key := b.checkpointKey(tenant)
	return id, ed25519.Sign(key, message), nil
}

var errOtherKey = fault.New(fault.NotFound, "checkpoint_key_unknown", "This keyring does not hold the key that signed the checkpoint.")

// CheckpointKey is the journal's Keys.
func (b *Base) CheckpointKey(_ context.Context, tenant [16]byte, keyID string) (ed25519.PublicKey, error) {
	id, key := b.checkpointKey(tenant)
	if id != keyID {
		return nil, errOtherKey
	}
	return key.Public().(ed25519.PublicKey), nil
}

// KeepCheckpoint is the journal's Sink: the checkpoint goes to the configured
// file, and every few minutes to the log and the keyring. The log names it and
// no more; the signed heads rest in the database and in the file.
func (b *Base) KeepCheckpoint(ctx context.Context, c journal.Checkpoint) error {
	b.notes.mu.Lock()
	defer b.notes.mu.Unlock()
	due := c.At.Sub(b.notes.noted[c.Tenant]) >= noteEvery
	level := slog.LevelDebug
	if due {
		level = slog.LevelInfo
	}
	digest := c.Digest()
	b.Log.Log(ctx, level, "checkpoint", "tenant", tenant.ID(c.Tenant).String(), "number", c.Number, "digest", hex.EncodeToString(digest[:]))
	if err := b.writeCheckpoint(c); err != nil || !due {
		return err
	}
	if b.Ring.Remembers() {
		if err := b.Ring.NoteCheckpoint(secret.Checkpoint{Tenant: c.Tenant, Number: c.Number, Digest: digest}); err != nil {
			return err
		}
	}
	if b.notes.noted == nil {
		b.notes.noted = map[[16]byte]time.Time{}
	}
	b.notes.noted[c.Tenant] = c.At
	return nil
}

func (b *Base) writeCheckpoint(c journal.Checkpoint) (err error) {
	if b.Config.CheckpointFile == "" {
		return nil
	}
	if b.notes.file == nil {
		if b.notes.file, err = os.OpenFile(b.Config.CheckpointFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	if _, err = b.notes.file.WriteString(c.String() + "\n"); err != nil {
		return err
	}
	return b.notes.file.Sync()
}

// knownCheckpoints reads the checkpoint file, if there is one.
func (b *Base) knownCheckpoints() ([]journal.Checkpoint, error) {
	if b.Config.CheckpointFile == "" {
		return nil, nil
	}
	f, err := os.Open(b.Config.CheckpointFile)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return journal.ReadCheckpoints(f)
}
