// Package sarama is the lane of Sarama, in the protocol versions of versions.txt.
package sarama

import (
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Agents("./run.sh", harness.Versions(t, "versions.txt")...)...)
}
