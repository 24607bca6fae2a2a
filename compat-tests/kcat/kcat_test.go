// Package kcat is the lane of librdkafka through Debian's kcat, as it comes and in the two ways in which it speaks to
// brokers of old: without ApiVersions, with the message formats 1 and 0.
package kcat

import (
	"os/exec"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// profiles are the names of versions.txt.
func profiles() map[string]harness.Version {
	// zstd and headers came with later protocols than the two old profiles speak.
	old := []string{"none", "gzip", "snappy", "lz4"}
	byName := map[string]harness.Version{}
	for _, v := range []harness.Version{
		version("as-0.9.0", harness.Features{Codecs: old, Timeless: true, Bulky: true}, "api.version.request=false", "broker.version.fallback=0.9.0"),
		version("as-0.10.0", harness.Features{Codecs: old, Bulky: true}, "api.version.request=false", "broker.version.fallback=0.10.0"),
		version("as-it-is", harness.Features{Codecs: append(old, "zstd"), Headers: true, Uniform: true, Idempotent: true, Bulky: true}),
	} {
		byName[v.Name] = v
	}
	return byName
}

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Pick(t, "versions.txt", profiles())...)
}

func version(name string, features harness.Features, settings ...string) harness.Version {
	prepare := func(t testing.TB) {
		if out, err := exec.Command("./run.sh", "prepare").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return harness.Version{Name: name, Prepare: prepare, Start: func(t testing.TB, b *harness.Broker) harness.Client {
		return &client{name: "kcat-" + name, broker: b, features: features, settings: settings}
	}}
}
