package storage

import (
	"fmt"
	"math"
)

// Space tells how large the file system of the directory is, and how much of it this process may still use.
func (d *Dir) Space() (totalBytes, usableBytes int64, err error) {
	u, err := d.fs.GetDiskUsage(d.path)
	if err != nil {
		return 0, 0, fmt.Errorf("space of %s: %w", d.path, err)
	}
	return int64(min(u.TotalBytes, math.MaxInt64)), int64(min(u.AvailBytes, math.MaxInt64)), nil
}
