package api

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/legacy"
	"github.com/sordini/sordini/storage"
)

// writeFetch encodes the answer around its records. An incremental fetch leaves out the partitions of which the client knows everything.
func (h *Handlers) writeFetch(req *Request, f *fetchState, session *fetchSession, out *Out) {
	parts := f.parts
	sessionID := int32(0)
	if session != nil {
		parts = session.changed(parts)
		sessionID = session.id
	}
	m := out.Begin(&req.RequestHeader)
	w := &f.writer
	w.Begin(out.Buf, req.Version, protocol.FetchHeader{SessionID: sessionID, Topics: countTopics(parts)})
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && sameTopic(&parts[n], &parts[0]) {
			n++
		}
		w.BeginTopic(parts[0].topic, parts[0].want.TopicID, n)
		for i := range parts[:n] {
			h.writePart(req, &parts[i], w, out)
		}
		w.EndTopic()
		parts = parts[n:]
	}
	out.Buf = w.Finish(nil)
	out.End(m)
}

func (h *Handlers) writePart(req *Request, part *fetchPart, w *protocol.FetchWriter, out *Out) {
	if part.answer.ErrorCode != 0 {
		h.Metrics.FailedFetch.Add(1)
	}
	w.BeginPartition(&part.answer)
	switch {
	case part.converted != nil:
		w.Buf = append(w.Buf, part.converted...)
		h.Metrics.BytesOut.Add(int64(len(part.converted)))
		h.Metrics.BytesCopiedOut.Add(int64(len(part.converted)))
	case part.slice.Len() > 0:
		out.Buf = w.Buf
		out.File(part.slice) // out owns it now
		h.Metrics.BytesOut.Add(int64(part.slice.Len()))
	default:
		part.slice.Release()
	}
	part.slice = storage.Slice{}
	w.EndPartition()
}

func sameTopic(a, b *fetchPart) bool {
	return a.topic == b.topic && a.want.TopicID == b.want.TopicID
}

func countTopics(parts []fetchPart) (n int) {
	for i := range parts {
		if i == 0 || !sameTopic(&parts[i], &parts[i-1]) {
			n++
		}
	}
	return n
}

// topLevel answers a fetch whose session is not right.
func (f *fetchState) topLevel(req *Request, code int16, out *Out) {
	m := out.Begin(&req.RequestHeader)
	f.writer.Begin(out.Buf, req.Version, protocol.FetchHeader{ErrorCode: code})
	out.Buf = f.writer.Finish(nil)
	out.End(m)
}

const (
	convertReadBytes = 1 << 20 // stored bytes that are converted in one step
	convertSteps     = 8       // steps in which a fetch looks for something an old client can read
)

// readConverted reads and converts down for clients of message formats 0 and 1. Where a step holds nothing for them (control batches), it
// goes on behind it, so that they do not ask for the same offset for ever.
func (h *Handlers) readConverted(req *Request, f *fetchState, part *fetchPart, limit int, upTo int64, firstWhole bool) int {
	magic := int8(0)
	if req.Version >= 2 {
		magic = 1
	}
	decompress := decompressLimit(part.p.Topic().Config())
	from := part.want.FetchOffset
	for step := 0; step < convertSteps; step++ {
		stored, next, err := h.readStored(part, from, min(limit, convertReadBytes), upTo)
		if err != nil {
			h.readFailed(req, part, err)
			return 0
		}
		if len(stored) == 0 {
			break
		}
		before := len(f.scratch)
		var invalid *batch.Error
		f.scratch, invalid = legacy.DownConvert(f.scratch, stored, magic, part.want.FetchOffset, limit, decompress)
		if invalid == nil && len(f.scratch) == before && firstWhole {
			first, _, _ := batch.Next(stored)
			f.scratch, invalid = legacy.DownConvert(f.scratch, first, magic, part.want.FetchOffset, len(first)*expansion+minExpansion, decompress)
		}
		if invalid != nil {
			part.fail(codeOf(invalid), req.Version)
			return 0
		}
		h.Metrics.DownConversions.Add(1)
		part.p.Topic().DownConversions.Add(1)
		req.Conn.Seen.DownConversions.Add(1)
		if n := len(f.scratch) - before; n > 0 {
			part.converted = f.scratch[before:len(f.scratch):len(f.scratch)]
			part.answer.RecordsLen = n
			return n
		}
		if !onlyControl(stored) {
			break // the next message is larger than the limit
		}
		from = next
	}
	return 0
}

func onlyControl(stored []byte) bool {
	for rest := stored; len(rest) > 0; {
		b, after, err := batch.Next(rest)
		if err != nil || !b.IsControl() {
			return false
		}
		rest = after
	}
	return true
}

// What one batch can grow to when it is converted: a record of a few bytes becomes a message with a header of 34.
const (
	expansion    = 40
	minExpansion = 1 << 16
)

// readStored reads whole batches, at least one where there is one, and tells the offset behind them.
func (h *Handlers) readStored(part *fetchPart, from int64, maxBytes int, upTo int64) (stored []byte, next int64, err error) {
	slice, err := part.p.Read(from, maxBytes, upTo, true, part.cursor)
	if err != nil {
		return nil, 0, err
	}
	defer slice.Release()
	if slice.Len() == 0 {
		return nil, from, nil // at the end of the log there is no file to read from
	}
	buf := make([]byte, slice.Len())
	if _, err := slice.ReadAt(buf, 0); err != nil {
		return nil, 0, err
	}
	next = from
	whole := 0
	for rest := buf; len(rest) > 0; {
		b, after, err := batch.Next(rest)
		if errors.Is(err, batch.ErrTorn) {
			break
		}
		if err != nil {
			return nil, 0, kerr.CorruptMessage
		}
		whole += len(b)
		next = b.NextOffset()
		rest = after
	}
	return buf[:whole], next, nil
}
