package experiments

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"medusa/results"
)

// place is a value in a suite file. All reading of suites goes through it, so
// that every complaint can name file and line. A suite is read from the syntax
// tree rather than decoded into structs because levels keep their order, a
// factor may be a word, a list or a mapping, and because a wrong name is worth
// a hint.
type place struct {
	file string
	line int
	node ast.Node
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	at    place // of the key
	value place
}

// parseFile returns the one mapping that a suite file holds.
func parseFile(file string, text []byte) (place, error) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		var located yaml.Error
		if errors.As(err, &located) && located.GetToken() != nil {
			return place{}, fmt.Errorf("%s:%d: %s", file, located.GetToken().Position.Line, located.GetMessage())
		}
		return place{}, fmt.Errorf("%s: %s", file, strings.SplitN(err.Error(), "\n", 2)[0])
	}
	var roots []ast.Node
	for _, d := range tree.Docs {
		if d.Body != nil {
			roots = append(roots, d.Body)
		}
	}
	if len(roots) == 0 {
		return place{}, fmt.Errorf("%s: the file holds no suite", file)
	}
	root := at(file, roots[0])
	if len(roots) > 1 {
		return place{}, at(file, roots[1]).fail("a file holds one suite; this begins a second")
	}
	return root, nil
}

func at(file string, n ast.Node) place {
	line := 0
	if t := n.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return place{file, line, n}
}

// fail is an error at this place.
func (p place) fail(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.file, p.line, fmt.Sprintf(format, args...))
}

// locate puts the place before an error.
func (p place) locate(err error) error {
	if err == nil {
		return nil
	}
	return p.fail("%s", err)
}

// unknown says that a key is not one of those known here.
func (p pair) unknown(what string, known ...string) error {
	return p.at.fail("unknown %s %q; the nearest is %q", what, p.key, results.Nearest(p.key, known))
}

// isMapping and isList tell the shapes apart.
func (p place) isMapping() bool {
	switch p.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func (p place) isList() bool {
	_, ok := p.node.(*ast.SequenceNode)
	return ok
}

// pairs returns the entries of a mapping in their order.
func (p place) pairs(what string) ([]pair, error) {
	var entries []*ast.MappingValueNode
	switch n := p.node.(type) {
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	default:
		return nil, p.fail("%s must be a mapping (key: value)", what)
	}
	out := make([]pair, 0, len(entries))
	for _, e := range entries {
		key, ok := e.Key.(ast.Node)
		if !ok {
			return nil, p.fail("%s: a key that is not a scalar", what)
		}
		k := at(p.file, key)
		v, err := k.scalar(what + ": a key")
		if err != nil {
			return nil, err
		}
		// The place of a value that stands on the lines below its key is
		// the key's: that is where a reader looks.
		value := at(p.file, e.Value)
		if value.isMapping() || value.isList() {
			value.line = k.line
		}
		out = append(out, pair{key: levelName(v), at: k, value: value})
	}
	return out, nil
}

// list returns the items of a list.
func (p place) list(what string) ([]place, error) {
	n, ok := p.node.(*ast.SequenceNode)
	if !ok {
		return nil, p.fail("%s must be a list", what)
	}
	out := make([]place, 0, len(n.Values))
	for _, v := range n.Values {
		out = append(out, at(p.file, v))
	}
	return out, nil
}

// scalar returns a string, float64 or bool.
func (p place) scalar(what string) (any, error) {
	switch n := p.node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case uint64:
			return float64(v), nil
		case int64:
			return float64(v), nil
		}
	}
	return nil, p.fail("%s must be a plain value: text, a number, true or false", what)
}

func (p place) text(what string) (string, error) {
	v, err := p.scalar(what)
	if err != nil {
		return "", err
	}
	t, ok := v.(string)
	if !ok {
		return "", p.fail("%s must be text, not %s", what, show(v))
	}
	return t, nil
}

// texts accepts one text or a list of them.
func (p place) texts(what string) ([]string, error) {
	if !p.isList() {
		t, err := p.text(what)
		return []string{t}, err
	}
	items, err := p.list(what)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, item := range items {
		t, err := item.text("an item of " + what)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (p place) number(what string, lo, hi float64) (float64, error) {
	v, err := p.scalar(what)
	if err != nil {
		return 0, err
	}
	n, ok := v.(float64)
	if !ok {
		return 0, p.fail("%s must be a number, not %s", what, show(v))
	}
	if !(n >= lo && n <= hi) {
		return 0, p.fail("%s must be between %s and %s, not %s", what, show(lo), show(hi), show(n))
	}
	return n, nil
}

func (p place) integer(what string, lo, hi float64) (int, error) {
	n, err := p.number(what, lo, hi)
	if err == nil && n != float64(int64(n)) {
		return 0, p.fail("%s must be a whole number, not %s", what, show(n))
	}
	return int(n), err
}

func (p place) boolean(what string) (bool, error) {
	v, err := p.scalar(what)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, p.fail("%s must be true or false, not %s", what, show(v))
	}
	return b, nil
}
