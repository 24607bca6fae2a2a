package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// readFacts reads a tab-separated file of what a real Kafka answered.
func readFacts(t *testing.T, file string, columns int) [][]string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) != columns {
			t.Fatalf("%s: %q has %d columns, want %d", file, line, len(row), columns)
		}
		rows = append(rows, row)
	}
	return rows
}

// mustNew is New for settings that are known to be good.
func mustNew(t *testing.T, layers ...Layer) *Values {
	t.Helper()
	v, _, err := New(Options{DataDir: "/data"}, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// settings makes a layer from key, value, key, value ...
func settings(pairs ...string) Layer {
	var layer Layer
	for i := 0; i < len(pairs); i += 2 {
		layer = append(layer, Setting{Key: pairs[i], Value: pairs[i+1], Origin: Origin{File: "server.properties", Line: i/2 + 1}})
	}
	return layer
}

func describeAll(v *Values) map[string][]Entry {
	ask := Describe{Synonyms: true, Docs: true}
	return map[string][]Entry{
		"topic": DescribeTopic(v, nil, ask), "broker": DescribeBroker(v, ask),
		"group": DescribeGroup(v, nil, ask), "client-metrics": DescribeClientMetrics(v, nil, ask),
	}
}

func text(value *string) string {
	if value == nil {
		return "null"
	}
	return *value
}

func TestDefaultsAreKafkas(t *testing.T) {
	// Given what Kafka 4.4 describes where nothing is set, and our own answer in the same situation.
	facts := readFacts(t, "testdata/kafka-4.4.0-defaults.tsv", 7)
	ours := describeAll(mustNew(t))
	count := map[string]int{}
	for _, f := range facts {
		kind, name := f[0], f[1]
		count[kind]++
		at := slices.IndexFunc(ours[kind], func(e Entry) bool { return e.Name == name })
		if at < 0 {
			t.Errorf("%s %s: missing", kind, name)
			continue
		}
		// Then each entry agrees in everything that clients can see.
		e := ours[kind][at]
		got := []string{kind, name, e.Type.String(), text(e.Value), word(e.ReadOnly, "read-only", "dynamic"), word(e.Sensitive, "sensitive", "plain"), defaultSynonyms(e)}
		want := slices.Clone(f)
		if f[3] == "?" {
			got[3], want[3], got[6], want[6] = "", "", "", ""
		}
		if name == "log.cleaner.dedupe.buffer.size" { // our own default is smaller, as its explanation says
			got[3], want[3] = "", ""
		}
		if name == "broker.id" || name == "node.id" { // Kafka has no default for the one, and -1 for the other
			got[3], want[3], got[6], want[6] = "", "", "", ""
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if e.Source != SourceDefault || !e.IsDefault {
			t.Errorf("%s %s: source %d, is default %t", kind, name, e.Source, e.IsDefault)
		}
	}
	// And there are no others, because tools copy all entries from one cluster to another.
	for kind, entries := range ours {
		if len(entries) != count[kind] {
			t.Errorf("%s: %d entries, Kafka has %d", kind, len(entries), count[kind])
		}
	}
}

func word(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func defaultSynonyms(e Entry) string {
	var out []string
	for _, s := range e.Synonyms {
		out = append(out, s.Name)
	}
	return strings.Join(out, ",")
}

func TestDefinitionsAreComplete(t *testing.T) {
	for kind := range kindCount {
		for i, d := range registry.All(kind) {
			if i > 0 && registry.All(kind)[i-1].Name == d.Name {
				t.Errorf("%s %s: defined twice", kind, d.Name)
			}
			if d.Type == Unknown || d.Default == "" && d.Type != String && d.Type != List && d.Type != Class {
				t.Errorf("%s %s: type %s, default %q", kind, d.Name, d.Type, d.Default)
			}
			if len(d.Doc) < 20 || !strings.HasSuffix(d.Doc, ".") {
				t.Errorf("%s %s: doc %q", kind, d.Name, d.Doc)
			}
			if value, ok := d.DefaultValue(); ok && d.canonical(value) != value {
				t.Errorf("%s %s: default %q is shown as %q", kind, d.Name, value, d.canonical(value))
			}
			if value, ok := d.DefaultValue(); ok {
				if _, problem := d.validate(value); problem != "" {
					t.Errorf("%s %s: default %q: %s", kind, d.Name, value, problem)
				}
			}
			for _, s := range d.Synonyms {
				if registry.Lookup(BrokerKind, s.Name) == nil {
					t.Errorf("%s %s: there is no synonym %s", kind, d.Name, s.Name)
				}
			}
			if d.Own != strings.HasPrefix(d.Name, "sordini.") {
				t.Errorf("%s %s: own is %t", kind, d.Name, d.Own)
			}
		}
	}
}

// The word "effective" in documentation and messages must be true at least in so far as somebody reads the config.
func TestEffectiveMeansRead(t *testing.T) {
	// Given values that note what is read.
	v := mustNew(t)
	read := map[string]bool{}
	v.onRead = func(name string) { read[name] = true }
	// When everything is resolved.
	v.resolve(Options{})
	Topic(v, nil)
	// Then exactly the effective configs were read, and some that will be; those that are folded into others were so before.
	folded := []string{"advertised.host.name", "advertised.port", "host.name", "port", "broker.id", "advertised.listeners"}
	for _, d := range registry.All(BrokerKind) {
		effective := d.NoEffect == "" && !slices.Contains(folded, d.Name)
		planned := slices.Contains([]string{notDescribed, withRetention, oneNode}, d.NoEffect)
		if effective != read[d.Name] && !(planned && read[d.Name]) {
			t.Errorf("%s: effective %t, read %t", d.Name, effective, read[d.Name])
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"log.retnetion.ms", "log.retention.ms"},
		{"num.partition", "num.partitions"},
		{"advertised.listener", "advertised.listeners"},
		{"listners", "listeners"},
		{"completely.different", ""},
		{"", ""},
	} {
		if got := registry.Suggest(BrokerKind, c.name); got != c.want {
			t.Errorf("%q: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFormatDoubleAsJava(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string
	}{{0.5, "0.5"}, {1, "1.0"}, {0, "0.0"}, {0.001, "0.001"}, {0.0005, "5.0E-4"}, {1e7, "1.0E7"}, {1.7976931348623157e308, "1.7976931348623157E308"}, {123456.75, "123456.75"}, {-2.5e10, "-2.5E10"}} {
		if got := formatDouble(c.value); got != c.want {
			t.Errorf("%v: got %q, want %q", c.value, got, c.want)
		}
	}
}
