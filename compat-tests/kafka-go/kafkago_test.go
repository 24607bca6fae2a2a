// Package kafkago is the lane of segmentio's kafka-go.
package kafkago

import (
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestClients(t *testing.T) {
	harness.Lane(t, harness.Agents("./run.sh", harness.Versions(t, "versions.txt")...)...)
}
