package main

import (
	"encoding/json"
	"fmt"

	"github.com/sordini/sordini/storage/inspect"
	"github.com/sordini/sordini/storage/inspect/decode"
)

// dumpJSON prints one object a line. They are written by hand, because bytes that are not UTF-8 must survive.
type dumpJSON struct {
	decoder  decode.Decoder // nil: none
	control  func(controlType int16, value []byte) ([]byte, error)
	contents bool
	file     []byte // `"file":"..."`
}

func (j *dumpJSON) segment(dst []byte, s *inspect.Segment) []byte {
	j.file = appendJSONText([]byte(`"file":`), string(decode.AppendText(nil, []byte(s.Path))))
	return dst
}

func (j *dumpJSON) begin(dst []byte, kind string) []byte {
	return append(fmt.Appendf(dst, `{"kind":%q,`, kind), j.file...)
}

func (j *dumpJSON) batch(dst []byte, b *inspect.Batch) []byte {
	dst = fmt.Appendf(j.begin(dst, "batch"), `,"position":%d,"size":%d,"magic":%d`, b.Position, b.Size, b.Magic)
	if !b.Legacy() {
		dst = fmt.Appendf(dst, `,"base_offset":%d,"last_offset":%d,"count":%d`, b.BaseOffset, b.LastOffset, b.Count)
	} else {
		dst = fmt.Appendf(dst, `,"base_offset":null,"last_offset":%d,"count":null`, b.LastOffset)
	}
	dst = fmt.Appendf(dst, `,"max_timestamp":%d,"timestamp_type":%q,"codec":%q,"crc":%d,"valid":%t`, b.MaxTimestamp, b.TimestampType, b.Codec, b.CRC, b.ValidCRC)
	if !b.Legacy() {
		dst = fmt.Appendf(dst, `,"leader_epoch":%d,"producer_id":%d,"producer_epoch":%d,"base_sequence":%d,"last_sequence":%d,"transactional":%t,"control":%t`,
			b.PartitionLeaderEpoch, b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.LastSequence, b.Transactional, b.Control)
		if b.HasDeleteHorizon {
			dst = fmt.Appendf(dst, `,"delete_horizon_ms":%d`, b.DeleteHorizonMs)
		}
	}
	return append(dst, "}\n"...)
}

func (j *dumpJSON) record(dst []byte, b *inspect.Batch, r *inspect.Record) []byte {
	dst = fmt.Appendf(j.begin(dst, "record"), `,"offset":%d,"timestamp":%d,"sequence":%d,"key_size":%d,"value_size":%d`,
		r.Offset, r.Timestamp, r.Sequence, sizeOrNull(r.Key), sizeOrNull(r.Value))
	if b.Control {
		return append(j.marker(dst, r), "}\n"...)
	}
	if j.contents {
		dst = appendJSONBytes(append(dst, ','), "key", r.Key)
		dst = appendJSONBytes(append(dst, ','), "value", r.Value)
		dst = j.decoded(dst, r)
	}
	dst = append(dst, `,"headers":[`...)
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONBytes(append(dst, '{'), "key", []byte(h.Key))
		if j.contents {
			dst = appendJSONBytes(append(dst, ','), "value", h.Value)
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}\n"...)
}

// decoded appends what a decoder makes of a record: a JSON value, or text about why there is none.
func (j *dumpJSON) decoded(dst []byte, r *inspect.Record) []byte {
	if j.decoder == nil {
		return dst
	}
	key, value := j.decoder(r.Offset, r.Key, r.Value)
	for _, part := range []struct {
		name string
		text []byte
	}{{"decoded_key", key}, {"decoded_value", value}} {
		if part.text == nil {
			continue
		}
		dst = fmt.Appendf(dst, `,%q:`, part.name)
		if json.Valid(part.text) {
			dst = append(dst, part.text...)
			continue
		}
		dst = appendJSONText(dst, string(part.text))
	}
	return dst
}

func (j *dumpJSON) marker(dst []byte, r *inspect.Record) []byte {
	kind, ok := inspect.ControlTypeOf(r.Key)
	if !ok {
		return append(dst, `,"control":null`...)
	}
	if kind == inspect.ControlAbort || kind == inspect.ControlCommit {
		dst = fmt.Appendf(dst, `,"control":%q`, markerName(kind))
		if epoch, ok := inspect.MarkerEpoch(r.Value); ok {
			dst = fmt.Appendf(dst, `,"coordinator_epoch":%d`, epoch)
		}
		return dst
	}
	text, err := j.control(int16(kind), r.Value)
	if err != nil {
		text = []byte(err.Error())
	}
	return appendJSONText(append(dst, `,"control":`...), string(text))
}

func (j *dumpJSON) unreadable(dst []byte, b *inspect.Batch, err error) []byte {
	dst = fmt.Appendf(j.begin(dst, "error"), `,"offset":%d,"reason":`, b.BaseOffset)
	return append(appendJSONText(dst, err.Error()), "}\n"...)
}

func (j *dumpJSON) gap(dst []byte, g *inspect.Gap, _ int64) []byte {
	dst = fmt.Appendf(j.begin(dst, "gap"), `,"position":%d,"end":%d,"torn":%t,"reason":`, g.Position, g.End, g.Torn)
	return append(appendJSONText(dst, g.Reason), "}\n"...)
}
