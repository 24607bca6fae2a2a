// Package confluent is the lane of confluent-kafka, Python on librdkafka, in the versions of versions.txt.
package confluent

import (
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Agents("./run.sh", harness.Versions(t, "versions.txt")...)...)
}
