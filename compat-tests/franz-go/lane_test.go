// Package franzgo is the lane of franz-go: its client kgo of the version in the root go.mod, once as it is and once capped to
// what Kafka 0.10.0 could do, so that the old request versions and message format 1 are driven by a second implementation
// besides the Java clients of that time.
//
// It also runs kgo's own test suite against the broker: run.sh, with tests.allow as the list of what must pass.
package franzgo

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func newest(b *harness.Broker) *client {
	return &client{
		name: "franz-go",
		addr: b.Addr,
		features: harness.Features{
			Codecs:  []string{"none", "gzip", "snappy", "lz4", "zstd"},
			Headers: true, Timestamps: true, Nulls: true, Binary: true, Idempotent: true, Bulky: true,
		},
	}
}

func capped(b *harness.Broker) *client {
	return &client{
		name: "franz-go-as-0.10.0",
		addr: b.Addr,
		opts: []kgo.Opt{kgo.MaxVersions(kversion.V0_10_0()), kgo.DisableIdempotentWrite()},
		features: harness.Features{
			Codecs:     []string{"none", "gzip", "snappy", "lz4"},
			Timestamps: true, Nulls: true, Binary: true, Bulky: true,
		},
	}
}

// profiles are the names of versions.txt.
func profiles() map[string]harness.Version {
	profile := func(name string, start func(*harness.Broker) *client) harness.Version {
		return harness.Version{Name: name, Start: func(_ testing.TB, b *harness.Broker) harness.Client { return start(b) }}
	}
	return map[string]harness.Version{
		"as-0.10.0": profile("as-0.10.0", capped),
		"as-it-is":  profile("as-it-is", newest),
	}
}

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Pick(t, "versions.txt", profiles())...)
}
