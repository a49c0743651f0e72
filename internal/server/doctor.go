package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Finding is one thing that the doctor looked at.
type Finding struct {
	Name  string `json:"name"`
	State string `json:"state"` // "ok", "warning", "problem"
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"`
}

// The states of a finding.
const (
	Fine    = "ok"
	Warning = "warning"
	Problem = "problem"
)

// doctor collects findings.
type doctor struct {
	config Config
	base   *Base
	found  []Finding
}

func (d *doctor) note(name, state, text, do string) {
	d.found = append(d.found, Finding{name, state, text, do})
}

// told notes an error as a problem, or that all is well.
func (d *doctor) told(name, well string, err error) bool {
	if err == nil {
		d.note(name, Fine, well, "")
		return true
	}
	a := Advise(err)
	text := a.Text
	if a.Err != nil {
		text += " (" + a.Err.Error() + ")"
	}
	d.note(name, Problem, text, a.Do)
	return false
}

// Doctor looks at everything that keeps a house running and says what to do.
// It changes nothing and works beside a running server.
func Doctor(ctx context.Context, c Config) []Finding {
	d := &doctor{config: c}
	d.files()
	d.certificate()
	b, err := Open(ctx, c, Opening{Anyway: true})
	if !d.told("database", "it opens, its schema is of this release, the keyring is its own", err) {
		return d.found
	}
	defer b.Close()
	d.base = b
	d.memory(ctx)
	d.integrity(ctx)
	d.clock(ctx)
	d.background(ctx)
	d.wrapping()
	for _, t := range b.House.All() {
		d.tenant(ctx, t)
		d.cases(ctx, t)
		d.webhooks(ctx, t)
		d.retention(ctx, t)
	}
	d.operators(ctx)
	return d.found
}

func (d *doctor) files() {
	d.keyringFile()
	c := d.config
	if c.Postgres() {
		d.note("data", Fine, "PostgreSQL", "")
		return
	}
	info, err := os.Stat(c.Data)
	if err != nil {
		d.note("data", Problem, "there is no directory "+c.Data, "Name it with --data DIR, or start 'cardea serve' once.")
		return
	}
	if info.Mode().Perm()&0o077 != 0 {
		d.note("data", Warning, fmt.Sprintf("%s may be entered by others (mode %04o)", c.Data, info.Mode().Perm()), "chmod 700 "+c.Data)
	} else {
		d.note("data", Fine, c.Data, "")
	}
	const mega = 1 << 20
	free, known := freeBytes(c.Data)
	switch {
	case !known:
	case free < 100*mega:
		d.note("disk", Problem, fmt.Sprintf("only %d MiB are free", free/mega), "Make room now: without it nothing can be written.")
	case free < 1024*mega:
		d.note("disk", Warning, fmt.Sprintf("only %d MiB are free", free/mega), "Make room, or move the data to a larger disk.")
	default:
		d.note("disk", Fine, fmt.Sprintf("%d GiB are free", free/mega/1024), "")
	}
}

func (d *doctor) keyringFile() {
	c := d.config
	if c.KeyringText != "" {
		d.note("keyring", Fine, "given in CARDEA_KEYRING", "")
		return
	}
	info, err := os.Stat(c.Keyring)
	switch {
	case err != nil:
		d.note("keyring", Problem, "there is no file "+c.Keyring, "Put the keyring there, or name it with CARDEA_KEYRING_FILE.")
	case info.Mode().Perm()&0o077 != 0:
		d.note("keyring", Problem, fmt.Sprintf("others may read %s (mode %04o)", c.Keyring, info.Mode().Perm()), "chmod 600 "+c.Keyring)
	case within(c.Keyring, c.Data) && !DevData(c.Data):
		d.note("keyring", Problem, "it lies inside the data directory, so every backup of the data holds its keys", "Move it outside and name it with CARDEA_KEYRING_FILE.")
	default:
		d.note("keyring", Fine, c.Keyring, "")
	}
}

const certificateSoon = 14 * 24 * time.Hour

func (d *doctor) certificate() {
	if d.config.TLSCert == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(d.config.TLSCert, d.config.TLSKey)
	if err != nil {
		d.note("certificate", Problem, err.Error(), "Give tls_cert and tls_key as PEM files that belong together.")
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		d.note("certificate", Problem, err.Error(), "Renew the certificate.")
	case time.Until(leaf.NotAfter) < 0:
		d.note("certificate", Problem, "it expired on "+leaf.NotAfter.Format(time.DateOnly), "Renew the certificate; a running server reads the new files by itself.")
	case time.Until(leaf.NotAfter) < certificateSoon:
		d.note("certificate", Warning, "it expires on "+leaf.NotAfter.Format(time.DateOnly), "Renew the certificate; a running server reads the new files by itself.")
	default:
		d.note("certificate", Fine, "valid until "+leaf.NotAfter.Format(time.DateOnly), "")
	}
}

