package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// tree is one module, read once. Modules nested in it have their own rules and are left out, but for their tracked text.
type tree struct {
	root     string // absolute
	module   string
	packages []*pkg
	tracked  []string // every file under version control, from the root, with slashes
	hosts    []string // of the package registries this machine is set up for
	broken   []finding
	fset     *token.FileSet
}

type pkg struct {
	path  string // from the root; "." is the root itself
	name  string
	files []*file
}

type file struct {
	path string
	test bool
	src  []byte
	ast  *ast.File
}

// load reads the module that dir lies in.
func load(dir string) (*tree, error) {
	mod, err := output(dir, "go", "env", "GOMOD")
	if err != nil {
		return nil, err
	}
	gomod := strings.TrimSpace(string(mod))
	if gomod == "" || gomod == os.DevNull {
		return nil, errors.New("this is no Go module")
	}
	t := &tree{root: filepath.Dir(gomod), fset: token.NewFileSet()}
	if err := t.loadPackages(); err != nil {
		return nil, err
	}
	if t.tracked, err = trackedFiles(t.root); err != nil {
		return nil, err
	}
	if t.hosts, err = registryHosts(t.root); err != nil {
		return nil, err
	}
	return t, nil
}

// loadPackages takes the packages from go list and the imports from the files, so that those for other systems are seen too.
func (t *tree) loadPackages() error {
	out, err := output(t.root, "go", "list", "-e",
		"-json=Dir,ImportPath,Name,Module,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	if err != nil {
		return err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var row struct {
			Dir, ImportPath, Name                                        string
			Module                                                       *struct{ Path string }
			GoFiles, CgoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
		}
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the answer of go list: %w", err)
		}
		if row.Module == nil {
			return fmt.Errorf("go list does not say which module %s is in", row.ImportPath)
		}
		t.module = row.Module.Path
		p := &pkg{path: t.relative(row.Dir), name: row.Name}
		names := slices.Concat(row.GoFiles, row.CgoFiles, row.IgnoredGoFiles, row.TestGoFiles, row.XTestGoFiles)
		for _, name := range names {
			if err := t.loadFile(p, filepath.Join(row.Dir, name)); err != nil {
				return err
			}
		}
		t.packages = append(t.packages, p)
	}
}

func (t *tree) loadFile(p *pkg, name string) error {
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since go list looked
	}
	if err != nil {
		return err
	}
	f := &file{path: t.relative(name), test: strings.HasSuffix(name, "_test.go"), src: src}
	f.ast, err = parser.ParseFile(t.fset, f.path, src, parser.ParseComments)
	if list := (scanner.ErrorList)(nil); errors.As(err, &list) && len(list) > 0 {
		t.broken = append(t.broken, finding{f.path, list[0].Pos.Line, list[0].Msg})
		return nil
	}
	p.files = append(p.files, f)
	return err
}

func (t *tree) relative(name string) string {
	rel, err := filepath.Rel(t.root, name)
	if err != nil {
		return filepath.ToSlash(name)
	}
	return filepath.ToSlash(rel)
}

func (t *tree) line(n ast.Node) int { return t.fset.Position(n.Pos()).Line }

// code yields the files that are no tests.
func (t *tree) code(yield func(*pkg, *file) bool) {
	for _, p := range t.packages {
		for _, f := range p.files {
			if !f.test && !yield(p, f) {
				return
			}
		}
	}
}

// imports yields the imports of f: their paths, and where they stand.
func imports(f *file) func(yield func(string, *ast.ImportSpec) bool) {
	return func(yield func(string, *ast.ImportSpec) bool) {
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err == nil && !yield(path, spec) {
				return
			}
		}
	}
}

// in says whether a path is among patterns; one that ends in /... is the path and all below it.
func in(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if base, ok := strings.CutSuffix(pattern, "/..."); ok {
			return under(path, base)
		}
		return path == pattern
	})
}

func under(path, base string) bool {
	rest, ok := strings.CutPrefix(path, base)
	return ok && (rest == "" || rest[0] == '/')
}

// trackedFiles asks git; without a repository, as in an unpacked archive, everything counts.
func trackedFiles(root string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
		out, err := output(root, "git", "ls-files", "-z", "--cached")
		if err != nil {
			return nil, err
		}
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
	}
	var files []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files = append(files, filepath.ToSlash(rel))
		return err
	})
	return files, err
}

// output runs a command and gives what it printed; what it complained of becomes the error.
func output(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // with 0, files that use cgo would be left out of what is looked at
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out, nil
}
