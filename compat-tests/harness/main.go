package harness

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Main is the TestMain of every lane. It makes lanes of different packages wait for each other: two brokers and two
// JVMs on a small machine at once turn every timeout into a coin toss.
func Main(m *testing.M) {
	flag.Parse()
	if !testing.Short() {
		defer mustLockLanes()()
	}
	m.Run() // a TestMain that returns ends with the code of this
}

func mustLockLanes() (unlock func()) {
	unlock, err := lockLanes()
	if err != nil {
		panic(err) // without a lock there is no test to fail yet
	}
	return unlock
}

// lockLanes takes the one lock of all lanes of this user. The kernel gives it back when the process ends, however it ends.
func lockLanes() (unlock func(), err error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lanes.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the lanes: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("wait for other lanes: %w", err)
	}
	return func() { f.Close() }, nil
}

// cacheDir is where fetched clients and peers stay between runs; the run.sh scripts use the same folder.
func cacheDir() (string, error) {
	dir := os.Getenv("SORDINI_COMPAT_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a cache folder (SORDINI_COMPAT_CACHE sets one): %w", err)
		}
		dir = filepath.Join(base, "sordini-compat")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	return dir, nil
}
