package api

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/image"
)

// ElectLeaders, versions 0-2 (KIP-183, KIP-460).
//
// v1 the type of the election (preferred 0, unclean 1), an error of the whole · v2 flexible. Where all partitions are asked for, those that need no
// election are left out, and their topics stay. One broker leads everything that it has, and is the preferred leader of it: there is nothing to elect.

// ElectLeaders answers for each partition that its leader stays, or why there can be none.
func (h *Handlers) ElectLeaders(_ context.Context, _ *Request, q *kmsg.ElectLeadersRequest) *kmsg.ElectLeadersResponse {
	resp := kmsg.NewPtrElectLeadersResponse()
	if q.Version == 0 {
		q.ElectionType = 0
	}
	known := q.ElectionType == 0 || q.ElectionType == 1
	if !known && (q.Topics == nil || len(q.Topics) > 0) {
		resp.ErrorCode = kerr.InvalidRequest.Code
	}
	img := h.Image()
	for i := range q.Topics {
		t := kmsg.NewElectLeadersResponseTopic()
		t.Topic = q.Topics[i].Topic
		for _, index := range q.Topics[i].Partitions {
			p := kmsg.NewElectLeadersResponseTopicPartition()
			code, message := elect(img, t.Topic, index, q.ElectionType, known)
			p.Partition, p.ErrorCode, p.ErrorMessage = index, code.Code, &message
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	if q.Topics == nil && known {
		for topic := range img.Topics() {
			t := kmsg.NewElectLeadersResponseTopic()
			t.Topic = topic.Name
			resp.Topics = append(resp.Topics, t)
		}
	}
	return resp
}

func elect(img *image.Image, topic string, index int32, kind int8, known bool) (*kerr.Error, string) {
	if !known {
		return kerr.InvalidRequest, fmt.Sprintf("Unknown election type %d", kind)
	}
	t := img.Topic(topic)
	if t == nil {
		return kerr.UnknownTopicOrPartition, "No such topic as " + topic
	}
	if t.Partition(index) == nil {
		return kerr.UnknownTopicOrPartition, fmt.Sprintf("No such partition as %s-%d", topic, index)
	}
	return kerr.ElectionNotNeeded, "Leader election not needed for topic partition."
}
