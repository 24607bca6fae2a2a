package broker

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// API is one row of the API table as the documents show it: the API key, Kafka's name of it, the versions that are served completely.
type API struct {
	Key      int16
	Name     string
	Min, Max int16
}

// APITable is the API table in the order of keys, for documents and tools. Connections look into the table itself.
func APITable() []API {
	var rows []API
	for _, r := range byKey {
		if r != nil {
			rows = append(rows, API{Key: r.key.Int16(), Name: KafkaName(r.key), Min: r.min, Max: r.max})
		}
	}
	return rows
}

// KafkaName is the name of an API in Kafka's own documents; the library writes Go's capitals, and has a name of its own for reassignments.
func KafkaName(key kmsg.Key) string { return kafkaNames.Replace(key.Name()) }

var kafkaNames = strings.NewReplacer("ACLs", "Acls", "SCRAM", "Scram", "ProducerID", "ProducerId", "PartitionAssignments", "PartitionReassignments")
