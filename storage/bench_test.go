package storage

import (
	"fmt"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

func benchDir(b *testing.B) *Dir {
	dir := b.TempDir() + "/data"
	if err := FormatDir(vfs.OS, dir, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		b.Fatal(err)
	}
	d, err := OpenDir(DirConfig{Path: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closeDir(b, d) })
	return d
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ batches, bytes int }{{1, 1100}, {1, 16 << 10}, {4, 16 << 10}, {1, 256 << 10}, {64, 1100}} {
		b.Run(fmt.Sprintf("%dx%d", c.batches, c.bytes), func(b *testing.B) {
			d := benchDir(b)
			config := testConfig()
			config.Durability, config.SegmentBytes, config.IndexIntervalBytes = DurabilityOS, 64<<20, 4096
			config.RetentionBytes = 256 << 20
			l := openLog(b, d, config)
			var appends []*Append
			for range c.batches {
				appends = append(appends, &Append{Batch: spec{values: []string{string(make([]byte, c.bytes-70))}}.build(b)})
			}
			total := 0
			for _, a := range appends {
				total += len(a.Batch)
			}
			b.SetBytes(int64(total))
			b.ReportAllocs()
			written := 0
			for b.Loop() {
				if err := l.Append(1, 0, appends); err != nil {
					b.Fatal(err)
				}
				if written += total; written > 512<<20 {
					b.StopTimer()
					written = 0
					if _, err := d.RunRetention(1); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	d := benchDir(b)
	config := testConfig()
	config.Durability = DurabilityOS
	l := openLog(b, d, config)
	cursor := &Cursor{}
	read := func(b *testing.B, from int64) {
		s, err := l.Read(from, 1<<20, l.LogEndOffset(), true, cursor)
		if err != nil {
			b.Fatal(err)
		}
		s.Release()
	}
	for range 100 {
		read(b, appendOne(b, l, spec{values: values("v", 10)}))
	}
	last := l.LogEndOffset() - 10
	at := *cursor
	at.offset, at.pos = last, l.Size()-int64(len(spec{values: values("v", 10)}.build(b)))
	b.Run("tail", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			*cursor = at
			read(b, last)
		}
	})
	b.Run("lookup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			*cursor = Cursor{}
			read(b, last)
		}
	})
}

func BenchmarkOpen50Logs(b *testing.B) {
	dir := b.TempDir() + "/data"
	if err := FormatDir(vfs.OS, dir, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		b.Fatal(err)
	}
	open := func() *Dir {
		d, err := OpenDir(DirConfig{Path: dir})
		if err != nil {
			b.Fatal(err)
		}
		for i := range int32(50) {
			l, err := d.OpenLog(Partition{Topic: "__consumer_offsets", ID: TopicID{1}, Index: i}, testConfig())
			if err != nil {
				b.Fatal(err)
			}
			if l.LogEndOffset() == 0 {
				appendOne(b, l, spec{values: []string{"a"}})
			}
		}
		return d
	}
	closeDir(b, open())
	for b.Loop() {
		d := open()
		b.StopTimer()
		closeDir(b, d)
		b.StartTimer()
	}
}
