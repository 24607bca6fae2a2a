package decode

import "testing"

// Java replaces a malformed sequence once where Go does it byte by byte, and a surrogate once where others do it three times.
func TestBytesAreTextAsInJava(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"plain":                 "plain",
		"\ufffd":                "\ufffd",
		"a\xffb":                "a\ufffdb",
		"\xc0\x80":              "\ufffd\ufffd",
		"\xc3":                  "\ufffd",
		"\xc3(":                 "\ufffd(",
		"\xe2\x82":              "\ufffd",
		"\xe2\x82x":             "\ufffdx",
		"\xe0\x80\x80":          "\ufffd\ufffd\ufffd",
		"\xed\xa0\x80":          "\ufffd",
		"\xf0\x9f\x98":          "\ufffd",
		"\xf0\x9f\x98x":         "\ufffdx",
		"\xf0\x80\x80\x80":      "\ufffd\ufffd\ufffd\ufffd",
		"\xf4\x90\x80\x80":      "\ufffd\ufffd\ufffd\ufffd",
		"\xf5\x80\x80\x80":      "\ufffd\ufffd\ufffd\ufffd",
		"\xf0\x9f\x98\x80 \xf0": "\U0001f600 \ufffd",
	} {
		if got := string(AppendText(nil, []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDoublesAreTextAsInJava(t *testing.T) {
	for want, in := range map[string]float64{"0.0": 0, "1.5": 1.5, "1048576.0": 1048576, "1.0E7": 1e7, "1.234E-5": 1.234e-5, "-12.0": -12, "0.001": 0.001} {
		if got := string(appendDouble(nil, in)); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
}

func TestARecordThatCannotBeDecodedSaysWhere(t *testing.T) {
	for _, c := range []struct {
		decoder    Decoder
		key, value []byte
		wantKey    string
		wantValue  string
	}{
		{Offsets(), nil, []byte{0}, "Error at offset 9, skipping. the record has no key that says its type", ""},
		{Offsets(), []byte{0, 99}, nil, "Unknown record type 99 at offset 9, skipping.", ""},
		{Offsets(), []byte{0, 2, 0, 1, 'g'}, nil, `{"type":"2","data":{"group":"g"}}`, "<DELETE>"},
		{Offsets(), []byte{0, 2, 0, 1, 'g'}, []byte{0, 77}, "Error at offset 9, skipping. version 77 of the value of GroupMetadata is not known", ""},
		{Metadata(), nil, []byte{2}, "", "Error at 9, skipping. the record ends too early"},
		{Metadata(), nil, []byte{1, 20, 0, 0}, "", `{"type":"NO_OP_RECORD","version":0,"data":{}}`},
	} {
		k, v := c.decoder(9, c.key, c.value)
		if string(k) != c.wantKey || string(v) != c.wantValue {
			t.Errorf("%x %x: %q %q, want %q %q", c.key, c.value, k, v, c.wantKey, c.wantValue)
		}
	}
}
