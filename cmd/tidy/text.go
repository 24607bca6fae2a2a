package main

import (
	"bytes"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Rules about the tracked files, whatever is in them.

// machinePaths are where the code was written; spelled so that this file does not contain them.
var machinePaths = []string{"/" + "work/", "/" + "root/"}

// checkMachine keeps the repository free of the machine it was written on.
func checkMachine(t *tree, report reporter) {
	for name, text := range texts(t) {
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, p := range machinePaths {
				if hasPath(line, p) {
					report(name, i+1, "an absolute path of one machine: %s", p)
				}
			}
			for _, host := range t.hosts {
				if bytes.Contains(line, []byte(host)) {
					report(name, i+1, "the host of a package registry: %s", host)
				}
			}
		}
	}
}

// hasPath finds path where it begins a path: one in the middle of a longer, relative path is none.
func hasPath(line []byte, path string) bool {
	for rest := line; ; {
		i := bytes.Index(rest, []byte(path))
		if i < 0 {
			return false
		}
		if i == 0 || !wordByte(rest[i-1]) {
			return true
		}
		rest = rest[i+1:]
	}
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-.~}*", c) >= 0
}

// registryHosts reads the machine's settings, so that the hosts need not be written down here.
func registryHosts(dir string) ([]string, error) {
	proxies, err := output(dir, "go", "env", "GOPROXY")
	if err != nil {
		return nil, err
	}
	addresses := strings.FieldsFunc(string(proxies), func(r rune) bool { return r == ',' || r == '|' || r == '\n' })
	addresses = append(addresses, os.Getenv("PIP_INDEX_URL"), os.Getenv("NPM_CONFIG_REGISTRY"), os.Getenv("npm_config_registry"))
	var hosts []string
	for _, a := range addresses {
		if u, err := url.Parse(strings.TrimSpace(a)); err == nil && u.Host != "" && !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts, nil
}

// texts yields the tracked files that are text.
func texts(t *tree) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for _, name := range t.tracked {
			full := filepath.Join(t.root, filepath.FromSlash(name))
			info, err := os.Lstat(full)
			if err != nil || !info.Mode().IsRegular() || info.Size() > maxTextLen {
				continue // deleted since, or nothing to read
			}
			text, err := os.ReadFile(full)
			if err != nil || bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
				continue
			}
			if !yield(name, text) {
				return
			}
		}
	}
}

var (
	inlineLink    = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	referenceLink = regexp.MustCompile(`^\s{0,3}\[[^\]^]+\]:\s+<?([^\s>]+)`)
	codeSpan      = regexp.MustCompile("`[^`]*`")
	heading       = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
)

// checkLinks follows the links of Markdown files inside the repository, with their anchors.
func checkLinks(t *tree, report reporter) {
	for name, text := range texts(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for n, line := range prose(text) {
			line = codeSpan.ReplaceAllString(line, "")
			for _, m := range append(inlineLink.FindAllStringSubmatch(line, -1), referenceLink.FindAllStringSubmatch(line, -1)...) {
				if why := broken(t.root, name, m[1]); why != "" {
					report(name, n, "link to %s: %s", m[1], why)
				}
			}
		}
	}
}

// broken says why a link of the file from leads nowhere. Links to other sites are not followed.
func broken(root, from, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "no address"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	to := from
	if u.Path != "" {
		to = path.Join(path.Dir(from), u.Path)
	}
	if strings.HasPrefix(u.Path, "/") {
		to = strings.TrimPrefix(path.Clean(u.Path), "/")
	}
	if to == ".." || strings.HasPrefix(to, "../") {
		return "leads out of the repository"
	}
	full := filepath.Join(root, filepath.FromSlash(to))
	if _, err := os.Stat(full); err != nil {
		return "there is no such file"
	}
	if u.Fragment == "" || path.Ext(to) != ".md" {
		return ""
	}
	text, err := os.ReadFile(full)
	if err != nil {
		return err.Error()
	}
	for _, line := range prose(text) {
		if m := heading.FindStringSubmatch(line); m != nil && anchor(m[1]) == u.Fragment {
			return ""
		}
	}
	return "there is no such heading"
}

// anchor is a heading as it stands in addresses.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// prose yields the numbered lines outside fenced code.
func prose(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		fenced := false
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			} else if !fenced && !yield(i+1, line) {
				return
			}
		}
	}
}
