package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestWrongValuesRefuseToStart(t *testing.T) {
	for _, c := range []struct {
		set  Layer
		want string
	}{
		{settings("num.partitions", "abc"), "server.properties:1: num.partitions=abc: not a number of type INT (at least 1); correct it or delete the key, the default is 1"},
		{settings("num.partitions", "0"), "server.properties:1: num.partitions=0: value must be at least 1; correct it or delete the key, the default is 1"},
		{settings("auto.create.topics.enable", "ja"), "server.properties:1: auto.create.topics.enable=ja: expected value to be either true or false; correct it or delete the key, the default is true"},
		{settings("sordini.durability", "fsync"), "server.properties:1: sordini.durability=fsync: string must be one of: os, interval, group, batch; correct it or delete the key, the default is group"},
		{settings("sordini.http.address", "9644"), "server.properties:1: sordini.http.address=9644: value must be host:port, or empty: the port is missing; correct it or delete the key, the default is 127.0.0.1:9644"},
		{settings("log.dirs", "/a,/b,/a"), "server.properties:1: log.dirs=/a,/b,/a: /a is named twice; name each directory once"},
		{settings("log.dirs", "/a,"), "server.properties:1: log.dirs=/a,: one of the data directories has no name; look for a comma too many"},
		{settings("log.retention.ms", "0"), "server.properties:1: log.retention.ms=0: it must be at least 1, or unlimited (-1) for retention"},
		{settings("group.max.session.timeout.ms", "5000"), "server.properties:1: group.max.session.timeout.ms=5000: it is below group.min.session.timeout.ms=6000; raise it or lower the other"},
		{settings("node.id", "1", "broker.id", "2"), "server.properties:2: broker.id=2: it differs from node.id=1; delete broker.id"},
		{settings("controller.quorum.voters", "1@a:1,2@b:1"), "it names node 2, and this is node 1: clusters of several nodes are not supported yet"},
		{settings("controller.quorum.voters", "a:1"), `"a:1" is not of the form id@host:port`},
		{settings("controller.quorum.voters", "1@a"), `"1@a": the port is missing`},
		{settings("controller.quorum.bootstrap.servers", "a:1,b:1"), "it names several nodes"},
		{settings("process.roles", "controller"), "a node that is only a controller is not supported yet"},
		{settings("max.connections.per.ip.overrides", "x"), `"x" is not of the form address:count`},
		{settings("port", "70000"), "server.properties:1: port=70000: value must be no more than 65535"},
		{settings("num.partitions", "x", "num.io.threads", "y", "fetch.max.bytes", "1"), "(and 2 more; `sordini config validate` shows all)"},
	} {
		v, _, err := New(Options{DataDir: "/data"}, c.set)
		if v != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v:\ngot  %v\nwant %s", c.set, err, c.want)
		}
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%v: %T", c.set, err)
		}
	}
	if _, _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("no data directory: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		set  Layer
		kind WarningKind
		want string
	}{
		{settings("num.io.threads", "16"), WarnNoEffect, "server.properties:1: num.io.threads has no effect: requests run on the goroutine of their connection, so there are no thread pools or queues to size"},
		{settings("log.retnetion.ms", "5"), WarnUnknown, "server.properties:1: unknown key log.retnetion.ms is ignored, did you mean log.retention.ms?"},
		{settings("retention.ms", "5"), WarnUnknown, "server.properties:1: unknown key retention.ms is ignored: it is a topic config, and the key for all topics is log.retention.ms"},
		{settings("my.plugin.setting", "5"), WarnUnknown, "server.properties:1: unknown key my.plugin.setting is ignored"},
		{settings("confluent.balancer.enable", "true"), WarnNoEffect, "server.properties:1: confluent.balancer.enable has no effect: it belongs to Confluent's own server"},
		{settings("listener.name.a.ssl.keystore.type", "PEM"), WarnUnprotected, "server.properties:1: listener.name.a.ssl.keystore.type has no effect: nothing is set per listener yet, and there is neither TLS nor SASL"},
		{settings("inter.broker.protocol.version", "3.9"), WarnNoEffect, "server.properties:1: inter.broker.protocol.version has no effect: every message format and protocol version is always served, and batches are always converted for old clients"},
		{settings("zookeeper.connect", "zk:2181"), WarnOld, "server.properties:1: zookeeper.connect is not needed, there is no ZooKeeper; delete the line"},
	} {
		_, warnings, err := New(Options{DataDir: "/data"}, c.set)
		if err != nil || len(warnings) != 1 || warnings[0].Kind != c.kind || warnings[0].String() != c.want {
			t.Errorf("%v: %v\ngot  %v\nwant %s", c.set, err, warnings, c.want)
		}
	}
	if _, warnings, err := New(Options{DataDir: "/data"}, settings("num.partitions", "3", "log.retention.hours", "1")); err != nil || len(warnings) != 0 {
		t.Errorf("effective keys: %v, %v", warnings, err)
	}
}

