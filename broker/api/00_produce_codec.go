package api

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// What a turn may hold of batches that came out in another form than they came in.
const (
	maxTurnConvert    = 8 << 20   // then the turn ends before the next request is taken in
	maxRequestConvert = 128 << 20 // of one request, whose batches may unpack to much more than was sent
)

const keepProducers = "producer" // compression.type: batches stay as they were sent

// storedCodec is the codec that compression.type names, and its level.
func storedCodec(cfg *config.TopicConfig) (codec.Codec, int) {
	switch cfg.CompressionType {
	case "gzip":
		return codec.Gzip, int(max(cfg.CompressionGzipLevel, codec.DefaultLevel)) // -1 is the default
	case "snappy":
		return codec.Snappy, codec.DefaultLevel
	case "lz4":
		return codec.LZ4, int(cfg.CompressionLZ4Level)
	case "zstd":
		return codec.Zstd, int(cfg.CompressionZstdLevel)
	}
	return codec.None, codec.DefaultLevel
}

// recompress brings a valid batch into the codec that the topic stores. As in Kafka, one that has it already stays as it is, and the result
// must not be larger than max.message.bytes either.
func (t *ProduceTurn) recompress(h *Handlers, p *replica.Partition, cfg *config.TopicConfig, info *batch.Info) error {
	target, level := storedCodec(cfg)
	if !info.Batch.NeedsCodec(target) {
		return nil
	}
	if len(t.convert)-t.convertBefore > maxRequestConvert {
		return kerr.MessageTooLarge
	}
	before := len(t.convert)
	var err error
	if t.convert, err = batch.Recompress(t.convert, info.Batch, target, level, int(cfg.MaxMessageBytes)); err != nil {
		if errors.Is(err, batch.ErrFull) {
			return kerr.MessageTooLarge
		}
		return kerr.CorruptMessage
	}
	info.Batch = batch.Batch(t.convert[before:len(t.convert):len(t.convert)])
	h.Metrics.Recompressions.Add(1)
	p.Topic().Recompressions.Add(1)
	return nil
}

// Full tells that the turn holds so much that it must be committed before another request is taken in.
func (t *ProduceTurn) Full() bool { return len(t.convert) > maxTurnConvert }
