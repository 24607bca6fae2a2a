package main

import (
	"os"
	"strings"

	"github.com/sordini/sordini/broker/config"
)

// configFlags are the flags by which a configuration is found and changed.
type configFlags struct {
	file      string
	dataDir   string
	overrides []string
}

// fileVariable names the configuration file when --config does not.
const fileVariable = "SORDINI_CONFIG"

// loaded is a configuration and what else was found on the way to it.
type loaded struct {
	values   *config.Values // nil when there are problems
	warnings []config.Warning
	file     string // "" when there is none
	maxHeap  int64  // -Xmx of KAFKA_HEAP_OPTS, or 0
}

// load puts the configuration together: defaults, then the file, then the environment, then --override and --data.
func (f configFlags) load(environ []string) (loaded, error) {
	l := loaded{file: f.file}
	if l.file == "" {
		l.file = variable(environ, fileVariable)
	}
	var fromFile config.Layer
	if l.file != "" {
		var err error
		if fromFile, err = readConfigFile(l.file); err != nil {
			return l, err
		}
	}
	env := config.FromEnvironment(environ)
	l.maxHeap = env.MaxHeapBytes
	overrides, err := config.FromOverrides(f.overrides)
	if err != nil {
		return l, err
	}
	if f.dataDir != "" {
		overrides = append(overrides, config.Setting{Key: "log.dirs", Value: f.dataDir, Origin: config.Origin{File: "command line", Name: "--data"}})
	}
	options := config.Options{DataDir: defaultDataDir(os.Geteuid(), environ), ClusterID: env.ClusterID}
	l.values, l.warnings, err = config.New(options, fromFile, env.Layer, overrides)
	l.warnings = append(env.Warnings, l.warnings...)
	return l, err
}

// variable returns the value of an environment variable.
func variable(environ []string, name string) string {
	for _, v := range environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
