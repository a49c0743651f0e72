package secret

import "time"

// Epoch is the restore epoch, 1 at first. A database that carries a lower one
// was set back and must pass through the restore command.
func (k *Keyring) Epoch() int64 { return k.memory.peek().epoch }

// SetEpoch raises the restore epoch. A higher one forgets the checkpoints: in a
// restored database their numbers begin again at an earlier one. Fault:
// Conflict epoch_back.
func (k *Keyring) SetEpoch(epoch int64) error {
	return k.memory.change(func(st *state) error {
		if epoch < st.epoch {
			return ErrEpochBack
		}
		if epoch > st.epoch {
			clear(st.checkpoints)
		}
		st.epoch = epoch
		return nil
	})
}

// Remembers tells whether epoch, checkpoints and erasures can be noted here:
// always in a file, and from text once Remember has named a ledger.
func (k *Keyring) Remembers() bool {
	_, text := k.memory.(*fixed)
	return !text
}

// NoteCheckpoint remembers a tenant's checkpoint if its number is higher than
// the one known. Each new one costs a durable write of the whole file, so note
// them every few minutes and not at every step of the clerk.
func (k *Keyring) NoteCheckpoint(c Checkpoint) error {
	if known, ok := k.Checkpoint(c.Tenant); ok && known.Number >= c.Number {
		return nil
	}
	return k.memory.change(func(st *state) error {
		st.noteCheckpoint(c)
		return nil
	})
}

// Checkpoint is the highest checkpoint known of a tenant.
func (k *Keyring) Checkpoint(tenant [16]byte) (c Checkpoint, ok bool) {
	c, ok = k.memory.peek().checkpoints[tenant]
	return c, ok
}

// Checkpoints lists the highest checkpoint of every tenant, by tenant.
func (k *Keyring) Checkpoints() []Checkpoint { return k.memory.peek().checkpointList() }

// Erased lists the erased customers that a backup might still bring back, the
// earliest first.
func (k *Keyring) Erased() []Erased { return k.memory.peek().erasedList() }

// NoteErased remembers erased customers. When it returns nil they are on disk.
// Noting somebody again moves the instant to the later one.
func (k *Keyring) NoteErased(erased ...Erased) error {
	if len(erased) == 0 {
		return nil
	}
	return k.memory.change(func(st *state) error {
		for _, e := range erased {
			st.noteErased(e)
		}
		return nil
	})
}

// ForgetErased drops the erasures that no living wrapping key could undo. A
// keyring file does it at each Destroy; a ledger asks for it to be done.
func (k *Keyring) ForgetErased() error {
	oldest := oldestKey(k.WrappingKeys())
	return k.memory.change(func(st *state) error {
		st.forgetErased(oldest)
		return nil
	})
}

// NextText returns what a keyring given as text should be next, changing
// nothing. The first step adds a standby key that only unwraps; when every
// node runs with it, the second step makes it the current one and retires the
// former, to be destroyed Keep after now.
func (k *Keyring) NextText(now time.Time) (text string, current bool) {
	st := k.keys.peek().clone()
	if st.standby == nil {
		st.standby = newWrapping(now)
		return string(st.text()), false
	}
	w := st.standby
	st.standby = nil
	st.promote(w, now.Add(k.Keep))
	return string(st.text()), true
}

// TextWithout returns the text of this keyring after Destroy of a key,
// changing nothing. Faults are those of Destroy.
func (k *Keyring) TextWithout(keyID string) (string, error) {
	st := k.keys.peek().clone()
	if err := st.destroy(keyID); err != nil {
		return "", err
	}
	return string(st.text()), nil
}

// oldestKey is the creation of the oldest key listed.
func oldestKey(keys []WrappingKey) time.Time {
	oldest := keys[0].CreatedAt
	for _, k := range keys {
		if k.CreatedAt.Before(oldest) {
			oldest = k.CreatedAt
		}
	}
	return oldest
}
