package db

import "time"

// Now is the house's instant as the next transaction would read it for Tx.Now,
// for Bumps, which have no Tx.
func (d *DB) Now() time.Time { return d.house.clock.now() }
