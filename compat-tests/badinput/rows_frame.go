package badinput

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func size(n int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func sized(body []byte) []byte { return append(size(int32(len(body))), body...) }

// frameRows are about the size and what follows it, before anything is a request.
func frameRows() []row {
	apiVersions := frameOf(kmsg.NewPtrApiVersionsRequest(), rowID)
	half := raw("half a frame, then silence", unanswered, apiVersions[:len(apiVersions)-3])
	half.stuck = true
	claim := raw("a frame of 100 MB is claimed, ten bytes come", unanswered, append(size(100_000_000), apiVersions[4:14]...))
	claim.stuck = true
	return []row{
		raw("size -1", closed, append(size(-1), 0, 0, 0, 0)),
		raw("size -2^31", closed, append(size(-1<<31), 0, 0, 0, 0)),
		raw("size 2^31-1", closed, append(size(1<<31-1), apiVersions[4:]...)),
		raw("size over socket.request.max.bytes by one", closed, append(size(104_857_601), apiVersions[4:]...)),
		raw("size 0", closed, size(0)),
		raw("HTTP", closed, []byte("GET / HTTP/1.1\r\nHost: broker\r\n\r\n")),
		raw("TLS hello", closed, append([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03}, bytes.Repeat([]byte{7}, 64)...)),
		half,
		claim,
	}
}

// frame puts a hand-made header before a body: key, version, correlation id, and whatever rest of the header is given.
func frame(key, version int16, rest, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, rowID)
	return sized(append(append(b, rest...), body...))
}

var (
	clientID = []byte{0, 3, 'b', 'a', 'd'} // the rest of a header of version 1
	noTags   = []byte{0}
)

// withTags is the rest of a header of version 2.
func withTags(tags []byte) []byte { return append(bytes.Clone(clientID), tags...) }

