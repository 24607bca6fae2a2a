//go:build !linux

package vfs

// WriteVAt has no gathered positional write to use here: it writes buffer by buffer.
func (f *osFile) WriteVAt(bufs [][]byte, off int64) (int, error) {
	total := 0
	for _, b := range bufs {
		n, err := f.f.WriteAt(b, off+int64(total))
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (f *osFile) Allocate(off, n int64) error { return ErrUnsupported }
func (f *osFile) SyncData() error             { return f.f.Sync() }
func (s *osSyncer) SyncFS() error             { return ErrUnsupported }
