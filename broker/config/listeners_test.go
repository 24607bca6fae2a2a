package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestListeners(t *testing.T) {
	for _, c := range []struct {
		name string
		set  Layer
		want string // what is opened, or the beginning of the problem after "!"
	}{
		{"nothing set", nil, "PLAINTEXT :9092"},
		{"two, one advertised", settings("listeners", "PLAINTEXT://:9092,LAN://10.0.0.1:9093", "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,LAN:PLAINTEXT", "advertised.listeners", "LAN://lan.example.org:19093"),
			"PLAINTEXT :9092; LAN 10.0.0.1:9093 as lan.example.org:19093"},
		{"small letters", settings("listeners", "plaintext://:9092"), "PLAINTEXT :9092"},
		{"IPv6", settings("listeners", "PLAINTEXT://[::1]:9092", "advertised.listeners", "PLAINTEXT://[fe80::1]:9092"), "PLAINTEXT ::1:9092 as fe80::1:9092"},
		{"both families", settings("listeners", "PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9092"), "PLAINTEXT 127.0.0.1:9092; PLAINTEXT ::1:9092"},
		{"any free port, twice", settings("listeners", "PLAINTEXT://:0,A://:0", "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,A:PLAINTEXT"), "PLAINTEXT :0; A :0"},
		{"advertised port alone", settings("advertised.listeners", "PLAINTEXT://:19092"), "PLAINTEXT :9092 as :19092"},
		{"KRaft file", settings("process.roles", "broker,controller", "node.id", "1", "controller.quorum.voters", "1@localhost:9093", "listeners", "PLAINTEXT://:9092,CONTROLLER://:9093",
			"inter.broker.listener.name", "PLAINTEXT", "advertised.listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093", "controller.listener.names", "CONTROLLER"), "PLAINTEXT :9092 as localhost:9092"},
		{"test container", FromEnvironment([]string{"KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:9092,BROKER://0.0.0.0:9093,CONTROLLER://0.0.0.0:9094", "KAFKA_NODE_ID=1", "KAFKA_PROCESS_ROLES=broker,controller",
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TC-0:PLAINTEXT", "KAFKA_INTER_BROKER_LISTENER_NAME=BROKER", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
			"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:32768,BROKER://172.17.0.2:9093"}).Layer, "PLAINTEXT 0.0.0.0:9092 as localhost:32768; BROKER 0.0.0.0:9093 as 172.17.0.2:9093"},
		{"advertised by environment alone", FromEnvironment([]string{"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:29092"}).Layer, "PLAINTEXT 0.0.0.0:29092 as localhost:29092"},

		{"no port", settings("listeners", "PLAINTEXT://host"), `!"PLAINTEXT://host": the port is missing`},
		{"wrong port", settings("listeners", "PLAINTEXT://:99999"), `!"PLAINTEXT://:99999": "99999" is not a port (0 to 65535)`},
		{"no scheme", settings("listeners", "localhost:9092"), `!"localhost:9092" is not of the form NAME://host:port`},
		{"a comma too many", settings("listeners", "PLAINTEXT://:9092,"), "!there is an empty entry, look for a comma too many"},
		{"IPv6 without brackets", settings("listeners", "PLAINTEXT://::1:9092"), `!"PLAINTEXT://::1:9092": an IPv6 address needs brackets: [::1]:9092`},
		{"empty", settings("listeners", ""), "!there is no listener for clients; add PLAINTEXT://:9092"},
		{"controllers alone", settings("listeners", "CONTROLLER://:9093", "controller.listener.names", "CONTROLLER"), "!there is no listener for clients"},
		{"TLS", settings("listeners", "SSL://:9093"), "!listener SSL wants SSL, which is not supported yet; take it out, or serve PLAINTEXT://:9093 in its place"},
		{"SASL by the map", settings("listeners", "EXT://:9093", "listener.security.protocol.map", "EXT:SASL_SSL"), "!listener EXT wants SASL_SSL, which is not supported yet; take it out, or serve it as listener.security.protocol.map=EXT:PLAINTEXT"},
		{"not in the map", settings("listeners", "EXT://:9093"), "!no security protocol is given for listener EXT; set listener.security.protocol.map=EXT:PLAINTEXT"},
		{"not in the default map, beside one that is", settings("listeners", "PLAINTEXT://:1,EXT://:2,LAN://:3"), "!no security protocol is given for listener EXT; set listener.security.protocol.map=PLAINTEXT:PLAINTEXT,EXT:PLAINTEXT,LAN:PLAINTEXT"},
		{"not in a map that is set", settings("listeners", "A://:1,EXT://:2", "listener.security.protocol.map", "A:PLAINTEXT,C:SSL"), "!no security protocol is given for listener EXT; set listener.security.protocol.map=A:PLAINTEXT,C:SSL,EXT:PLAINTEXT"},
		{"a bad map", settings("listener.security.protocol.map", "A:TLS"), `!"A:TLS": there is no security protocol "TLS"`},
		{"a map entry twice", settings("listener.security.protocol.map", "A:SSL,A:SSL"), "!listener A is named twice"},
		{"same name", settings("listeners", "PLAINTEXT://:1,PLAINTEXT://:2"), "!listener PLAINTEXT is named twice"},
		{"same port", settings("listeners", "PLAINTEXT://:1,B://:1", "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,B:PLAINTEXT"), "!listeners PLAINTEXT and B have the same port 1"},
		{"advertised wildcard", settings("advertised.listeners", "PLAINTEXT://0.0.0.0:9092"), "!clients cannot connect to 0.0.0.0"},
		{"advertised IPv6 wildcard", settings("advertised.listeners", "PLAINTEXT://[::]:9092"), "!clients cannot connect to ::"},
		{"advertised name", settings("advertised.listeners", "EXT://a:1"), "!there is no listener EXT; add it to listeners, or name one of: PLAINTEXT"},
		{"advertised twice", settings("advertised.listeners", "PLAINTEXT://a:1,PLAINTEXT://b:1"), "!listener PLAINTEXT is advertised twice"},
	} {
		v, _, err := New(Options{DataDir: "/data"}, c.set)
		var got []string
		if err != nil {
			_, problem, _ := strings.Cut(err.Error(), ": ")
			_, problem, _ = strings.Cut(problem, ": ")
			got = []string{"!" + problem}
		} else {
			for _, l := range v.Broker.Listeners {
				got = append(got, shownListener(l))
			}
		}
		line := strings.Join(got, "; ")
		if line != c.want && !(strings.HasPrefix(c.want, "!") && strings.HasPrefix(line, c.want)) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, line, c.want)
		}
	}
}

