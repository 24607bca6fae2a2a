package config

import (
	"math"
	"strconv"
	"strings"
)

// parsed is a value after its type was applied. Only the field of its type is set.
type parsed struct {
	text    string // string, class, password
	number  int64
	double  float64
	boolean bool
	list    []string
}

// parse applies a type to a value as it was written: Kafka trims first. It returns Kafka's words for what is wrong, or "".
func parse(t Type, value string) (parsed, string) {
	if t != Password {
		value = strings.TrimSpace(value)
	}
	switch t {
	case Boolean:
		switch strings.ToLower(value) {
		case "true":
			return parsed{boolean: true}, ""
		case "false":
			return parsed{}, ""
		}
		return parsed{}, "Expected value to be either true or false"
	case Short:
		return parseInteger(value, 16, "SHORT")
	case Int:
		return parseInteger(value, 32, "INT")
	case Long:
		return parseInteger(value, 64, "LONG")
	case Double:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil && !math.IsInf(f, 0) || math.IsNaN(f) {
			return parsed{}, "Not a number of type DOUBLE"
		}
		return parsed{double: f}, ""
	case List:
		return parsed{list: splitList(value)}, ""
	default:
		return parsed{text: value}, ""
	}
}

func parseInteger(value string, bits int, name string) (parsed, string) {
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil {
		return parsed{}, "Not a number of type " + name
	}
	return parsed{number: n}, ""
}

// splitList splits at commas and trims. An empty value is an empty list.
func splitList(value string) []string {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil
	}
	items := strings.Split(value, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// format is the inverse of parse: the form in which DescribeConfigs shows a value, which is not always how it was written.
func (p parsed) format(t Type) string {
	switch t {
	case Boolean:
		return strconv.FormatBool(p.boolean)
	case Short, Int, Long:
		return strconv.FormatInt(p.number, 10)
	case Double:
		return formatDouble(p.double)
	case List:
		return strings.Join(p.list, ",")
	default:
		return p.text
	}
}

// formatDouble writes a double as Java does: plain between 0.001 and 10 million, else with an exponent, and never without a decimal.
func formatDouble(f float64) string {
	size := math.Abs(f)
	if math.IsInf(f, 0) {
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	}
	if size == 0 || size >= 1e-3 && size < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return mantissa
	}
	return mantissa + "E" + strconv.Itoa(n)
}

// canonical returns the shown form of a value that is known to be valid, or the value itself if it is not.
func (d *Definition) canonical(value string) string {
	p, problem := parse(d.Type, value)
	if problem != "" {
		return value
	}
	return p.format(d.Type)
}

// validate parses and checks one value. The text is Kafka's and fits behind "Invalid value X for configuration Y: ".
func (d *Definition) validate(value string) (parsed, string) {
	p, problem := parse(d.Type, value)
	if problem != "" {
		return p, problem
	}
	if d.Check != nil {
		problem = d.Check.try(d, p)
	}
	return p, problem
}
