package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestWhatClientsRelyOnIsServed: a window that is narrowed would lock out clients that never ask, or make others take this broker for an older
// one.
func TestWhatClientsRelyOnIsServed(t *testing.T) {
	for _, r := range Reliances() {
		for _, n := range r.Needs {
			route := routeOf(n.Key.Int16())
			if route == nil || !route.serves(n.Version) {
				t.Errorf("%s %s %s %d, which is not served", r.Client, r.How, KafkaName(n.Key), n.Version)
			}
		}
	}
}

// TestEveryGenerationThatDoesNotAskIsListed: what such a client sends first, metadata, and then all of its data path, must be in its row.
func TestEveryGenerationThatDoesNotAskIsListed(t *testing.T) {
	blind := 0
	for _, r := range Reliances() {
		if r.Asks != neverAsks {
			continue
		}
		blind++
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.FindCoordinator,
			kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup} {
			found := false
			for _, n := range r.Needs {
				found = found || n.Key == key
			}
			if !found {
				t.Errorf("%s does not ask, and its row says nothing of %s", r.Client, KafkaName(key))
			}
		}
	}
	if blind < 4 {
		t.Errorf("%d generations do not ask, want Java's three and librdkafka's", blind)
	}
}
