package txn

import (
	"cmp"
	"slices"
)

// TopicPartition is a partition by the name of its topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// partitions is a set, in order, each once.
type partitions []TopicPartition

func compare(a, b TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

func (p partitions) contains(tp TopicPartition) bool {
	_, found := slices.BinarySearchFunc(p, tp, compare)
	return found
}

func (p partitions) containsAll(all []TopicPartition) bool {
	for _, tp := range all {
		if !p.contains(tp) {
			return false
		}
	}
	return true
}

// with returns a new set that has the others too.
func (p partitions) with(others []TopicPartition) partitions {
	all := make(partitions, 0, len(p)+len(others))
	return append(append(all, p...), others...).normalized()
}

func (p partitions) normalized() partitions {
	slices.SortFunc(p, compare)
	return slices.Compact(p)
}

// byTopic yields each topic with its partitions, in order.
func (p partitions) byTopic(yield func(topic string, numbers []int32) bool) {
	for len(p) > 0 {
		n := 1
		for n < len(p) && p[n].Topic == p[0].Topic {
			n++
		}
		numbers := make([]int32, n)
		for i := range numbers {
			numbers[i] = p[i].Partition
		}
		if !yield(p[0].Topic, numbers) {
			return
		}
		p = p[n:]
	}
}
