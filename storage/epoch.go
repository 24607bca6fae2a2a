package storage

import (
	"slices"

	"github.com/sordini/sordini/storage/index"
)

// The leader-epoch history says where each epoch begins. A replica that was leader truncates by it and
// never by its high watermark (KIP-101, KIP-279). It is rebuilt from the epochs in the batch headers.

// undefinedEpoch and undefinedOffset answer a question about an epoch that the log knows nothing of.
const (
	undefinedEpoch  int32 = -1
	undefinedOffset int64 = -1
)

// LatestEpoch is the epoch of the last batch, -1 when there is none.
func (l *Log) LatestEpoch() int32 {
	epochs := *l.epochs.Load()
	if len(epochs) == 0 {
		return undefinedEpoch
	}
	return epochs[len(epochs)-1].Epoch
}

// EpochEndOffset answers what OffsetForLeaderEpoch asks: the largest epoch that is not above the requested
// one, and the offset at which it ends. For an epoch above the latest, or without any epoch, both are -1.
func (l *Log) EpochEndOffset(epoch int32) (foundEpoch int32, endOffset int64) {
	// The end is read first: epochs that begin later do not matter then.
	end := l.end.Load()
	epochs := *l.epochs.Load()
	if epoch < 0 || len(epochs) == 0 || epoch > epochs[len(epochs)-1].Epoch {
		return undefinedEpoch, undefinedOffset
	}
	if epoch == epochs[len(epochs)-1].Epoch {
		return epoch, end
	}
	above := slices.IndexFunc(epochs, func(e index.Epoch) bool { return e.Epoch > epoch })
	if above == 0 {
		// Older than everything that is left: it ends where the first known one begins.
		return epoch, epochs[0].Start
	}
	return epochs[above-1].Epoch, epochs[above].Start
}

// epochAt is the epoch of the batch at an offset.
func epochAt(epochs []index.Epoch, offset int64) int32 {
	epoch := undefinedEpoch
	for _, e := range epochs {
		if e.Start > offset {
			break
		}
		epoch = e.Epoch
	}
	return epoch
}

// assignEpoch returns the history with epoch beginning at offset, if it is newer than the latest.
func assignEpoch(epochs []index.Epoch, epoch int32, offset int64) []index.Epoch {
	if epoch < 0 || (len(epochs) > 0 && epochs[len(epochs)-1].Epoch >= epoch) {
		return epochs
	}
	// A new slice: readers hold the old one.
	return append(slices.Clip(epochs), index.Epoch{Epoch: epoch, Start: offset})
}

// truncateEpochsEnd drops epochs that begin at or above the new log end.
func truncateEpochsEnd(epochs []index.Epoch, end int64) []index.Epoch {
	n := len(epochs)
	for n > 0 && epochs[n-1].Start >= end {
		n--
	}
	return slices.Clip(epochs[:n])
}

// truncateEpochsStart drops epochs that end at or below the new log start, and lets the one that contains
// it begin there.
func truncateEpochsStart(epochs []index.Epoch, start int64) []index.Epoch {
	first := 0
	for first+1 < len(epochs) && epochs[first+1].Start <= start {
		first++
	}
	kept := slices.Clone(epochs[first:])
	if len(kept) > 0 && kept[0].Start < start {
		kept[0].Start = start
	}
	return kept
}

// EpochAt is the leader epoch of the record at an offset, -1 when the log knows none.
func (l *Log) EpochAt(offset int64) int32 { return epochAt(*l.epochs.Load(), offset) }
