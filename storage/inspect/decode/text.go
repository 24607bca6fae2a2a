package decode

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendText appends bytes as Java's new String(bytes, UTF_8) has them: what is no UTF-8 becomes U+FFFD, as often as Java does it, which
// is not as often as Go does.
func AppendText(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			n = malformed(b)
		}
		dst = utf8.AppendRune(dst, r)
		b = b[n:]
	}
	return dst
}

// malformed is how many bytes Java replaces by one U+FFFD: the longest beginning of a sequence, or one byte. A surrogate is one of three bytes.
func malformed(b []byte) int {
	at := func(i int) (byte, bool) {
		if i >= len(b) {
			return 0, false
		}
		return b[i], true
	}
	lead := b[0]
	second, ok := at(1)
	if !ok {
		return 1
	}
	third, haveThird := at(2)
	switch {
	case lead >= 0xc2 && lead <= 0xdf:
		return 1
	case lead >= 0xe0 && lead <= 0xef:
		if lead == 0xe0 && second&0xe0 == 0x80 || !continues(second) {
			return 1
		}
		if haveThird && continues(third) {
			return 3
		}
		return 2
	case lead >= 0xf0 && lead <= 0xf4:
		if lead == 0xf0 && (second < 0x90 || second > 0xbf) || lead == 0xf4 && second&0xf0 != 0x80 || !continues(second) {
			return 1
		}
		if !haveThird || !continues(third) {
			return 2
		}
		return 3
	}
	return 1
}

func continues(b byte) bool { return b&0xc0 == 0x80 }

// appendString appends a JSON string as Jackson writes it: only quotes, backslashes and control characters are escaped.
func appendString(dst, b []byte) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	for _, c := range AppendText(nil, b) {
		if i := strings.IndexByte("\"\\\b\f\n\r\t", c); i >= 0 {
			dst = append(dst, '\\', `"\bfnrt`[i])
			continue
		}
		if c < 0x20 {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// appendDouble appends a number as Java's Double.toString has it.
func appendDouble(dst []byte, v float64) []byte {
	switch abs := math.Abs(v); {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 0):
		if v < 0 {
			return append(dst, `"-Infinity"`...)
		}
		return append(dst, `"Infinity"`...)
	case abs == 0 || abs >= 1e-3 && abs < 1e7:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return append(dst, text...)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return append(dst, mantissa+"E"+strconv.Itoa(n)...)
}
