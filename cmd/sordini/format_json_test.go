package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestJSONRecord(t *testing.T) {
	empty := []byte{}
	for _, c := range []struct {
		name   string
		record kgo.Record
		want   string
	}{
		{
			"text", kgo.Record{Topic: "t", Partition: 1, Offset: 2, Timestamp: time.UnixMilli(3), Key: []byte("k<é>"), Value: []byte("a\"b\\c\n\t\x00\x7f\u2028")},
			`{"topic":"t","partition":1,"offset":2,"timestamp":3,"timestamp_type":"create","key":"k<é>","value":"a\"b\\c\n\t\u0000\u007f` + "\u2028" + `"}`,
		},
		{
			"null", kgo.Record{Topic: "t", Timestamp: time.UnixMilli(-1)},
			`{"topic":"t","partition":0,"offset":0,"timestamp":-1,"timestamp_type":"create","key":null,"value":null}`,
		},
		{
			"empty is not null", kgo.Record{Topic: "t", Timestamp: time.UnixMilli(0), Key: empty, Value: empty, Headers: []kgo.RecordHeader{{}, {Value: empty}}},
			`{"topic":"t","partition":0,"offset":0,"timestamp":0,"timestamp_type":"create","key":"","value":"","headers":[{"key":"","value":null},{"key":"","value":""}]}`,
		},
		{
			"bytes", kgo.Record{Topic: "t", Timestamp: time.UnixMilli(0), Key: []byte("\xff"), Value: []byte("\xed\xa0\x80"), Headers: []kgo.RecordHeader{{Key: "\xfe", Value: []byte("\xfd")}}},
			`{"topic":"t","partition":0,"offset":0,"timestamp":0,"timestamp_type":"create","key_base64":"/w==","value_base64":"7aCA","headers":[{"key_base64":"/g==","value_base64":"/Q=="}]}`,
		},
	} {
		got := string(appendJSONRecord(nil, &c.record))
		if got != c.want+"\n" {
			t.Errorf("%s:\ngot  %swant %s", c.name, got, c.want)
		}
		roundTrip(t, &c.record)
	}
}

func TestTimestampTypeInJSON(t *testing.T) {
	for kind, want := range map[int8]string{-1: "none", 0: "create", 1: "log-append"} {
		r := kgo.Record{Topic: "t", Attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: kind})}
		if line := string(appendJSONRecord(nil, &r)); !strings.Contains(line, `"timestamp_type":"`+want+`"`) {
			t.Errorf("%d: %s", kind, line)
		}
	}
}

// roundTrip checks that what is written is one line of JSON and is read as the same record.
func roundTrip(t *testing.T, r *kgo.Record) {
	t.Helper()
	line := appendJSONRecord(nil, r)
	if !json.Valid(line) || strings.Count(string(line), "\n") != 1 {
		t.Fatalf("not one line of JSON: %q", line)
	}
	got, err := parseJSONRecord(line)
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	want := kgo.Record{Topic: r.Topic, Partition: r.Partition, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value, Headers: r.Headers}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v\nline %s", *got, want, line)
	}
}

func TestParseJSONRecord(t *testing.T) {
	r, err := parseJSONRecord([]byte(`{"value": "v"}`))
	if err != nil || r.Partition != -1 || r.Key != nil || string(r.Value) != "v" || !r.Timestamp.IsZero() || r.Topic != "" {
		t.Errorf("a short line: %+v, %v", r, err)
	}
	for line, want := range map[string]string{
		`{"vlaue":"x"}`:                                `unknown field "vlaue"`,
		`{"key":"a","key_base64":"YQ=="}`:              "both given",
		`{"value_base64":"?"}`:                         "value_base64",
		`{"headers":[{"value":"x"}]}`:                  "header 1: it has no key",
		`{"headers":[{"key":"a","value":5}]}`:          "not a record",
		`{"headers":[{"key":"a","value_base64":"?"}]}`: "header 1: value_base64",
		`{"value":"x"} {"value":"y"}`:                  "one object a line",
		`{"value":`:                                    "jq -c",
		`[]`:                                           "not a record",
		`{"partition":-1}`:                             "negative",
		`{"partition":99999999999}`:                    "not a record",
		"{\"value\":\"\xff\"}":                         "not UTF-8",
	} {
		if _, err := parseJSONRecord([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func FuzzJSONRoundTrip(f *testing.F) {
	f.Add([]byte("k"), []byte("v"), "h", []byte("x"), int64(1769860800123), uint8(0))
	f.Add([]byte("\xff"), []byte("\xed\xa0\x80"), "\xfe", []byte(nil), int64(-1), uint8(7))
	f.Add([]byte("\u2028\x00\"\\"), []byte("</script>"), "", []byte{}, int64(1)<<40, uint8(2))
	f.Fuzz(func(t *testing.T, key, value []byte, headerKey string, headerValue []byte, ms int64, nulls uint8) {
		if nulls&1 != 0 {
			key = nil
		}
		if nulls&2 != 0 {
			value = nil
		}
		if nulls&4 != 0 {
			headerValue = nil
		}
		r := &kgo.Record{Topic: "t", Partition: 5, Offset: 6, Timestamp: time.UnixMilli(ms % (1 << 50)), Key: key, Value: value}
		if nulls&8 == 0 {
			r.Headers = []kgo.RecordHeader{{Key: headerKey, Value: headerValue}}
		}
		roundTrip(t, r)
	})
}

func FuzzParseJSONRecord(f *testing.F) {
	f.Add([]byte(`{"topic":"t","partition":1,"timestamp":3,"key":"\ud800","value_base64":"/w==","headers":[{"key":"a","value":null}]}`))
	f.Add([]byte(`{"value":`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseJSONRecord(line)
		if err != nil {
			return
		}
		again, err := parseJSONRecord(appendJSONRecord(nil, r))
		if r.Partition < 0 {
			return // none was named, and what is written names one
		}
		if err != nil || !reflect.DeepEqual(r.Key, again.Key) || !reflect.DeepEqual(r.Value, again.Value) || !reflect.DeepEqual(r.Headers, again.Headers) {
			t.Errorf("%q: %+v became %+v, %v", line, r, again, err)
		}
	})
}
