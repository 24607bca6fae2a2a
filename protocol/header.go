package protocol

import (
	"errors"
	"fmt"
)

// ErrUnknownAPI is returned for an API key that no Kafka release known to us has. Kafka closes the connection, which old
// clients expect of brokers that do not know an API.
var ErrUnknownAPI = errors.New("unknown API key")

// apiVersions is the key of ApiVersions, whose response header never grew tags: a client reads it before it can know
// which version the broker speaks.
const apiVersions = 18

// RequestHeader is what stands before every request's body: header version 1, or 2 (with tags) where the API's version is
// flexible.
type RequestHeader struct {
	Key, Version  int16
	CorrelationID int32
	// ClientID aliases the frame and is valid only as long as that is: copy it (strings.Clone) to keep it. Null is "".
	// It is not checked for UTF-8.
	ClientID string
}

// ParseRequestHeader splits a frame (without its size) into header and body. The body aliases the frame. An unknown key
// gives ErrUnknownAPI; whether the *version* is served is the caller's question, who answers an unknown version of
// ApiVersions and closes on any other.
func ParseRequestHeader(frame []byte) (h RequestHeader, body []byte, err error) {
	r := reader{b: frame}
	h.Key, h.Version, h.CorrelationID = r.int16(), r.int16(), r.int32()
	if r.bad {
		return h, nil, fmt.Errorf("%w: header of %d bytes", ErrMalformed, len(frame))
	}
	if !known(h.Key) {
		return h, nil, fmt.Errorf("%w: %d", ErrUnknownAPI, h.Key)
	}
	// KIP-482 left the client id as it was in flexible headers too, so that a broker finds it in versions it does not know.
	h.ClientID, _ = r.string(false, true)
	r.skipTags(IsFlexible(h.Key, h.Version))
	if r.bad {
		return h, nil, fmt.Errorf("%w: header of API %d version %d", ErrMalformed, h.Key, h.Version)
	}
	return h, r.b, nil
}

// AppendResponseHeader appends the response header for a request of this key and version.
func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte {
	dst = appendInt32(dst, correlationID)
	return appendNoTags(dst, key != apiVersions && IsFlexible(key, version))
}

// IsFlexible reports whether requests of this key and version, their responses, and (but for ApiVersions) the headers of
// both are in the flexible encoding of KIP-482. It is false for unknown keys.
func IsFlexible(key, version int16) bool {
	return known(key) && flexibleFrom[key] != never && version >= int16(flexibleFrom[key])
}

func known(key int16) bool { return key >= 0 && int(key) < len(flexibleFrom) }

const never = -1

// flexibleFrom holds, by API key, the first flexible version.
var flexibleFrom = [...]int8{
	0: 9, 12, 6, 9, 4, 2, 6, 3, 8, 6, // Produce .. OffsetFetch
	10: 3, 6, 4, 4, 4, 5, 3, never, 3, 5, // FindCoordinator .. CreateTopics
	20: 4, 2, 2, 4, 3, 3, 3, 1, 3, 2, // DeleteTopics .. DescribeAcls
	30: 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, // CreateAcls .. RenewDelegationToken
	40: 2, 2, 2, 2, 1, 0, 0, never, 1, 1, // ExpireDelegationToken .. AlterClientQuotas
	50: 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, // DescribeUserScramCredentials .. FetchSnapshot
	60: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // DescribeCluster .. ConsumerGroupDescribe
	70: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	80: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	90: 0, 0, 0, 0, 0,
}
