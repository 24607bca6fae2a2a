package controller

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
)

// The requests. Results carry Kafka's codes; a request that could not be worked on at all gets one code for all of
// its parts, by code.

// CreateTopics creates topics; see machine.CreateTopics. When it returns, the partitions of what was created are open.
func (s *Service) CreateTopics(ctx context.Context, topics []machine.CreatableTopic, validateOnly bool) []machine.CreateTopicResult {
	ev := machine.CreateTopics{Topics: topics, ValidateOnly: validateOnly, Seed: s.cfg.RandomSeed()}
	ev.DefaultPartitions, ev.DefaultReplicationFactor = s.cfg.Defaults()
	ev.TopicIDs = make([]image.TopicID, len(topics))
	for i := range ev.TopicIDs {
		ev.TopicIDs[i] = s.topicID()
	}
	reply, err := s.do(ctx, ev)
	if err == nil {
		return reply.([]machine.CreateTopicResult)
	}
	results := make([]machine.CreateTopicResult, 0, len(topics))
	seen := make(map[string]bool, len(topics))
	for i := range topics {
		if seen[topics[i].Name] {
			continue
		}
		seen[topics[i].Name] = true
		results = append(results, machine.CreateTopicResult{Name: topics[i].Name, Err: code(err), Message: err.Error(),
			NumPartitions: -1, ReplicationFactor: -1})
	}
	return results
}

// CreatePartitions adds partitions to topics; see machine.CreatePartitions. When it returns, they are open.
func (s *Service) CreatePartitions(ctx context.Context, topics []machine.GrowingTopic, validateOnly bool) []machine.CreatePartitionsResult {
	reply, err := s.do(ctx, machine.CreatePartitions{Topics: topics, ValidateOnly: validateOnly, Seed: s.cfg.RandomSeed()})
	if err == nil {
		return reply.([]machine.CreatePartitionsResult)
	}
	results := make([]machine.CreatePartitionsResult, 0, len(topics))
	seen := make(map[string]bool, len(topics))
	for i := range topics {
		if name := topics[i].Name; !seen[name] {
			seen[name] = true
			results = append(results, machine.CreatePartitionsResult{Name: name, Err: code(err), Message: err.Error()})
		}
	}
	return results
}

// topicID returns a random id that is neither reserved nor, in Kafka's base64 form, like an option of a command.
func (s *Service) topicID() image.TopicID {
	for {
		id := s.cfg.RandomUUID()
		var zero [15]byte
		reserved := [15]byte(id[:15]) == zero && id[15] < 100 // Kafka keeps the first hundred for itself
		if dash := id[0]>>2 == 62; !reserved && !dash {
			return id
		}
	}
}

// DeleteTopics deletes topics by name or id; see machine.DeleteTopics.
func (s *Service) DeleteTopics(ctx context.Context, topics []machine.DeletableTopic) []machine.DeleteTopicResult {
	reply, err := s.do(ctx, machine.DeleteTopics{Topics: topics})
	if err == nil {
		return reply.([]machine.DeleteTopicResult)
	}
	results := make([]machine.DeleteTopicResult, len(topics))
	for i, t := range topics {
		results[i] = machine.DeleteTopicResult{Name: t.Name, ID: t.ID, Err: code(err), Message: err.Error()}
	}
	return results
}

// AlterConfigs changes configurations; see machine.AlterConfigs.
func (s *Service) AlterConfigs(ctx context.Context, resources []machine.AlterConfigsResource, validateOnly bool) []machine.AlterConfigResult {
	reply, err := s.do(ctx, machine.AlterConfigs{Resources: resources, ValidateOnly: validateOnly})
	if err == nil {
		return reply.([]machine.AlterConfigResult)
	}
	results := make([]machine.AlterConfigResult, len(resources))
	for i, r := range resources {
		results[i] = machine.AlterConfigResult{Type: r.Type, Name: r.Name, Err: code(err), Message: err.Error()}
	}
	return results
}

// RegisterBroker registers a broker and returns its epoch. The error is a *kerr.Error if the controller refused.
func (s *Service) RegisterBroker(ctx context.Context, b machine.RegisterBroker) (epoch int64, err error) {
	return s.brokerRequest(ctx, b)
}

// FenceBroker fences a broker or lets it in again.
func (s *Service) FenceBroker(ctx context.Context, id int32, epoch int64, fenced bool) error {
	_, err := s.brokerRequest(ctx, machine.FenceBroker{ID: id, Epoch: epoch, Fenced: fenced})
	return err
}

// UnregisterBroker forgets a broker.
func (s *Service) UnregisterBroker(ctx context.Context, id int32) error {
	_, err := s.brokerRequest(ctx, machine.UnregisterBroker{ID: id})
	return err
}

func (s *Service) brokerRequest(ctx context.Context, ev machine.Event) (int64, error) {
	reply, err := s.do(ctx, ev)
	if err != nil {
		return -1, err
	}
	r := reply.(machine.BrokerReply)
	if r.Err != nil {
		return -1, &RefusedError{r.Err, r.Message}
	}
	return r.Epoch, nil
}

// AllocateProducerIDs takes a block of n producer ids for this node's registered broker: first and the count-1
// that follow. n of 0 is a block of the usual size.
func (s *Service) AllocateProducerIDs(ctx context.Context, n int32) (first int64, count int32, err error) {
	b := s.Image().Broker(s.cfg.NodeID)
	if b == nil {
		return -1, 0, &RefusedError{kerr.BrokerIDNotRegistered, "this broker is not registered yet"}
	}
	reply, err := s.do(ctx, machine.AllocateProducerIDs{BrokerID: b.ID, BrokerEpoch: b.Epoch, Count: n})
	if err != nil {
		return -1, 0, err
	}
	r := reply.(machine.ProducerIDsReply)
	if r.Err != nil {
		return -1, 0, &RefusedError{r.Err, r.Message}
	}
	return r.First, r.Count, nil
}

// RefusedError is a refusal of the controller: Kafka's code and the reason. errors.As finds the *kerr.Error too.
type RefusedError struct {
	Code    *kerr.Error
	Message string
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Code.Message + ": " + e.Message }

// Unwrap returns the code.
func (e *RefusedError) Unwrap() error { return e.Code }

// code is Kafka's code for a request that was not worked on. All but the last can be tried again.
func code(err error) *kerr.Error {
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return kerr.RequestTimedOut
	case errors.Is(err, ErrClosed), errors.Is(err, ErrNotController):
		return kerr.NotController
	case errors.Is(err, ErrDiskFull):
		return kerr.KafkaStorageError
	case errors.Is(err, ErrTooLarge):
		return kerr.PolicyViolation
	}
	return kerr.UnknownServerError
}
