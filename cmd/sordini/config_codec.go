package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/magiconair/properties"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

var errReadOnlyCodec = errors.New("configuration files are only read")

// propertiesCodec reads Java's properties for viper. ${...} stays as it is: Kafka's config providers would replace it, not the file format.
type propertiesCodec struct{}

func (propertiesCodec) Encode(map[string]any) ([]byte, error) { return nil, errReadOnlyCodec }

func (propertiesCodec) Decode(content []byte, into map[string]any) error {
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(content)
	if err != nil {
		return err
	}
	for key, value := range p.Map() {
		// viper folds keys to lower case and would pick any of two that differ in nothing else.
		into[strings.ToLower(key)] = value
	}
	return nil
}

// propertiesLines finds the line on which each key stands last. It follows continued lines, and need not understand escapes in keys, for no config has any.
func propertiesLines(content []byte) map[string]int {
	lines := map[string]int{}
	continued := false
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSuffix(line, "\r")
		text := strings.TrimLeft(line, " \t\f")
		isNew := !continued
		comment := isNew && (text == "" || text[0] == '#' || text[0] == '!')
		backslashes := len(line) - len(strings.TrimRight(line, `\`))
		continued = !comment && backslashes%2 == 1
		if comment || !isNew {
			continue
		}
		key := text
		if end := strings.IndexAny(text, "=: \t\f"); end >= 0 {
			key = text[:end]
		}
		lines[strings.ToLower(key)] = i + 1
	}
	return lines
}

// yamlCodec reads YAML for viper with the scalars as they were written, because 1.0E3 or 010 must reach the registry untouched. It notes the line of each key.
type yamlCodec struct{ lines map[string]int }

func (yamlCodec) Encode(map[string]any) ([]byte, error) { return nil, errReadOnlyCodec }

func (c yamlCodec) Decode(content []byte, into map[string]any) error {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return nil
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: it must hold keys and values, as in num.partitions: 3", root.Line)
	}
	return c.mapping(root, "", into)
}

// mapping flattens nested mappings into dotted keys, which are Kafka's names.
func (c yamlCodec) mapping(node *yaml.Node, prefix string, into map[string]any) error {
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a key must be a single word", key.Line)
		}
		name := prefix + strings.ToLower(key.Value)
		if value.Kind == yaml.MappingNode {
			if err := c.mapping(value, name+".", into); err != nil {
				return err
			}
			continue
		}
		text, isSet, err := scalarText(value)
		if err != nil {
			return err
		}
		if _, twice := into[name]; twice {
			return fmt.Errorf("line %d: key %s stands there twice", key.Line, name)
		}
		if isSet {
			into[name] = text
			c.lines[name] = key.Line
		}
	}
	return nil
}

// scalarText returns a value as a properties file would hold it: a list is joined with commas, and null is as good as not there.
func scalarText(node *yaml.Node) (text string, isSet bool, err error) {
	switch {
	case node.Kind == yaml.SequenceNode:
		items := make([]string, 0, len(node.Content))
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false, fmt.Errorf("line %d: a list may hold only plain values", item.Line)
			}
			items = append(items, item.Value)
		}
		return strings.Join(items, ","), true, nil
	case node.Kind != yaml.ScalarNode:
		return "", false, fmt.Errorf("line %d: aliases are not supported here", node.Line)
	case node.Tag == "!!null":
		return "", false, nil
	}
	return node.Value, true, nil
}

func sortedKeys(v *viper.Viper) []string {
	keys := v.AllKeys()
	slices.Sort(keys)
	return keys
}
