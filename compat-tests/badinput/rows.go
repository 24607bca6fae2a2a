package badinput

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// row is one kind of bad input.
type row struct {
	name string
	// send returns the bytes to send; it may talk on the connection before.
	send func(e *env, c *conn) []byte
	// want is what must come of it; "a | b" leaves the choice, where Kafka's releases disagree and neither is wrong.
	want string
	// on391 and on440 are what those releases of Kafka do where it differs from what is wanted of us.
	on391, on440 string
	// also checks more than codes; it returns what is wrong, or nothing.
	also func(e *env, resp kmsg.Response) string
	// stuck: after unanswered input the connection itself waits for the rest of a frame, so nothing else can be asked on it.
	stuck bool
}

// wanted is the outcome expected of a release ("" for our broker).
func (r *row) wanted(release string) string {
	switch {
	case release == "3.9.1" && r.on391 != "":
		return r.on391
	case release == "4.4.0" && r.on440 != "":
		return r.on440
	}
	return r.want
}

func (r *row) accepts(release, outcome string) bool {
	return slices.Contains(strings.Split(r.wanted(release), " | "), outcome)
}

// group is some rows under one name: a subtest.
type rowGroup struct {
	name string
	rows []row
}

func allRows() []rowGroup {
	return []rowGroup{
		{"frame", frameRows()},
		{"header", headerRows()},
		{"body", bodyRows()},
		{"produce", produceRows()},
		{"batch", batchRows()},
		{"records", recordRows()},
		{"sequence", sequenceRows()},
		{"legacy", legacyRows()},
		{"fetch", fetchRows()},
		{"session", sessionRows()},
		{"offsets", offsetRows()},
		{"metadata", metadataRows()},
		{"create-topics", createTopicsRows()},
		{"delete-topics", deleteTopicsRows()},
		{"group", groupRows()},
		{"member", memberRows()},
		{"commit", commitRows()},
		{"others", otherRows()},
	}
}

// raw is a row whose bytes do not depend on anything.
func raw(name, want string, bytes []byte) row {
	return row{name: name, want: want, send: func(*env, *conn) []byte { return bytes }}
}

// request is a row that sends one whole request.
func request(name, want string, make func(e *env) kmsg.Request) row {
	return row{name: name, want: want, send: func(e *env, _ *conn) []byte { return frameOf(make(e), rowID) }}
}

// rowID is the correlation id of the requests under test.
const rowID = 99

func (r row) kafka(on391, on440 string) row { r.on391, r.on440 = on391, on440; return r }

func (r row) check(also func(e *env, resp kmsg.Response) string) row { r.also = also; return r }
