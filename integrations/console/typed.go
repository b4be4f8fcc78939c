package console

import (
	"regexp"
	"strconv"
	"strings"
)

// order is what a typed line means to the client.
type order struct {
	do     action
	thread int
	text   string
	count  int
	all    bool
}

// action is what is to be done about a line.
type action string

const (
	doNothing action = ""
	doSay     action = "say"
	doEnter   action = "in"
	doLeave   action = "out"
	doList    action = "threads"
	doShow    action = "show"
	doPast    action = "history"
	doSave    action = "save"
	doHelp    action = "help"
	doQuit    action = "quit"
	doRefuse  action = "refuse"
)

// ownCommands are offered by the Tab key beside the bot's.
var ownCommands = []string{"/help", "/history", "/in", "/out", "/quit", "/save", "/show", "/threads"}

// help is what /help shows.
var help = []string{
	"What you type goes to the bot; its own `help` lists the commands.",
	"@t12 ack      say it in thread t12; ack t12 is the same",
	"/in t12       stay in thread t12; /out leaves",
	"/threads      the open threads; /threads all lists the closed ones too",
	"/show t12     one thread, whole, as it is now",
	"/history 50   the last messages",
	"/save t12     keep the newest picture or file of a thread",
	"A signature is pasted with its command, all of it; Esc or Ctrl-C drops it.",
	"/quit         leave (Ctrl-D does, too, and Ctrl-C on an empty line)",
	"Tab completes, ↑ and ↓ go through what you typed. A line that begins with a blank is not remembered.",
}

// understand reads a line that was typed while the person stood in a thread (0:
// in none). threaded are the commands that can be aimed at a thread.
func understand(text string, in int, threaded []string) order {
	o := read(text, in)
	if o.do == doSay {
		return aim(o, threaded)
	}
	return o
}

func read(text string, in int) order {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return order{}
	case strings.HasPrefix(text, "//"):
		return order{do: doSay, thread: in, text: text[1:]}
	case strings.HasPrefix(text, "@"), strings.HasPrefix(text, "/"):
	default:
		return order{do: doSay, thread: in, text: text}
	}
	word, rest, _ := strings.Cut(text[1:], " ")
	rest = strings.TrimSpace(rest)
	if n, ok := number(word); ok && strings.HasPrefix(word, "t") {
		if rest == "" {
			return order{do: doEnter, thread: n}
		}
		return order{do: doSay, thread: n, text: rest}
	}
	if text[0] == '@' {
		// Somebody's name, or a word of the bot's.
		return order{do: doSay, thread: in, text: text}
	}
	return command(word, rest, in)
}

func command(word, rest string, in int) order {
	n, numbered := number(rest)
	if rest == "" {
		n, numbered = in, in > 0
	}
	switch do := action(word); do {
	case doEnter:
		if numbered {
			return order{do: do, thread: n}
		}
		return order{do: doRefuse, text: "Which thread? /in t12"}
	case doShow:
		if numbered {
			return order{do: do, thread: n}
		}
		return order{do: doRefuse, text: "Which thread? /show t12"}
	case doSave:
		if numbered || rest == "" {
			return order{do: do, thread: n}
		}
		return order{do: doRefuse, text: "Which thread? /save t12"}
	case doPast:
		count := 50
		if rest != "" {
			c, err := strconv.Atoi(rest)
			if err != nil || c < 1 {
				return order{do: doRefuse, text: "How many? /history 50"}
			}
			count = min(c, maxPast)
		}
		return order{do: do, count: count}
	case doList:
		return order{do: do, all: rest == "all"}
	case doLeave, doHelp, doQuit:
		return order{do: do}
	}
	if word == "exit" || word == "q" {
		return order{do: doQuit}
	}
	return order{do: doRefuse, text: "There is no /" + word + "; /help lists what there is. (A line for the bot that begins with a slash begins with two.)"}
}

// called is how people begin a line for the bot in other chats, from habit.
var called = regexp.MustCompile(`(?i)^(!|(ws|watchstander)[:,]?\s)\s*`)

// aim sends "ack t12 on it" as "ack on it" into t12: the labels are the console's
// own, and the bot would take one for a word of the comment. That holds for the
// word right behind the command's name, and for no other; in quotes it is a word.
// A label that no thread has is one nevertheless, so that the server refuses it.
func aim(o order, threaded []string) order {
	begin := len(called.FindString(o.text))
	end := 0
	for _, name := range threaded {
		end = max(end, begin+nameLength(o.text[begin:], name))
	}
	if end == begin {
		return o
	}
	word, after := cutWord(o.text[end:])
	n, ok := label(word)
	if !ok {
		return o
	}
	o.thread, o.text = n, strings.TrimSpace(o.text[:end]+" "+after)
	return o
}

// nameLength is how far a command's name reaches into a text, 0 when the text
// does not begin with it. Names count in any case, and may have several words.
func nameLength(text, name string) int {
	rest := text
	for want := range strings.FieldsSeq(name) {
		word, after := cutWord(rest)
		if !strings.EqualFold(word, want) {
			return 0
		}
		rest = after
	}
	return len(strings.TrimRight(text[:len(text)-len(rest)], " \t\n"))
}

// cutWord gives a text's first word, and what follows it.
func cutWord(text string) (word, after string) {
	const blanks = " \t\n" // the last before a signature
	text = strings.TrimLeft(text, blanks)
	if i := strings.IndexAny(text, blanks); i >= 0 {
		return text[:i], strings.TrimLeft(text[i:], blanks)
	}
	return text, ""
}

// label reads "t12" and "@t12", as they are shown and not otherwise.
func label(word string) (int, bool) {
	word = strings.TrimPrefix(word, "@")
	n, ok := number(word)
	return n, ok && word == t(n)
}

// number reads "t12", and "12" where only a thread can be meant.
func number(word string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(word, "@"), "t")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > maxThread || digits[0] == '+' {
		return 0, false
	}
	return n, true
}
