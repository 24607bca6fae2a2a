package broker

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol"
)

func TestAPITableHasEveryRouteOnceInOrderOfKeys(t *testing.T) {
	rows := APITable()
	if len(rows) != len(routes) {
		t.Fatalf("%d rows for %d routes: two routes have the same key", len(rows), len(routes))
	}
	for i, row := range rows {
		if i > 0 && rows[i-1].Key >= row.Key {
			t.Errorf("key %d stands before key %d", rows[i-1].Key, row.Key)
		}
		r := routeOf(row.Key)
		if r == nil || r.min != row.Min || r.max != row.Max || r.key.Int16() != row.Key {
			t.Errorf("%+v is not what the route says: %+v", row, r)
		}
		if row.Name == "" || strings.Contains(row.Name, "ID") {
			t.Errorf("key %d: %q is not Kafka's name", row.Key, row.Name)
		}
	}
}

// A route without a schema closes every connection that uses it, and calls its client malformed.
func TestEveryRouteHasASchema(t *testing.T) {
	for _, row := range APITable() {
		for v := row.Min; v <= row.Max; v++ {
			req := kmsg.RequestForKey(row.Key)
			req.SetVersion(v)
			if err := protocol.CheckShape(row.Key, v, req.AppendTo(nil)); err != nil {
				t.Errorf("%s version %d: %v", row.Name, v, err)
			}
		}
	}
}

// What is served must be decodable: a version that the library does not know would be read as another one.
func TestAPITableServesOnlyKnownVersions(t *testing.T) {
	for _, row := range APITable() {
		known := kmsg.Key(row.Key).Request()
		if row.Min < 0 || row.Min > row.Max || row.Max > known.MaxVersion() {
			t.Errorf("%s is served from %d to %d; known are 0 to %d", row.Name, row.Min, row.Max, known.MaxVersion())
		}
	}
}

// Metrics and the log had the library's names of APIs, by which a dashboard made for Kafka finds nothing.
func TestAPIsHaveKafkasNames(t *testing.T) {
	for key, want := range map[kmsg.Key]string{
		kmsg.Produce: "Produce", kmsg.InitProducerID: "InitProducerId", kmsg.DescribeACLs: "DescribeAcls", kmsg.AlterUserSCRAMCredentials: "AlterUserScramCredentials",
		kmsg.AlterPartitionAssignments: "AlterPartitionReassignments", kmsg.ListPartitionReassignments: "ListPartitionReassignments",
	} {
		if got := KafkaName(key); got != want {
			t.Errorf("API %d is called %s, want %s", key, got, want)
		}
	}
}
