package quorumtest

import (
	"testing"

	"github.com/sordini/sordini/controller/quorum"
)

func TestMemLog(t *testing.T) {
	TestLog(t, func(*testing.T) quorum.Log { return NewMemLog() }, nil)
}

func TestFileLog(t *testing.T) {
	var fs *CrashFS
	open := func(t *testing.T) quorum.Log {
		fs = NewCrashFS("/m")
		return openFile(t, fs)
	}
	TestLog(t, open, func(t *testing.T, _ quorum.Log) quorum.Log {
		fs = fs.Crash(nil, 0)
		return openFile(t, fs)
	})
}

func openFile(t *testing.T, fs *CrashFS) quorum.Log {
	t.Helper()
	l, err := OpenFileLog(fs, "/m")
	must(t, err)
	return l
}
