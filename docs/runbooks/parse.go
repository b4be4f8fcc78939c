package runbooks

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"watchstander/bot"
)

// Runbook is one file, read.
type Runbook struct {
	Name  string // "zfs-status"
	Title string
	// Commands and Alerts are what else leads to it: names of commands, and alertnames.
	Commands []string
	Alerts   []string
	Sections []Section
	// Orders are the lines of its blocks for the bot, in their order: each is a whole
	// command. Mentions are the pieces of fixed-width text within its sentences, commands
	// and others. Host are the blocks for the host's shell.
	Orders   []string
	Mentions []string
	Host     []string
}

// Section is one part of a runbook.
type Section struct {
	Name   string
	Blocks []bot.Block
}

// SectionNames are the sections that every runbook has, in their order.
func SectionNames() []string {
	return []string{"Meaning", "Impact", "Look", "Act", "Undo", "Escalate"}
}

// reader makes a Runbook of a Markdown document.
type reader struct {
	source []byte
	Runbook
}

// parse reads a file in the one form, and refuses what has another.
func parse(name string, source []byte) (Runbook, error) {
	r := reader{source: source, Runbook: Runbook{Name: name}}
	doc := goldmark.DefaultParser().Parse(text.NewReader(source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if err := r.top(n); err != nil {
			return Runbook{}, err
		}
	}
	if r.Title == "" {
		return Runbook{}, fmt.Errorf("there is no title")
	}
	var have []string
	for _, s := range r.Sections {
		have = append(have, s.Name)
		if len(s.Blocks) == 0 {
			return Runbook{}, fmt.Errorf("the section %s is empty", s.Name)
		}
	}
	if want := SectionNames(); !slices.Equal(have, want) {
		return Runbook{}, fmt.Errorf("the sections are %v, not %v", have, want)
	}
	return r.Runbook, nil
}

// top takes one block of the document.
func (r *reader) top(n ast.Node) error {
	if h, ok := n.(*ast.Heading); ok {
		t, err := r.spans(h)
		switch {
		case err != nil:
			return err
		case h.Level == 1 && r.Title == "" && len(r.Sections) == 0:
			r.Title = t.String()
		case h.Level == 2 && r.Title != "":
			r.Sections = append(r.Sections, Section{Name: t.String()})
		default:
			return fmt.Errorf("the heading %q has no place", t.String())
		}
		return nil
	}
	if len(r.Sections) == 0 {
		return r.lead(n)
	}
	b, err := r.block(n)
	if err != nil {
		return err
	}
	s := &r.Sections[len(r.Sections)-1]
	s.Blocks = append(s.Blocks, b)
	return nil
}

// lead takes a line between title and sections: "Commands: `a`, `b`".
func (r *reader) lead(n ast.Node) error {
	if _, ok := n.(*ast.Paragraph); !ok || r.Title == "" {
		return fmt.Errorf("%s has no place before the sections", n.Kind())
	}
	t, err := r.spans(n)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range t {
		if s.Style == bot.Mono {
			names = append(names, s.Text)
		}
	}
	switch first := t[0].Text; {
	case first == "Commands: " && r.Commands == nil && len(names) > 0:
		r.Commands = names
	case first == "Alerts: " && r.Alerts == nil && len(names) > 0:
		r.Alerts = names
	default:
		return fmt.Errorf("%q is none of the lines that may stand before the sections", t.String())
	}
	return nil
}

// block makes a block of a message of one of the document.
func (r *reader) block(n ast.Node) (bot.Block, error) {
	switch n := n.(type) {
	case *ast.Paragraph:
		t, err := r.sentence(n)
		return bot.Para{Text: t}, err
	case *ast.List:
		return r.list(n)
	case *ast.FencedCodeBlock:
		return r.fenced(n)
	}
	return nil, fmt.Errorf("%s is nothing that a runbook holds", n.Kind())
}

// list reads items of one paragraph each. Steps keep their numbers, in a paragraph with a
// line each, since messages have no numbered lists.
func (r *reader) list(l *ast.List) (bot.Block, error) {
	var items []bot.Text
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		body := item.FirstChild()
		if body == nil || body.NextSibling() != nil || body.Kind() != ast.KindTextBlock && body.Kind() != ast.KindParagraph {
			return nil, fmt.Errorf("an item of a list is more or less than one paragraph")
		}
		t, err := r.sentence(body)
		if err != nil {
			return nil, err
		}
		items = append(items, t)
	}
	if !l.IsOrdered() {
		return bot.List{Items: items}, nil
	}
	var steps bot.Text
	for i, t := range items {
		number := fmt.Sprintf("%d. ", l.Start+i)
		if i > 0 {
			number = "\n" + number
		}
		steps = append(append(steps, bot.T(number)), t...)
	}
	return bot.Para{Text: steps}, nil
}

