package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const passwordVariable = "SORDINI_SASL_PASSWORD"

// settingDocs are the settings of -X, under the names that librdkafka's users know.
var settingDocs = [...][2]string{
	{"client.id", "name that the broker logs and counts (default sordini)"},
	{"request.timeout.ms", "how long to wait for a connection, an answer, and all retries of a request (default 10000)"},
	{"security.protocol", "plaintext, ssl, sasl_plaintext or sasl_ssl (default plaintext)"},
	{"ssl.ca.location", "PEM file of the authorities to trust instead of the system's"},
	{"ssl.certificate.location", "PEM file of this client's certificate"},
	{"ssl.key.location", "PEM file of this client's key"},
	{"enable.ssl.certificate.verification", "false trusts any broker (default true)"},
	{"sasl.mechanism", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 (default PLAIN)"},
	{"sasl.username", "user"},
	{"sasl.password", "password; better in $" + passwordVariable},
	{"broker.version", "release of Kafka whose protocol is not exceeded, as 0.10.0 (default: what the broker offers)"},
	{"log.level", "write the client's own log to stderr: debug, info or warn (default none)"},
}

// settings is what -X sets, validated.
type settings struct {
	clientID string
	timeout  time.Duration
	tls      *tls.Config
	sasl     sasl.Mechanism
	versions *kversion.Versions
	logLevel kgo.LogLevel
}

// settingsAsked is whether -X asks for the list instead of setting something.
func settingsAsked(pairs []string) bool {
	return slices.Contains(pairs, "list") || slices.Contains(pairs, "help")
}

func settingsList() string {
	var list strings.Builder
	for _, doc := range settingDocs {
		fmt.Fprintf(&list, "%-36s %s\n", doc[0], doc[1])
	}
	return list.String()
}

func parseSettings(pairs, environ []string) (settings, error) {
	values := map[string]string{}
	names := make([]string, 0, len(settingDocs))
	for _, doc := range settingDocs {
		names = append(names, doc[0])
	}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return settings{}, fmt.Errorf("-X takes key=value, not %q", pair)
		}
		if !slices.Contains(names, key) {
			return settings{}, fmt.Errorf("there is no setting %q%s; `-X list` prints them", key, didYouMean(key, names))
		}
		values[key] = value
	}
	s := settings{clientID: "sordini", timeout: 10 * time.Second}
	if id, ok := values["client.id"]; ok {
		s.clientID = id
	}
	if text, ok := values["request.timeout.ms"]; ok {
		ms, err := strconv.ParseInt(text, 10, 32)
		if err != nil || ms < 100 { // the client asks for no less
			return s, fmt.Errorf("request.timeout.ms=%s: it takes milliseconds, at least 100", text)
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	if text, ok := values["broker.version"]; ok {
		if s.versions = kversion.FromString("v" + strings.TrimPrefix(text, "v")); s.versions == nil {
			return s, fmt.Errorf("broker.version=%s: no release of Kafka is known by that number; it takes one as 0.10.2 or 3.9", text)
		}
	}
	levels := map[string]kgo.LogLevel{"": kgo.LogLevelNone, "none": kgo.LogLevelNone, "warn": kgo.LogLevelWarn, "info": kgo.LogLevelInfo, "debug": kgo.LogLevelDebug}
	level, ok := levels[strings.ToLower(values["log.level"])]
	if !ok {
		return s, fmt.Errorf("log.level=%s: there are debug, info, warn and none", values["log.level"])
	}
	s.logLevel = level
	return s, s.secure(values, environ)
}

// secure fills in what concerns TLS and SASL.
func (s *settings) secure(values map[string]string, environ []string) error {
	protocol := strings.ToLower(values["security.protocol"])
	switch protocol {
	case "", "plaintext", "ssl", "sasl_plaintext", "sasl_ssl":
	default:
		return fmt.Errorf("security.protocol=%s: there are plaintext, ssl, sasl_plaintext and sasl_ssl", protocol)
	}
	if strings.HasSuffix(protocol, "ssl") {
		config, err := tlsConfig(values)
		if err != nil {
			return err
		}
		s.tls = config
	}
	if !strings.HasPrefix(protocol, "sasl") {
		if values["sasl.username"] != "" {
			return errors.New("sasl.username needs security.protocol=sasl_plaintext or sasl_ssl too")
		}
		return nil
	}
	user, password := values["sasl.username"], values["sasl.password"]
	if password == "" {
		password = variable(environ, passwordVariable)
	}
	switch mechanism := strings.ToUpper(values["sasl.mechanism"]); mechanism {
	case "", "PLAIN":
		s.sasl = plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		s.sasl = scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		s.sasl = scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	default:
		return fmt.Errorf("sasl.mechanism=%s: there are PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", mechanism)
	}
	return nil
}

func tlsConfig(values map[string]string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: strings.EqualFold(values["enable.ssl.certificate.verification"], "false")}
	if file := values["ssl.ca.location"]; file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("ssl.ca.location: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ssl.ca.location: %s holds no certificate in PEM", file)
		}
	}
	certificate, key := values["ssl.certificate.location"], values["ssl.key.location"]
	if certificate == "" && key == "" {
		return config, nil
	}
	if key == "" {
		key = certificate // both are often in one file
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("ssl.certificate.location: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func (s *settings) options() []kgo.Opt {
	opts := []kgo.Opt{kgo.ClientID(s.clientID), kgo.RequestTimeoutOverhead(s.timeout)}
	if s.sasl != nil {
		opts = append(opts, kgo.SASL(s.sasl))
	}
	if s.versions != nil {
		opts = append(opts, kgo.MaxVersions(s.versions))
	}
	if s.logLevel != kgo.LogLevelNone {
		opts = append(opts, kgo.WithLogger(kgo.BasicLogger(os.Stderr, s.logLevel, nil)))
	}
	return opts
}