func TestOldKeysFold(t *testing.T) {
	for _, c := range []struct {
		set                        Layer
		nodeID                     int32
		warning                    string
		advertisedHost             string
		advertisedPort, listenPort int32
	}{
		{set: settings("port", "9095"), warning: "port is an old key; write listeners=PLAINTEXT://:9095 instead", listenPort: 9095},
		{set: settings("host.name", "10.0.0.1"), warning: "host.name is an old key; write listeners=PLAINTEXT://10.0.0.1:9092 instead", listenPort: 9092, advertisedHost: "10.0.0.1", advertisedPort: 9092},
		{set: settings("host.name", "0.0.0.0", "advertised.port", "19092"), warning: "advertised.port is an old key; write advertised.listeners=PLAINTEXT://:19092 instead", listenPort: 9092, advertisedPort: 19092},
		{set: settings("advertised.host.name", "kafka.example.org"), warning: "advertised.host.name is an old key; write advertised.listeners=PLAINTEXT://kafka.example.org:9092 instead", listenPort: 9092, advertisedHost: "kafka.example.org", advertisedPort: 9092},
		{set: settings("port", "9095", "advertised.host.name", "h", "advertised.port", "99"), warning: "advertised.host.name is an old key; write advertised.listeners=PLAINTEXT://h:99 instead", listenPort: 9095, advertisedHost: "h", advertisedPort: 99},
		{set: settings("listeners", "EXTERNAL://:9096", "listener.security.protocol.map", "EXTERNAL:PLAINTEXT", "advertised.host.name", "h"), warning: "advertised.host.name is an old key; write advertised.listeners=EXTERNAL://h:9096 instead", listenPort: 9096, advertisedHost: "h", advertisedPort: 9096},
		{set: settings("listeners", "PLAINTEXT://:9096", "port", "1"), warning: "port is an old key and is ignored, because listeners is set; delete the line", listenPort: 9096},
		{set: settings("advertised.listeners", "PLAINTEXT://a:1", "advertised.port", "2"), warning: "advertised.port is an old key and is ignored, because advertised.listeners is set; delete the line", listenPort: 9092, advertisedHost: "a", advertisedPort: 1},
		{set: settings("host.name", "::1"), warning: "host.name is an old key; write listeners=PLAINTEXT://[::1]:9092 instead", listenPort: 9092, advertisedHost: "::1", advertisedPort: 9092},
		{set: settings("broker.id", "7"), warning: "broker.id is an old key; write node.id=7 instead", listenPort: 9092, nodeID: 7},
		{set: settings("broker.id", "-1"), warning: "broker.id=-1 lets an old Kafka choose a number; this node is 1, write node.id=1 instead", listenPort: 9092, nodeID: 1},
	} {
		v, warnings, err := New(Options{DataDir: "/data"}, c.set)
		if err != nil {
			t.Errorf("%v: %v", c.set, err)
			continue
		}
		found := false
		for _, w := range warnings {
			found = found || w.Text == c.warning && w.Kind == WarnOld && w.Origin.Line > 0
		}
		if !found {
			t.Errorf("%v: warnings %v, want %q", c.set, warnings, c.warning)
		}
		l := v.Broker.Listeners[0]
		if l.Port != c.listenPort || l.AdvertisedHost != c.advertisedHost || l.AdvertisedPort != c.advertisedPort {
			t.Errorf("%v: listener %+v", c.set, l)
		}
		if v.Broker.NodeID != max(c.nodeID, 1) {
			t.Errorf("%v: node %d", c.set, v.Broker.NodeID)
		}
	}
}

