package oracle

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// An answer becomes lines of "path=value", one for each field that is not at its default. Elements of lists stand under the name that is in
// them, so that order does not matter and a missing one is seen.

// elementNames are the fields by which an element of a list is known, the first that it has.
var elementNames = []string{"Topic", "TopicID", "TransactionalID", "Group", "Key", "Name", "ResourceName", "ApiKey", "NodeID", "Partition", "MemberID", "FirstOffset", "BatchIndex"}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

var address = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// clock is in the message that refuses a record's time.
var clock = regexp.MustCompile(`within \[[0-9]+, [0-9]+\]`)

// otherRun is a name that another session made. Topics that only a Kafka makes for itself are left out too.
var otherRun = regexp.MustCompile(`^o[0-9a-f]{4}-[0-9]+-`)

func (s *session) render(resp kmsg.Response) []string {
	var lines []string
	s.fields("", reflect.ValueOf(resp).Elem(), &lines)
	sort.Strings(lines)
	return lines
}

func (s *session) fields(path string, v reflect.Value, lines *[]string) {
	fresh := reflect.New(v.Type())
	if d, ok := fresh.Interface().(interface{ Default() }); ok {
		d.Default()
	}
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		at := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case name == "Version" && path == "":
		case name == "UnknownTags":
			if n := f.Addr().MethodByName("Len").Call(nil)[0].Int(); n > 0 {
				*lines = append(*lines, fmt.Sprintf("%s=%d", at, n))
			}
		case name == "Partitions" && strings.HasSuffix(path, "[__consumer_offsets]") && f.Len() > 1:
			*lines = append(*lines, fmt.Sprintf("%s=%d", at, f.Len())) // they are all alike
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			s.elements(at, name, f, lines)
		case f.Kind() == reflect.Struct:
			s.fields(at, f, lines)
		case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct:
			if !f.IsNil() {
				s.fields(at, f.Elem(), lines)
			}
		case name == "RecordBatches":
			s.records(at, f.Bytes(), f.IsNil(), lines)
		default:
			if got := s.value(name, f); got != s.value(name, fresh.Elem().Field(i)) {
				*lines = append(*lines, at+"="+got)
			}
		}
	}
}

func (s *session) elements(at, name string, list reflect.Value, lines *[]string) {
	if list.Len() == 0 {
		if name == "AbortedTransactions" && !list.IsNil() {
			*lines = append(*lines, at+"=[]")
		}
		return
	}
	seen := map[string]int{}
	for i := range list.Len() {
		e := list.Index(i)
		if c, ok := e.Interface().(kmsg.CreateTopicsResponseTopicConfig); ok && (c.Source == 3 || c.Source == 5) {
			continue // a default: "describe configs" compares them
		}
		key := s.elementName(e)
		if key == "" {
			key = strconv.Itoa(i)
		}
		if otherRun.MatchString(key) || strings.HasPrefix(key, "__") && strings.HasSuffix(key, "_state") {
			continue
		}
		if seen[key]++; seen[key] > 1 {
			key = fmt.Sprintf("%s#%d", key, seen[key])
		}
		before := len(*lines)
		s.fields(at+"["+key+"]", e, lines)
		if len(*lines) == before {
			*lines = append(*lines, at+"["+key+"]=")
		}
	}
}

func (s *session) elementName(e reflect.Value) string {
	named := ""
	for _, name := range elementNames {
		f := e.FieldByName(name)
		if !f.IsValid() {
			continue
		}
		if !f.IsZero() {
			return strings.Trim(s.value(name, f), `"`)
		}
		if named == "" {
			named = name + " " + s.value(name, f) // "Partition 0" is as good a name as any
		}
	}
	return strings.TrimPrefix(named, "Partition ")
}

// value is one field as text, without what changes from run to run.
func (s *session) value(name string, v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return s.value(name, v.Elem())
	case reflect.String:
		if name == "Documentation" {
			return "<text>" // everybody has words of his own
		}
		if (name == "Value" || name == "Dir") && strings.HasPrefix(v.String(), "/") {
			return "<a path>"
		}
		return strconv.Quote(s.text(v.String()))
	case reflect.Slice:
		if b, ok := v.Interface().([]byte); ok {
			if b == nil {
				return "null"
			}
			return strconv.Quote(s.text(string(b)))
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = s.value(name, v.Index(i))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	plain := fmt.Sprint(v.Interface())
	if word, ok := s.words[plain]; ok && (v.Kind() == reflect.Array || s.distinct(name)) {
		return "<" + word + ">"
	}
	switch {
	case v.Kind() == reflect.Array && v.IsZero():
		return "<no id>"
	case v.Kind() == reflect.Array:
		return "<an id>"
	case (name == "TotalBytes" || name == "UsableBytes") && v.Int() > 0:
		return "<bytes of the disk>"
	case s.api == kmsg.DescribeQuorum && (name == "LogEndOffset" || name == "HighWatermark" || name == "LeaderEpoch") && v.Int() > 0:
		return "<progress>"
	case name == "FinalizedFeaturesEpoch" && v.Int() >= 0:
		return "<an epoch>"
	case name == "Port" && plain == s.target.port:
		return "<port>"
	case name == "ProducerID" && v.Int() >= 0:
		return "<a producer id>"
	case name == "SessionID" && v.Int() != 0:
		return "<a session>"
	case v.Kind() == reflect.Int64 && nearNow(v.Int()):
		return "<now>"
	}
	return plain
}

// distinct tells of numbers for which a script can make words.
func (s *session) distinct(name string) bool { return name == "ProducerID" || name == "SessionID" }

func (s *session) text(t string) string {
	t = strings.ReplaceAll(t, s.prefix, "")
	t = strings.ReplaceAll(t, s.target.clusterID, "<cluster>")
	t = address.ReplaceAllString(t, "127.0.0.1:<port>")
	t = clock.ReplaceAllString(t, "within <times>")
	return uuid.ReplaceAllString(t, "<uuid>")
}

func nearNow(ms int64) bool {
	d := time.Now().UnixMilli() - ms
	return -86_400_000 < d && d < 86_400_000
}

// firstCode is the first error code that is not 0, however deep it is.
func firstCode(resp kmsg.Response) int16 { return codeIn(reflect.ValueOf(resp).Elem()) }

func codeIn(v reflect.Value) int16 {
	switch v.Kind() {
	case reflect.Struct:
		if f := v.FieldByName("ErrorCode"); f.IsValid() && f.Int() != 0 {
			return int16(f.Int())
		}
		for i := range v.NumField() {
			if code := codeIn(v.Field(i)); code != 0 {
				return code
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Type().Elem().Kind() != reflect.Struct {
				break
			}
			if code := codeIn(v.Index(i)); code != 0 {
				return code
			}
		}
	}
	return 0
}
