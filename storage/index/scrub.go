package index

// ScrubPosition is the segment that a scrub was in: a log by its directory's name, and the segment's base offset. The zero
// value begins a new pass.
type ScrubPosition struct {
	Log  string
	Base int64
}

// SetScrubPosition stores the position.
func (b *Batch) SetScrubPosition(p ScrubPosition) {
	b.set([]byte{spaceScrub}, append(appendVarints([]byte{valueVersion}, p.Base), p.Log...))
}

// ScrubPosition returns the stored position.
func (d *DB) ScrubPosition() (ScrubPosition, error) {
	value, found, err := d.get([]byte{spaceScrub})
	if err != nil || !found {
		return ScrubPosition{}, err
	}
	return decodeScrub(value)
}

func decodeScrub(b []byte) (ScrubPosition, error) {
	var p ScrubPosition
	if len(b) == 0 || b[0] != valueVersion {
		return p, errValue
	}
	rest, ok := readVarints(b[1:], &p.Base)
	if !ok || p.Base < 0 {
		return ScrubPosition{}, errValue
	}
	p.Log = string(rest)
	return p, nil
}
