package record

import "encoding/binary"

// The bodies of the records, field by field. A new field goes to the end, behind a new version that decode
// looks at; version() is the one that is written.

func (*Cluster) version() uint16          { return 0 }
func (*RegisterBroker) version() uint16   { return 0 }
func (*FenceBroker) version() uint16      { return 0 }
func (*UnregisterBroker) version() uint16 { return 0 }
func (*Topic) version() uint16            { return 0 }
func (*Partition) version() uint16        { return 0 }
func (*PartitionChange) version() uint16  { return 0 }
func (*RemoveTopic) version() uint16      { return 0 }
func (*Config) version() uint16           { return 0 }
func (*ProducerIDs) version() uint16      { return 0 }

func (r *Cluster) encode(e *encoder)           { e.string(r.ClusterID) }
func (r *Cluster) decode(d *decoder, _ uint16) { r.ClusterID = d.string() }

func (r *RegisterBroker) encode(e *encoder) {
	e.varint(int64(r.BrokerID))
	e.varint(r.BrokerEpoch)
	e.uuid(r.Incarnation)
	e.string(r.Rack)
	e.bool(r.Fenced)
	e.b = binary.AppendUvarint(e.b, uint64(len(r.Listeners)))
	for _, l := range r.Listeners {
		e.string(l.Name)
		e.string(l.Host)
		e.varint(int64(l.Port))
		e.varint(int64(l.Protocol))
	}
}

func (r *RegisterBroker) decode(d *decoder, _ uint16) {
	r.BrokerID = d.int32()
	r.BrokerEpoch = d.int64()
	r.Incarnation = d.uuid()
	r.Rack = d.string()
	r.Fenced = d.bool()
	r.Listeners = make([]Listener, d.count(4))
	for i := range r.Listeners {
		l := &r.Listeners[i]
		l.Name = d.string()
		l.Host = d.string()
		port, protocol := d.int32(), d.int32()
		if port < 0 || port > 0xffff || protocol != int32(int16(protocol)) {
			d.fail()
		}
		l.Port, l.Protocol = uint16(port), int16(protocol)
	}
}

func (r *FenceBroker) encode(e *encoder) {
	e.varint(int64(r.BrokerID))
	e.varint(r.BrokerEpoch)
	e.bool(r.Fenced)
}

func (r *FenceBroker) decode(d *decoder, _ uint16) {
	r.BrokerID = d.int32()
	r.BrokerEpoch = d.int64()
	r.Fenced = d.bool()
}

func (r *UnregisterBroker) encode(e *encoder) {
	e.varint(int64(r.BrokerID))
	e.varint(r.BrokerEpoch)
}

func (r *UnregisterBroker) decode(d *decoder, _ uint16) {
	r.BrokerID = d.int32()
	r.BrokerEpoch = d.int64()
}

func (r *Topic) encode(e *encoder) {
	e.string(r.Name)
	e.uuid(r.ID)
}

func (r *Topic) decode(d *decoder, _ uint16) {
	r.Name = d.string()
	r.ID = d.uuid()
}

func (r *Partition) encode(e *encoder) {
	e.uuid(r.TopicID)
	e.varint(int64(r.Index))
	e.varint(int64(r.Leader))
	e.varint(int64(r.LeaderEpoch))
	e.varint(int64(r.PartitionEpoch))
	e.ints(r.Replicas)
	e.ints(r.ISR)
}

func (r *Partition) decode(d *decoder, _ uint16) {
	r.TopicID = d.uuid()
	r.Index = d.int32()
	r.Leader = d.int32()
	r.LeaderEpoch = d.int32()
	r.PartitionEpoch = d.int32()
	r.Replicas = d.ints()
	r.ISR = d.ints()
}

// The bits that say which fields of a PartitionChange follow.
const (
	changeLeader   = 1 << 0
	changeISR      = 1 << 1
	changeReplicas = 1 << 2
)

func (r *PartitionChange) encode(e *encoder) {
	e.uuid(r.TopicID)
	e.varint(int64(r.Index))
	flags := byte(0)
	if r.SetLeader {
		flags |= changeLeader
	}
	if r.ISR != nil {
		flags |= changeISR
	}
	if r.Replicas != nil {
		flags |= changeReplicas
	}
	e.b = append(e.b, flags)
	if r.SetLeader {
		e.varint(int64(r.Leader))
	}
	if r.ISR != nil {
		e.ints(r.ISR)
	}
	if r.Replicas != nil {
		e.ints(r.Replicas)
	}
}

func (r *PartitionChange) decode(d *decoder, _ uint16) {
	r.TopicID = d.uuid()
	r.Index = d.int32()
	flags := d.byte()
	if flags&^(changeLeader|changeISR|changeReplicas) != 0 {
		d.fail()
		return
	}
	if flags&changeLeader != 0 {
		r.SetLeader = true
		r.Leader = d.int32()
	}
	if flags&changeISR != 0 {
		r.ISR = d.ints()
	}
	if flags&changeReplicas != 0 {
		r.Replicas = d.ints()
	}
}

func (r *RemoveTopic) encode(e *encoder)           { e.uuid(r.TopicID) }
func (r *RemoveTopic) decode(d *decoder, _ uint16) { r.TopicID = d.uuid() }

func (r *Config) encode(e *encoder) {
	e.b = append(e.b, byte(r.ResourceType))
	e.string(r.ResourceName)
	e.string(r.Name)
	e.bool(r.Value != nil)
	if r.Value != nil {
		e.string(*r.Value)
	}
}

func (r *Config) decode(d *decoder, _ uint16) {
	r.ResourceType = int8(d.byte())
	r.ResourceName = d.string()
	r.Name = d.string()
	if d.bool() {
		v := d.string()
		r.Value = &v
	}
}

func (r *ProducerIDs) encode(e *encoder) {
	e.varint(int64(r.BrokerID))
	e.varint(r.BrokerEpoch)
	e.varint(r.Next)
}

func (r *ProducerIDs) decode(d *decoder, _ uint16) {
	r.BrokerID = d.int32()
	r.BrokerEpoch = d.int64()
	r.Next = d.int64()
}
