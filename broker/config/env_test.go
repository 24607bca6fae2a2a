package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	for _, c := range []struct {
		variables []string
		want      string // key=value of what is set, in order
	}{
		{[]string{"KAFKA_LOG_RETENTION_MS=5"}, "log.retention.ms=5"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://:9092", "PATH=/bin", "HOME=/root"}, "listeners=PLAINTEXT://:9092"},
		{[]string{"KAFKA_A__B___C_D=1"}, "a_b-c.d=1"},
		{[]string{"KAFKA_LISTENER_NAME_SECURE_SCRAM-SHA-256_SASL_JAAS_CONFIG=x"}, "listener.name.secure.scram-sha-256.sasl.jaas.config=x"},
		{[]string{"KAFKA_CFG_NUM_PARTITIONS=2"}, "num.partitions=2"},
		{[]string{"KAFKA_NUM_PARTITIONS=3", "KAFKA_CFG_NUM_PARTITIONS=2"}, "num.partitions=2 num.partitions=3"},
		{[]string{"KAFKA_HEAP_OPTS=-Xmx256M", "KAFKA_OPTS=-Dx", "KAFKA_JMX_OPTS=x", "KAFKA_LOG4J_OPTS=x", "KAFKA_VERSION=4", "KAFKA_GC_LOG_OPTS=x"}, ""},
		{[]string{"KAFKA_PORT=tcp://10.0.0.1:9092", "KAFKA_PORT_9092_TCP_ADDR=10.0.0.1", "KAFKA_SERVICE_HOST=10.0.0.1"}, ""},
		{[]string{"KAFKA_PORT=9095"}, "port=9095"},
		{[]string{"KAFKA_NUM_PARTITIONS=", "KAFKA_LISTENERS="}, ""},
		{[]string{"KAFKA_SORDINI_HTTP_ADDRESS="}, "sordini.http.address="},
		{[]string{"KAFKA_", "KAFKA_CFG_=1", "KAFKA", "=x", ""}, ""},
		{[]string{"KAFKA_ADVERTISED_HOST_NAME=h", "KAFKA_ADVERTISED_PORT=1", "KAFKA_BROKER_ID=7"}, "advertised.host.name=h advertised.port=1 broker.id=7"},
	} {
		var got []string
		for _, s := range FromEnvironment(c.variables).Layer {
			got = append(got, s.Key+"="+s.Value)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: got %q, want %q", c.variables, got, c.want)
		}
	}
}

func TestFromEnvironmentBesideConfigs(t *testing.T) {
	env := FromEnvironment([]string{"CLUSTER_ID=4L6g3nShT-eMCtK--X86sw", "KAFKA_HEAP_OPTS=-Xms64M -Xmx256M", "JMX_PORT=9999"})
	if env.ClusterID != "4L6g3nShT-eMCtK--X86sw" || env.MaxHeapBytes != 256<<20 || len(env.Warnings) != 1 || env.Warnings[0].Key != "JMX_PORT" {
		t.Errorf("got %+v", env)
	}
	for options, want := range map[string]int64{"": 0, "-Xmx": 0, "-Xmx1g": 1 << 30, "-Xmx1024": 1024, "-Xmxg": 0, "-Xmx-5m": 0, "-Xmx9999999999999t": 1<<63 - 1, "-Xmx1g -Xmx2G": 2 << 30, "-Xmx4K": 4 << 10} {
		if got := maxHeap(options); got != want {
			t.Errorf("%q: got %d, want %d", options, got, want)
		}
	}
}

func TestFromOverrides(t *testing.T) {
	layer, err := FromOverrides([]string{"a=b=c", " x =", "log.dirs=/d"})
	if err != nil || fmt.Sprint(layer[0].Key, layer[0].Value, layer[1].Key, layer[1].Value) != "ab=cx" {
		t.Errorf("got %+v, %v", layer, err)
	}
	for _, bad := range []string{"", "a", "=b", " =b"} {
		if _, err := FromOverrides([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestPrecedence(t *testing.T) {
	// Given the same key in every place, and keys in some of them.
	file := settings("num.partitions", "2", "log.retention.ms", "2", "fetch.max.bytes", "2000")
	env := FromEnvironment([]string{"KAFKA_NUM_PARTITIONS=3", "KAFKA_LOG_RETENTION_MS=3"}).Layer
	flags, _ := FromOverrides([]string{"num.partitions=4"})
	// When they are merged in their order.
	v := mustNew(t, file, env, flags)
	// Then the later place wins, and the origin says which one that was.
	for _, c := range []struct{ key, value, origin string }{
		{"num.partitions", "4", "command line --override"},
		{"log.retention.ms", "3", "environment KAFKA_LOG_RETENTION_MS"},
		{"fetch.max.bytes", "2000", "server.properties:3"},
	} {
		value, source, _ := v.Get(c.key)
		origin, _ := v.Origin(c.key)
		if value != c.value || source != SourceStaticBroker || origin.String() != c.origin {
			t.Errorf("%s: got %s from %s (%d)", c.key, value, origin, source)
		}
	}
	if value, source, _ := v.Get("num.io.threads"); value != "8" || source != SourceDefault {
		t.Errorf("default: got %s, %d", value, source)
	}
	// And dynamic values come before all of them: for all brokers, then for this one.
	dynamic := v.WithDynamic(map[string]string{"num.partitions": "5", "log.retention.ms": "5", "fetch.max.bytes": "nonsense"}, map[string]string{"num.partitions": "6"})
	if dynamic.Broker.Topics.NumPartitions != 6 || Topic(dynamic, nil).RetentionMs != 5 || dynamic.Broker.Sockets.FetchMaxBytes != 2000 || v.Broker.Topics.NumPartitions != 4 {
		t.Errorf("got %+v", dynamic.Broker)
	}
	if slices.Contains(v.SetKeys(), "num.io.threads") || !slices.Contains(v.SetKeys(), "fetch.max.bytes") {
		t.Errorf("set keys: %q", v.SetKeys())
	}
}
