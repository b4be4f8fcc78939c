package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// A real file has some kilobytes, and its deepest key stands on level 6. The
	// parser's time grows with the square of the number of keys and of the depth.
	maxFile  = 256 << 10
	maxDepth = 16
)

// kind is the kind of a node. The scalars are what the text looks like when it
// has no quotes: what it means is up to the key.
type kind int

const (
	mapping kind = iota
	sequence
	textScalar
	numberScalar
	boolScalar
	nothing // null, or a key without a value
)

func (k kind) String() string {
	return [...]string{"a mapping", "a list", "text", "a number", "true or false", "nothing"}[k]
}

// node is a YAML value that knows where it stands.
type node struct {
	kind         kind
	line, column int
	text         string  // of a scalar
	entries      []entry // of a mapping, in order, double keys included
	items        []*node // of a list
}

type entry struct {
	key          string
	line, column int
	value        *node
}

// parse reads one YAML document; nil when there is no tree to speak of. YAML
// that cannot be read at all is one fault, since the parser stops there. Only
// the plain part of the language is taken: what repeats or retypes values
// (anchors, aliases, merge keys, tags) has no use in one flat file, and hides
// from a reader what a key says.
func (j *judge) parse(data []byte) (root *node) {
	defer func() {
		// The parser is not ours, and the file is anybody's.
		if r := recover(); r != nil {
			j.fault(place{}, "is not YAML that can be read here: the parser gave up")
			root = nil
		}
	}()
	if len(data) > maxFile {
		j.fault(place{}, "has %d bytes, more than the %d that are read", len(data), maxFile)
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		j.fault(place{}, "is not UTF-8 text")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if at, deep := tooDeep(tokens); deep {
		j.fault(place{line: at.Line, column: at.Column}, "is nested deeper than %d levels", maxDepth)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		j.syntax(err)
		return nil
	}
	var docs []*ast.DocumentNode
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d)
		}
	}
	switch len(docs) {
	case 0:
		j.fault(place{}, "is empty: %s shows a whole one", j.example)
		return nil
	case 1:
		return j.tree(docs[0].Body, "")
	}
	j.fault(position(docs[1].Body, ""), "a second document begins here: one file holds one configuration, without lines of \"---\" inside")
	return nil
}

// tooDeep looks at the tokens before the parser does, which needs time in the
// square of the depth.
func tooDeep(tokens token.Tokens) (*token.Position, bool) {
	flow, dashes, line := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			if t.Position.Line != line {
				dashes, line = 0, t.Position.Line
			}
			dashes++
		}
		if flow > maxDepth || dashes > maxDepth {
			return t.Position, true
		}
	}
	return nil, false
}

// syntax tells the parser's complaint without the lines of the file that it
// adds, since those might hold a secret.
func (j *judge) syntax(err error) {
	y, ok := errors.AsType[yaml.Error](err)
	if !ok {
		j.fault(place{}, "is not YAML")
		return
	}
	var at place
	if t := y.GetToken(); t != nil && t.Position != nil {
		at = place{line: t.Position.Line, column: max(1, t.Position.Column)}
	}
	says, hint := y.GetMessage(), ""
	switch {
	case strings.Contains(says, "reserved character"):
		hint = ": put quotes around a value that begins so, as in \"@alice:example.org\""
	case strings.Contains(says, "mapping value is not allowed"):
		hint = ": put quotes around a value that holds \": \", and look at how far this line and the next are indented"
	case strings.Contains(says, "value is not allowed in this context"), strings.Contains(says, "non-map value"):
		hint = ": look at how far this line and its neighbours are indented"
	case strings.Contains(says, "tab character"), strings.Contains(says, "cannot start any token"):
		hint = ": indent with spaces"
	case strings.Contains(says, "tag character"):
		hint = ": put quotes around a value that begins with \"!\", as in \"!abc:example.org\""
	case strings.Contains(says, "escape character"):
		hint = ": put patterns into single quotes, where a backslash is just a backslash"
	}
	j.fault(at, "is not YAML: %s%s", says, hint)
}

func position(n ast.Node, field string) place {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		t = m.Values[0].Key.GetToken()
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		t = m.Key.GetToken()
	}
	if t == nil || t.Position == nil {
		return place{field: field}
	}
	return place{line: t.Position.Line, column: max(1, t.Position.Column), field: field}
}

// tree turns the parser's nodes into ours; nil for what is not taken, which is
// then a fault already.
func (j *judge) tree(n ast.Node, field string) *node {
	at := position(n, field)
	out := &node{line: at.line, column: at.column}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = mapping
		for _, v := range n.Values {
			j.entry(out, v, field)
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		j.entry(out, n, field)
	case *ast.SequenceNode:
		out.kind = sequence
		for i, v := range n.Values {
			// A nil keeps the place of what was not taken, so that the paths of
			// the following items stay true.
			out.items = append(out.items, j.tree(v, fmt.Sprintf("%s[%d]", field, i)))
		}
	case *ast.StringNode:
		out.kind, out.text = textScalar, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = textScalar, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = numberScalar, n.GetToken().Value
	case *ast.BoolNode:
		out.kind, out.text = boolScalar, n.GetToken().Value
	case *ast.NullNode:
		out.kind = nothing
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		j.fault(at, "anchors, aliases and merge keys (&, *, <<) are not taken: write the value out")
		return nil
	case *ast.TagNode:
		j.fault(at, "tags (!…) are not taken: put quotes around a value that begins with \"!\", as in \"!abc:example.org\"")
		return nil
	default:
		j.fault(at, "this part of YAML is not taken: write plain keys, lists and values")
		return nil
	}
	return out
}

func (j *judge) entry(m *node, v *ast.MappingValueNode, field string) {
	at := position(v.Key, field)
	switch v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
	case *ast.MergeKeyNode, *ast.AliasNode, *ast.AnchorNode:
		j.fault(at, "anchors, aliases and merge keys (&, *, <<) are not taken: write the keys out")
		return
	default:
		j.fault(at, "a key is one plain word here")
		return
	}
	key := v.Key.GetToken().Value
	value := j.tree(v.Value, join(field, key))
	if value != nil && value.kind == nothing {
		// A missing value has no place of its own.
		value.line, value.column = at.line, at.column
	}
	m.entries = append(m.entries, entry{key: key, line: at.line, column: at.column, value: value})
}
