package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// described is the situation in which a real Kafka was asked for testdata/kafka-4.4.0-described.tsv.
func described(t *testing.T) *Values {
	v := mustNew(t, settings(
		"process.roles", "broker,controller", "node.id", "1", "controller.quorum.voters", "1@127.0.0.1:21211",
		"listeners", "PLAINTEXT://127.0.0.1:21210,CONTROLLER://127.0.0.1:21211", "advertised.listeners", "PLAINTEXT://127.0.0.1:21210",
		"controller.listener.names", "CONTROLLER", "log.dirs", "/data",
		"offsets.topic.replication.factor", "1", "transaction.state.log.replication.factor", "1", "transaction.state.log.min.isr", "1",
		"share.coordinator.state.topic.replication.factor", "1", "share.coordinator.state.topic.min.isr", "1", "group.initial.rebalance.delay.ms", "0",
		"log.retention.hours", "24", "log.roll.ms", "3600000", "log.flush.interval.ms", "1000", "compression.type", "lz4",
		"group.consumer.session.timeout.ms", "50000", "foo.bar", "x", "ssl.key.password", "geheim", "log.retention.bytes", "5000000",
		"listener.name.plaintext.ssl.keystore.type", "PEM", "log.cleanup.policy", "compact,delete", "min.insync.replicas", "1",
	))
	return v.WithDynamic(
		map[string]string{"compression.type": "gzip", "log.retention.ms": "123456", "min.insync.replicas": "1"},
		map[string]string{"compression.type": "zstd", "log.flush.interval.ms": "999", "nope.key": "5"},
	)
}

func TestDescribeAgreesWithKafka(t *testing.T) {
	v, ask := described(t), Describe{Synonyms: true}
	answers := map[string][]Entry{
		"broker": DescribeBroker(v, ask), "all-brokers": DescribeBrokerDefaults(v, ask),
		"topic":          DescribeTopic(v, map[string]string{"retention.ms": "604800000", "segment.ms": "77777"}, ask),
		"group":          DescribeGroup(v, map[string]string{"consumer.session.timeout.ms": "51000", "share.auto.offset.reset": "by_duration:PT1H"}, ask),
		"client-metrics": DescribeClientMetrics(v, map[string]string{"interval.ms": "60000"}, ask),
	}
	var got []string
	for kind, entries := range answers {
		for _, e := range entries {
			if e.Source != SourceDefault {
				got = append(got, describedLine(kind, e))
			}
		}
	}
	slices.Sort(got)
	var want []string
	for _, row := range readFacts(t, "testdata/kafka-4.4.0-described.tsv", 7) {
		switch row[1] {
		case "log.retention.hours": // Kafka shows the default as value here, although the source is the file
			row[2] = "24"
		case "node.id", "process.roles", "controller.listener.names": // Kafka has no default for these
			row[6] += map[string]string{"node.id": " node.id=1(5)", "process.roles": " process.roles=broker,controller(5)", "controller.listener.names": " controller.listener.names=(5)"}[row[1]]
		}
		want = append(want, strings.Join(row, "\t"))
	}
	slices.Sort(want)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("first difference at %d:\ngot  %s\nwant %s\nall:\n%s", i, at(got, i), at(want, i), strings.Join(got, "\n"))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

func describedLine(kind string, e Entry) string {
	var synonyms []string
	for _, s := range e.Synonyms {
		synonyms = append(synonyms, fmt.Sprintf("%s=%s(%d)", s.Name, text(s.Value), s.Source))
	}
	return fmt.Sprintf("%s\t%s\t%s\t%t\t%t\t%d\t%s", kind, e.Name, text(e.Value), e.ReadOnly, e.Sensitive, e.Source, strings.Join(synonyms, " "))
}

func TestOwnAndOldKeysHide(t *testing.T) {
	plain := mustNew(t)
	durable := mustNew(t, settings("sordini.durability", "os", "inter.broker.protocol.version", "3.9"))
	has := func(entries []Entry, name string) bool {
		return slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == name })
	}
	for _, c := range []struct {
		what    string
		entries []Entry
		name    string
		want    bool
	}{
		{"a topic that nobody set it on", DescribeTopic(durable, nil, Describe{}), "sordini.durability", false},
		{"asked for by name", DescribeTopic(plain, nil, Describe{Keys: []string{"sordini.durability"}}), "sordini.durability", true},
		{"set on the topic", DescribeTopic(plain, map[string]string{"sordini.durability": "batch"}, Describe{}), "sordini.durability", true},
		{"old key, not set", DescribeTopic(plain, nil, Describe{}), "message.format.version", false},
		{"old key, set", DescribeTopic(plain, map[string]string{"message.format.version": "0.10.2"}, Describe{}), "message.format.version", true},
		{"broker, not set", DescribeBroker(plain, Describe{}), "sordini.durability", false},
		{"broker, asked for by name", DescribeBroker(plain, Describe{Keys: []string{"sordini.durability"}}), "sordini.durability", true},
		{"broker, set", DescribeBroker(durable, Describe{}), "sordini.durability", true},
		{"broker, old key, set", DescribeBroker(durable, Describe{}), "inter.broker.protocol.version", true},
		{"broker, internal key", DescribeBroker(plain, Describe{}), "log.initial.task.delay.ms", false},
		{"a name that nobody knows", DescribeTopic(plain, nil, Describe{Keys: []string{"nope"}}), "nope", false},
	} {
		if got := has(c.entries, c.name); got != c.want {
			t.Errorf("%s: shown %t, want %t", c.what, got, c.want)
		}
	}
}

func TestDescribeKeepsSecrets(t *testing.T) {
	v := mustNew(t, settings("ssl.key.password", "geheim", "unknown.thing", "geheim"))
	for _, e := range DescribeBroker(v, Describe{Synonyms: true, Docs: true}) {
		if strings.Contains(fmt.Sprint(text(e.Value), describedLine("", e)), "geheim") {
			t.Errorf("%s shows its value", e.Name)
		}
	}
}

func TestDescribeAsksFor(t *testing.T) {
	v := mustNew(t)
	got := DescribeTopic(v, nil, Describe{Keys: []string{"retention.ms", "cleanup.policy", "retention.ms"}, Docs: true})
	if len(got) != 2 || got[0].Name != "cleanup.policy" || got[1].Name != "retention.ms" || got[0].Doc == "" || got[0].Synonyms != nil {
		t.Errorf("got %+v", got)
	}
	if got := DescribeTopic(v, nil, Describe{Keys: []string{}}); len(got) != 0 {
		t.Errorf("no keys: got %d entries", len(got))
	}
	// A value that equals the default but was set is not a default.
	e := DescribeTopic(v, map[string]string{"retention.ms": " 604800000 "}, Describe{Keys: []string{"retention.ms"}})[0]
	if e.Source != SourceDynamicTopic || e.IsDefault || *e.Value != "604800000" {
		t.Errorf("got %+v", e)
	}
}

func TestDescribeLoggers(t *testing.T) {
	got := DescribeLoggers(map[string]string{"storage": "INFO", "root": "WARN"}, Describe{})
	if len(got) != 2 || got[0].Name != "root" || *got[0].Value != "WARN" || got[0].Source != SourceBrokerLogger {
		t.Errorf("got %+v", got)
	}
}
