package protocol

import (
	"bytes"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestFlexibleVersionsAreThoseOfKmsg(t *testing.T) {
	for key := int16(-2); key < kmsg.MaxKey+3; key++ {
		req := kmsg.RequestForKey(key)
		if (req != nil) != known(key) {
			t.Errorf("API %d: known to us %v, to kmsg %v", key, known(key), req != nil)
		}
		for version := int16(-1); req != nil && version <= req.MaxVersion()+1; version++ {
			req.SetVersion(version)
			if got, want := IsFlexible(key, version), req.IsFlexible(); got != want {
				t.Errorf("API %d version %d: flexible %v, kmsg says %v", key, version, got, want)
			}
		}
	}
}

func TestParseRequestHeaderReadsWhatClientsWrite(t *testing.T) {
	for key := range int16(kmsg.MaxKey + 1) {
		if key == 7 {
			continue // ControlledShutdown 0 has no client id; only ZooKeeper-era brokers sent it
		}
		req := kmsg.RequestForKey(key)
		for version := range req.MaxVersion() + 1 {
			for _, id := range []string{"", "a client", "\xff\xfe"} {
				req.SetVersion(version)
				frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID(id)).AppendRequest(nil, req, 77)[4:]

				h, body, err := ParseRequestHeader(frame)

				want := RequestHeader{Key: key, Version: version, CorrelationID: 77, ClientID: id}
				if err != nil || h != want {
					t.Errorf("API %d version %d: %+v, err %v", key, version, h, err)
				}
				if !bytes.Equal(body, req.AppendTo(nil)) {
					t.Errorf("API %d version %d: body %x", key, version, body)
				}
			}
		}
	}
}

func TestParseRequestHeaderEdges(t *testing.T) {
	const fetch4, fetch12 = "\x00\x01\x00\x04\x00\x00\x00\x07", "\x00\x01\x00\x0c\x00\x00\x00\x07"
	tests := []struct {
		name, frame string
		err         error
		body        string
	}{
		{"empty", "", ErrMalformed, ""},
		{"no client id", fetch4, ErrMalformed, ""},
		{"null client id", fetch4 + "\xff\xffbody", nil, "body"},
		{"client id of -2 is null", fetch4 + "\xff\xfebody", nil, "body"},
		{"client id beyond the frame", fetch4 + "\x00\x03ab", ErrMalformed, ""},
		{"flexible without tags", fetch12 + "\xff\xff", ErrMalformed, ""},
		{"flexible, no tag", fetch12 + "\xff\xff\x00body", nil, "body"},
		{"flexible, unknown tag", fetch12 + "\xff\xff\x01\x05\x02xxbody", nil, "body"},
		{"tag beyond the frame", fetch12 + "\xff\xff\x01\x05\x03xx", ErrMalformed, ""},
		{"tag count 2^32-1", fetch12 + "\xff\xff\xff\xff\xff\xff\x0f", ErrMalformed, ""},
		{"unknown key", "\x7f\x00\x00\x00\x00\x00\x00\x07\xff\xff", ErrUnknownAPI, ""},
		{"negative key", "\xff\xff\x00\x00\x00\x00\x00\x07\xff\xff", ErrUnknownAPI, ""},
		{"HTTP", "GET / HTTP/1.1\r\n", ErrUnknownAPI, ""},
		{"version of the future", "\x00\x01\x03\xe8\x00\x00\x00\x07\xff\xff\x00body", nil, "body"},
		{"ApiVersions -1", "\x00\x12\xff\xff\x00\x00\x00\x07\xff\xffbody", nil, "body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, body, err := ParseRequestHeader([]byte(tt.frame))
			if !errors.Is(err, tt.err) || string(body) != tt.body {
				t.Errorf("body %q, err %v", body, err)
			}
		})
	}
}

func TestAppendResponseHeader(t *testing.T) {
	tests := []struct {
		key, version int16
		want         string
	}{
		{1, 11, "\x00\x00\x00\x07"},
		{1, 12, "\x00\x00\x00\x07\x00"},
		{17, 1, "\x00\x00\x00\x07"},
		{18, 0, "\x00\x00\x00\x07"},
		{18, 4, "\x00\x00\x00\x07"},
		{18, 99, "\x00\x00\x00\x07"},
		{60, 0, "\x00\x00\x00\x07\x00"},
	}
	for _, tt := range tests {
		if got := AppendResponseHeader(nil, tt.key, tt.version, 7); string(got) != tt.want {
			t.Errorf("API %d version %d: %x", tt.key, tt.version, got)
		}
	}
}

func TestHeadersDoNotAllocate(t *testing.T) {
	frame := []byte("\x00\x01\x00\x0c\x00\x00\x00\x07\x00\x08a client\x01\x05\x02xxbody")
	dst := make([]byte, 0, 16)
	if n := testing.AllocsPerRun(10, func() {
		h, _, _ := ParseRequestHeader(frame)
		dst = AppendResponseHeader(dst[:0], h.Key, h.Version, h.CorrelationID)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseRequestHeader(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x0c\x00\x00\x00\x07\x00\x08a client\x01\x05\x02xxbody"))
	f.Add([]byte("\x00\x12\xff\xff\x00\x00\x00\x07\xff\xff"))
	f.Add([]byte("\x00\x03\x00\x00\x00\x00\x00\x07\x00\x01a"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := ParseRequestHeader(frame)
		if err != nil {
			return
		}
		if len(body)+len(h.ClientID)+10 > len(frame) || !bytes.HasSuffix(frame, body) {
			t.Errorf("%x: header %+v, body %x", frame, h, body)
		}
	})
}
