package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// jsonHelp describes the lines that `consume --json` writes and `produce --json` reads.
const jsonHelp = `One JSON object a line, with these fields:
  topic, partition, offset     where the record is
  timestamp, timestamp_type    milliseconds since 1970; create, log-append or none
  key, value                   text, or null
  key_base64, value_base64     instead of these where the bytes are not UTF-8
  headers                      array of {"key", "value"}, with key_base64 and value_base64 in the same way; absent when there are none`

// appendJSONRecord appends a record as one line. It is written by hand because bytes that are not UTF-8 must survive.
func appendJSONRecord(dst []byte, r *kgo.Record) []byte {
	dst = append(dst, `{"topic":`...)
	dst = appendJSONText(dst, r.Topic)
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, r.Offset, 10)
	dst = append(dst, `,"timestamp":`...)
	dst = strconv.AppendInt(dst, r.Timestamp.UnixMilli(), 10)
	switch r.Attrs.TimestampType() {
	case 0:
		dst = append(dst, `,"timestamp_type":"create",`...)
	case 1:
		dst = append(dst, `,"timestamp_type":"log-append",`...)
	default:
		dst = append(dst, `,"timestamp_type":"none",`...)
	}
	dst = appendJSONBytes(dst, "key", r.Key)
	dst = append(dst, ',')
	dst = appendJSONBytes(dst, "value", r.Value)
	for i, h := range r.Headers {
		if i == 0 {
			dst = append(dst, `,"headers":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = appendJSONBytes(dst, "key", []byte(h.Key))
		dst = append(dst, ',')
		dst = appendJSONBytes(dst, "value", h.Value)
		dst = append(dst, '}')
	}
	if len(r.Headers) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}', '\n')
}

// appendJSONBytes appends "name":"text", "name_base64":"..." or "name":null.
func appendJSONBytes(dst []byte, name string, b []byte) []byte {
	dst = append(dst, '"')
	dst = append(dst, name...)
	switch {
	case b == nil:
		return append(dst, `":null`...)
	case utf8.Valid(b):
		dst = append(dst, `":`...)
		return appendJSONText(dst, string(b))
	}
	dst = append(dst, `_base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendJSONText appends valid UTF-8 as a JSON string, and escapes no more than JSON demands.
func appendJSONText(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, '\\', 'n')
		case b == '\t':
			dst = append(dst, '\\', 't')
		case b < 0x20 || b == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// jsonRecord is a line as it is read. Bytes have two fields each; absent is null.
type jsonRecord struct {
	Topic         string       `json:"topic"`
	Partition     *int32       `json:"partition"`
	Offset        *int64       `json:"offset"` // where it was; not used
	Timestamp     *int64       `json:"timestamp"`
	TimestampType string       `json:"timestamp_type"` // how it got its time; not used
	Key           *string      `json:"key"`
	KeyBase64     *string      `json:"key_base64"`
	Value         *string      `json:"value"`
	ValueBase64   *string      `json:"value_base64"`
	Headers       []jsonHeader `json:"headers"`
}

type jsonHeader struct {
	Key         *string `json:"key"`
	KeyBase64   *string `json:"key_base64"`
	Value       *string `json:"value"`
	ValueBase64 *string `json:"value_base64"`
}

// parseJSONRecord reads one line. Unknown fields are refused: a mistyped "vlaue" would otherwise become a record without a value.
// The record's partition is -1 when the line has none, and its time is zero when it has none.
func parseJSONRecord(line []byte) (*kgo.Record, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the line is not UTF-8; bytes that are not text go into key_base64 and value_base64")
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	var in jsonRecord
	if err := decoder.Decode(&in); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("the JSON object does not end on its line; it takes one object a line, as `jq -c` makes them")
		}
		return nil, fmt.Errorf("not a record in JSON: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("something follows the JSON object; it takes one object a line")
	}
	r := &kgo.Record{Topic: in.Topic, Partition: -1}
	if in.Partition != nil {
		if *in.Partition < 0 {
			return nil, fmt.Errorf("partition %d is negative", *in.Partition)
		}
		r.Partition = *in.Partition
	}
	if in.Timestamp != nil {
		r.Timestamp = time.UnixMilli(*in.Timestamp)
	}
	var err error
	if r.Key, err = jsonBytes("key", in.Key, in.KeyBase64); err != nil {
		return nil, err
	}
	if r.Value, err = jsonBytes("value", in.Value, in.ValueBase64); err != nil {
		return nil, err
	}
	for i, h := range in.Headers {
		key, err := jsonBytes("key", h.Key, h.KeyBase64)
		if err == nil && key == nil {
			err = errors.New("it has no key")
		}
		if err != nil {
			return nil, fmt.Errorf("header %d: %w", i+1, err)
		}
		value, err := jsonBytes("value", h.Value, h.ValueBase64)
		if err != nil {
			return nil, fmt.Errorf("header %d: %w", i+1, err)
		}
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(key), Value: value})
	}
	return r, nil
}

// jsonBytes merges a text field and its base64 sibling; nil is null.
func jsonBytes(name string, text, encoded *string) ([]byte, error) {
	switch {
	case text != nil && encoded != nil:
		return nil, fmt.Errorf("%s and %s_base64 are both given", name, name)
	case text != nil:
		return append([]byte{}, *text...), nil
	case encoded == nil:
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil {
		return nil, fmt.Errorf("%s_base64: %w", name, err)
	}
	if b == nil {
		b = []byte{}
	}
	return b, nil
}
