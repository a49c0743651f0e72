package db

import (
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// steadyPlans has every SQLite connection of this process keep the plan of a
// prepared statement whatever its parameters are (the query planner stability
// guarantee). Otherwise SQLite peeks at them, and plans anew on each execution
// of a statement with ORDER BY or LIMIT: measured at five to ten times the cost
// of a short read. The driver has no setting for it, so it is set by the way
// that SQLite offers to those who own the process: an automatic extension.
var steadyPlans = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	defer tls.Close()
	entry := struct {
		f func(tls *libc.TLS, db, message, api uintptr) int32
	}{steady}
	// The address of a declared function, as SQLite's Go text calls it.
	if rc := sqlite3.Xsqlite3_auto_extension(tls, *(*uintptr)(unsafe.Pointer(&entry))); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("db: SQLite refused to keep its plans: code %d", rc)
	}
	return nil
})

// steady is the extension: SQLite calls it for every connection that opens, and
// refuses the connection if it fails.
func steady(tls *libc.TLS, db, _, _ uintptr) int32 {
	const slots = 2 * 8 // an int and a pointer, a slot of eight bytes each
	list := libc.Xmalloc(tls, slots)
	if list == 0 {
		return sqlite3.SQLITE_NOMEM
	}
	defer libc.Xfree(tls, list)
	return sqlite3.Xsqlite3_db_config(tls, db, sqlite3.SQLITE_DBCONFIG_ENABLE_QPSG, libc.VaList(list, int32(1), uintptr(0)))
}
