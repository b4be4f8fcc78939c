package commands

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func TestJournal(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "journal 50 pln_k7qf kind Decision by alice since 2d find nginx reload")
	mustContain(t, said(t, out, err), "2 entries of the journal, the newest last\n", "7 Wed 14 Jan 14:00 CET", "request: alice asked for nixos.rollback",
		"8 Wed 14 Jan 15:00 CET", "end on vulcan: done · pln_K7QF2M", "(entry 8 has the hash 5a5a)")
	want := bot.JournalQuery{Most: 50, Subject: "pln_K7QF", By: "alice", Kind: "decision", Since: noon.Add(-48 * time.Hour), Words: "nginx reload"}
	if w.query != want {
		t.Errorf("asked for %+v, want %+v", w.query, want)
	}
	out, err = ask(t, w, observer, "", "journal find changed")
	mustContain(t, said(t, out, err), "entry 9 is not what was written", "8 Wed 14 Jan 15:00 CET", "end: done", "watchstander journal verify")
	for line, says := range map[string]string{
		"journal 500":        "1 to 100 entries",
		"journal by":         "needs something behind it",
		"journal since long": "needs a span of time",
		"journal 12 13":      "is more than I can read here",
		"journal on":         "is more than I can read here",
	} {
		_, err := ask(t, w, observer, "", line)
		mustContain(t, bot.ForPeople(err), says)
	}
}

// In a plan's thread both are about that plan, unless all is wanted.
func TestOfThePlanHere(t *testing.T) {
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{{Thread: w.plans[0]}}
	here := w.plans[0].ID
	for line, subject := range map[string]string{"journal": "pln_K7QF2M", "journal 5": "pln_K7QF2M", "journal all": "", "journal pln_OTHE": "pln_OTHE"} {
		out, err := ask(t, w, observer, here, line)
		if w.query.Subject != subject {
			t.Errorf("%s asked for %q, want %q", line, w.query.Subject, subject)
		}
		if got := said(t, out, err); strings.Contains(got, " about this plan, ") != (subject == "pln_K7QF2M") {
			t.Errorf("%s: %s", line, got)
		}
	}
	out, err := ask(t, w, observer, here, "approvals")
	mustContain(t, said(t, out, err), "(digest 5555")
	out, err = ask(t, w, observer, here, "approvals all")
	mustContain(t, said(t, out, err), "1 plan not over")
	// A thread of something else, or of nobody's, is about no plan.
	for _, elsewhere := range []bot.ThreadID{"", "thr_GONE2222"} {
		out, err = ask(t, w, observer, elsewhere, "approvals")
		mustContain(t, said(t, out, err), "1 plan not over")
	}
}

// One host's, wherever it is said, and in whatever order people put it.
func TestJournalOfAHost(t *testing.T) {
	w := newWorld(t)
	w.agents = []string{"mars", "vulcan"}
	w.threads = []bot.ThreadFacts{{Thread: w.plans[0]}}
	for line, want := range map[string]bot.JournalQuery{
		"journal on mars":                            {Most: 15, Host: "mars"},
		"journal 50 on mars since 2d":                {Most: 50, Host: "mars", Since: noon.Add(-48 * time.Hour)},
		"journal since 2d on mars by alice kind end": {Most: 15, Host: "mars", By: "alice", Kind: "end", Since: noon.Add(-48 * time.Hour)},
		"journal on mars find on vulcan":             {Most: 15, Host: "mars", Words: "on vulcan"},
		"journal pln_OTHE on mars":                   {Most: 15, Host: "mars", Subject: "pln_OTHE"},
		"journal by alice kind request find by mars": {Most: 15, By: "alice", Kind: "request", Words: "by mars"},
		"journal find nginx on mars":                 {Most: 15, Words: "nginx on mars"},
	} {
		for _, here := range []bot.ThreadID{"", w.plans[0].ID} {
			if here != "" && want.Host == "" {
				continue // of the plan there
			}
			out, err := ask(t, w, observer, here, line)
			title := " of the journal, the newest last"
			if want.Host != "" {
				title = " of the journal about mars, the newest last"
			}
			mustContain(t, said(t, out, err), title)
			if w.query != want {
				t.Errorf("%s asked for %+v, want %+v", line, w.query, want)
			}
		}
	}
	_, err := ask(t, w, observer, "", "journal on mars on vulcan")
	mustContain(t, bot.ForPeople(err), "is more than I can read here")

	// A slip is told apart from a host of which there is nothing.
	w.journal = []bot.JournalLine{}
	out, err := ask(t, w, observer, "", "journal on mars")
	if got := said(t, out, err); strings.Contains(got, "I know no agent") {
		t.Error(got)
	}
	out, err = ask(t, w, observer, "", "journal on vulkan")
	mustContain(t, said(t, out, err), "no such entry. I know no agent on vulkan; there is one on mars or vulcan.")
}

// Where the rule wants no signature, there is none to be made.
func TestStatementOfNoSignature(t *testing.T) {
	for want, steps := range map[string][]bot.StepUp{
		"There is nothing to sign: the rule of this plan wants no signature. `approve pln_K7QF2M` is enough.":                         nil,
		"There is nothing to sign: the rule of this plan wants no signature. `approve pln_K7QF2M CODE` gives the code that it wants.": {bot.StepHost, bot.StepTOTP},
		"There is nothing to sign: the rule of this plan wants no signature. It wants a word on the host itself.":                     {bot.StepHost},
		"": {bot.StepTOTP, bot.StepSSH},
	} {
		w := newWorld(t)
		w.plans = []bot.Thread{planThread("pln_K7QF2M", bot.Waiting)}
		w.plans[0].State.Plan.Proposal.Plan.Rule.StepUp = steps
		out, err := ask(t, w, operator, "", "statement pln_K7QF")
		if want == "" {
			mustContain(t, said(t, out, err), "Your statement")
			continue
		}
		wantError(t, err, bot.CodeConflict, want)
	}
}
