package index

import "encoding/binary"

// ScrubPosition is the segment that a scrub was in: a log by its directory's name, and the segment's base offset. Without a
// name no pass is under way; then DoneMs is when the last one ended, 0 for never.
type ScrubPosition struct {
	DoneMs int64
	Base   int64
	Log    string
}

const scrubVersion = 2

// SetScrubPosition stores the position.
func (b *Batch) SetScrubPosition(p ScrubPosition) {
	b.set([]byte{spaceScrub}, appendScrub(nil, p))
}

func appendScrub(dst []byte, p ScrubPosition) []byte {
	return append(appendVarints(append(dst, scrubVersion), p.DoneMs, p.Base), p.Log...)
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
	if len(b) == 0 || b[0] != scrubVersion {
		return p, errValue
	}
	rest, ok := readVarints(b[1:], &p.DoneMs, &p.Base)
	if !ok || p.Base < 0 || p.DoneMs < 0 {
		return ScrubPosition{}, errValue
	}
	p.Log = string(rest)
	return p, nil
}

// Damage is a range of a segment's file that a check found damaged, and the offsets [FirstOffset, NextOffset) that cannot be read.
type Damage struct {
	Base                    int64
	Pos, EndPos             int64
	FirstOffset, NextOffset int64
	Reason                  string
}

// maxReason bounds what is kept of a reason.
const maxReason = 200

// PutDamage notes a damaged range.
func (b *Batch) PutDamage(k Key, d *Damage) {
	b.set(damageKey(k, d.Base, d.Pos), appendDamage(nil, d))
}

func appendDamage(dst []byte, d *Damage) []byte {
	dst = appendVarints(append(dst, valueVersion), d.EndPos-d.Pos, d.FirstOffset, d.NextOffset-d.FirstOffset)
	return append(dst, d.Reason[:min(len(d.Reason), maxReason)]...)
}

// DeleteDamage forgets what was damaged in a segment.
func (b *Batch) DeleteDamage(k Key, base int64) {
	b.deleteRange(offsetKey(k, kindDamage, base), offsetKey(k, kindDamage, base+1))
}

func damageKey(k Key, base, pos int64) []byte {
	return binary.BigEndian.AppendUint64(offsetKey(k, kindDamage, base), uint64(pos))
}

// decodeDamage takes the key behind its kind, and the value.
func decodeDamage(key, value []byte) (Damage, error) {
	var d Damage
	if len(key) != 16 || len(value) == 0 || value[0] != valueVersion {
		return d, errValue
	}
	d.Base, d.Pos = int64(binary.BigEndian.Uint64(key)), int64(binary.BigEndian.Uint64(key[8:]))
	var length, offsets int64
	reason, ok := readVarints(value[1:], &length, &d.FirstOffset, &offsets)
	if !ok || d.Base < 0 || d.Pos < 0 || length < 1 || d.Pos+length < d.Pos || d.FirstOffset < 0 || offsets < 0 || d.FirstOffset+offsets < d.FirstOffset {
		return d, errValue
	}
	d.EndPos, d.NextOffset, d.Reason = d.Pos+length, d.FirstOffset+offsets, string(reason)
	return d, nil
}
