//go:build unix

package server

import (
	"os"
	"syscall"
)

// lockWhole takes the file's lock for this process alone, or tells that
// somebody else has it. The lock ends with the process, however it ends.
func lockWhole(f *os.File) (taken bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}

// freeBytes tells how much room a directory's file system has left.
func freeBytes(dir string) (uint64, bool) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return uint64(st.Bavail) * uint64(st.Bsize), true
}
