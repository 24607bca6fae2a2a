package api

import (
	"errors"
	"sync"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/legacy"
)

// conversion is the memory of one converted answer: what is read from the log, and what comes out. It is lent, for a broker with old clients
// would else spend more on fresh memory, page by page, than on converting.
type conversion struct {
	stored, out []byte
	home        *sync.Pool
}

func (h *Handlers) borrowConversion() *conversion {
	if c, ok := h.conversions.Get().(*conversion); ok {
		return c
	}
	return &conversion{stored: make([]byte, convertReadBytes), out: make([]byte, 0, convertReadBytes+convertReadBytes/16), home: &h.conversions}
}

// keepConversion is how large memory may be that is kept for the next answer.
const keepConversion = 4 << 20

func (c *conversion) giveBack() {
	if cap(c.out) <= keepConversion {
		c.out = c.out[:0]
		c.home.Put(c)
	}
}

// read is where n bytes of the log go. Only a batch that is larger than a step gets memory of its own.
func (c *conversion) read(n int) []byte {
	if n <= len(c.stored) {
		return c.stored[:n]
	}
	return make([]byte, n)
}

const (
	convertReadBytes = 1 << 20 // stored bytes that are converted in one step
	convertSteps     = 32      // steps in which a fetch looks for something an old client can read
)

// readConverted reads and converts down for clients of message formats 0 and 1. Where there is nothing for them (control batches, and
// what compaction left of a batch), it goes on behind it, so that they do not ask for the same offset for ever.
func (h *Handlers) readConverted(req *Request, f *fetchState, part *fetchPart, limit int, upTo int64, firstWhole bool) int {
	magic := int8(0)
	if req.Version >= 2 {
		magic = 1
	}
	memory := h.conversionMemory(part.p.Topic().Config())
	if f.memory != nil {
		limit = min(limit, max(memory-len(f.memory.out), 0))
	}
	limit = min(limit, memory)
	if limit == 0 && !firstWhole {
		return 0 // what came before has taken it all
	}
	from, most := part.want.FetchOffset, min(limit, convertReadBytes)
	for step := 0; step < convertSteps; step++ {
		stored, next, err := h.readStored(f, part, from, most, upTo)
		if err != nil {
			h.readFailed(req, part, err)
			return 0
		}
		if len(stored) == 0 {
			break
		}
		before := len(f.memory.out)
		var invalid *batch.Error
		f.memory.out, invalid = legacy.DownConvert(f.memory.out, stored, magic, part.want.FetchOffset, limit, memory)
		if invalid == nil && len(f.memory.out) == before {
			stored = legacy.Skip(stored, part.want.FetchOffset, memory)
		}
		if invalid == nil && len(f.memory.out) == before && firstWhole && len(stored) > 0 {
			first, _, _ := batch.Next(stored)
			f.memory.out, invalid = legacy.DownConvert(f.memory.out, first, magic, part.want.FetchOffset, min(len(first)*expansion+minExpansion, memory), memory)
		}
		if invalid != nil {
			part.fail(codeOf(invalid), req.Version)
			return 0
		}
		h.Metrics.DownConversions.Add(1)
		part.p.Topic().DownConversions.Add(1)
		req.Conn.Seen.DownConversions.Add(1)
		if n := len(f.memory.out) - before; n > 0 {
			part.converted = f.memory.out[before:len(f.memory.out):len(f.memory.out)]
			part.answer.RecordsLen = n
			return n
		}
		if len(stored) > 0 {
			break // the next message is larger than the limit
		}
		from, most = next, convertReadBytes
	}
	return 0
}

// conversionMemory is how much one fetch is converted to, and how much of a compressed batch is held at a time meanwhile. Batches of any size get
// through, but not a single record that is larger: it may be as large as the topic's limit allows.
func (h *Handlers) conversionMemory(cfg *config.TopicConfig) int {
	return max(int(h.Config.Broker.Sockets.FetchConversionBytes), int(cfg.MaxMessageBytes)+minExpansion)
}

// What one batch can grow to when it is converted: a record of a few bytes becomes a message with a header of 34.
const (
	expansion    = 40
	minExpansion = 1 << 16
)

var errChecksum = errors.New("wrong checksum")

// readStored reads whole batches, at least one where there is one, and tells the offset behind them.
func (h *Handlers) readStored(f *fetchState, part *fetchPart, from int64, maxBytes int, upTo int64) (stored []byte, next int64, err error) {
	slice, err := part.p.Read(from, maxBytes, upTo, true, part.cursor)
	if err != nil {
		return nil, 0, err
	}
	defer slice.Release()
	if slice.Len() == 0 {
		return nil, from, nil // at the end of the log there is no file to read from
	}
	if f.memory == nil {
		f.memory = h.borrowConversion()
	}
	buf := f.memory.read(slice.Len())
	if _, err := slice.ReadAt(buf, 0); err != nil {
		return nil, 0, err
	}
	next = from
	whole := 0
	for rest := buf; len(rest) > 0; {
		b, after, err := batch.Next(rest)
		if errors.Is(err, batch.ErrTorn) {
			break
		}
		if err == nil && !b.ValidCRC() {
			err = errChecksum
		}
		if err != nil && whole > 0 {
			break // what comes before can be read; the next fetch begins here
		}
		if err != nil {
			return nil, 0, part.p.Log().Suspect(from, err)
		}
		whole += len(b)
		next = b.NextOffset()
		rest = after
	}
	return buf[:whole], next, nil
}
