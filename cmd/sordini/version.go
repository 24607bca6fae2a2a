package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// versionInfo is what `version -o json` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	License  string `json:"license"`
}

func newVersionCommand() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Long:  `Print the version of this binary. JSON is {version, go, platform, license}.`,
		Example: `  sordini version
  sordini version -o json`,
		Args: noArguments,
		RunE: clientCommand(func(_ context.Context, cmd *cobra.Command, _ []string) error {
			o, err := out.open(cmd)
			if err != nil {
				return err
			}
			v := versionInfo{Version: buildVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, License: "Apache-2.0"}
			if o.json {
				return o.document(v)
			}
			_, err = fmt.Fprintf(o.w, "sordini %s, %s, %s, %s\n", v.Version, v.Go, v.Platform, v.License)
			return err
		}),
	}
	out.add(cmd)
	return cmd
}
