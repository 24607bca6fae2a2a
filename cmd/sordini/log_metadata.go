package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode"

	metarecord "github.com/sordini/sordini/controller/record"
	"github.com/sordini/sordini/storage/inspect/decode"
)

// metadataDecoder decodes entries of __cluster_metadata. Ours begin with the byte 0 (docs/formats/metadata-log.md), records of Kafka's with the frame version 1.
func metadataDecoder() decode.Decoder {
	kafka := decode.Metadata()
	return func(offset int64, key, value []byte) (keyText, valueText []byte) {
		if len(value) == 0 || value[0] != 0 {
			return kafka(offset, key, value)
		}
		text, err := metadataEntry(value[1:])
		if err != nil {
			return nil, fmt.Appendf(nil, "Error at offset %d, skipping. %v", offset, err)
		}
		return nil, text
	}
}

// metadataEntry makes a JSON array of an entry's records, each as {"type", "data"}. The entry of a new leader has none.
func metadataEntry(list []byte) ([]byte, error) {
	out := []map[string]any{}
	if len(list) > 0 {
		records, err := metarecord.DecodeList(list)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			v := reflect.ValueOf(r).Elem()
			out = append(out, map[string]any{"type": v.Type().Name(), "data": plainValue(v)})
		}
	}
	return json.Marshal(out)
}

// plainValue makes a value of a record ready for JSON: fields in camelCase, ids in base64 as Kafka prints them.
func plainValue(v reflect.Value) any {
	if id, ok := v.Interface().([16]byte); ok {
		return base64.RawURLEncoding.EncodeToString(id[:])
	}
	switch v.Kind() {
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			fields[camelCase(v.Type().Field(i).Name)] = plainValue(v.Field(i))
		}
		return fields
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainValue(v.Index(i))
		}
		return list
	}
	return v.Interface()
}

// camelCase makes topicId of TopicID, isr of ISR and leaderEpoch of LeaderEpoch.
func camelCase(name string) string {
	out := []rune(name)
	for i, r := range out {
		next := i+1 < len(out) && unicode.IsLower(out[i+1])
		if i == 0 || i > 0 && unicode.IsUpper([]rune(name)[i-1]) && !next {
			out[i] = unicode.ToLower(r)
		}
	}
	return string(out)
}
