package machine

import "github.com/twmb/franz-go/pkg/kerr"

// ValidateTopicName returns what is wrong with a topic name in Kafka's words, or "".
func ValidateTopicName(name string) string {
	switch {
	case name == "":
		return "Topic name is invalid: the empty string is not allowed"
	case name == ".", name == "..":
		return "Topic name is invalid: '" + name + "' is not allowed"
	case len(name) > MaxTopicNameBytes:
		return "Topic name is invalid: the length of '" + name + "' is longer than the max allowed length 249"
	}
	for i := range len(name) {
		if !topicNameByte(name[i]) {
			return "Topic name is invalid: '" + name + "' contains one or more characters other than " +
				"ASCII alphanumerics, '.', '_' and '-'"
		}
	}
	return ""
}

func topicNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

// checkNewTopicName is what Kafka checks of a name before anything else of a topic.
func (m *Machine) checkNewTopicName(name string) *apiError {
	if name == MetadataTopic {
		return refuse(kerr.InvalidRequest, "Creation of internal topic %s is prohibited.", MetadataTopic)
	}
	if m.img.Topic(name) != nil {
		return refuse(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	if fault := ValidateTopicName(name); fault != "" {
		return refuse(kerr.InvalidTopicException, "%s", fault)
	}
	if other, ok := m.img.CollidingTopic(name); ok {
		return refuse(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", name, other)
	}
	return nil
}
