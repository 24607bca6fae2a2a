package config

// Type is the type of a config, with the number that DescribeConfigs uses for it on the wire.
type Type int8

// The types of Kafka's ConfigDef.
const (
	Unknown  Type = 0
	Boolean  Type = 1
	String   Type = 2
	Int      Type = 3
	Short    Type = 4
	Long     Type = 5
	Double   Type = 6
	List     Type = 7
	Class    Type = 8
	Password Type = 9
)

var typeNames = [...]string{"unknown", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"}

// String returns the name that Kafka's documentation uses.
func (t Type) String() string {
	if t < 0 || int(t) >= len(typeNames) {
		return "unknown"
	}
	return typeNames[t]
}

// Mode says how a broker config may be changed while the broker runs. Topic, group and client-metrics configs are always changeable.
type Mode uint8

// The modes of Kafka's documentation.
const (
	ReadOnly    Mode = iota // only by a restart
	PerBroker               // for one broker
	ClusterWide             // for one broker, or for all of them as a default
)

var modeNames = [...]string{"read-only", "per-broker", "cluster-wide"}

// String returns the name that Kafka's documentation uses.
func (m Mode) String() string { return modeNames[m] }

// null is the default of a config that has none. Kafka answers null for it, which is not the same as an empty string.
const null = "\x00"

// Definition is everything that is known about one config.
type Definition struct {
	Name string
	Type Type
	// Default is in the form in which DescribeConfigs shows it; see DefaultValue for the configs that have none.
	Default string
	// Check is nil where every value of the type is good.
	Check *Check
	Mode  Mode
	// Synonyms are the broker configs that a value comes from when it is not set itself, the first one that is set wins.
	// The broker configs of one quantity in several units carry the whole family, themselves included.
	Synonyms []Synonym
	// NoEffect is empty for a config that does something here, else the reason why it does nothing.
	NoEffect string
	// Own marks Sordini's own keys, Old those that current Kafka releases no longer have, Internal those that Kafka does not
	// document. All three are left out of a DescribeConfigs answer unless they are set or asked for by name.
	Own, Old, Internal bool
	// Doc is one or two sentences for DescribeConfigs and `sordini config explain`.
	Doc string
}

// Synonym names a broker config, and how many of the described config's units one of its units is (0 stands for 1).
type Synonym struct {
	Name string
	Unit int64
}

// DefaultValue returns the default and whether there is one.
func (d *Definition) DefaultValue() (string, bool) {
	if d.Default == null {
		return "", false
	}
	return d.Default, true
}

// Sensitive reports whether the value must never be shown.
func (d *Definition) Sensitive() bool { return d.Type == Password }

// hidden reports whether a DescribeConfigs answer leaves the config out when it is neither set nor asked for.
func (d *Definition) hidden() bool { return d.Own || d.Old || d.Internal }
