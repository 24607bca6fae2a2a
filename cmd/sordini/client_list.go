package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

func newClientCommand() *cobra.Command {
	return nounCommand("client", "See who is connected to a Sordini broker", `  sordini client list
  sordini client list --older-than 0.11.0`, newClientListCommand())
}

// clientEntry is one connection, as GET /clients of the broker gives it, and what follows from it.
type clientEntry struct {
	ID              int64            `json:"id"`
	Remote          string           `json:"remote"`
	Listener        string           `json:"listener"`
	ClientID        string           `json:"client_id"`
	Software        string           `json:"software"`
	SoftwareVersion string           `json:"software_version"`
	Speaks          string           `json:"speaks"`
	ConnectedMs     int64            `json:"connected_ms"`
	IdleMs          int64            `json:"idle_ms"`
	Requests        int64            `json:"requests"`
	UpConversions   int64            `json:"up_conversions"`
	DownConversions int64            `json:"down_conversions"`
	Versions        map[string]int16 `json:"versions"`
}

const (
	defaultHTTPAddress = "127.0.0.1:9644"
	clientListTimeout  = 10 * time.Second
)

func newClientListCommand() *cobra.Command {
	var out outputFlag
	var address, olderThan string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List connections: client, software, protocol generation, conversions",
		Long: `List the connections of one broker: remote address, client id, software, the Kafka release whose protocol it speaks, how long it has been
connected and idle (s), and how many record sets were converted for it from and to message formats 0 and 1. SPEAKS is the first release that has
every version that the client has used; a client that has only just connected may speak more. The answer comes from the broker's
sordini.http.address, which other machines reach only when that is set to an address they can reach.
JSON is an array of {id, remote, listener, client_id, software, software_version, speaks, connected_ms, idle_ms, requests, up_conversions,
down_conversions, versions}, where versions has the newest version of each API that the client used.`,
		Example: `  sordini client list
  sordini client list --older-than 0.11.0
  sordini client list -o json | jq -r '.[] | select(.down_conversions > 0) | .client_id'`,
		Args: noArguments,
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, _ []string) error {
			o, err := out.open(cmd)
			if err != nil {
				return err
			}
			releases := kafkaReleases()
			limit := len(releases)
			if olderThan != "" {
				if limit = slices.Index(releases, releaseName(olderThan)); limit < 0 {
					return usageError(cmd, fmt.Errorf("--older-than %s: there is no such Kafka release; there are %s", olderThan, strings.Join(releases, ", ")))
				}
			}
			clients, err := askClients(ctx, address)
			if err != nil {
				return err
			}
			clients = slices.DeleteFunc(clients, func(c clientEntry) bool { return slices.Index(releases, c.Speaks) >= limit })
			return listClients(o, clients)
		}),
	}
	out.add(cmd)
	cmd.Flags().StringVar(&address, "http", defaultHTTPAddress, "`ADDRESS` of the broker's health and metrics: its sordini.http.address")
	cmd.Flags().StringVar(&olderThan, "older-than", "", "list only clients that speak the protocol of a `RELEASE` before this one, as in 0.11.0 or 2.4")
	return cmd
}

func askClients(ctx context.Context, address string) ([]clientEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, clientListTimeout)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, (&url.URL{Scheme: "http", Host: address, Path: "/clients"}).String(), nil)
	if err != nil {
		return nil, fmt.Errorf("--http %s is no address; it is HOST:PORT, as in %s: %w", address, defaultHTTPAddress, err)
	}
	resp, err := http.DefaultClient.Do(ask)
	if err != nil {
		return nil, fmt.Errorf("no broker answers on %s (%w); give the broker's sordini.http.address with --http", address, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s to GET /clients: is it a Sordini broker's sordini.http.address?", address, resp.Status)
	}
	var clients []clientEntry
	if err := json.NewDecoder(resp.Body).Decode(&clients); err != nil {
		return nil, fmt.Errorf("the answer of %s to GET /clients is not understood: %w", address, err)
	}
	for i := range clients {
		clients[i].Speaks = speaks(clients[i].Versions)
	}
	return clients, nil
}

func listClients(o *output, clients []clientEntry) error {
	if o.json {
		return o.document(append([]clientEntry{}, clients...))
	}
	rows := [][]string{}
	for _, c := range clients {
		software := strings.TrimSpace(c.Software + " " + c.SoftwareVersion)
		rows = append(rows, []string{c.Remote, dash(c.ClientID), dash(software), dash(c.Speaks), number(c.ConnectedMs / 1000), number(c.IdleMs / 1000),
			number(c.Requests), number(c.UpConversions), number(c.DownConversions)})
	}
	return o.list([]string{"REMOTE", "CLIENT", "SOFTWARE", "SPEAKS", "CONNECTED", "IDLE", "REQUESTS", "UP", "DOWN"}, rows)
}

// kafkaReleases are the releases whose versions are known, oldest first, as in "0.10.2" and "3.9".
func kafkaReleases() []string {
	names := kversion.VersionStrings()
	slices.Reverse(names)
	for i := range names {
		names[i] = releaseName(names[i])
	}
	return names
}

// releaseName cuts what a release's name may have beyond major and minor version, which for 0.x are three numbers.
func releaseName(text string) string {
	numbers := strings.Split(strings.TrimPrefix(text, "v"), ".")
	keep := 2
	if numbers[0] == "0" {
		keep = 3
	}
	return strings.Join(numbers[:min(keep, len(numbers))], ".")
}

// speaks is the first release that has every version that was used; empty for a client that asked nothing yet.
func speaks(versions map[string]int16) string {
	if len(versions) == 0 {
		return ""
	}
	for _, name := range kafkaReleases() {
		if hasAll(kversion.FromString(name), versions) {
			return name
		}
	}
	return "newer"
}

func hasAll(release *kversion.Versions, versions map[string]int16) bool {
	for name, version := range versions {
		if newest, ok := release.LookupMaxKeyVersion(keyNamed(name)); !ok || newest < version {
			return false
		}
	}
	return true
}

func keyNamed(name string) int16 {
	for key := range int16(kmsg.MaxKey + 1) {
		if kmsg.NameForKey(key) == name {
			return key
		}
	}
	return -1
}
