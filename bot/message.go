package bot

import (
	"slices"
	"strings"
)

// Message is what is said, in no platform's words. It is built from spans, not
// from a markup language, so that a label's text can never turn into markup, a
// link or a ping: each chat escapes what it shows.
type Message struct {
	// Tone gives the colour and the sign in front.
	Tone Tone
	// Title is one line: what a notification on a phone shows.
	Title Text
	// Blocks follow in order.
	Blocks []Block
	// Actions are the buttons, the most likely first.
	Actions []Action
	// Note is the small print under all (ids, sources).
	Note Text
	// Over: the root of a thread in which nothing is to come. Its looks do not tell:
	// a plan that failed is over, an alert that is silenced is not.
	Over bool
	// Whole: a log entry that is said alone and in full; what of it did not reach
	// people must not pass for said.
	Whole bool
	// Aside: only whoever it answers needs to see it: a refusal, a hint. Platforms that
	// can show it to them alone.
	Aside bool
}

// Tone is how a message looks at first sight.
type Tone string

const (
	ToneCritical Tone = "critical"
	ToneWarning  Tone = "warning"
	ToneInfo     Tone = "info"
	ToneOK       Tone = "ok"      // over, resolved, done
	ToneMuted    Tone = "muted"   // silenced, inhibited
	ToneUnknown  Tone = "unknown" // we cannot know
	TonePlain    Tone = ""        // an answer, a log line
)

// Text is a run of spans.
type Text []Span

// Span is text in one style. Text may hold anything, newlines included: chats
// escape it. A span with a URL is a link (http, https only; others show as text).
type Span struct {
	Text  string
	Style Style  `json:",omitempty"`
	URL   string `json:",omitempty"`
}

// Style of a span.
type Style string

const (
	Plain Style = ""
	Bold  Style = "bold"
	Mono  Style = "mono" // label values, commands, ids
	Faint Style = "faint"
	// Struck is for what no longer holds.
	Struck Style = "struck"
)

// T is plain text.
func T(s string) Span { return Span{Text: s} }

// B is bold text.
func B(s string) Span { return Span{Text: s, Style: Bold} }

// M is text in a fixed-width face.
func M(s string) Span { return Span{Text: s, Style: Mono} }

// F is faint text.
func F(s string) Span { return Span{Text: s, Style: Faint} }

// L is a link.
func L(s, url string) Span { return Span{Text: s, URL: url} }

// Line makes a Text of spans.
func Line(s ...Span) Text { return Text(s) }

// Quoted makes text of a sentence in which `backticks` stand around what people
// type: those parts become fixed-width.
func Quoted(s string) Text {
	var out Text
	for i, part := range strings.Split(s, "`") {
		switch {
		case part == "":
		case i%2 == 1:
			out = append(out, M(part))
		default:
			out = append(out, T(part))
		}
	}
	return out
}

// String is the text without styles.
func (t Text) String() string {
	var n int
	for _, s := range t {
		n += len(s.Text)
	}
	b := make([]byte, 0, n)
	for _, s := range t {
		b = append(b, s.Text...)
	}
	return string(b)
}

// Block is one of Para, Fields, List, Pre, Picture, File. It is sealed: every
// chat knows every block.
type Block interface{ block() }

type (
	// Para is a paragraph.
	Para struct{ Text Text }
	// Fields are short facts, name and value, shown beside or below each other.
	Fields struct{ Fields []Field }
	// List is a bulleted list.
	List struct{ Items []Text }
	// Pre keeps its lines and spaces, in a fixed-width face: command output,
	// tables.
	Pre struct{ Body string }
	// Picture is shown in place where the platform can, else attached.
	Picture struct {
		Name          string // with extension
		PNG           []byte
		Alt           string // what it shows, in words; holds the figure
		Width, Height int
	}
	// File is attached.
	File struct {
		Name string
		Type string // MIME
		Data []byte
	}
)

func (Para) block()    {}
func (Fields) block()  {}
func (List) block()    {}
func (Pre) block()     {}
func (Picture) block() {}
func (File) block()    {}

// Field is one fact.
type Field struct {
	Name  string
	Value Text
}

