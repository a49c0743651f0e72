//go:build !unix

package server

import "os"

// lockWhole cannot lock here; SQLite's own locks still keep the data whole.
func lockWhole(*os.File) (bool, error) { return true, nil }

func freeBytes(string) (uint64, bool) { return 0, false }
