// Package franzgo is the lane of franz-go's kgo: as it is, and capped to what it could say to each Kafka before. TestOwnSuite runs
// kgo's own test suite against the broker: run.sh, with tests.allow as the list of what must pass.
package franzgo

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// asItIs is the profile without a cap; the others are "as-" and a Kafka.
const asItIs = "as-it-is"

// newClient is the client of a profile. What it can follows from the versions that its requests may have.
func newClient(t testing.TB, b *harness.Broker, profile string) *client {
	t.Helper()
	versions := kversion.Stable()
	c := &client{name: "franz-go-" + profile, addr: b.Addr}
	if profile != asItIs {
		versions = kversion.FromString("v" + strings.TrimPrefix(profile, "as-"))
		if versions == nil {
			t.Fatalf("kversion knows no Kafka %s", profile)
		}
		c.opts = []kgo.Opt{kgo.MaxVersions(versions)}
	}
	atLeast := func(key kmsg.Key, version int16) bool {
		highest, ok := versions.LookupMaxKeyVersion(key.Int16())
		return ok && highest >= version
	}
	c.idempotent = atLeast(kmsg.InitProducerID, 0)
	c.features = harness.Features{
		Codecs:       []string{"none", "gzip", "snappy"},
		Headers:      atLeast(kmsg.Produce, 3),
		Timestamps:   atLeast(kmsg.Produce, 2),
		Timeless:     !atLeast(kmsg.Produce, 2),
		Idempotent:   c.idempotent,
		Nulls:        true,
		Binary:       true,
		Bulky:        true,
		Groupless:    !atLeast(kmsg.SyncGroup, 0),
		NoTimeQuery:  !atLeast(kmsg.ListOffsets, 1),
		Transactions: atLeast(kmsg.EndTxn, 0),
		Admin:        adminOps(atLeast),
	}
	if atLeast(kmsg.Produce, 2) { // in message format 0 the frames of lz4 were broken, and kgo writes none
		c.features.Codecs = append(c.features.Codecs, "lz4")
	}
	if atLeast(kmsg.Produce, 7) {
		c.features.Codecs = append(c.features.Codecs, "zstd")
	}
	return c
}

func TestClients(t *testing.T) {
	var versions []harness.Version
	for _, profile := range harness.Versions(t, "versions.txt") {
		versions = append(versions, harness.Version{Name: profile, Start: func(t testing.TB, b *harness.Broker) harness.Client {
			return newClient(t, b, profile)
		}})
	}
	harness.Lane(t, versions...)
}