func shownListener(l Listener) string {
	text := fmt.Sprintf("%s %s:%d", l.Name, l.Host, l.Port)
	if l.AdvertisedHost != "" || l.AdvertisedPort != 0 {
		text += fmt.Sprintf(" as %s:%d", l.AdvertisedHost, l.AdvertisedPort)
	}
	return text
}

func FuzzListeners(f *testing.F) {
	f.Add("PLAINTEXT://:9092", "PLAINTEXT://[::1]:1,B://x:2", "PLAINTEXT:PLAINTEXT,B:SSL", "1@a:1")
	f.Add("a://b:c", "://", ":", "@")
	f.Add("A://[:1", "A://]:1,", "A:", "1@")
	f.Fuzz(func(t *testing.T, listeners, advertised, protocols, voters string) {
		v, _, err := New(Options{DataDir: "/data"}, settings("listeners", listeners, "advertised.listeners", advertised, "listener.security.protocol.map", protocols, "controller.quorum.voters", voters))
		if (v == nil) == (err == nil) {
			t.Fatalf("values %v, error %v", v, err)
		}
		// What is accepted can be written down and read again.
		endpoints, err := parseEndpoints(listeners)
		if err != nil {
			return
		}
		var again []string
		for _, e := range endpoints {
			again = append(again, e.String())
		}
		reread, err := parseEndpoints(strings.Join(again, ","))
		if err != nil || fmt.Sprint(reread) != fmt.Sprint(endpoints) {
			t.Fatalf("%q: %v, then %v, %v", listeners, endpoints, reread, err)
		}
	})
}

func FuzzValues(f *testing.F) {
	f.Add("log.retention.ms", "9223372036854775807")
	f.Add("log.cleaner.min.cleanable.ratio", "NaN")
	f.Add("max.connections.per.ip.overrides", "::1:5,a:b")
	f.Add("log.flush.interval.ms", "-1")
	f.Add("sordini.http.address", "[::1]:x")
	f.Fuzz(func(t *testing.T, key, value string) {
		v, _, err := New(Options{DataDir: "/data"}, settings(key, value))
		if (v == nil) == (err == nil) {
			t.Fatalf("values %v, error %v", v, err)
		}
		if err == nil {
			DescribeBroker(v, Describe{Synonyms: true})
			Topic(v, map[string]string{key: value})
		}
		if ValidateTopic(map[string]string{key: value}) == nil {
			DescribeTopic(mustNew(t), map[string]string{key: value}, Describe{Synonyms: true})
		}
	})
}
