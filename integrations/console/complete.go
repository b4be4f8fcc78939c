package console

import (
	"slices"
	"strings"

	"watchstander/bot"
)

// offers is what the Tab key has to choose from.
type offers struct {
	// words are the bot's commands, threaded those that can be aimed at a thread.
	words, threaded []string
	threads         []int
	// ids are the threads' ids that were seen, for those who type them.
	ids []string
}

// maxOffers bounds how many threads and ids are remembered.
const maxOffers = 1000

// thread remembers a thread by its number.
func (o *offers) thread(n int) {
	if !slices.Contains(o.threads, n) {
		o.threads = append(o.threads[max(len(o.threads)-maxOffers, 0):], n)
		slices.Sort(o.threads)
	}
}

// idPrefix is what a thread's id begins with. It is known here for the Tab key's
// sake alone, which offers what stands on the screen.
const idPrefix = "thr_"

// noteIDs remembers the threads' ids in a message's title and small print.
func (o *offers) noteIDs(m bot.Message) {
	for _, s := range slices.Concat(m.Title, m.Note) {
		id := cleanLine(s.Text)
		if s.Style != bot.Mono || !strings.HasPrefix(id, idPrefix) || strings.Contains(id, " ") || slices.Contains(o.ids, id) {
			continue
		}
		o.ids = append(o.ids[max(len(o.ids)-maxOffers, 0):], id)
	}
}

// complete gives what the Tab key makes of a line up to the cursor: a longer
// line, or the possibilities when there are several.
func (o *offers) complete(before string) (after string, several []string) {
	head, body := "", before
	if strings.HasPrefix(body, "@t") || strings.HasPrefix(body, "/t") {
		if word, rest, cut := strings.Cut(body, " "); cut {
			if _, ok := number(word[1:]); ok {
				head, body = word+" ", strings.TrimLeft(rest, " ")
			}
		}
	}
	var fits []string
	for _, c := range o.candidates(body) {
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

// candidates are whole lines of which one may be meant.
func (o *offers) candidates(body string) []string {
	switch {
	case strings.HasPrefix(body, "@"):
		return o.labels("@")
	case strings.HasPrefix(body, "/in "), strings.HasPrefix(body, "/show "), strings.HasPrefix(body, "/save "):
		word, _, _ := strings.Cut(body, " ")
		return o.labels(word + " ")
	case strings.HasPrefix(body, "/"):
		return ownCommands
	}
	for _, name := range o.threaded {
		n := nameLength(body, name)
		if n == 0 || n == len(body) {
			continue
		}
		word := strings.TrimLeft(body[n:], " ")
		lead := body[:len(body)-len(word)]
		switch {
		case strings.Contains(word, " "):
		case strings.HasPrefix(word, "@"):
			return o.labels(lead + "@")
		case strings.HasPrefix(word, "th"):
			var out []string
			for _, id := range o.ids {
				out = append(out, lead+id)
			}
			return out
		default:
			return o.labels(lead)
		}
	}
	return o.words
}

func (o *offers) labels(lead string) []string {
	var out []string
	for _, n := range o.threads {
		out = append(out, lead+t(n))
	}
	return out
}
