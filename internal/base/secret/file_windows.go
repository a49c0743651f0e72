package secret

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile waits for the lock; closing the file gives it back.
func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}

// openToOthers cannot be told from the mode here: access lists rule.
func openToOthers(fs.FileInfo) bool { return false }

// openReplaced gives nothing: a file that is open cannot be replaced here.
func openReplaced(string) (*os.File, error) { return nil, nil }

// syncDir has nothing to do: NTFS journals a rename by itself.
func syncDir(string) error { return nil }
