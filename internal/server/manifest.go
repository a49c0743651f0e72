package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Manifest describes a backup. Its MAC is under the keyring's root, so that
// neither file nor manifest can be changed by who has the backup alone.
type Manifest struct {
	Format      int         `json:"format"`
	MadeAt      time.Time   `json:"made_at"`
	Program     string      `json:"program"`
	Schema      int64       `json:"schema"`
	Epoch       int64       `json:"epoch"`
	Keyring     string      `json:"keyring"` // which one: the check value in hexadecimal
	File        string      `json:"file"`
	Size        int64       `json:"size"`
	SHA256      string      `json:"sha256"`
	Events      int64       `json:"events"`
	Checkpoints []HeldPoint `json:"checkpoints"`
	MAC         string      `json:"mac"`
}

// HeldPoint is the last checkpoint of a tenant in the backup.
type HeldPoint struct {
	Tenant string `json:"tenant"`
	Number int64  `json:"number"`
	Digest string `json:"digest"`
}

const (
	manifestName   = "manifest.json"
	manifestFormat = 1
)

// sign computes the MAC over everything else.
func (m *Manifest) sign(ring *secret.Keyring) string {
	bare := *m
	bare.MAC = ""
	text, err := json.Marshal(bare)
	if err != nil { // strings, numbers and one instant
		panic(err)
	}
	mac := secret.HMAC(ring.Root("backup manifest")[:], text)
	return hex.EncodeToString(mac[:])
}

func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, manifestName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// readManifest reads and checks a manifest against the keyring.
func readManifest(dir string, ring *secret.Keyring) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, refused("There is no backup in "+dir+".", "Name the directory that 'cardea backup' made.", err)
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil || m.Format != manifestFormat || m.File != databaseName {
		return nil, refused("The manifest of the backup does not read.", "Use another backup, or the release of cardea that made it.", err)
	}
	check := ring.Check()
	if m.Keyring != hex.EncodeToString(check[:]) {
		return nil, refused("The backup was made with another keyring.", "Give the keyring of that time with CARDEA_KEYRING_FILE. Nothing was changed.", nil)
	}
	if !secret.Equal([]byte(m.MAC), []byte(m.sign(ring))) {
		return nil, refused("The manifest of the backup was changed after it was made.", "Use another backup. Nothing was changed.", nil)
	}
	return m, nil
}

// digestFile gives size and SHA-256 of a file.
func digestFile(path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// heldPoints lists the last checkpoint of every tenant.
func heldPoints(ctx context.Context, d *db.DB, tenants []*tenant.Tenant) ([]HeldPoint, error) {
	out := []HeldPoint{}
	err := d.View(ctx, func(tx *db.Tx) error {
		out = out[:0]
		for _, t := range tenants {
			c, ok, err := journal.CheckpointAt(tx, t.ID, 0)
			if err != nil {
				return err
			}
			if ok {
				digest := c.Digest()
				out = append(out, HeldPoint{t.ID.String(), c.Number, hex.EncodeToString(digest[:])})
			}
		}
		return nil
	})
	return out, err
}
