package main

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// fuzzTarget is one native fuzz function.
type fuzzTarget struct {
	dir, name string // dir is the package's, from the root
	path      string
	line      int
}

func fuzzTargets(t *tree) []fuzzTarget {
	var targets []fuzzTarget
	for _, p := range t.packages {
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if ok && f.test && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") && len(fuzzParams(fn)) == 1 {
					targets = append(targets, fuzzTarget{p.path, fn.Name.Name, f.path, t.line(fn)})
				}
			}
		}
	}
	return targets
}

// checkSeeds wants a seed for every target: a file under testdata/fuzz, or a call of Add in the target or in what it hands its F to.
// Without one, `go test` would run nothing of it.
func checkSeeds(t *tree, report reporter) {
	for _, target := range fuzzTargets(t) {
		entries, err := os.ReadDir(filepath.Join(t.root, filepath.FromSlash(path.Join(target.dir, "testdata", "fuzz", target.name))))
		if err == nil && len(entries) > 0 {
			continue
		}
		if !adds(functionsOf(t, target.dir), target.name, map[string]bool{}) {
			report(target.path, target.line, "%s has no seed: Add one, or put one into testdata/fuzz/%s", target.name, target.name)
		}
	}
}

func functionsOf(t *tree, dir string) map[string]*ast.FuncDecl {
	functions := map[string]*ast.FuncDecl{}
	for _, p := range t.packages {
		if p.path != dir {
			continue
		}
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					functions[fn.Name.Name] = fn
				}
			}
		}
	}
	return functions
}

// adds follows the F through the functions of the package.
func adds(functions map[string]*ast.FuncDecl, name string, seen map[string]bool) bool {
	fn := functions[name]
	if fn == nil || fn.Body == nil || seen[name] {
		return false
	}
	seen[name] = true
	params := fuzzParams(fn)
	for n := range ast.Preorder(fn.Body) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Add" && isOneOf(sel.X, params) {
			return true
		}
		callee, ok := call.Fun.(*ast.Ident)
		if !ok {
			continue
		}
		for _, arg := range call.Args {
			if isOneOf(arg, params) && adds(functions, callee.Name, seen) {
				return true
			}
		}
	}
	return false
}

// fuzzParams are the names of the parameters of type *testing.F.
func fuzzParams(fn *ast.FuncDecl) []string {
	var names []string
	for _, field := range fn.Type.Params.List {
		star, ok := field.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if sel, ok := star.X.(*ast.SelectorExpr); !ok || sel.Sel.Name != "F" {
			continue
		}
		for _, id := range field.Names {
			names = append(names, id.Name)
		}
	}
	return names
}

func isOneOf(e ast.Expr, names []string) bool {
	id, ok := e.(*ast.Ident)
	if !ok {
		return false
	}
	for _, n := range names {
		if id.Name == n {
			return true
		}
	}
	return false
}
