//go:build aix || darwin || dragonfly || freebsd || linux || netbsd || openbsd

package secret

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile waits for the lock; closing the file gives it back.
func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			return err
		}
	}
}

// openToOthers tells whether group or others have any right to the file.
func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// openReplaced opens a file that is about to be replaced.
func openReplaced(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }

// syncDir makes a rename inside the directory last.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
