package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endCode is the exit code that run makes of an error.
func endCode(err error) int {
	exit := (*exitError)(nil)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	}
	return exitFailed
}

func TestSeeds(t *testing.T) {
	for _, c := range []struct {
		flag, variable string
		want           []string
	}{
		{"", "", []string{"localhost:9092"}},
		{"", "kafka:9093", []string{"kafka:9093"}},
		{"a, b:1,,::1,[::1]:5", "kafka:9093", []string{"a:9092", "b:1", "[::1]:9092", "[::1]:5"}},
		{",", "", nil},
	} {
		got := (&clientFlags{brokers: c.flag}).seeds([]string{"SORDINI_BROKERS=" + c.variable})
		if !slices.Equal(got, c.want) {
			t.Errorf("%q, %q: got %q", c.flag, c.variable, got)
		}
	}
}

func TestSettings(t *testing.T) {
	s, err := parseSettings([]string{
		"client.id=me", "request.timeout.ms=2500", "broker.version=0.10.2", "log.level=debug", "security.protocol=SASL_SSL", "sasl.mechanism=scram-sha-512", "sasl.username=u",
		"enable.ssl.certificate.verification=false",
	}, []string{"SORDINI_SASL_PASSWORD=p"})
	if err != nil || s.clientID != "me" || s.timeout != 2500*time.Millisecond || s.versions == nil || s.tls == nil || !s.tls.InsecureSkipVerify || s.sasl == nil {
		t.Errorf("got %+v, %v", s, err)
	}
	for setting, want := range map[string]string{
		"client.id": "key=value", "lient.id=1": "did you mean client.id?", "request.timeout.ms=soon": "milliseconds", "broker.version=99": "no release",
		"log.level=loud": "debug", "security.protocol=tls": "sasl_ssl", "sasl.username=u": "needs security.protocol",
	} {
		if _, err := parseSettings([]string{setting}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", setting, err)
		}
	}
	for _, setting := range []string{"sasl.mechanism=GSSAPI", "ssl.ca.location=/nowhere", "ssl.certificate.location=/nowhere"} {
		if _, err := parseSettings([]string{"security.protocol=sasl_ssl", setting}, nil); err == nil {
			t.Errorf("%s was taken", setting)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	candidates := []string{"orders", "payments", "b", "a"}
	for name, want := range map[string]string{"ordres": "orders", "Orders": "orders", "order": "orders", "payment": "payments", "zebra-crossing": "", "c": "a", strings.Repeat("x", 10000): ""} {
		got := didYouMean(name, candidates)
		if want != "" {
			want = ", did you mean " + want + "?"
		}
		if got != want {
			t.Errorf("%.20s: got %q", name, got)
		}
	}
}

func TestExplain(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, c := range []struct {
		name    string
		err     error
		address string
		dialErr error
		want    string
	}{
		{"refused", refused, "localhost:9092", refused, "cannot connect to localhost:9092: connection refused; is a broker running there? Start one with `sordini serve`, or name a broker with -b HOST:PORT or $SORDINI_BROKERS"},
		{"name", refused, "localhost:9092", &net.DNSError{Name: "localhost"}, "cannot connect to localhost:9092: the name localhost is not known; name a broker with -b HOST:PORT or $SORDINI_BROKERS"},
		{"advertised", context.DeadlineExceeded, "kafka:9092", &net.DNSError{Name: "kafka"}, "localhost:9092 answers, but sends its clients to kafka:9092, and there: the name kafka is not known; correct advertised.listeners on that broker, or make the address reachable from here"},
		{"code", fmt.Errorf("wrapped: %w", kerr.TopicAuthorizationFailed), "", nil, "the broker answered TOPIC_AUTHORIZATION_FAILED: not authorized to access topics: [Topic authorization failed.]"},
		{"timeout", context.DeadlineExceeded, "localhost:9092", nil, "no answer in time from localhost:9092; `-X request.timeout.ms=60000` waits longer, `-X log.level=debug` shows what happens"},
		{"tls", &kgo.ErrFirstReadEOF{}, "localhost:9092", nil, "localhost:9092 closed the connection at the first request; perhaps it wants TLS or a user there: see security.protocol in `-X list`"},
	} {
		dials := &dialRecord{}
		dials.mu.address, dials.mu.err = c.address, c.dialErr
		got := (&client{seeds: []string{"localhost:9092"}, dials: dials}).explain(c.err)
		if got == nil || got.Error() != c.want {
			t.Errorf("%s:\ngot  %v\nwant %s", c.name, got, c.want)
		}
	}
}

func TestUsageMistakes(t *testing.T) {
	t.Setenv(brokersVariable, "")
	for _, line := range []string{
		"topic lst", "topic list x", "topic list -o yaml", "topic describe", "topic create", "topic create t -p 0", "topic create t -r 0", "topic create t --config x",
		"topic alter", "topic alter t", "topic alter t -p -1", "topic alter t --config x", "topic alter t --delete-config x=1",
		"topic delete", "topic list -X x=1", "topic list -X client.id", "topic list -b ,", "group lst", "group describe", "version x", "version -o xml",
		"produce", "produce a b", "produce t --json -k x", "produce t --tombstone", "produce t --tombstone -k a -v b", "produce t --key-separator :  -k a",
		"produce t --keep-partition", "produce t -H x", "produce t -z brotli", "produce t --acks 2", "produce t -f %", "produce t --timestamp soon", "produce t -p -2",
		"txn lst", "txn list x", "txn describe", "txn abort", "txn abort t", "txn abort t -p 0", "txn abort --id x t", "txn abort --id x -p 0", "txn list --older-than soon",
		"consume", "consume t -o middle", "consume t --json -f %v", "consume t -n -1", "consume t -g g -p 0", "consume t -p -1", "consume t -f %q", "consume t --nonsense",
	} {
		if _, _, err := execute(t, strings.Fields(line)...); endCode(err) != exitUsage {
			t.Errorf("%s: exit code %d, %v", line, endCode(err), err)
		}
	}
	if out, _, err := execute(t, "topic", "list", "-X", "list"); endCode(err) != 0 || !strings.Contains(out, "request.timeout.ms") {
		t.Errorf("-X list: %q, %v", out, err)
	}
}

// Brokers before 0.10.1 answer with a list of offsets, and kadm read it as "no offset": consume -e printed nothing.
func TestOffsetsOfOldBrokers(t *testing.T) {
	old := kmsg.ListOffsetsResponseTopicPartition{Partition: 3, OldStyleOffsets: []int64{7}}
	if o := listedOffset("t", latestOffset, old, 0); o.Offset != 7 || o.Err != nil {
		t.Errorf("got %+v", o)
	}
	if o := listedOffset("t", 1769860800000, old, 0); !errors.Is(o.Err, errTimesTooOld) {
		t.Errorf("a time: %+v", o)
	}
	if o := listedOffset("t", latestOffset, kmsg.ListOffsetsResponseTopicPartition{Offset: 9}, 1); o.Offset != 9 || o.Err != nil {
		t.Errorf("version 1: %+v", o)
	}
}
