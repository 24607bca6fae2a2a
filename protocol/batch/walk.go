package batch

// minRecordBody is a record without anything: attributes, timestamp delta, offset delta, two lengths and a header count.
const minRecordBody = 6

// fault is what the walk found wrong with the bytes.
type fault uint8

const (
	faultNone        fault = iota
	faultTorn              // the payload ends before the record does
	faultSize              // the record's parts do not add up to its size
	faultStructure         // a number without end, or a negative or impossible length
	faultHeaderCount       // negative, or more headers than bytes
	faultOffsetDelta       // not 0, 1, 2 ...
	faultMore              // bytes after the last record
	faultLarge             // more than Rules.MaxRecordBytes
)

func (f fault) String() string {
	switch f {
	case faultTorn:
		return "Incorrect declared batch size, premature EOF reached"
	case faultSize:
		return "Invalid record size: the parts of the record do not fill it"
	case faultStructure:
		return "Found invalid record structure"
	case faultHeaderCount:
		return "Found invalid number of record headers"
	case faultOffsetDelta:
		return "Offset deltas of a batch must be consecutive and start at 0"
	case faultMore:
		return "Incorrect declared batch size, records still remaining in file"
	case faultLarge:
		return "Invalid record size: it exceeds the configured maximum record size"
	default:
		return "ok"
	}
}

// limits are what a record is held against during the walk. A record that is sound but not wanted does not end it, so that
// the client learns about all of them.
type limits struct {
	baseTimestamp    int64
	oldest, youngest int64 // both inclusive; NoTimestamp passes always
	needKey          bool
	mostBytes        int // of one record

	rules        *Rules
	refused      []RecordError // the first MaxRecordErrors
	badTimestamp bool          // one of them for its time
}

// walked is how far a walk came: all records are sound, or the first that is not.
type walked struct {
	maxTimestamp int64 // NoTimestamp when no record has one
	maxIndex     int32
	index        int32 // of the next record, or of that with the fault
	fault        fault
}

// walk goes over the records of a batch that are in memory: 12-17 ns each, no allocation. It reads the numbers between the
// bytes and never the bytes.
func walk(p []byte, count int32, l *limits) walked {
	w, pos := whole(p, walked{maxTimestamp: NoTimestamp, maxIndex: -1}, count, l)
	switch {
	case w.fault != faultNone:
	case w.index < count:
		w.fault = faultTorn
	case pos != len(p):
		w.fault = faultMore
	}
	return w
}

// whole walks the records that begin p and lie within it, from w.index up to count. It returns where it stopped: at the end,
// before a record that p does not hold whole, or at a fault.
func whole(p []byte, w walked, count int32, l *limits) (_ walked, pos int) {
	for w.index < count {
		n, start := varint(p, pos)
		if start < 0 || n > len(p)-start {
			return w, pos
		}
		if n < minRecordBody {
			w.fault = faultStructure
			return w, pos
		}
		if n > l.mostBytes {
			w.fault = faultLarge
			return w, pos
		}
		end := start + n
		body := p[start:end]

		delta, i := varlong(body, 1) // 0 is the attributes, of which no bit has a meaning
		offset, i := varint(body, i)
		keyLen, i := varint(body, i)
		if i < 0 || keyLen > len(body)-i {
			w.fault = faultStructure
			return w, pos
		}
		i += max(keyLen, 0)
		valueLen, i := varint(body, i)
		if i < 0 || valueLen > len(body)-i {
			w.fault = faultStructure
			return w, pos
		}
		i += max(valueLen, 0)
		headers, i := varint(body, i)
		if headers != 0 || i != len(body) {
			if w.fault = checkHeaders(body, headers, i); w.fault != faultNone {
				return w, pos
			}
		}
		if offset != int(w.index) {
			w.fault = faultOffsetDelta
			return w, pos
		}
		ts := l.baseTimestamp + delta
		if ts > w.maxTimestamp {
			w.maxTimestamp, w.maxIndex = ts, w.index
		}
		if l.needKey && keyLen < 0 || (ts < l.oldest || ts > l.youngest) && ts != NoTimestamp {
			l.refuse(w.index, ts, keyLen >= 0)
		}
		w.index++
		pos = end
	}
	return w, pos
}

// checkHeaders walks n headers at i, which must end with the body.
func checkHeaders(body []byte, n, i int) fault {
	if i < 0 {
		return faultStructure
	}
	if n < 0 || n > len(body)-i {
		return faultHeaderCount
	}
	for ; n > 0; n-- {
		var size int
		if size, i = varint(body, i); i < 0 || size < 0 || size > len(body)-i {
			return faultStructure
		}
		i += size
		if size, i = varint(body, i); i < 0 || size > len(body)-i {
			return faultStructure
		}
		i += max(size, 0)
	}
	if i != len(body) {
		return faultSize
	}
	return faultNone
}
