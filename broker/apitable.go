package broker

import "github.com/twmb/franz-go/pkg/kmsg"

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
			rows = append(rows, API{Key: r.key.Int16(), Name: kafkaName(r.key), Min: r.min, Max: r.max})
		}
	}
	return rows
}

// kafkaName is the name in Kafka's own documents; the library writes Go's capitals.
func kafkaName(key kmsg.Key) string {
	if key == kmsg.InitProducerID {
		return "InitProducerId"
	}
	return key.Name()
}
