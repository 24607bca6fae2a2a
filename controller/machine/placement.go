package machine

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// placeStriped spreads partitions over the brokers without regard to racks: the first replicas go round the
// brokers from a random start, the further ones follow at a distance that grows with each round, so that the
// load of a broken broker falls on all others. Fenced brokers get replicas only when there are too few others.
func (m *Machine) placeStriped(partitions, rf int, seed uint64) ([][]int32, *apiError) {
	var live, fenced []int32
	for b := range m.img.Brokers() {
		if b.Fenced {
			fenced = append(fenced, b.ID)
			continue
		}
		live = append(live, b.ID)
	}
	total := len(live) + len(fenced)
	switch {
	case len(live) == 0:
		return nil, refuse(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): All brokers are currently fenced.", rf)
	case rf > total:
		return nil, refuse(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached "+
				"because only %d broker(s) are registered.", rf, rf, total)
	}
	placement := make([][]int32, partitions)
	// All rows lie in one array: a topic of many partitions should not cost an allocation each.
	cells := make([]int32, 0, partitions*rf)
	for p := range placement {
		row := len(cells)
		at := seed%uint64(len(live)) + uint64(p)
		round := seed>>32 + uint64(p/len(live))
		cells = stripe(cells, live, at, round, min(rf, len(live)))
		if rest := rf - len(live); rest > 0 {
			cells = stripe(cells, fenced, at, round, rest)
		}
		placement[p] = slices.Clip(cells[row:])
	}
	return placement, nil
}

// stripe appends n different brokers: the one at position at, and others at a distance that depends on round.
func stripe(dst, brokers []int32, at, round uint64, n int) []int32 {
	size := uint64(len(brokers))
	first := at % size
	dst = append(dst, brokers[first])
	for i := range uint64(n - 1) {
		dst = append(dst, brokers[(first+1+(round+i)%(size-1))%size])
	}
	return dst
}

// placeByHand checks a manual assignment as Kafka does and returns it by partition.
func (m *Machine) placeByHand(t *CreatableTopic) ([][]int32, *apiError) {
	if t.ReplicationFactor != -1 {
		return nil, refuse(kerr.InvalidRequest,
			"A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if t.NumPartitions != -1 {
		return nil, refuse(kerr.InvalidRequest,
			"A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	byPartition := make(map[int32][]int32, len(t.Assignments))
	rf := 0
	for _, a := range t.Assignments {
		if _, twice := byPartition[a.Partition]; twice {
			return nil, refuse(kerr.InvalidReplicaAssignment,
				"Found multiple manual partition assignments for partition %d", a.Partition)
		}
		if fault := m.checkManualReplicas(a.Brokers, rf); fault != nil {
			return nil, fault
		}
		if len(m.unfencedOf(a.Brokers)) == 0 {
			return nil, refuse(kerr.InvalidReplicaAssignment, "All brokers specified in the manual partition "+
				"assignment for partition %d are fenced or in controlled shutdown.", a.Partition)
		}
		rf = len(a.Brokers)
		byPartition[a.Partition] = a.Brokers
	}
	placement := make([][]int32, len(byPartition))
	for i := range placement {
		replicas, ok := byPartition[int32(i)]
		if !ok {
			return nil, refuse(kerr.InvalidReplicaAssignment,
				"partitions should be a consecutive 0-based integer sequence")
		}
		placement[i] = slices.Clone(replicas)
	}
	return placement, nil
}

// checkManualReplicas checks the replicas of one partition; rf is the number that earlier partitions have, or 0.
func (m *Machine) checkManualReplicas(replicas []int32, rf int) *apiError {
	if len(replicas) == 0 {
		return refuse(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	}
	sorted := slices.Sorted(slices.Values(replicas))
	for i, id := range sorted {
		if m.img.Broker(id) == nil {
			return refuse(kerr.InvalidReplicaAssignment,
				"The manual partition assignment includes broker %d, but no such broker is registered.", id)
		}
		if i > 0 && sorted[i-1] == id {
			return refuse(kerr.InvalidReplicaAssignment,
				"The manual partition assignment includes the broker %d more than once.", id)
		}
	}
	if rf != 0 && len(replicas) != rf {
		return refuse(kerr.InvalidReplicaAssignment, "The manual partition assignment includes a partition with %d "+
			"replica(s), but this is not consistent with previous partitions, which have %d replica(s).",
			len(replicas), rf)
	}
	return nil
}

// unfencedOf returns the replicas that live, in the same order.
func (m *Machine) unfencedOf(replicas []int32) []int32 {
	live := make([]int32, 0, len(replicas))
	for _, id := range replicas {
		if b := m.img.Broker(id); b != nil && !b.Fenced {
			live = append(live, id)
		}
	}
	return live
}
