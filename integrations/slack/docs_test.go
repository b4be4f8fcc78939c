package slack

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestChapterTellsEveryTrouble: docs/slack.md names every word of Slack's that we know a
// remedy for, those that shut us out of a channel, and every error that ends Run.
func TestChapterTellsEveryTrouble(t *testing.T) {
	data, err := os.ReadFile("../../docs/slack.md")
	if err != nil {
		t.Fatal(err)
	}
	chapter := string(data)
	words := []string{notIn, unknown, archived}
	for word := range remedies {
		words = append(words, word)
	}
	for _, word := range append(words, revoked...) {
		if !strings.Contains(chapter, "`"+word+"`") {
			t.Errorf("nothing is told of %s", word)
		}
	}
	final := finalErrors(t)
	if len(final) < 3 {
		t.Errorf("only these errors were found: %q", final)
	}
	for _, f := range final {
		if !strings.Contains(chapter, f) {
			t.Errorf("nothing is told of %q", f)
		}
	}
}

// finalErrors are the errors that people must do something about, each by the first
// words that are always the same and say enough.
func finalErrors(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`%[a-z]`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) < 2 {
				return true
			}
			code, ok := c.Args[0].(*ast.SelectorExpr)
			text, literal := c.Args[1].(*ast.BasicLit)
			if !ok || !literal || code.Sel.Name != "CodeForbidden" {
				return true
			}
			said, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			parts := verb.Split(said, -1)
			first := strings.TrimSpace(parts[0])
			if first == "The bot token of the chat" { // its end is what tells it from others
				first = strings.Trim(parts[1], "\" ")
			}
			if !slices.Contains(out, first) {
				out = append(out, first)
			}
			return true
		})
	}
	return out
}