// Action is a button, a reaction on platforms without buttons.
type Action struct {
	// Name is the command that pressing it gives, in its thread ("ack",
	// "silence 1h").
	Name string
	// Emoji stands for it where there are only reactions; in its bare form,
	// without variation selectors.
	Emoji string
	// Label is what a button says.
	Label string
	// Danger asks for a second press where the platform can, and Then tells before it
	// what the press comes to.
	Danger bool
	Then   string `json:",omitempty"`
	// Choices are variants of it, for platforms with menus: each stands for itself,
	// and Name is the usual one.
	Choices []Choice `json:",omitempty"`
	// Form is asked before anything is done, where the platform can ask: the answers go
	// behind Name. Elsewhere the action stands for Name alone. nil asks nothing.
	Form *Form `json:",omitempty"`
	// URL is where the button leads, where it gives no command; its words stand in the
	// message too, for platforms without buttons.
	URL string `json:",omitempty"`
}

// Form is what is asked before an action.
type Form struct {
	// About tells what the action is about, and what would come of it now.
	About string `json:",omitempty"`
	// Questions in their order.
	Questions []Question
}

// Question is one of a form.
type Question struct {
	// Word stands before the answer in the command ("because"), "" for none.
	Word  string `json:",omitempty"`
	Label string
	// Hint is an example, or tells what becomes of the answer.
	Hint string `json:",omitempty"`
	// Optional: it may be left empty. Long: the answer is more than a few words.
	Optional bool `json:",omitempty"`
	Long     bool `json:",omitempty"`
}

// Choice is one variant of an action.
type Choice struct {
	Name  string // the command, as an Action's
	Label string
}

// Map returns the message with every string that people will see replaced by
// f's answer. The redactor is its user; it must miss nothing, so a test walks
// the type by reflection.
func (m Message) Map(f func(string) string) Message {
	m.Title = m.Title.Map(f)
	m.Note = m.Note.Map(f)
	blocks := make([]Block, len(m.Blocks))
	for i, b := range m.Blocks {
		blocks[i] = mapBlock(b, f)
	}
	m.Blocks = blocks
	actions := make([]Action, len(m.Actions))
	for i, a := range m.Actions {
		a.Label, a.Name, a.Then = f(a.Label), f(a.Name), f(a.Then)
		if a.URL != "" {
			a.URL = f(a.URL)
		}
		a.Choices = slices.Clone(a.Choices)
		for j, c := range a.Choices {
			a.Choices[j] = Choice{f(c.Name), f(c.Label)}
		}
		a.Form = a.Form.Map(f)
		actions[i] = a
	}
	m.Actions = actions
	return m
}

// Map applies f to all that people read of a form.
func (x *Form) Map(f func(string) string) *Form {
	if x == nil {
		return nil
	}
	out := &Form{About: f(x.About), Questions: slices.Clone(x.Questions)}
	for i, q := range out.Questions {
		out.Questions[i].Word, out.Questions[i].Label, out.Questions[i].Hint = f(q.Word), f(q.Label), f(q.Hint)
	}
	return out
}

// Map applies f to every span's text and address.
func (t Text) Map(f func(string) string) Text {
	if t == nil {
		return nil
	}
	out := make(Text, len(t))
	for i, s := range t {
		s.Text = f(s.Text)
		if s.URL != "" {
			s.URL = f(s.URL)
		}
		out[i] = s
	}
	return out
}

func mapBlock(b Block, f func(string) string) Block {
	switch b := b.(type) {
	case Para:
		return Para{b.Text.Map(f)}
	case Fields:
		out := make([]Field, len(b.Fields))
		for i, x := range b.Fields {
			out[i] = Field{f(x.Name), x.Value.Map(f)}
		}
		return Fields{out}
	case List:
		out := make([]Text, len(b.Items))
		for i, x := range b.Items {
			out[i] = x.Map(f)
		}
		return List{out}
	case Pre:
		return Pre{f(b.Body)}
	case Picture:
		b.Name, b.Alt = f(b.Name), f(b.Alt)
		return b
	case File:
		// A file is text to its reader; what is not UTF-8 text has no place here.
		b.Name, b.Data = f(b.Name), []byte(f(string(b.Data)))
		return b
	}
	return b
}
