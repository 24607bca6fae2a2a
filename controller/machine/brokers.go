package machine

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// RegisterBroker says that a broker has started. The reply is a BrokerReply with its new epoch.
type RegisterBroker struct {
	ID          int32
	Incarnation [16]byte // fresh with each start of the broker's process
	ClusterID   string   // "" is not compared
	Rack        string
	Listeners   []image.Listener
	Fenced      bool // the broker must catch up before it may lead

	// Unclean says that the broker's last run did not end with everything on disk. Its partitions then get
	// a new leader epoch, so that clients and followers look whether what they saw is still there.
	Unclean bool
}

// FenceBroker fences a broker, or lets it in again. The reply is a BrokerReply.
type FenceBroker struct {
	ID     int32
	Epoch  int64
	Fenced bool
}

// UnregisterBroker forgets a broker that will not return. The reply is a BrokerReply.
type UnregisterBroker struct {
	ID int32
}

// BrokerReply is the answer to an event about a broker.
type BrokerReply struct {
	Epoch   int64
	Err     *kerr.Error
	Message string
}

func (ev RegisterBroker) decide(m *Machine, offset int64) Decision {
	if ev.ClusterID != "" && ev.ClusterID != m.img.ClusterID {
		return refuseBroker(refuse(kerr.InconsistentClusterID,
			"Expected cluster ID %s, but got cluster ID %s", m.img.ClusterID, ev.ClusterID))
	}
	if ev.ID < 0 || len(ev.Listeners) == 0 {
		return refuseBroker(refuse(kerr.InvalidRegistration,
			"Broker %d with %d listeners cannot be registered.", ev.ID, len(ev.Listeners)))
	}
	if ev.tooLong() {
		return refuseBroker(refuse(kerr.InvalidRegistration,
			"A rack, listener name or host of broker %d is longer than %d bytes.", ev.ID, record.MaxStringBytes))
	}
	old := m.img.Broker(ev.ID)
	if old != nil && old.Incarnation == ev.Incarnation { // the same request again
		return Decision{Reply: BrokerReply{Epoch: old.Epoch}}
	}
	records := []record.Record{&record.RegisterBroker{
		BrokerID: ev.ID, BrokerEpoch: offset, Incarnation: ev.Incarnation, Rack: ev.Rack,
		Listeners: slices.Clone(ev.Listeners), Fenced: ev.Fenced,
	}}
	w := election{m: m, broker: ev.ID}
	switch {
	case ev.Fenced:
		w.leave()
	default:
		w.returned(ev.Unclean)
	}
	return Decision{Records: append(records, w.records...), Reply: BrokerReply{Epoch: offset}}
}

// tooLong says that a string would be written that no record may hold: the log could not be read any more.
func (ev *RegisterBroker) tooLong() bool {
	long := func(s string) bool { return len(s) > record.MaxStringBytes }
	return long(ev.Rack) || slices.ContainsFunc(ev.Listeners, func(l image.Listener) bool { return long(l.Name) || long(l.Host) })
}

func (ev FenceBroker) decide(m *Machine, _ int64) Decision {
	b := m.img.Broker(ev.ID)
	if b == nil {
		return refuseBroker(refuse(kerr.BrokerIDNotRegistered, "No broker with id %d found.", ev.ID))
	}
	if b.Epoch != ev.Epoch {
		return refuseBroker(refuse(kerr.StaleBrokerEpoch,
			"Expected broker epoch %d, but got broker epoch %d", b.Epoch, ev.Epoch))
	}
	if b.Fenced == ev.Fenced {
		return Decision{Reply: BrokerReply{Epoch: b.Epoch}}
	}
	records := []record.Record{&record.FenceBroker{BrokerID: ev.ID, BrokerEpoch: ev.Epoch, Fenced: ev.Fenced}}
	w := election{m: m, broker: ev.ID}
	if ev.Fenced {
		w.leave()
	} else {
		w.returned(false)
	}
	return Decision{Records: append(records, w.records...), Reply: BrokerReply{Epoch: b.Epoch}}
}

func (ev UnregisterBroker) decide(m *Machine, _ int64) Decision {
	b := m.img.Broker(ev.ID)
	if b == nil {
		return refuseBroker(refuse(kerr.BrokerIDNotRegistered, "No broker with id %d found.", ev.ID))
	}
	records := []record.Record{&record.UnregisterBroker{BrokerID: ev.ID, BrokerEpoch: b.Epoch}}
	w := election{m: m, broker: ev.ID}
	w.leave()
	return Decision{Records: append(records, w.records...), Reply: BrokerReply{Epoch: b.Epoch}}
}

func refuseBroker(e *apiError) Decision {
	return Decision{Reply: BrokerReply{Epoch: -1, Err: e.code, Message: e.message}}
}
