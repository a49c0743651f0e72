package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// openKeyring opens the keyring, or makes its file for a new SQLite house. For
// PostgreSQL one must be given: two nodes that made one each could not read
// each other's rows.
func (b *Base) openKeyring(ctx context.Context) (err error) {
	if err := b.readShared(); err != nil {
		return err
	}
	if b.Config.KeyringText != "" {
		return b.keyringOfText()
	}
	path := b.Config.Keyring
	if _, err := os.Stat(path); err != nil {
		if err := b.mayMakeKeyring(ctx, path); err != nil {
			return err
		}
	}
	b.Ring, b.KeyringMade, err = secret.OpenKeyring(path, b.Clock.Now())
	if err != nil {
		a := Advise(err)
		return refused(a.Text+" ["+path+"]", a.Do, a.Err)
	}
	if b.KeyringMade && !b.dev {
		b.Log.Warn("a new keyring was made: keep a copy of it apart from the backups; without it nothing in the database can be read", "path", path)
	}
	return nil
}

// readShared takes a keyring file of a PostgreSQL house for the text that it
// holds: each node has a copy, and one that changed its own would wrap under a
// key that the others cannot know.
func (b *Base) readShared() error {
	c := &b.Config
	info, err := os.Stat(c.Keyring)
	if !c.Postgres() || c.KeyringText != "" || err != nil {
		return nil
	}
	if info.Mode().Perm()&0o077 != 0 {
		return refused("Others may read the keyring.", "Give its file the mode 0600: chmod 600 "+c.Keyring, nil)
	}
	text, err := os.ReadFile(c.Keyring)
	if err != nil {
		return refused("The keyring cannot be read.", "Run as the user that owns "+c.Keyring+".", err)
	}
	c.KeyringText = string(text)
	return nil
}

func (b *Base) mayMakeKeyring(ctx context.Context, path string) error {
	var claimed bool
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		_, claimed, err = readFact(tx, factKeyring)
		return err
	})
	switch {
	case err != nil:
		return err
	case claimed:
		return refused("The keyring of this database is not at "+path+".", "Put it there, or name it with CARDEA_KEYRING_FILE (or CARDEA_KEYRING). Without it nothing in the database can be read.", nil)
	case b.Config.Postgres():
		return refused("PostgreSQL needs a keyring that is given, since all nodes share it.", "Make one with 'cardea keys new', keep it safe, and give its text in CARDEA_KEYRING (or its file in CARDEA_KEYRING_FILE) to every node.", nil)
	case !b.how.Setup:
		return refused("There is no keyring at "+path+".", "Start 'cardea serve' once: it makes the keyring.", nil)
	}
	return nil
}

// keyringOfText reads the keyring from the environment. Its memory lies in a
// ledger file, where the node has a disk.
func (b *Base) keyringOfText() (err error) {
	if b.Ring, err = secret.KeyringFromText(b.Config.KeyringText); err != nil {
		return refused("CARDEA_KEYRING does not hold a whole keyring.", "Give the text that 'cardea keys new' printed, unchanged.", err)
	}
	ledger := strings.TrimSuffix(b.Config.Keyring, ".keyring") + ".ledger"
	if err := b.Ring.Remember(ledger); err != nil {
		b.Log.Warn("no ledger: this node cannot tell a database that was set back", "path", ledger, "cause", err.Error())
	}
	return nil
}

// matchKeyring refuses a keyring under which the rows were not sealed. A new
// database takes the keyring for its own.
func (b *Base) matchKeyring(ctx context.Context) error {
	check := b.Ring.Check()
	wrong := refused("This is not the keyring of this database.", "Give the keyring that was made with it: CARDEA_KEYRING_FILE, or the text in CARDEA_KEYRING. Nothing was changed.", nil)
	var known []byte
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		known, _, err = readFact(tx, factKeyring)
		return err
	})
	if err != nil {
		return err
	}
	if known == nil && b.how.Setup {
		known, err = b.claim(ctx, check)
	}
	if err != nil {
		return err
	}
	if known == nil {
		return refused("This database was never set up.", "Start 'cardea serve' once, or run 'cardea migrate'.", nil)
	}
	if !bytes.Equal(known, check[:]) {
		return wrong
	}
	return nil
}

// claim ties a new database to the keyring; of two nodes the first decides.
func (b *Base) claim(ctx context.Context, check [32]byte) (known []byte, err error) {
	if len(b.Ring.Checkpoints())+len(b.Ring.Erased()) > 0 && !b.how.Anyway {
		return nil, refused("The keyring remembers a house, but this database is empty.", "Restore its backup with 'cardea restore DIR'. To begin another house, give it a keyring of its own with CARDEA_KEYRING_FILE.", nil)
	}
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		if _, err := db.InsertNew(tx, "house", fact{factKeyring, check[:], tx.Now}); err != nil {
			return err
		}
		if b.dev {
			if err := writeFact(tx, factDev, []byte{1}); err != nil {
				return err
			}
		}
		known, _, err = readFact(tx, factKeyring)
		if err != nil || !bytes.Equal(known, check[:]) {
			return err
		}
		_, there, err := readFact(tx, factEpoch)
		if err != nil || there {
			return err
		}
		return writeNumber(tx, factEpoch, b.Ring.Epoch())
	})
	return known, err
}

