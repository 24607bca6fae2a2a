package group

import (
	"encoding/binary"
	"errors"
	"slices"
)

// consumerProtocolType is the protocol type of consumers; the metadata of such
// a member begins with the topics it subscribes to.
const consumerProtocolType = "consumer"

var errSubscription = errors.New("consumer protocol metadata cannot be read")

// subscribedTopics reads the topics of ConsumerProtocolSubscription: an int16
// version, then an array of strings, then bytes or null. All versions begin like
// version 0. As in Kafka, a group with a member whose metadata breaks off before
// that counts as one whose subscriptions are not known.
func subscribedTopics(metadata []byte) ([]string, error) {
	if len(metadata) < 6 || int16(binary.BigEndian.Uint16(metadata)) < 0 {
		return nil, errSubscription
	}
	count, b := int32(binary.BigEndian.Uint32(metadata[2:])), metadata[6:]
	if count < 0 || int(count) > len(b)/2 {
		return nil, errSubscription
	}
	topics := make([]string, 0, count)
	for range count {
		if len(b) < 2 {
			return nil, errSubscription
		}
		size := int(int16(binary.BigEndian.Uint16(b)))
		if b = b[2:]; size < 0 || size > len(b) {
			return nil, errSubscription
		}
		topics, b = append(topics, string(b[:size])), b[size:]
	}
	// The user data. What comes after it in later versions does not matter here.
	if len(b) < 4 {
		return nil, errSubscription
	}
	if size := int32(binary.BigEndian.Uint32(b)); size < -1 || int(size) > len(b)-4 {
		return nil, errSubscription
	}
	return topics, nil
}

func sortedSet(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
