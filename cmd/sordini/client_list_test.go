package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSpeaksTheFirstReleaseThatHasAllVersions(t *testing.T) {
	for _, c := range []struct {
		versions map[string]int16
		want     string
	}{
		{nil, ""},
		{map[string]int16{"Produce": 0, "Metadata": 0}, "0.8.0"},
		{map[string]int16{"Fetch": 1, "Metadata": 0, "JoinGroup": 0}, "0.9.0"},
		{map[string]int16{"ApiVersions": 0, "Fetch": 2}, "0.10.0"},
		{map[string]int16{"Fetch": 3}, "0.10.1"},
		{map[string]int16{"Fetch": 4}, "0.11.0"},
		{map[string]int16{"Fetch": 17, "Metadata": 12}, "3.9"},
		{map[string]int16{"Produce": 1000}, "newer"},
		{map[string]int16{"NoSuchAPI": 0}, "newer"},
	} {
		if got := speaks(c.versions); got != c.want {
			t.Errorf("%v: %q, want %q", c.versions, got, c.want)
		}
	}
}

func TestClientListNamesWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct{ address, want string }{
		{address, "is it a Sordini broker's sordini.http.address?"},
		{"127.0.0.1:1", "no broker answers on 127.0.0.1:1"},
		{"no host", "--http no host is no address"},
	} {
		if _, err := askClients(t.Context(), c.address); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.address, err)
		}
	}
	if kafkaReleases()[0] != "0.8.0" {
		t.Errorf("releases are %v, want the oldest first", kafkaReleases())
	}
}
