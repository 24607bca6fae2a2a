package decode

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Decoder turns the key and the value of the record at an offset into text. nil text is not printed.
type Decoder func(offset int64, key, value []byte) (keyText, valueText []byte)

// Text is the decoder of ordinary topics: bytes are text, as far as they are.
func Text(_ int64, key, value []byte) (keyText, valueText []byte) {
	if key != nil {
		keyText = AppendText([]byte{}, key)
	}
	if value != nil {
		valueText = AppendText([]byte{}, value)
	}
	return keyText, valueText
}

// Offsets decodes __consumer_offsets. What members of a consumer group said at a rebalance is decoded too.
func Offsets() Decoder {
	t, members := mustTable(groupSchemas), mustTable(clientSchemas)
	for _, v := range t.messages["GroupMetadataValue"] {
		v.schema.explainMembers(members)
	}
	return t.coordinator
}

// Transactions decodes __transaction_state.
func Transactions() Decoder { return mustTable(transactionSchemas).coordinator }

// ShareState decodes __share_group_state.
func ShareState() Decoder { return mustTable(shareSchemas).coordinator }

// coordinator decodes a record as all coordinators write them: the key begins with its type, the value with its version.
func (t *table) coordinator(offset int64, key, value []byte) (keyText, valueText []byte) {
	fail := func(reason string) ([]byte, []byte) {
		return fmt.Appendf(nil, "Error at offset %d, skipping. %s", offset, reason), nil
	}
	if len(key) < 2 {
		return fail("the record has no key that says its type")
	}
	id := int(int16(binary.BigEndian.Uint16(key)))
	name, ok := t.byType[id]
	if !ok {
		return fmt.Appendf(nil, "Unknown record type %d at offset %d, skipping.", id, offset), nil
	}
	keyText, err := t.find(name+"Key", 0).append(fmt.Appendf(nil, `{"type":"%d","data":`, id), key[2:])
	if err != nil {
		return fail("key of " + name + ": " + err.Error())
	}
	keyText = append(keyText, '}')
	if value == nil {
		return keyText, []byte("<DELETE>")
	}
	if len(value) < 2 {
		return fail("the value has no version")
	}
	version := int(int16(binary.BigEndian.Uint16(value)))
	s := t.find(name+"Value", version)
	if s == nil {
		return fail(fmt.Sprintf("version %d of the value of %s is not known", version, name))
	}
	valueText, err = s.append(fmt.Appendf(nil, `{"version":"%d","data":`, version), value[2:])
	if err != nil {
		return fail("value of " + name + ": " + err.Error())
	}
	return keyText, append(valueText, '}')
}

// Metadata decodes the records of a KRaft __cluster_metadata.
func Metadata() Decoder {
	t := mustTable(metadataSchemas)
	names := map[int]string{}
	for id, name := range t.byType {
		names[id] = constantName(name)
	}
	return func(offset int64, _, value []byte) (keyText, valueText []byte) {
		out, err := t.metadataRecord(names, value)
		if err != nil {
			return nil, fmt.Appendf(nil, "Error at %d, skipping. %v", offset, err)
		}
		return nil, out
	}
}

func (t *table) metadataRecord(names map[int]string, value []byte) ([]byte, error) {
	r := reader{b: value}
	var head [3]int // frame version, type, version
	for i := range head {
		n, err := r.uvarint()
		if err != nil {
			return nil, err
		}
		head[i] = int(n)
	}
	if head[0] != 1 {
		return nil, fmt.Errorf("frame version %d is not known", head[0])
	}
	name, ok := t.byType[head[1]]
	if !ok {
		return nil, fmt.Errorf("type %d is not known", head[1])
	}
	s := t.find(name, head[2])
	if s == nil {
		return nil, fmt.Errorf("version %d of %s is not known", head[2], name)
	}
	out, err := s.append(fmt.Appendf(nil, `{"type":"%s","version":%d,"data":`, names[head[1]], head[2]), r.b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return append(out, '}'), nil
}

// constantName makes NO_OP_RECORD of NoOpRecord.
func constantName(name string) string {
	var out strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToUpper(r))
	}
	return out.String()
}

// explainMembers makes a schema decode what GroupMetadataValue carries of consumers: their subscription and assignment.
func (s *schema) explainMembers(members *table) {
	for i := range s.root.fields {
		f := &s.root.fields[i]
		if f.name != "members" {
			continue
		}
		for j := range f.element.fields {
			switch m := &f.element.fields[j]; m.name {
			case "subscription":
				m.explain = func(b []byte) ([]byte, error) { return members.protocol("ConsumerProtocolSubscription", b) }
			case "assignment":
				m.explain = func(b []byte) ([]byte, error) { return members.protocol("ConsumerProtocolAssignment", b) }
			}
		}
	}
}

// protocol decodes a message that begins with its version.
func (t *table) protocol(name string, b []byte) ([]byte, error) {
	if len(b) < 2 {
		return nil, errShort
	}
	s := t.find(name, int(int16(binary.BigEndian.Uint16(b))))
	if s == nil {
		return nil, fmt.Errorf("version of %s is not known", name)
	}
	return s.append(nil, b[2:])
}

// Control returns the decoder of the control records that only a metadata log has, by their type: the text that follows the record's sizes,
// with a space before it. Abort and Commit are not among them.
func Control() func(controlType int16, value []byte) ([]byte, error) {
	t := mustTable(clientSchemas)
	return func(controlType int16, value []byte) ([]byte, error) {
		var label, name string
		switch controlType {
		case 2:
			label, name = " LeaderChange: ", "LeaderChangeMessage"
		case 3:
			label, name = " SnapshotHeader ", "SnapshotHeaderRecord"
		case 4:
			label, name = " SnapshotFooter ", "SnapshotFooterRecord"
		case 5:
			label, name = " KRaftVersion ", "KRaftVersionRecord"
		case 6:
			label, name = " KRaftVoters ", "VotersRecord"
		default:
			return []byte(" controlType: UNKNOWN(" + strconv.Itoa(int(controlType)) + ")"), nil
		}
		if len(value) < 2 {
			return nil, errShort
		}
		// The version that the message was written with is its own first field.
		s := t.find(name, int(int16(binary.BigEndian.Uint16(value))))
		if s == nil {
			return nil, fmt.Errorf("version of %s is not known", name)
		}
		return s.append([]byte(label), value)
	}
}

// appendBase64 appends bytes as a JSON string.
func appendBase64(dst []byte, enc *base64.Encoding, b []byte) []byte {
	return append(enc.AppendEncode(append(dst, '"'), b), '"')
}
