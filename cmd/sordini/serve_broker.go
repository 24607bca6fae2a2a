package main

import (
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sordini/sordini/broker"
	"github.com/sordini/sordini/broker/config"
)

func startBroker(values *config.Values, logger *slog.Logger, level *slog.LevelVar) (*broker.Server, error) {
	return broker.New(broker.Options{Config: values, Logger: logger, SetLogLevel: level.Set, Version: buildVersion()})
}

// version is set by the linker: see LDFLAGS in the Makefile.
var version string

// buildVersion is what the Makefile calls the version, else that of the module as the linker knows it, or "dev" with the commit of a working tree.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

// processStarted is when the kernel started this process, so that the time to ready includes loading the binary; else it is now.
func processStarted() time.Time {
	now := time.Now()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return now
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return now
	}
	age, ok := processAge(string(stat), string(uptime))
	if !ok {
		return now
	}
	return now.Add(-age)
}

// processAge is the uptime of the machine less the time from its start to that of the process, field 22 of stat, in hundredths of a second.
func processAge(stat, uptime string) (time.Duration, bool) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // the name before it may contain anything
	if len(fields) < 20 {
		return 0, false
	}
	ticks, err := strconv.ParseFloat(fields[19], 64)
	if err != nil {
		return 0, false
	}
	up, err := strconv.ParseFloat(strings.SplitN(uptime, " ", 2)[0], 64)
	if err != nil {
		return 0, false
	}
	age := time.Duration((up - ticks/100) * float64(time.Second))
	if age < 0 || age > time.Minute {
		return 0, false
	}
	return age, true
}
