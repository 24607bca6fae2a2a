package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A null where a name must be: the request cannot be read, and nobody answers what cannot be read.

const nullMark = "~" // becomes null in the frame

// nullNames are requests with the mark where the schema has a name that is not nullable.
func nullNames(s *session) map[string]kmsg.Request {
	switch a := nullMark; s.api {
	case kmsg.Produce:
		return map[string]kmsg.Request{"topic": s.produceRequest(1, produced{a, 0, s.good(1)})}
	case kmsg.Fetch:
		return map[string]kmsg.Request{"topic": s.fetchRequest(fetched{topic: a})}
	case kmsg.ListOffsets:
		return map[string]kmsg.Request{"topic": listRequest(a, 0, -1)}
	case kmsg.Metadata:
		return map[string]kmsg.Request{"topic": metadataRequest(a)}
	case kmsg.OffsetCommit:
		return map[string]kmsg.Request{"group": s.commitRequest(a, "", -1), "member": s.commitRequest("g", a, -1)}
	case kmsg.FindCoordinator:
		r := kmsg.NewPtrFindCoordinatorRequest()
		r.CoordinatorKey, r.CoordinatorKeys = a, []string{a}
		return map[string]kmsg.Request{"key": r}
	case kmsg.JoinGroup:
		r := joinRequest("g", "", "range")
		r.ProtocolType = a
		return map[string]kmsg.Request{"group": joinRequest(a, "", "range"), "member": joinRequest("g", a, "range"), "type": r, "protocol": joinRequest("g", "", a)}
	case kmsg.CreateTopics:
		t := newTopic("x", 1, 1)
		t.Configs = append(t.Configs, topicConfig(a, "1"))
		return map[string]kmsg.Request{"topic": createRequest(newTopic(a, 1, 1)), "config": createRequest(t)}
	case kmsg.DescribeConfigs:
		return map[string]kmsg.Request{"resource": describeConfigsRequest(resource(2, a)), "config": describeConfigsRequest(resource(2, "x", a))}
	case kmsg.DescribeGroups:
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups = []string{a}
		return map[string]kmsg.Request{"group": r}
	}
	return nil
}

var nullAPIs = []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.OffsetCommit, kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.CreateTopics,
	kmsg.DescribeConfigs, kmsg.DescribeGroups}

func nullScripts() []script {
	var list []script
	for _, key := range nullAPIs {
		sc := script{name: "null names " + kmsg.NameForKey(key.Int16()), key: key, run: nullNamesScript}
		switch key {
		case kmsg.Produce, kmsg.Fetch:
			sc.to = 12 // from 13 on by id
		case kmsg.OffsetCommit:
			sc.from = 1 // before, there was no member
		case kmsg.Metadata:
			sc.to = 9 // nullable from 10 on
		}
		list = append(list, sc)
	}
	return list
}

func nullNamesScript(s *session) {
	requests := nullNames(s)
	for _, label := range sortedKeys(requests) {
		r := requests[label]
		r.SetVersion(s.version)
		frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, r, 7)[4:]
		mark, null := []byte{0, 1, nullMark[0]}, []byte{0xff, 0xff}
		if r.IsFlexible() {
			mark, null = []byte{2, nullMark[0]}, []byte{0}
		}
		if bytes.Count(frame, mark) != 1 {
			s.t.Fatalf("the mark is %d times in %x", bytes.Count(frame, mark), frame)
		}
		answer, err := s.conn.AskRaw(bytes.Replace(frame, mark, null, 1))
		switch {
		case errors.Is(err, io.EOF):
			s.note(label, "closed")
		case err != nil:
			s.note(label, "no answer")
		default:
			s.note(label, fmt.Sprintf("an answer of %d bytes", len(answer)))
		}
		s.redial()
	}
}
