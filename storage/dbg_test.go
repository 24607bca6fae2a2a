package storage

import "fmt"

func dump(l *Log) string {
	out := fmt.Sprintf("start %d end %d durable %d recovery %d\n", l.start.Load(), l.end.Load(), l.durable.offset.Load(), l.mu.recovery)
	for _, s := range *l.segments.Load() {
		h := s.handle.Load()
		n := int32(-1)
		if h != nil {
			n = h.n.Load()
		}
		out += fmt.Sprintf("  seg %d size %d synced %d facts %+v entries %v ondisk %v refs %d\n", s.base, s.size.Load(), s.synced.Load(), s.mu.facts, s.mu.entries, s.mu.onDisk, n)
	}
	return out
}