// memory compares the database with what the keyring remembers.
func (d *doctor) memory(ctx context.Context) {
	var why string
	err := d.base.DB.View(ctx, func(tx *db.Tx) error {
		epoch, _, err := readNumber(tx, factEpoch)
		if err == nil {
			why, err = behind(tx, d.base.Ring, epoch)
		}
		return err
	})
	if err == nil && why != "" {
		d.note("restore", Problem, "the database is behind what the keyring remembers: "+why, "If it was restored on purpose, stop the server and run 'cardea restore' without a directory.")
		return
	}
	d.told("restore", "the database is as new as the keyring remembers", err)
	if !d.base.Ring.Remembers() {
		d.note("ledger", Warning, "this node has no ledger and cannot tell a database that was set back", "Let CARDEA_KEYRING_FILE name a path that this user may write beside.")
	}
}

// integrity has SQLite check a copy of itself, which reads every page.
func (d *doctor) integrity(ctx context.Context) {
	c := d.config
	if c.Postgres() {
		return
	}
	info, err := os.Stat(filepath.Join(c.Data, databaseName))
	if err != nil {
		return
	}
	if free, known := freeBytes(c.Data); known && free < 2*uint64(info.Size()) {
		d.note("integrity", Warning, "not looked at: there is no room for a copy", "Make room for twice the size of the database.")
		return
	}
	dir, err := os.MkdirTemp(c.Data, ".doctor-")
	if err == nil {
		err = errors.Join(d.base.DB.Backup(d.base.DB.Background(ctx), filepath.Join(dir, "copy.db")), os.RemoveAll(dir))
	}
	d.told("integrity", "every page of the database reads well", err)
}

// clock finds a machine whose clock is behind what it wrote before.
func (d *doctor) clock(ctx context.Context) {
	var last int64
	now := d.base.Clock.Now()
	err := d.base.DB.View(ctx, func(tx *db.Tx) (err error) {
		last, _, err = db.Value[int64](tx, `SELECT cast(coalesce(max(changed_at), 0) AS BIGINT) FROM tenant`)
		return err
	})
	if ahead := time.UnixMicro(last).Sub(now); err == nil && ahead > time.Minute {
		d.note("clock", Problem, fmt.Sprintf("this machine's clock is %s behind what was written last", ahead.Round(time.Second)), "Set the clock, and let NTP keep it.")
		return
	}
	d.told("clock", now.Format(time.RFC3339), err)
}

func (d *doctor) background(ctx context.Context) {
	lag, err := journal.NewLoop(d.base.DB, "doctor", nil, nil, journal.Options{}).Lag(ctx)
	switch {
	case err != nil:
		d.told("background", "", err)
		return
	case lag.Oldest > time.Minute || lag.DueJobs > 100:
		d.note("background", Warning, fmt.Sprintf("%d events wait for their link since %s, %d jobs are due", lag.Unchained, lag.Oldest.Round(time.Second), lag.DueJobs), "Start the server; if it runs, look for 'journal' and 'job' in its log.")
	default:
		d.note("background", Fine, "nothing waits for long", "")
	}
	if lag.DeadJobs > 0 {
		d.jobs(ctx)
	}
}

func (d *doctor) wrapping() {
	keys := d.base.Ring.WrappingKeys()
	age := d.base.Clock.Now().Sub(keys[len(keys)-1].CreatedAt)
	if age > customer.RewrapEvery+5*24*time.Hour {
		d.note("wrapping key", Warning, fmt.Sprintf("the current one is %d days old", int(age.Hours()/24)), "Run 'cardea keys rotate --wrapping'.")
		return
	}
	d.note("wrapping key", Fine, fmt.Sprintf("%d days old", int(age.Hours()/24)), "")
}

func (d *doctor) tenant(ctx context.Context, t *tenant.Tenant) {
	name := "tenant " + t.Slug
	if _, err := t.Signer(tenant.ES256); err != nil {
		d.note(name, Problem, "it has no signing key", "Run 'cardea keys rotate --tenant "+t.Slug+"'.")
	} else {
		d.note(name, Fine, t.Origin, "")
	}
	if d.base.dev {
		return
	}
	if t.Settings.Mail.Host == "" {
		d.note(name+" mail", Warning, "no mail relay: codes and notices cannot leave", "Set mail in the settings of "+t.Slug+" in cardea.yaml, run 'cardea apply', then 'cardea mail test --tenant "+t.Slug+" --to YOU'.")
		return
	}
	if err := d.base.reachRelay(ctx, t); err != nil {
		d.note(name+" mail", Problem, "the relay "+t.Settings.Mail.Host+" is out of reach: "+Advise(err).Error(), "Check host and port, the secret of the password, and this machine's network; a private relay must stand in CARDEA_OUTBOUND_ALLOW.")
		return
	}
	d.note(name+" mail", Fine, "the relay answers", "")
}

func (d *doctor) operators(ctx context.Context) {
	t := d.base.House.BuiltIn()
	if t == nil || d.base.dev {
		return
	}
	some := false
	err := d.base.DB.View(ctx, func(tx *db.Tx) (err error) {
		some, err = access.Operators(tx, t)
		return err
	})
	if err == nil && !some {
		d.note("operators", Warning, "nobody can sign in to run the house yet", "Open the link that 'cardea bootstrap' prints.")
		return
	}
	d.told("operators", "there is one", err)
}
