package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage"
)

// Markers writes the control records that end transactions. It is used by this broker's transaction coordinator, and by WriteTxnMarkers.
type Markers struct {
	Replicas *replica.Manager
	Groups   *groupcoord.Service
	Image    func() *image.Image
}

// markerWait is how long a marker may take to be committed. Then nobody knows, and it is written once more.
const markerWait = 30 * time.Second

// WriteMarkers implements groupcoord.MarkerWriter.
func (m *Markers) WriteMarkers(ctx context.Context, markers []groupcoord.Marker) []groupcoord.MarkerResult {
	results := make([]groupcoord.MarkerResult, len(markers))
	for i, err := range m.write(ctx, markers) {
		results[i] = outcome(err)
	}
	return results
}

// outcome is what a coordinator hears of an error.
func outcome(err error) groupcoord.MarkerResult {
	switch {
	case err == nil:
		return groupcoord.MarkerWritten
	case errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.UnknownTopicOrPartition):
		return groupcoord.MarkerGone
	case errors.Is(err, kerr.TransactionCoordinatorFenced):
		return groupcoord.MarkerFenced
	}
	return groupcoord.MarkerRetry
}

// markerError is the same, the other way round.
func markerError(result groupcoord.MarkerResult) error {
	switch result {
	case groupcoord.MarkerWritten:
		return nil
	case groupcoord.MarkerGone:
		return kerr.InvalidProducerEpoch
	case groupcoord.MarkerFenced:
		return kerr.TransactionCoordinatorFenced
	}
	return kerr.NotLeaderForPartition
}

// markerAppends are the markers of one partition.
type markerAppends struct {
	p       *replica.Partition
	appends []*storage.Append
	places  []int // in the list of all
	end     int64 // what has to be committed
}

// write appends the markers of each partition with one write, and waits until they are committed. The errors are in the markers' order.
func (m *Markers) write(ctx context.Context, markers []groupcoord.Marker) []error {
	errs := make([]error, len(markers))
	var offsets []int // places of those that the group coordinator writes, for it has to know what becomes of the offsets
	var parts []markerAppends
	at := map[groupcoord.TopicPartition]int{}
	now := nowMs()
	for i := range markers {
		marker := &markers[i]
		if marker.ProducerID < 0 || marker.ProducerEpoch < 0 {
			errs[i] = kerr.InvalidRequest // of nobody
			continue
		}
		tp := groupcoord.TopicPartition{Topic: marker.Topic, Partition: marker.Partition}
		if marker.Topic == groupcoord.OffsetsTopic {
			if errs[i] = m.missingOffsets(tp); errs[i] == nil {
				offsets = append(offsets, i)
			}
			continue
		}
		n, known := at[tp]
		if !known {
			n = len(parts)
			at[tp] = n
			parts = append(parts, markerAppends{p: m.Replicas.Get(tp.Topic, tp.Partition)})
		}
		part := &parts[n]
		if part.p == nil {
			errs[i] = m.missing(tp)
			continue
		}
		b := batch.AppendMarker(nil, now, marker.ProducerID, marker.ProducerEpoch, batch.Marker{Commit: marker.Commit, CoordinatorEpoch: marker.CoordinatorEpoch})
		part.appends = append(part.appends, &storage.Append{Batch: b, Origin: storage.Coordinator, TransactionVersion: marker.TransactionVersion})
		part.places = append(part.places, i)
	}
	for n := range parts {
		parts[n].append(now, errs)
	}
	var other sync.WaitGroup
	if len(offsets) > 0 {
		other.Go(func() { m.writeOffsets(ctx, markers, offsets, errs) })
	}
	awaitMarkers(ctx, parts, errs)
	other.Wait()
	return errs
}

// writeOffsets hands the markers of __consumer_offsets over, all at once.
func (m *Markers) writeOffsets(ctx context.Context, markers []groupcoord.Marker, places []int, errs []error) {
	own := make([]groupcoord.Marker, len(places))
	for n, i := range places {
		own[n] = markers[i]
	}
	for n, result := range m.Groups.WriteTxnMarkers(ctx, own) {
		errs[places[n]] = markerError(result)
	}
}

// missing is the error of a partition that is not open here: it is there and not led, or it is not there. While the broker starts,
// no topic can be said not to be there.
func (m *Markers) missing(tp groupcoord.TopicPartition) error {
	img := m.Image()
	if img.Offset < 0 || img.Partition(tp.Topic, tp.Partition) != nil || m.Replicas.Offline(tp.Topic, storage.TopicID{}, tp.Partition) {
		return kerr.NotLeaderForPartition
	}
	return kerr.UnknownTopicOrPartition
}

// missingOffsets is the error of a partition of __consumer_offsets that is not there any more. Of others the group coordinator speaks.
func (m *Markers) missingOffsets(tp groupcoord.TopicPartition) error {
	if err := m.missing(tp); errors.Is(err, kerr.UnknownTopicOrPartition) {
		return err
	}
	return nil
}

// append writes the markers of one partition.
func (part *markerAppends) append(nowMs int64, errs []error) {
	if len(part.appends) == 0 {
		return
	}
	err := part.p.Append(nowMs, part.appends)
	for n, a := range part.appends {
		switch {
		case err != nil:
			errs[part.places[n]] = err
		case a.Result.Err != nil:
			errs[part.places[n]] = a.Result.Err
		case a.Result.Duplicate: // written before, and perhaps not committed yet
			part.end = part.p.Log().LogEndOffset()
		default:
			part.end = max(part.end, a.Batch.NextOffset())
		}
	}
}

// awaitMarkers waits until everything that was written is committed.
func awaitMarkers(ctx context.Context, parts []markerAppends, errs []error) {
	var waiter *replica.Waiter
	var deadline <-chan time.Time
	for n := range parts {
		part := &parts[n]
		if part.end == 0 || part.p.HighWatermark() >= part.end {
			continue
		}
		if waiter == nil {
			waiter = replica.NewWaiter()
			timer := time.NewTimer(markerWait)
			defer timer.Stop()
			deadline = timer.C
		}
		err := part.p.AwaitCommitted(waiter, part.end, ctx.Done(), deadline)
		if err == nil {
			continue
		}
		if errors.Is(err, kerr.RequestTimedOut) {
			over := make(chan time.Time)
			close(over)
			deadline = over // for the others too
		}
		for _, i := range part.places {
			if errs[i] == nil {
				errs[i] = err
			}
		}
	}
}
