package index

import (
	"github.com/cockroachdb/pebble/v2"
)

// Generation tells one opening of the directory from the others. The directory keeps the number in a file as
// well, which is written after it: a database that knows neither number of the file is a copy of another time, and
// what it says of the segments is not true any more.
type Generation struct {
	Current int64
	// Before is the number in the file when Current was stored. After a crash in between the file still has it.
	Before int64
	// Rebuilding: the database was lost, and not every log has been recovered since.
	Rebuilding bool
}

// SetGeneration stores the generation.
func (b *Batch) SetGeneration(g Generation) {
	rebuilding := int64(0)
	if g.Rebuilding {
		rebuilding = 1
	}
	b.set([]byte{spaceGeneration}, appendVarints([]byte{valueVersion}, g.Current, g.Before, rebuilding))
}

func decodeGeneration(b []byte) (Generation, error) {
	var g Generation
	var rebuilding int64
	if len(b) == 0 || b[0] != valueVersion {
		return g, errValue
	}
	rest, ok := readVarints(b[1:], &g.Current, &g.Before, &rebuilding)
	if !ok || len(rest) != 0 {
		return g, errValue
	}
	g.Rebuilding = rebuilding != 0
	return g, nil
}

// ForgetAll removes everything about all partitions but their log starts, which only ever rise and so are true of
// later times too. States of malformed encoding go as well. The result is durable.
func (d *DB) ForgetAll() error {
	b := d.NewBatch()
	b.deleteRange([]byte{spacePartition}, []byte{spacePartition + 1})
	b.deleteRange([]byte{spaceClean}, []byte{spaceClean + 1})
	if err := d.eachState(b.keepStart); err != nil {
		b.Discard()
		return err
	}
	return b.Commit(true)
}

func (b *Batch) keepStart(key []byte, s *LogState) {
	if s.LogStart > 0 {
		b.set(key, appendState(nil, &LogState{LogStart: s.LogStart}))
	}
}

func (d *DB) eachState(fn func(key []byte, s *LogState)) error {
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter([]byte{spacePartition}, []byte{spacePartition + 1})
	if err != nil {
		return err
	}
	return walkStates(it, fn)
}

func walkStates(it *pebble.Iterator, fn func(key []byte, s *LogState)) error {
	for ok := it.First(); ok; {
		key := it.Key()
		if len(key) < prefixSize+1 || key[prefixSize] != kindState {
			ok = it.Next()
			continue
		}
		if s, err := decodeState(it.Value()); err == nil {
			fn(key, s)
		}
		// On to the next partition, over everything else about this one.
		next := append(append([]byte(nil), key[:prefixSize]...), 0xff)
		ok = it.SeekGE(next)
	}
	if err := it.Error(); err != nil {
		_ = it.Close()
		return err
	}
	return it.Close()
}
