package harness

import "testing"

// Header is one header of a record.
type Header struct {
	Name  string `json:"n"`
	Value []byte `json:"v"`
}

// Timestamps of a record to send that are no times.
const (
	TimestampNow  = -1 // the client sets the time of sending
	TimestampNone = -2 // the client cannot send one; the broker stores -1
)

// Record is one record as a client sends or reads it; nil keys and values are null.
type Record struct {
	Partition int32    `json:"p"`
	Offset    int64    `json:"o"`
	Timestamp int64    `json:"t"` // ms
	Key       []byte   `json:"k"`
	Value     []byte   `json:"v"`
	Headers   []Header `json:"h"`
}

// Features says what a client can express, so that the scenarios ask no more of it and compare no less.
type Features struct {
	Codecs     []string `json:"codecs"`
	Headers    bool     `json:"headers"`    // sets and reads headers
	HeaderMap  bool     `json:"headerMap"`  // has headers as a map: the order between different names is lost
	HeaderOnce bool     `json:"headerOnce"` // a record has no two headers of one name
	Timestamps bool     `json:"timestamps"` // sets timestamps (all of them read timestamps)
	Nulls      bool     `json:"nulls"`      // tells null from empty
	Binary     bool     `json:"binary"`     // keys and values may hold any byte
	Idempotent bool     `json:"idempotent"` // acks=all streams are neither doubled nor reordered by retries
	Bulky      bool     `json:"bulky"`      // a Produce call may hold hundreds of records
	Uniform    bool     `json:"uniform"`    // all records of one Produce call carry the same headers
	Timeless   bool     `json:"timeless"`   // speaks of records without timestamps (message format 0)

	NoTimeQuery  bool `json:"noTimeQuery"`  // an OffsetLister that finds nothing by time
	Groupless    bool `json:"groupless"`    // has no group members
	AdminTopics  bool `json:"adminTopics"`  // an Administrator
	AdminGroups  bool `json:"adminGroups"`  // an Administrator that can describe groups
	Transactions bool `json:"transactions"` // a Transactor

	Admin []string `json:"admin"` // an AdminCaller: the calls that it has
}

// ProduceArgs is one synchronous call: everything is sent, then flushed.
type ProduceArgs struct {
	Topic   string   `json:"topic"`
	Codec   string   `json:"codec"`
	Acks    string   `json:"acks"` // "0", "1" or "all"
	Records []Record `json:"records"`
}

// Client is one version of one foreign client under test. Calls fail the test by themselves.
type Client interface {
	Name() string
	Features() Features

	// Produce sends the records to their partitions and returns when the client says that they are out.
	Produce(t testing.TB, args ProduceArgs)
	// Fetch reads a partition without a group, from offset on, until it has count records or no more come.
	Fetch(t testing.TB, topic string, partition int32, offset int64, count int) []Record
	// Stream starts to send numbered values in the background, acks=all, with as many retries as it takes.
	Stream(t testing.TB, topic string, partitions int) Stream
	// Join starts a group member that subscribes to the topic, from the beginning where nothing is committed. It hands
	// over at most limit records (0: no limit).
	Join(t testing.TB, group, topic string, limit int) Member
	// Close ends the client's processes.
	Close(t testing.TB)
}

// OffsetLister is a Client that can look offsets up.
type OffsetLister interface {
	// Offsets returns where a partition begins and ends, and the first offset whose record is of atMs or later (-1: none).
	Offsets(t testing.TB, topic string, partition int32, atMs int64) (first, end, byTime int64)
}

// Stream is a producer at work. It sends the value "i" to partition i % partitions, i = 0, 1, 2, ...
type Stream interface {
	// Acked returns how many sends were acknowledged so far.
	Acked(t testing.TB) int
	// Stop waits for what is in flight and returns the numbers that were acknowledged, and the errors of the others.
	Stop(t testing.TB) (acked []int, failures []string)
}

// Member is a consumer in a group.
type Member interface {
	Assigned(t testing.TB) []int32
	// Take returns the records that were received since the last call.
	Take(t testing.TB) []Record
	// Commit commits what was taken, and returns when the broker has it.
	Commit(t testing.TB)
	// Leave closes the consumer: it leaves the group at once.
	Leave(t testing.TB)
}

// Vanisher is a Member that can end without a word, as a program does that is killed.
type Vanisher interface {
	Vanish(t testing.TB)
}
