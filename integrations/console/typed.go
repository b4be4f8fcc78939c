package console

import (
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
	"@t12 ack      say it in thread t12",
	"/in t12       stay in thread t12; /out leaves",
	"/threads      the open threads; /threads all lists the closed ones too",
	"/show t12     one thread, whole, as it is now",
	"/history 50   the last messages",
	"/save t12     keep the newest picture or file of a thread",
	"/quit         leave (Ctrl-D and Ctrl-C do, too)",
	"Tab completes, ↑ and ↓ go through what you typed. A line that begins with a blank is not remembered.",
}

// understand reads a line that was typed while the person stood in a thread (0:
// in none).
func understand(text string, in int) order {
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

// number reads "t12", and "12" where only a thread can be meant.
func number(word string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(word, "@"), "t")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > maxThread || digits[0] == '+' {
		return 0, false
	}
	return n, true
}

// complete gives what the Tab key makes of a line up to the cursor: a longer
// line, or the possibilities when there are several.
func complete(before string, words []string, threads []int) (after string, several []string) {
	head, body := "", before
	if strings.HasPrefix(body, "@t") || strings.HasPrefix(body, "/t") {
		if word, rest, cut := strings.Cut(body, " "); cut {
			if _, ok := number(word[1:]); ok {
				head, body = word+" ", strings.TrimLeft(rest, " ")
			}
		}
	}
	candidates := words
	switch {
	case strings.HasPrefix(body, "@"):
		candidates = nil
		for _, n := range threads {
			candidates = append(candidates, "@"+t(n))
		}
	case strings.HasPrefix(body, "/in "), strings.HasPrefix(body, "/show "), strings.HasPrefix(body, "/save "):
		word, _, _ := strings.Cut(body, " ")
		candidates = nil
		for _, n := range threads {
			candidates = append(candidates, word+" "+t(n))
		}
	case strings.HasPrefix(body, "/"):
		candidates = ownCommands
	}
	var fits []string
	for _, c := range candidates {
		if strings.HasPrefix(c, body) {
			fits = append(fits, c)
		}
	}
	if len(fits) == 0 {
		return before, nil
	}
	if len(fits) == 1 {
		return head + fits[0] + " ", nil
	}
	common := fits[0]
	for _, f := range fits[1:] {
		for !strings.HasPrefix(f, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) > len(body) {
		return head + common, nil
	}
	return before, fits
}
