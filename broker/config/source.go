package config

import "fmt"

// Source says where a value comes from, with the number that DescribeConfigs uses for it on the wire.
type Source int8

// The sources of DescribeConfigs.
const (
	SourceUnknown              Source = 0
	SourceDynamicTopic         Source = 1
	SourceDynamicBroker        Source = 2
	SourceDynamicDefaultBroker Source = 3
	SourceStaticBroker         Source = 4
	SourceDefault              Source = 5
	SourceBrokerLogger         Source = 6
	SourceClientMetrics        Source = 7
	SourceGroup                Source = 8
)

// Origin is the place at which a setting was written, for messages to people.
type Origin struct {
	File string // the file as it was named, or a word such as "environment" or "command line"
	Line int    // 0 when it is not known
	Name string // the key as it was written there, when that differs from the config's name: KAFKA_LOG_DIRS
}

// String shows the place as file:line, or as the variable's name.
func (o Origin) String() string {
	switch {
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case o.Name != "":
		return o.File + " " + o.Name
	}
	return o.File
}

// Setting is one key as somebody wrote it.
type Setting struct {
	Key, Value string
	Origin     Origin
	// derived marks what New worked out from other keys.
	derived bool
}

// Layer holds the settings of one place in the order in which they stand there. The last one of a key wins, as in Java's properties.
type Layer []Setting

// WarningKind tells the kinds of message apart, because each needs another reaction.
type WarningKind uint8

// The kinds of Warning.
const (
	WarnUnknown     WarningKind = iota // no such key: most likely a typing error
	WarnNoEffect                       // a key of Kafka that does nothing here
	WarnOld                            // an old key that was folded into a new one
	WarnNotice                         // something that was decided and is good to know
	WarnUnprotected                    // a key of Kafka that should protect something, and does nothing here
)

// Warning is something that a person should know and that does not prevent the start.
type Warning struct {
	Kind   WarningKind
	Key    string
	Origin Origin
	Text   string // a full sentence without the origin
	Reason string // of a key without effect: why it has none
}

// String is the warning as one line.
func (w Warning) String() string {
	if w.Origin.File == "" {
		return w.Text
	}
	return w.Origin.String() + ": " + w.Text
}

// ValueError is a value with which the broker must not start.
type ValueError struct {
	Key, Value string
	Origin     Origin
	Problem    string // what is wrong and what to do
}

// Error is one line that names key, value, place and what to do.
func (e *ValueError) Error() string {
	line := fmt.Sprintf("%s=%s: %s", e.Key, e.Value, e.Problem)
	if e.Origin.File == "" {
		return line
	}
	return e.Origin.String() + ": " + line
}
