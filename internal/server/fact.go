package server

import (
	"encoding/binary"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// The facts of the installation, in the table house.
const (
	factKeyring       = "keyring_check"  // which keyring its rows are sealed under
	factEpoch         = "restore_epoch"  // see secret.Keyring.Epoch
	factDev           = "dev"            // the data belongs to `cardea dev`
	factClock         = "dev_clock"      // by how many microseconds dev's clock was moved
	factBootstrap     = "bootstrap"      // digest of the first operator's secret
	factBootstrapDone = "bootstrap_done" // it was redeemed
)

type fact struct {
	name      string
	value     []byte
	changedAt time.Time
}

// Fields names the columns.
func (f *fact) Fields() []db.Field {
	return []db.Field{{Column: "name", Ptr: &f.name}, {Column: "value", Ptr: &f.value}, {Column: "changed_at", Ptr: &f.changedAt}}
}

func readFact(tx *db.Tx, name string) ([]byte, bool, error) {
	f, ok, err := db.Find[fact](tx, `FROM house WHERE name = $1`, name)
	return f.value, ok, err
}

func writeFact(tx *db.Tx, name string, value []byte) error {
	_, err := tx.Exec(`INSERT INTO house (name, value, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = $2, changed_at = $3`, name, value, tx.Now)
	return err
}

func readNumber(tx *db.Tx, name string) (int64, bool, error) {
	v, ok, err := readFact(tx, name)
	if err != nil || !ok || len(v) != 8 {
		return 0, false, err
	}
	return int64(binary.BigEndian.Uint64(v)), true, nil
}

func writeNumber(tx *db.Tx, name string, n int64) error {
	return writeFact(tx, name, binary.BigEndian.AppendUint64(nil, uint64(n)))
}
