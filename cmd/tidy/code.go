package main

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// Rules about what the code of a package may do. They look at syntax alone; tests may do as they like.

func checkPure(t *tree, report reporter) {
	for p, f := range t.code {
		if !in(p.path, pure) {
			continue
		}
		pools := in(p.path, pooled)
		for imported, spec := range imports(f) {
			banned := slices.ContainsFunc(impure, func(base string) bool { return under(imported, base) })
			if banned && !(pools && imported == "sync") {
				report(f.path, t.line(spec), "%s is PURE and must not import %s", p.path, imported)
			}
		}
		for n := range ast.Preorder(f.ast) {
			if _, ok := n.(*ast.GoStmt); ok {
				report(f.path, t.line(n), "%s is PURE and starts no goroutines", p.path)
			}
		}
		for sel := range selectors(f, "time") {
			if slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}, sel.Sel.Name) {
				report(f.path, t.line(sel), "%s is PURE: time.%s reads the clock or waits for it", p.path, sel.Sel.Name)
			}
		}
		for sel := range selectors(f, "sync") {
			if pools && sel.Sel.Name != "Pool" {
				report(f.path, t.line(sel), "%s is PURE but for sync.Pool; sync.%s is too much", p.path, sel.Sel.Name)
			}
		}
	}
}

func checkClock(t *tree, report reporter) {
	for p, f := range t.code {
		if !in(p.path, belowBroker) || in(p.path, pure) { // the pure have a rule that asks for more
			continue
		}
		for sel := range selectors(f, "time") {
			if slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
				report(f.path, t.line(sel), "time.%s below broker: take nowMs or a clock", sel.Sel.Name)
			}
		}
	}
}

// checkOutput keeps stdout and stderr for programs: everything else logs to the logger it was given.
func checkOutput(t *tree, report reporter) {
	for p, f := range t.code {
		if p.name == "main" {
			continue
		}
		for sel := range selectors(f, "fmt") {
			if strings.HasPrefix(sel.Sel.Name, "Print") {
				report(f.path, t.line(sel), "fmt.%s outside a program", sel.Sel.Name)
			}
		}
		for n := range ast.Preorder(f.ast) {
			if call, ok := n.(*ast.CallExpr); ok && (isBuiltin(call.Fun, "print") || isBuiltin(call.Fun, "println")) {
				report(f.path, t.line(n), "the builtin print is for finding mistakes")
			}
		}
	}
}

func checkExit(t *tree, report reporter) {
	for p, f := range t.code {
		if p.name == "main" {
			continue
		}
		for sel := range selectors(f, "os") {
			if sel.Sel.Name == "Exit" {
				report(f.path, t.line(sel), "os.Exit outside a program")
			}
		}
		for sel := range selectors(f, "log") {
			if strings.HasPrefix(sel.Sel.Name, "Fatal") {
				report(f.path, t.line(sel), "log.%s ends the process", sel.Sel.Name)
			}
		}
	}
}

// checkPanic wants the values of the broken invariant in the message.
func checkPanic(t *tree, report reporter) {
	for _, f := range t.code {
		for n := range ast.Preorder(f.ast) {
			call, ok := n.(*ast.CallExpr)
			if ok && isBuiltin(call.Fun, "panic") && len(call.Args) == 1 && saysNothing(call.Args[0]) {
				report(f.path, t.line(n), "panic with a constant: say which values broke the invariant")
			}
		}
	}
}

// saysNothing holds for constant text, also as an error or through Sprint and Sprintf.
func saysNothing(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.ParenExpr:
		return saysNothing(e.X)
	case *ast.BinaryExpr:
		return saysNothing(e.X) && saysNothing(e.Y)
	case *ast.Ident:
		return e.Obj != nil && e.Obj.Kind == ast.Con
	case *ast.CallExpr:
		sel, ok := e.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"New", "Errorf", "Sprintf", "Sprint"}, sel.Sel.Name) {
			return false
		}
		return !slices.ContainsFunc(e.Args, func(arg ast.Expr) bool { return !saysNothing(arg) })
	}
	return false
}

func checkInit(t *tree, report reporter) {
	for _, f := range t.code {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				report(f.path, t.line(fn), "no init functions: what is needed is made where it is needed")
			}
		}
	}
}

// isBuiltin is false where the file declares the name itself.
func isBuiltin(fun ast.Expr, name string) bool {
	id, ok := fun.(*ast.Ident)
	return ok && id.Name == name && id.Obj == nil
}

// selectors yields the uses of what a package exports, under whatever name the file imports it.
func selectors(f *file, pkgPath string) func(yield func(*ast.SelectorExpr) bool) {
	local := ""
	for imported, spec := range imports(f) {
		if imported != pkgPath {
			continue
		}
		local = path.Base(pkgPath)
		if spec.Name != nil {
			local = spec.Name.Name
		}
	}
	return func(yield func(*ast.SelectorExpr) bool) {
		for n := range ast.Preorder(f.ast) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || local == "" {
				continue
			}
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == local && id.Obj == nil && !yield(sel) {
				return
			}
		}
	}
}
