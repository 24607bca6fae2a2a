package broker

import (
	"fmt"
	"slices"
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

// at is versions of one API.
func at(key kmsg.Key, versions ...int16) []Need {
	list := make([]Need, len(versions))
	for i, v := range versions {
		list[i] = Need{key, v}
	}
	return list
}

// groups are the versions of the group APIs that a client without ApiVersions sends.
func groups(join, others int16) []Need {
	return slices.Concat(
		at(kmsg.FindCoordinator, 0), at(kmsg.JoinGroup, join), at(kmsg.SyncGroup, others), at(kmsg.Heartbeat, others),
		at(kmsg.LeaveGroup, others))
}

const (
	neverAsks   = "never"
	kafkaPython = "version 0, with Metadata 0 right behind it on the same connection"
)

// Reliances is what is known of released clients, oldest first.
func Reliances() []Reliance {
	return []Reliance{
		{"Java 0.9", neverAsks, SendsBlindly, slices.Concat(
			at(kmsg.Produce, 1), at(kmsg.Fetch, 1), at(kmsg.ListOffsets, 0), at(kmsg.Metadata, 0), at(kmsg.OffsetCommit, 2),
			at(kmsg.OffsetFetch, 1), groups(0, 0))},
		{"Java 0.10.0", neverAsks, SendsBlindly, slices.Concat(
			at(kmsg.Produce, 2), at(kmsg.Fetch, 2), at(kmsg.ListOffsets, 0), at(kmsg.Metadata, 1), at(kmsg.OffsetCommit, 2),
			at(kmsg.OffsetFetch, 1), groups(0, 0))},
		{"Java 0.10.1", neverAsks, SendsBlindly, slices.Concat(
			at(kmsg.Produce, 2), at(kmsg.Fetch, 3), at(kmsg.ListOffsets, 1), at(kmsg.Metadata, 2), at(kmsg.OffsetCommit, 2),
			at(kmsg.OffsetFetch, 1), groups(1, 0))},
		{"Java 0.10.2", "version 0", SendsBlindly, at(kmsg.ApiVersions, 0)},
		{"Java 0.11 to 1.1", "version 1", SendsBlindly, at(kmsg.ApiVersions, 1)},
		{"Java 2.0 to 2.3", "version 2", SendsBlindly, at(kmsg.ApiVersions, 2)},
		{"Java from 2.4 on", "its newest, then what the answer to a wrong version names", SendsBlindly, at(kmsg.ApiVersions, 0, 3, 4, 5)},
		{"librdkafka before 0.11, and any with api.version.request=false", neverAsks, SendsBlindly,
			slices.Concat(
				at(kmsg.Produce, 0, 1, 2), at(kmsg.Fetch, 0, 1, 2), at(kmsg.ListOffsets, 0), at(kmsg.Metadata, 0),
				at(kmsg.OffsetCommit, 0, 1, 2), at(kmsg.OffsetFetch, 0, 1), groups(0, 0))},
		{"librdkafka from 0.11 on", "version 3, then 0", Probes, slices.Concat(
			at(kmsg.Produce, 0), at(kmsg.FindCoordinator, 0), at(kmsg.JoinGroup, 0), at(kmsg.Fetch, 4))},
		{"kafka-python 1.3", kafkaPython, Probes, slices.Concat(
			at(kmsg.OffsetFetch, 2), at(kmsg.Metadata, 2, 4), at(kmsg.ListGroups, 0), at(kmsg.FindCoordinator, 0), at(kmsg.OffsetFetch, 0))},
		{"kafka-python 1.3", kafkaPython, SendsBlindly, slices.Concat(
			at(kmsg.Produce, 2), at(kmsg.Fetch, 3), at(kmsg.ListOffsets, 0, 1), at(kmsg.Metadata, 0, 1), at(kmsg.OffsetCommit, 2),
			at(kmsg.OffsetFetch, 1), groups(0, 0))},
		{"kafka-python 1.4 to 2.0", kafkaPython, Probes, slices.Concat(
			at(kmsg.Metadata, 2, 4, 5), at(kmsg.OffsetFetch, 2), at(kmsg.Fetch, 7, 8, 10, 11), at(kmsg.ListOffsets, 5), at(kmsg.Produce, 8),
			at(kmsg.ListGroups, 0), at(kmsg.FindCoordinator, 0), at(kmsg.OffsetFetch, 0))},
		{"kafka-python 1.4 to 2.0", kafkaPython, SendsBlindly, slices.Concat(
			at(kmsg.Produce, 3), at(kmsg.Fetch, 4), at(kmsg.ListOffsets, 1), at(kmsg.Metadata, 0, 1), at(kmsg.OffsetCommit, 2),
			at(kmsg.OffsetFetch, 1), groups(2, 1))},
		{"kafka-python from 2.2 on", "version 4, then 0, then the probes of before", Probes, slices.Concat(
			at(kmsg.ApiVersions, 0, 4), at(kmsg.ListGroups, 0), at(kmsg.FindCoordinator, 0), at(kmsg.OffsetFetch, 0))},
		{"segmentio kafka-go", "version 0", Probes, slices.Concat(
			at(kmsg.Produce, 2, 3, 7), at(kmsg.Fetch, 2, 5, 10), at(kmsg.Metadata, 1, 6), at(kmsg.JoinGroup, 1, 2), at(kmsg.ListOffsets, 1))},
		{"KafkaJS", "versions 0 to 2", Probes, slices.Concat(
			at(kmsg.Produce, 3, 7), at(kmsg.Fetch, 4, 11), at(kmsg.Metadata, 0, 6), at(kmsg.OffsetFetch, 1, 4), at(kmsg.JoinGroup, 0, 5),
			at(kmsg.ListOffsets, 0, 3))},
		{"platformatic/kafka", "version 3", SendsBlindly, slices.Concat(
			at(kmsg.Fetch, 12), at(kmsg.Metadata, 9), at(kmsg.OffsetFetch, 8), at(kmsg.JoinGroup, 6))},
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
