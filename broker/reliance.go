package broker

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Reliance is what a generation of clients takes for granted of the API table, beyond what ApiVersions would tell it. Whoever moves an end of
// a window looks here first: a client that does not ask only sees a connection that closes, again and again.
type Reliance struct {
	Client string
	Asks   string // which ApiVersions it sends, and when
	How    string // in which of the ways below it relies on Needs
	Needs  []Need
}

// Need is a version of an API that must be inside the window.
type Need struct {
	Key     kmsg.Key
	Version int16
}

// The ways in which clients rely on versions.
const (
	SendsBlindly = "sends"     // fixed, whatever the broker says
	Probes       = "looks for" // inside the window, and infers the broker's release or a feature from it
)

// needs reads "Produce 1, JoinGroup 0 1".
func needs(text string) []Need {
	var list []Need
	for part := range strings.SplitSeq(text, ", ") {
		words := strings.Fields(part)
		key := keyNamed(words[0])
		for _, w := range words[1:] {
			var version int16
			if _, err := fmt.Sscan(w, &version); err != nil {
				panic(fmt.Sprintf("%q: %v", part, err)) // of the table below
			}
			list = append(list, Need{key, version})
		}
	}
	return list
}

func keyNamed(name string) kmsg.Key {
	for key := range kmsg.Key(kmsg.MaxKey + 1) {
		if KafkaName(key) == name {
			return key
		}
	}
	panic("no API is called " + name) // in the table below
}

const (
	groupsAt0   = "FindCoordinator 0, JoinGroup 0, SyncGroup 0, Heartbeat 0, LeaveGroup 0"
	neverAsks   = "never"
	kafkaPython = "version 0, with Metadata 0 right behind it on the same connection"
)

// Reliances is what is known of released clients, oldest first.
func Reliances() []Reliance {
	return []Reliance{
		{"Java 0.9", neverAsks, SendsBlindly, needs("Produce 1, Fetch 1, ListOffsets 0, Metadata 0, OffsetCommit 2, OffsetFetch 1, " + groupsAt0)},
		{"Java 0.10.0", neverAsks, SendsBlindly, needs("Produce 2, Fetch 2, ListOffsets 0, Metadata 1, OffsetCommit 2, OffsetFetch 1, " + groupsAt0)},
		{"Java 0.10.1", neverAsks, SendsBlindly, needs("Produce 2, Fetch 3, ListOffsets 1, Metadata 2, OffsetCommit 2, OffsetFetch 1, " +
			"FindCoordinator 0, JoinGroup 1, SyncGroup 0, Heartbeat 0, LeaveGroup 0")},
		{"Java 0.10.2", "version 0", SendsBlindly, needs("ApiVersions 0")},
		{"Java 0.11 to 1.1", "version 1", SendsBlindly, needs("ApiVersions 1")},
		{"Java 2.0 to 2.3", "version 2", SendsBlindly, needs("ApiVersions 2")},
		{"Java from 2.4 on", "its newest, then what the answer to a wrong version names", SendsBlindly, needs("ApiVersions 0 3 4 5")},
		{"librdkafka before 0.11, and any with api.version.request=false", neverAsks, SendsBlindly,
			needs("Produce 0 1 2, Fetch 0 1 2, ListOffsets 0, Metadata 0, OffsetCommit 0 1 2, OffsetFetch 0 1, " + groupsAt0)},
		{"librdkafka from 0.11 on", "version 3, then 0", Probes, needs("Produce 0, FindCoordinator 0, JoinGroup 0, Fetch 4")},
		{"kafka-python 1.3", kafkaPython, Probes, needs("OffsetFetch 2, Metadata 2 4, ListGroups 0, FindCoordinator 0, OffsetFetch 0")},
		{"kafka-python 1.3", kafkaPython, SendsBlindly, needs("Produce 2, Fetch 3, ListOffsets 0 1, Metadata 0 1, OffsetCommit 2, OffsetFetch 1, " + groupsAt0)},
		{"kafka-python 1.4 to 2.0", kafkaPython, Probes, needs("Metadata 2 4 5, OffsetFetch 2, Fetch 7 8 10 11, ListOffsets 5, Produce 8, " +
			"ListGroups 0, FindCoordinator 0, OffsetFetch 0")},
		{"kafka-python 1.4 to 2.0", kafkaPython, SendsBlindly, needs("Produce 3, Fetch 4, ListOffsets 1, Metadata 0 1, OffsetCommit 2, OffsetFetch 1, " +
			"FindCoordinator 0, JoinGroup 2, SyncGroup 1, Heartbeat 1, LeaveGroup 1")},
		{"kafka-python from 2.2 on", "version 4, then 0, then the probes of before", Probes, needs("ApiVersions 0 4, ListGroups 0, FindCoordinator 0, OffsetFetch 0")},
		{"segmentio kafka-go", "version 0", Probes, needs("Produce 2 3 7, Fetch 2 5 10, Metadata 1 6, JoinGroup 1 2, ListOffsets 1")},
		{"KafkaJS", "versions 0 to 2", Probes, needs("Produce 3 7, Fetch 4 11, Metadata 0 6, OffsetFetch 1 4, JoinGroup 0 5, ListOffsets 0 3")},
		{"platformatic/kafka", "version 3", SendsBlindly, needs("Fetch 12, Metadata 9, OffsetFetch 8, JoinGroup 6")},
	}
}

// Text is the needs in the words of the table: "Produce 1, JoinGroup 0 1".
func (r Reliance) Text() string {
	var text strings.Builder
	for i, n := range r.Needs {
		switch {
		case i > 0 && r.Needs[i-1].Key == n.Key:
			fmt.Fprintf(&text, " %d", n.Version)
			continue
		case i > 0:
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "%s %d", KafkaName(n.Key), n.Version)
	}
	return text.String()
}