// remember compares the database with what the keyring remembers, and then
// tells the keyring what it missed by a crash.
func (b *Base) remember(ctx context.Context) error {
	var epoch int64
	var erased []secret.Erased
	var why string
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		if epoch, _, err = readNumber(tx, factEpoch); err != nil {
			return err
		}
		if erased, err = customer.Erasures(tx); err != nil {
			return err
		}
		why, err = behind(tx, b.Ring, epoch)
		return err
	})
	if err != nil {
		return err
	}
	if why != "" {
		if b.how.Anyway {
			return nil
		}
		return refused("The database is behind what the keyring remembers: "+why+".", "If it was restored on purpose, run 'cardea restore' (without a directory) to end old sessions and repeat erasures. If not, put the newest database back.", nil)
	}
	return b.tellKeyring(epoch, erased)
}

func (b *Base) tellKeyring(epoch int64, erased []secret.Erased) error {
	if epoch > b.Ring.Epoch() {
		if err := b.Ring.SetEpoch(epoch); err != nil {
			return refused("This node's ledger cannot be written, and the database was restored since the keyring was made.", "Let CARDEA_KEYRING_FILE name a path that this user may write beside: the ledger lies there.", err)
		}
	}
	if !b.how.Setup || !b.Ring.Remembers() {
		return nil
	}
	if err := b.Ring.NoteErased(missing(b.Ring.Erased(), erased)...); err != nil {
		return err
	}
	return b.forget()
}

// forget drops erasures from a ledger that no living wrapping key could undo: a
// text cannot do it by itself when a key leaves it.
func (b *Base) forget() error {
	if !b.textRing() {
		return nil
	}
	oldest := b.Clock.Now()
	for _, k := range b.Ring.WrappingKeys() {
		if k.CreatedAt.Before(oldest) {
			oldest = k.CreatedAt
		}
	}
	if list := b.Ring.Erased(); len(list) == 0 || !list[0].At.Before(oldest) {
		return nil
	}
	return b.Ring.ForgetErased()
}

// missing are those of all that known lacks.
func missing(known, all []secret.Erased) []secret.Erased {
	type who struct{ tenant, customer [16]byte }
	have := map[who]bool{}
	for _, e := range known {
		have[who{e.Tenant, e.Customer}] = true
	}
	var out []secret.Erased
	for _, e := range all {
		if !have[who{e.Tenant, e.Customer}] {
			out = append(out, e)
		}
	}
	return out
}

// behind tells how the database is behind the keyring's memory, or "".
func behind(tx *db.Tx, ring *secret.Keyring, epoch int64) (string, error) {
	if epoch < ring.Epoch() {
		return fmt.Sprintf("it is of restore epoch %d, the keyring of %d", epoch, ring.Epoch()), nil
	}
	if epoch > ring.Epoch() {
		return "", nil // restored on another node; this one's memory is older
	}
	for _, c := range ring.Checkpoints() {
		at, ok, err := journal.CheckpointAt(tx, c.Tenant, c.Number)
		if err != nil {
			return "", err
		}
		name := tenant.ID(c.Tenant).String()
		if !ok {
			return fmt.Sprintf("checkpoint %d of tenant %s is not in it", c.Number, name), nil
		}
		if at.Digest() != c.Digest {
			return fmt.Sprintf("checkpoint %d of tenant %s is another one", c.Number, name), nil
		}
	}
	for _, e := range ring.Erased() {
		_, lives, err := db.Value[string](tx, `SELECT wrapping_key FROM customer_key WHERE tenant_id = $1 AND customer_id = $2`, e.Tenant, e.Customer)
		if err != nil {
			return "", err
		}
		if lives {
			return fmt.Sprintf("customer %s was erased on %s and is in it again", customer.ID(e.Customer), e.At.Format("2006-01-02")), nil
		}
	}
	return "", nil
}

// openHouse loads the tenants and, at the first start, makes the staff's.
func (b *Base) openHouse(ctx context.Context) error {
	b.House = tenant.NewHouse(b.DB, b.Ring)
	if err := b.House.Load(ctx); err != nil {
		return refused("The tenants cannot be read.", "Check that the keyring belongs to this database; 'cardea doctor' looks closer.", err)
	}
	if !b.how.Setup || b.Config.Origin == "" {
		return nil
	}
	if t := b.House.BuiltIn(); t != nil {
		return b.moveStaff(ctx, t)
	}
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		_, err := tenant.Create(tx, b.Ring, tenant.New{
			Slug: "staff", Name: "Staff", Origin: b.Config.Origin, BuiltIn: true,
			Settings: tenant.Settings{Password: tenant.Password{Alone: true}, Registration: tenant.Registration{Closed: true}},
		})
		return err
	})
	if err != nil && !errors.Is(err, tenant.ErrSlugTaken) && !errors.Is(err, tenant.ErrOriginTaken) {
		return refused("The staff's tenant could not be made.", "Check the origin in the configuration.", err)
	}
	return b.House.Load(ctx) // made by us, or by another node that was first
}

// moveStaff follows a changed origin in the configuration.
func (b *Base) moveStaff(ctx context.Context, t *tenant.Tenant) error {
	if t.Origin == b.Config.Origin {
		return nil
	}
	b.Log.Warn("the staff's tenant moves", "from", t.Origin, "to", b.Config.Origin)
	err := b.DB.Update(ctx, func(tx *db.Tx) error { return tenant.SetOrigin(tx, t, b.Config.Origin, false) })
	if err != nil {
		return refused("The origin in the configuration cannot be taken.", "Choose an origin that no tenant has; 'cardea tenant list' shows them.", err)
	}
	return nil
}