// fenced reads a block of code: what the bot is told becomes a list, since each line is
// typed alone, and everything else keeps its form.
func (r *reader) fenced(f *ast.FencedCodeBlock) (bot.Block, error) {
	body := strings.TrimRight(string(f.Lines().Value(r.source)), "\n")
	if strings.TrimSpace(body) == "" {
		return nil, fmt.Errorf("a block of code is empty")
	}
	switch info := string(f.Language(r.source)); info {
	case "bot":
		var out bot.List
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" || line != strings.TrimSpace(line) {
				return nil, fmt.Errorf("%q in a block for the bot is no line as people type it", line)
			}
			r.Orders = append(r.Orders, line)
			out.Items = append(out.Items, bot.Line(bot.M(line)))
		}
		return out, nil
	case "sh":
		r.Host = append(r.Host, body)
	case "nix", "text":
	default:
		return nil, fmt.Errorf("a block of code is marked %q, not bot, sh, nix or text", info)
	}
	return bot.Pre{Body: body}, nil
}

// sentence reads text, and keeps what stands in it in a fixed width.
func (r *reader) sentence(n ast.Node) (bot.Text, error) {
	t, err := r.spans(n)
	for _, s := range t {
		if s.Style == bot.Mono {
			r.Mentions = append(r.Mentions, s.Text)
		}
	}
	return t, err
}

// spans reads the inline nodes within a node.
func (r *reader) spans(n ast.Node) (bot.Text, error) {
	var out bot.Text
	add := func(s bot.Span) {
		if last := len(out) - 1; last >= 0 && out[last].Style == s.Style && out[last].URL == s.URL {
			out[last].Text += s.Text
			return
		}
		out = append(out, s)
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			s := string(util.UnescapePunctuations(c.Value(r.source)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				s += " "
			}
			add(bot.T(s))
		case *ast.CodeSpan:
			add(bot.M(r.words(c)))
		case *ast.Emphasis:
			if c.Level == 1 {
				add(bot.T(r.words(c)))
			} else {
				add(bot.B(r.words(c)))
			}
		case *ast.Link:
			s, err := link(r.words(c), string(c.Destination))
			if err != nil {
				return nil, err
			}
			add(s)
		case *ast.AutoLink:
			u := string(c.URL(r.source))
			add(bot.L(u, u))
		default:
			return nil, fmt.Errorf("%s is nothing that a runbook holds", c.Kind())
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("a paragraph or heading is empty")
	}
	return out, nil
}

// words is the plain text within a node.
func (r *reader) words(n ast.Node) string {
	var b bytes.Buffer
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Value(r.source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		} else {
			b.WriteString(r.words(c))
		}
	}
	return b.String()
}

// link makes of a way to another runbook the command that shows it, which is what
// somebody in a chat can follow; of a way to another document its name.
func link(words, to string) (bot.Span, error) {
	if strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "http://") {
		return bot.L(words, to), nil
	}
	if name, ok := strings.CutSuffix(to, ".md"); ok && !strings.Contains(name, "/") {
		if words != name {
			return bot.Span{}, fmt.Errorf("the link to the runbook %s has the text %q, not its name", name, words)
		}
		return bot.M("runbook " + name), nil
	}
	if file, ok := strings.CutPrefix(to, "../"); ok {
		return bot.T(words + " (docs/" + file + ")"), nil
	}
	return bot.Span{}, fmt.Errorf("the link %q leads neither to a runbook, nor to a document beside, nor to the web", to)
}
