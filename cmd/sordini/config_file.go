package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/viper"

	"github.com/sordini/sordini/broker/config"
)

// maxConfigFile is the most that is read of a configuration file.
const maxConfigFile = 4 << 20

// keyDelimiter separates the levels of nested YAML keys. It is not viper's dot, because Kafka's keys contain dots, and some are the beginnings of others.
const keyDelimiter = "::"

// readConfigFile reads a .properties file, or a YAML file with the same keys flat or nested.
func readConfigFile(path string) (config.Layer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file %s: %w", path, reason(err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file %s: %w", path, reason(err))
	}
	if len(content) > maxConfigFile {
		return nil, fmt.Errorf("the configuration file %s is larger than %d bytes; is it the right file?", path, maxConfigFile)
	}
	return parseConfigFile(path, content)
}

// parseConfigFile makes a layer from a file's content; the name decides the format.
func parseConfigFile(path string, content []byte) (config.Layer, error) {
	format, lines := "properties", propertiesLines(content)
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		format, lines = "yaml", map[string]int{}
	}
	codecs := viper.NewCodecRegistry()
	if err := errors.Join(
		codecs.RegisterCodec("properties", propertiesCodec{}),
		codecs.RegisterCodec("yaml", yamlCodec{lines: lines}),
	); err != nil {
		return nil, err
	}
	v := viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter), viper.WithCodecRegistry(codecs))
	v.SetConfigType(format)
	if err := v.ReadConfig(bytes.NewReader(content)); err != nil {
		var wrapped viper.ConfigParseError
		if errors.As(err, &wrapped) {
			err = wrapped.Unwrap()
		}
		return nil, fmt.Errorf("cannot read the configuration file %s: %s", path, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	var layer config.Layer
	for _, key := range sortedKeys(v) {
		name := strings.ReplaceAll(key, keyDelimiter, ".")
		layer = append(layer, config.Setting{Key: name, Value: v.GetString(key), Origin: config.Origin{File: path, Line: lines[name]}})
	}
	return layer, nil
}

// reason strips the name of the file from an error that the caller has already put into its sentence.
func reason(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}
