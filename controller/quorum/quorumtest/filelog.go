package quorumtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"

	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/storage/vfs"
)

// FileLog is the simplest Log that survives a crash: one file of entries, each with its length and checksum. What it
// cannot do by appending it does by writing the file anew.
//
//	length (4) CRC-32C (4) index (8) term (8) data (length bytes)
type FileLog struct {
	MemLog
	fs   vfs.FS
	path string
	file interface {
		Write([]byte) (int, error)
		Sync() error
		Close() error
	}
}

// OpenFileLog opens or creates the log in a directory. A torn tail is cut.
func OpenFileLog(fs vfs.FS, dir string) (*FileLog, error) {
	l := &FileLog{fs: fs, path: fs.PathJoin(dir, "log"), MemLog: MemLog{first: 1}}
	b, err := vfs.ReadFile(fs, l.path, math.MaxInt64-1)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(b) >= 8 {
		l.first = binary.BigEndian.Uint64(b)
		l.load(b[8:])
	}
	return l, l.rewrite()
}

func (l *FileLog) load(b []byte) {
	for len(b) >= 24 {
		n := binary.BigEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-24) || crc32.ChecksumIEEE(b[8:24+n]) != binary.BigEndian.Uint32(b[4:]) {
			return
		}
		e := quorum.Entry{Index: binary.BigEndian.Uint64(b[8:]), Term: binary.BigEndian.Uint64(b[16:]), Data: b[24 : 24+n]}
		if l.MemLog.Append([]quorum.Entry{e}) != nil {
			return
		}
		b = b[24+n:]
	}
}

// rewrite writes the whole log into a new file and goes on there.
func (l *FileLog) rewrite() error {
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return err
		}
	}
	b := binary.BigEndian.AppendUint64(nil, l.first)
	b = encode(b, l.entries)
	if err := vfs.WriteFileAtomic(l.fs, l.path, b); err != nil {
		return err
	}
	f, err := l.fs.OpenReadWrite(l.path, "unspecified")
	if err != nil {
		return err
	}
	l.file = f
	// The file system's files have no seek to the end; reading gets there.
	if n, err := f.Read(make([]byte, len(b))); err != nil || n != len(b) {
		return fmt.Errorf("read %d of %d bytes: %w", n, len(b), err)
	}
	return nil
}

func encode(b []byte, entries []quorum.Entry) []byte {
	for _, e := range entries {
		at := len(b)
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.Data)))
		b = append(b, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint64(b, e.Index)
		b = binary.BigEndian.AppendUint64(b, e.Term)
		b = append(b, e.Data...)
		binary.BigEndian.PutUint32(b[at+4:], crc32.ChecksumIEEE(b[at+8:]))
	}
	return b
}

// Append implements quorum.Log.
func (l *FileLog) Append(entries []quorum.Entry) error {
	if err := l.MemLog.Append(entries); err != nil {
		return err
	}
	if _, err := l.file.Write(encode(nil, entries)); err != nil {
		return err
	}
	return l.file.Sync()
}

// Truncate implements quorum.Log.
func (l *FileLog) Truncate(index uint64) error {
	if err := l.MemLog.Truncate(index); err != nil {
		return err
	}
	return l.rewrite()
}

// Compact implements quorum.Log.
func (l *FileLog) Compact(index uint64) error {
	if err := l.MemLog.Compact(index); err != nil {
		return err
	}
	return l.rewrite()
}
