package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the same words on hosts without a zone database

	"watchstander/bot"
)

// Render is the whole plan in words, for a terminal and for a chat's block of
// fixed width: plain text in lines of at most 76 characters (a longer word has a
// line of its own). Nothing of the plan is left out, and no text in it can look
// like a heading of ours: headings alone begin a line.
func Render(p bot.Plan) (string, error) {
	b, err := Canonical(p)
	if err != nil {
		return "", err
	}
	zones, err := zonesOf(p.Rule.Windows)
	if err != nil {
		return "", err
	}
	var w page
	w.heading("PLAN %s", p.ID)
	w.text(p.Draft.Summary)
	w.heading("Where")
	w.named("host", p.Host)
	w.named("machine id", p.MachineID)
	w.named("boot id", p.BootID)
	w.heading("What")
	w.named("operation", string(p.Operation))
	for _, name := range slices.Sorted(maps.Keys(p.Arguments)) {
		for _, v := range p.Arguments[name] {
			w.named("with "+name, strconv.Quote(v))
		}
	}
	if len(p.Arguments) == 0 {
		w.named("with", "(no arguments)")
	}
	w.listed("Steps", len(p.Draft.Steps), "none are told")
	for i, s := range p.Draft.Steps {
		w.item(strconv.Itoa(i+1)+". ", s)
	}
	w.list("What changes", p.Draft.Differences, "none known")
	w.listed("What was looked at", len(p.Draft.Conditions), "nothing")
	for _, c := range p.Draft.Conditions {
		w.item("["+signs[c.State]+"] ", c.Text)
		w.item("    found: ", c.Found)
	}
	w.list("What no undo brings back", p.Draft.Irreversible, "none known")
	w.heading("How it is undone")
	w.text(p.Draft.Undo)
	w.heading("How long")
	w.named("takes", p.Draft.Takes)
	w.named("given up", limit(p.Draft.Limit))
	w.facts("Must be the same when it starts", p.Draft.Bound)
	w.facts("May be different by then, and you are told", p.Draft.Observed)
	w.list("Locks that it holds meanwhile", p.Draft.Locks, "none")
	w.list("Units that it waits for", p.Draft.WaitFor, "none")
	w.list("Store paths kept for it", p.Draft.Roots, "none")
	w.when(p, zones)
	w.who(p)
	w.heading("Digest of all this (form %d)", p.Version)
	w.raw(Grouped(Digest(b)))
	return w.b.String(), nil
}

var signs = map[bot.ReadingState]string{bot.OK: "OK", bot.NotOK: "NOT OK", bot.Unknown: "UNKNOWN"}

// Grouped is a digest in groups of four, eight on a line: as people compare it.
func Grouped(digest string) string {
	var b strings.Builder
	for i := 0; i < len(digest); i += 4 {
		switch {
		case i > 0 && i%32 == 0:
			b.WriteByte('\n')
		case i > 0:
			b.WriteByte(' ')
		}
		b.WriteString(digest[i:min(i+4, len(digest))])
	}
	return b.String()
}

func (w *page) when(p bot.Plan, zones []*time.Location) {
	w.heading("When")
	w.instant("made", p.MintedAt, zones)
	for _, x := range p.Rule.Windows {
		w.named("may start", windowWords(x))
	}
	switch {
	case len(p.Rule.Windows) == 0:
		w.named("may start", "at any time")
	case p.Rule.Queue:
		w.text("Agreed to outside these windows, it waits for the next one.")
	default:
		w.text("Agreed to outside these windows, it does not start.")
	}
	if len(p.Rule.Windows) == 0 && p.Rule.Queue {
		w.text("The rule lets it wait for a window, and names none.")
	}
	w.instant("not after", p.NotAfter, zones)
	w.named("agreed", "within "+span(p.Rule.ApproveWithin)+" after it was shown whole")
	w.named("rule's life", span(p.Rule.ValidFor)+" from when it was made")
	if p.Rule.ConfirmWithin > 0 {
		w.named("confirmed", "within "+span(p.Rule.ConfirmWithin)+" after it was verified, or it is undone"+confirmWords(p.Rule.StepUp))
	} else {
		w.named("confirmed", "nobody need say afterwards that all is well")
	}
}

func (w *page) who(p bot.Plan) {
	r := p.Rule
	w.heading("Who")
	w.named("asked", string(p.Requester))
	w.named("rule", r.Name)
	w.named("risk", string(r.Risk))
	w.named("may ask", roles(r.Requesters))
	switch {
	case len(r.Approvers) == 0: // a standing approval, or root's own
		w.named("must agree", fmt.Sprintf("nobody is asked (no role may; the rule's count is %d)", r.Count))
	case r.Count == 1:
		w.named("must agree", "1 person: "+roles(r.Approvers))
	default:
		w.named("must agree", fmt.Sprintf("%d different people, each: %s", r.Count, roles(r.Approvers)))
	}
	if r.RequesterCounts {
		w.text(fmt.Sprintf("%s, who asked, may be one of them.", p.Requester))
	} else {
		w.text(fmt.Sprintf("%s, who asked, does not count.", p.Requester))
	}
	switch {
	case len(r.StepUp) == 0 && len(r.Approvers) == 0:
		w.named("proof", "none")
		return
	case len(r.StepUp) == 0:
		w.named("proof", "a word in the chat is enough")
		return
	}
	var words []string
	for _, s := range r.StepUp {
		words = append(words, proofs[s])
	}
	w.named("proof", "each approver gives "+strings.Join(words, ", or "))
}

// confirmWords are what a confirmation must prove: as much as an approval.
func confirmWords(steps []bot.StepUp) string {
	if len(steps) == 0 {
		return ""
	}
	return ", with proof as below"
}

var proofs = map[bot.StepUp]string{
	bot.StepTOTP: "a time-based code (totp)",
	bot.StepHost: "their word on the host itself (host)",
	bot.StepSSH:  "an SSH signature (ssh)",
}

// roles are those of which one will do.
func roles(rs []bot.Role) string {
	if len(rs) == 0 {
		return "nobody"
	}
	var out []string
	for _, r := range rs {
		out = append(out, string(r))
	}
	return strings.Join(out, " or ")
}

func limit(s bot.Seconds) string {
	if s == 0 {
		return "never"
	}
	return "after " + span(s)
}

// span is a duration in words, exactly: "1 d 4 h 3 min 20 s".
func span(s bot.Seconds) string {
	var out []string
	for _, u := range []struct {
		of   bot.Seconds
		name string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}} {
		if n := s / u.of; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, u.name))
		}
		s %= u.of
	}
	if len(out) == 0 {
		return "0 s"
	}
	return strings.Join(out, " ")
}