// Kafka 4 has log.dir beside log.dirs: it was called an old key here once.
func TestLogDirIsNotAnOldKey(t *testing.T) {
	for _, c := range []struct {
		set  Layer
		want string
	}{{settings("log.dir", "/one"), "[/one]"}, {settings("log.dir", "/a,/b"), "[/a /b]"}, {settings("log.dir", "/one", "log.dirs", "/many"), "[/many]"}} {
		v, warnings, err := New(Options{DataDir: "/data"}, c.set)
		if err != nil || len(warnings) != 0 || fmt.Sprint(v.Broker.LogDirs) != c.want {
			t.Errorf("%v: %v, %v", c.set, warnings, err)
		}
	}
}

// What Kafka would protect with the same file must not be served to everybody; what it would not is a warning that cannot be overlooked.
func TestProtectionThatIsNotThere(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "server.properties:1: authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer: access control is not supported yet, so everybody could read, write and delete everything; delete the key, or start with --override authorizer.class.name= where that is meant"},
		{"security.inter.broker.protocol", "SASL_SSL", "server.properties:1: security.inter.broker.protocol=SASL_SSL: SASL_SSL is not supported yet, so nothing would be encrypted and nobody asked who he is; delete the key, or start with --override security.inter.broker.protocol=PLAINTEXT where that is meant"},
		{"listeners", "SSL://h:9093", "server.properties:1: listeners=SSL://h:9093: listener SSL wants SSL, which is not supported yet; take it out, or serve PLAINTEXT://h:9093 in its place where everybody on the network may read, write and delete everything"},
	} {
		if _, _, err := New(Options{DataDir: "/data"}, settings(c.key, c.value)); err == nil || err.Error() != c.want {
			t.Errorf("%s:\ngot  %v\nwant %s", c.key, err, c.want)
		}
	}
	for key, value := range map[string]string{
		"sasl.enabled.mechanisms": "PLAIN", "sasl.jaas.config": "secret", "ssl.client.auth": "required", "ssl.engine.factory.class": "x.Y", "super.users": "User:a", "allow.everyone.if.no.acl.found": "false",
		"listener.name.a.ssl.client.auth": "required", "quota.producer.default": "1000", "max.connection.creation.rate": "5", "delegation.token.secret.key": "secret",
		"remote.log.storage.system.enable": "true", "min.insync.replicas": "2", "client.quota.callback.class": "x.Y",
	} {
		_, warnings, err := New(Options{DataDir: "/data"}, settings(key, value))
		if err != nil || len(warnings) != 1 || warnings[0].Kind != WarnUnprotected || warnings[0].Reason == "" || strings.Contains(warnings[0].String(), "=secret") {
			t.Errorf("%s: %v, %v", key, warnings, err)
		}
	}
	for name, want := range map[string]string{"max.connection.creation.rate=5": "true " + noRate, "num.io.threads=5": "false " + noPools, "log.retention.ms=5": "false ", "nope=5": "false "} {
		key, value, _ := strings.Cut(name, "=")
		if reason, protects := Idle(key, value); fmt.Sprint(protects, " ", reason) != want {
			t.Errorf("%s: %t %s", name, protects, reason)
		}
	}
	// What asks for no more than the default relies on nothing, and neither does what was switched off where it is said to be meant.
	quiet := settings("authorizer.class.name", "", "ssl.client.auth", "none", "security.inter.broker.protocol", "PLAINTEXT", "remote.log.storage.system.enable", "FALSE", "min.insync.replicas", "1")
	_, warnings, err := New(Options{DataDir: "/data"}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		if w.Kind != WarnNoEffect {
			t.Errorf("%v", w)
		}
	}
}

func TestDefaults(t *testing.T) {
	b := mustNew(t).Broker
	got := fmt.Sprintf("%d %v %v %s %s", b.NodeID, b.Listeners, b.LogDirs, b.HTTPAddress, b.Rack)
	if want := "1 [{PLAINTEXT  9092  0}] [/data] 127.0.0.1:9644 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if v := mustNew(t, settings("sordini.http.address", "")); v.Broker.HTTPAddress != "" {
		t.Errorf("switched off: %q", v.Broker.HTTPAddress)
	}
}

// A timer of 9223372036854775807 ms would overflow a time.Duration and fire at once.
func TestTimersFitDurations(t *testing.T) {
	b := mustNew(t, settings("log.retention.check.interval.ms", "9223372036854775807", "connections.max.idle.ms", "9223372036854775807")).Broker
	if b.Logs.RetentionCheckIntervalMs != maxTimerMs || b.Sockets.ConnectionsMaxIdleMs != maxTimerMs {
		t.Errorf("got %+v", b)
	}
}