// headerRows are about the request header and the choice of API and version.
func headerRows() []row {
	all := metadataRequest(1).AppendTo(nil)     // null: all topics
	modern := metadataRequest(12).AppendTo(nil) // its header has tags
	rows := []row{
		raw("3 bytes", closed, sized([]byte{0, 18, 0})),
		raw("no client id", closed, frame(3, 1, nil, nil)),
		raw("client id longer than the frame", closed, frame(3, 1, []byte{0x7f, 0xff, 'b'}, nil)),
		raw("client id null", ok, frame(3, 1, []byte{0xff, 0xff}, all)),
		raw("client id of length -2", ok, frame(3, 1, []byte{0xff, 0xfe}, all)),
		raw("client id that is not UTF-8", ok, frame(3, 1, []byte{0, 2, 0xff, 0xfe}, all)),
		raw("tags are announced and missing", closed, frame(3, 12, withTags([]byte{5}), nil)),
		raw("a tag longer than the frame", closed, frame(3, 12, withTags([]byte{1, 99, 0xff, 0x7f}), modern)),
		raw("tag count 2^32-1", closed, frame(3, 12, withTags([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}), modern)).kafka(ok, ""),
		raw("tag count that does not end", closed, frame(3, 12, withTags([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), modern)),
		raw("unknown tag", ok, frame(3, 12, withTags([]byte{1, 99, 2, 'h', 'i'}), modern)),
		raw("10,001 tags", closed, frame(3, 12, withTags(manyTags(10_001)), modern)).kafka(ok, ""),
		raw("API key 999", closed, frame(999, 0, clientID, nil)),
		raw("API key -1", closed, frame(-1, 0, clientID, nil)),
		raw("Metadata v99", closed, frame(3, 99, withTags(noTags), modern)),
		raw("Metadata v-1", closed, frame(3, -1, clientID, all)),
		raw("Produce v99", closed, frame(0, 99, withTags(noTags), nil)),
	}
	rows = append(rows,
		raw("ApiVersions v99", "top 35", frame(18, 99, withTags(noTags), []byte("whatever"))).check(onlyApiVersions),
		raw("ApiVersions v-1", "top 35", frame(18, -1, clientID, []byte("whatever"))).check(onlyApiVersions))
	return append(rows, controllerRows()...)
}

func manyTags(n int) []byte {
	b := binary.AppendUvarint(nil, uint64(n))
	for i := range n {
		b = append(binary.AppendUvarint(b, uint64(100+i)), 0)
	}
	return b
}

// onlyApiVersions: the one thing that a client of an unknown future needs to know is how to ask again.
func onlyApiVersions(_ *env, resp kmsg.Response) string {
	keys := resp.(*kmsg.ApiVersionsResponse).ApiKeys
	if len(keys) != 1 || keys[0].ApiKey != 18 || keys[0].MinVersion != 0 || keys[0].MaxVersion < 3 {
		return "want the versions of ApiVersions alone"
	}
	return ""
}

// controllerRows: requests between brokers and controllers are not for a client listener, even when they are whole.
func controllerRows() []row {
	var rows []row
	for _, key := range []int16{4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67} {
		r := kmsg.RequestForKey(key)
		r.SetVersion(r.MaxVersion())
		rows = append(rows, raw("for controllers: "+kmsg.NameForKey(key), closed, frameOf(r, rowID)))
	}
	return rows
}

// bodyRows are about bodies that do not decode, and about what a decoder must let pass.
func bodyRows() []row {
	long := bytes.Repeat([]byte{'a'}, 40_000)
	longName := binary.AppendUvarint([]byte{2}, uint64(len(long)+1)) // one topic with a compact name of 40,000 bytes
	longName = append(append(longName, long...), 0, 0, 0, 0, 0)
	produce := produceRequest(3, "t", 0, goodBatch()).AppendTo(nil)
	records := bytes.Index(produce, binary.BigEndian.AppendUint32(nil, uint32(len(goodBatch()))))
	overlong := patched(produce, func(b []byte) { binary.BigEndian.PutUint32(b[records:], 1<<20) })
	apiVersions3 := func(name, version string) []byte {
		r := kmsg.NewPtrApiVersionsRequest()
		r.Version, r.ClientSoftwareName, r.ClientSoftwareVersion = 3, name, version
		return frameOf(r, rowID)
	}
	one := metadataRequest(1, "abc").AppendTo(nil)
	return []row{
		raw("array count beyond the frame", closed, frame(3, 1, clientID, []byte{0x7f, 0xff, 0xff, 0xff})),
		raw("array count one too many", closed, frame(3, 1, clientID, patched(one, func(b []byte) { b[3] = 2 }))),
		raw("compact array count beyond the frame", closed, frame(3, 12, withTags(noTags), []byte{0xff, 0xff, 0xff, 0xff, 0x0f})),
		raw("records longer than the frame", closed, frame(0, 3, clientID, overlong)),
		raw("string longer than the frame", closed, frame(3, 1, clientID, []byte{0, 0, 0, 1, 0x10, 0, 'a'})),
		raw("compact string of 40,000 bytes", closed, frame(3, 9, withTags(noTags), longName)),
		raw("null where a string must be", closed, frame(3, 1, clientID, []byte{0, 0, 0, 1, 0xff, 0xff})),
		raw("null where an array must be", closed, frame(0, 3, clientID, []byte{0xff, 0xff, 0, 1, 0, 0, 0x10, 0, 0xff, 0xff, 0xff, 0xff})),
		raw("varint of six bytes", closed, frame(3, 9, withTags(noTags), []byte{0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0})),
		raw("cut short", closed, frame(3, 1, clientID, one[:len(one)-1])),
		raw("empty", closed, frame(3, 1, clientID, nil)),
		raw("array count -2 where null may be", ok, frame(3, 1, clientID, []byte{0xff, 0xff, 0xff, 0xfe})),
		raw("bytes left over", ok, frame(3, 1, clientID, append(metadataRequest(1).AppendTo(nil), 1, 2, 3))),
		raw("bytes left over behind tags", ok, sized(append(frameOf(metadataRequest(12), rowID)[4:], 1, 2, 3))),
		raw("unknown tag in the body", ok, frame(3, 12, withTags(noTags), append(bytes.Clone(metadataRequest(12).AppendTo(nil)[:len(metadataRequest(12).AppendTo(nil))-1]), 1, 77, 1, 'x'))),
		raw("topic name that is not UTF-8", "Topics 17", frame(3, 1, clientID, []byte{0, 0, 0, 1, 0, 3, 'a', 0xff, 'b'})),
		raw("ApiVersions v3 without a software name", "top 42", apiVersions3("", "1.0")),
		raw("ApiVersions v3 without a software version", "top 42", apiVersions3("bad", "")),
		raw("ApiVersions v3 with a blank in the name", "top 42", apiVersions3("bad name", "1.0")),
		raw("ApiVersions v3 whose name begins with a dash", "top 42", apiVersions3("-bad", "1.0")),
	}
}
