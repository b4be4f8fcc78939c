package checks

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// update writes anew what is generated from the modules: docs/options.md, and the
// dashboards' form.
var update = flag.Bool("update", false, "write docs/options.md and the dashboards' form anew")

// option is one of the modules', as options.nix tells it.
type option struct {
	Name, Type, Description, Module string
	Default, Example                *string
}

// TestOptions: docs/options.md is what the modules say of their options, and every one of
// them says something.
//
//	go test ./nix/checks -run TestOptions -update
func TestOptions(t *testing.T) {
	options := evaluate[[]option](t, "documented")
	if len(options) < 20 {
		t.Fatalf("there are only %d options", len(options))
	}
	for i, o := range options {
		if len(strings.Fields(o.Description)) < 2 {
			t.Errorf("%s (%s) has no description: %q", o.Name, o.Module, o.Description)
		}
		if o.Type == "" {
			t.Errorf("%s has no type", o.Name)
		}
		if slices.ContainsFunc(options[:i], func(x option) bool { return x.Name == o.Name }) {
			t.Errorf("%s is told twice", o.Name)
		}
	}
	path := filepath.Join(root, "..", "docs", "options.md")
	want := optionsPage(t, options)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/options.md is not what the modules say (%s); write it anew:\n\tgo test ./nix/checks -run TestOptions -update", firstDifference(got, want))
	}
}

func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q, and should be %q", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, and should be %d", len(x), len(y))
}

// optionsPage is docs/options.md.
func optionsPage(t *testing.T, options []option) []byte {
	var b bytes.Buffer
	b.WriteString("# Options of the NixOS modules\n\n")
	b.WriteString("Each module of [nix/modules](../nix/modules) with its options. Nothing is switched on by importing. " +
		"A type that says *submodule* has the options below it, with `<name>` for a name that you choose and `*` for each of a list. " +
		"An option without a default must be given where its module is enabled.\n\n" +
		"This file is made from the modules (`go test ./nix/checks -run TestOptions -update`): what is wrong here is wrong there.\n\n")

	var modules []string
	of := map[string][]option{}
	for _, o := range options {
		if of[o.Module] == nil {
			modules = append(modules, o.Module)
		}
		of[o.Module] = append(of[o.Module], o)
	}
	slices.Sort(modules)
	for _, m := range modules {
		title := strings.TrimSuffix(m, ".nix")
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", title, title, plural(len(of[m])))
	}
	for _, m := range modules {
		fmt.Fprintf(&b, "\n## %s\n\n", strings.TrimSuffix(m, ".nix"))
		if head := headOf(t, m); head != "" {
			b.WriteString(head + "\n\n")
		}
		fmt.Fprintf(&b, "[nix/modules/%s](../nix/modules/%[1]s)\n", m)
		for _, o := range of[m] {
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", o.Name, o.Description)
			fmt.Fprintf(&b, "- type: %s\n", o.Type)
			if o.Default == nil {
				b.WriteString("- default: none\n")
			} else {
				value(&b, "default", *o.Default)
			}
			// What mkEnableOption adds by itself tells nothing.
			if o.Example != nil && (o.Type != "boolean" || *o.Example != "true") {
				value(&b, "example", *o.Example)
			}
		}
	}
	return b.Bytes()
}

func plural(n int) string {
	if n == 1 {
		return "1 option"
	}
	return fmt.Sprintf("%d options", n)
}

// value is one line, or a block of its own.
func value(b *bytes.Buffer, what, text string) {
	if !strings.Contains(text, "\n") {
		fmt.Fprintf(b, "- %s: `%s`\n", what, text)
		return
	}
	fmt.Fprintf(b, "- %s:\n\n", what)
	for line := range strings.Lines("```nix\n" + text + "\n```\n") {
		b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
}

// headOf is the comment at the top of a module, which says what it is for.
func headOf(t *testing.T, module string) string {
	text, err := os.ReadFile(filepath.Join(root, "modules", module))
	if err != nil {
		t.Errorf("an option is declared in %s, which is no file of nix/modules", module)
		return ""
	}
	var words []string
	for line := range strings.Lines(string(text)) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok {
			break
		}
		words = append(words, strings.TrimSpace(comment))
	}
	return strings.Join(words, "\n")
}
