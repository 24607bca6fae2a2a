// Package machine makes the controller's decisions: which topics, brokers, configurations and producer ids there
// are. It is the only place where a metadata record comes into being.
//
// controller.Service owns one Machine and drives it from its loop: Decide(event) gives records and a reply, the
// records become one entry of the log, Apply makes them true here, and the reply leaves when the entry has been
// committed and published. So the machine may run ahead of what is committed, but nobody hears of it.
//
// What must always hold: Decide changes nothing; Apply is the only writer of the image; the same events on the
// same image give the same records, byte for byte. Identifiers, randomness and defaults arrive in the event.
//
// PURE: no I/O, no clocks, no randomness, no goroutines.
package machine

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// Limits of one request.
const (
	// MaxPartitionsPerRequest is how many partitions one CreateTopics or CreatePartitions may make in all: Kafka's number.
	MaxPartitionsPerRequest = 10_000
	// MaxTopicNameBytes is the longest topic name: the directory's name must fit with its suffixes.
	MaxTopicNameBytes = 249
	// ProducerIDBlock is how many producer ids a broker gets at once if it does not say.
	ProducerIDBlock = 1000
)

// MetadataTopic is the name of the log that the controller itself keeps.
const MetadataTopic = "__cluster_metadata"

// Config is what the machine must be told about configurations, which are defined elsewhere. The functions must
// be pure. A nil validator means that resources of this kind take no configurations.
type Config struct {
	// The validators get the complete overrides as they would be and return an error in Kafka's words. The code is
	// INVALID_CONFIG, unless the error wraps another.
	ValidateTopicConfig         func(overrides map[string]string) error
	ValidateBrokerConfig        func(allBrokers bool, overrides map[string]string) error
	ValidateGroupConfig         func(overrides map[string]string) error
	ValidateClientMetricsConfig func(overrides map[string]string) error

	// ListConfig says if a configuration is a list, and the value it has while it is not set. Appending to
	// and subtracting from anything else is refused. Nil: nothing is a list.
	ListConfig func(t image.ResourceType, name string) (defaultValue string, isList bool)
}

// Event is one thing that happened: a request, with all that the decision needs.
type Event interface {
	decide(m *Machine, offset int64) Decision
}

// Decision is the answer to an event.
type Decision struct {
	Records []record.Record // to be written as one entry; empty: nothing changes
	Reply   any             // the event's documentation names the type
}

// Machine holds the metadata as of its last Apply.
type Machine struct {
	cfg Config
	img *image.Image
}

// New makes a machine on an image.
func New(cfg Config, img *image.Image) *Machine { return &Machine{cfg: cfg, img: img} }

// Image returns the present image.
func (m *Machine) Image() *image.Image { return m.img }

// Reset puts the machine back on a committed image, when what it applied since will not be committed.
func (m *Machine) Reset(img *image.Image) { m.img = img }

// Decide decides on an event. offset is where the entry with the records would be in the log.
func (m *Machine) Decide(offset int64, ev Event) Decision { return ev.decide(m, offset) }

// Apply makes records of a decision true.
func (m *Machine) Apply(offset int64, records []record.Record) {
	d := image.NewDelta(m.img)
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			panic(fmt.Sprintf("machine: decision at offset %d does not apply to the image of offset %d: %v",
				offset, m.img.Offset, err))
		}
	}
	d.SetOffset(offset)
	m.img = d.Image()
}

// apiError is a refusal: Kafka's code, and words for a human.
type apiError struct {
	code    *kerr.Error
	message string
}

func refuse(code *kerr.Error, format string, args ...any) *apiError {
	return &apiError{code, fmt.Sprintf(format, args...)}
}
