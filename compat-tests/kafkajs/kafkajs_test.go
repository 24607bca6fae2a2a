// Package kafkajs is the lane of KafkaJS, in the versions of versions.txt.
package kafkajs

import (
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Agents("./run.sh", harness.Versions(t, "versions.txt")...)...)
}
