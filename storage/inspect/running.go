package inspect

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Holder is the process that has a directory open.
type Holder struct {
	PID int // 0 when it is not known
}

// Running says which broker has a data directory open, or nil. Kafka takes a lock of fcntl, which can be asked about; ours is one of flock, for which the
// only question is to share it, for the moment that the answer takes.
func Running(dataDir string) *Holder {
	f, err := os.Open(filepath.Join(dataDir, ".lock"))
	if err != nil {
		return nil
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err == nil && lock.Type != unix.F_UNLCK {
		return &Holder{PID: int(lock.Pid)}
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		var text [32]byte
		n, _ := f.ReadAt(text[:], 0)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
		return &Holder{PID: max(pid, 0)}
	}
	return nil // what we share ends with f
}
