// Package java is the lane of Apache Kafka's own clients: kafka-clients in the versions of versions.txt.
package java

import (
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Agents("./run.sh", harness.Versions(t, "versions.txt")...)...)
}
