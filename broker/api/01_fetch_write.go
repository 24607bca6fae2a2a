package api

import (
	"github.com/sordini/sordini/protocol"
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
	var leaders []protocol.NodeEndpoint
	w := &f.writer
	w.Begin(out.Buf, req.Version, protocol.FetchHeader{SessionID: sessionID, Topics: countTopics(parts)})
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && sameTopic(&parts[n], &parts[0]) {
			n++
		}
		w.BeginTopic(parts[0].topic, parts[0].want.TopicID, n)
		for i := range parts[:n] {
			if parts[i].answer.CurrentLeader.Set && leaders == nil {
				host, port := h.Advertised(req.Conn)
				leaders = []protocol.NodeEndpoint{{NodeID: h.NodeID, Host: host, Port: port}}
			}
			h.writePart(req, &parts[i], w, out)
		}
		w.EndTopic()
		parts = parts[n:]
	}
	out.Buf = w.Finish(leaders)
	out.End(m)
}

func (h *Handlers) writePart(req *Request, part *fetchPart, w *protocol.FetchWriter, out *Out) {
	if part.answer.ErrorCode != 0 {
		h.Metrics.FailedFetch.Add(1)
	}
	w.BeginPartition(&part.answer)
	switch {
	case part.converted != nil:
		out.Buf = w.Buf
		out.memory(part.converted)
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
