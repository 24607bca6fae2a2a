package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func testRecord() *kgo.Record {
	return &kgo.Record{
		Topic: "orders", Partition: 2, Offset: 41, LeaderEpoch: 3, Timestamp: time.UnixMilli(1769860800123), Key: []byte("k"), Value: []byte("v\xff"),
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}},
	}
}

func TestRecordFormat(t *testing.T) {
	for format, want := range map[string]string{
		`%t %k %v\n`:                   "orders k v\xff\n",
		`%p:%o:%e %T %K %V`:            "2:41:3 6 1 2",
		`%d`:                           "1769860800123",
		`%d{go#RFC3339#}`:              "2026-01-31T12:00:00Z",
		`%d{strftime[%F %T]}`:          "2026-01-31 12:00:00",
		`%H%h{ %k=%v}`:                 "2 a=1 b=",
		`%v{hex} %v{base64} %V{big16}`: "76ff dv8= \x00\x02",
		`100%% %{%}\t\r\\\x41`:         "100% {}\t\r\\A",
		`%i`:                           "1",
	} {
		write, err := newRecordFormat(format)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if got := string(write(nil, testRecord())); got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	for _, bad := range []string{"", "%", "%q", `%v{roman}`, `%h{`, `%d{go#`, `\`} {
		if _, err := newRecordFormat(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestPlainFormatIsTheValue(t *testing.T) {
	write, err := (&consumeFlags{}).writer()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(write([]byte("before "), testRecord())); got != "before v\xff\n" {
		t.Errorf("got %q", got)
	}
}
