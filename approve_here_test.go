package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// After a run that waits for it, people at the host say that all is well, or is not.
// Nobody says so by accident, and nobody confirms what does not wait.
func TestConfirmHere(t *testing.T) {
	p := lampPlan()
	digest := digestOf(t, p)
	for _, c := range []struct {
		what    string
		confirm bool
		deny    string
		typed   string
		state   bot.ProposalState
		fails   string
		told    string
	}{
		{what: "well", confirm: true, typed: digest[:8] + "\n", state: bot.Confirming, told: api.PathConfirm},
		{what: "half typed", confirm: true, typed: digest[:7] + "\n", state: bot.Confirming, fails: "not the beginning of the digest"},
		{what: "not well", deny: "it flickers", state: bot.Confirming, told: api.PathCancel},
		{what: "said nothing", typed: digest + "\n", state: bot.Confirming, fails: "give --confirm, or --deny"},
		{what: "not yet", confirm: true, typed: digest + "\n", state: bot.Running, fails: "There is nothing to confirm: it is running"},
		{what: "not agreed to", confirm: true, typed: digest + "\n", state: bot.Waiting, fails: "There is nothing to confirm: it is waiting"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := &standIn{proposal: bot.Proposal{Plan: p, State: c.state, ConfirmBy: time.Now().Add(time.Hour),
				Evidence: []bot.Reading{{What: "lamp", Value: "on\x1b[2J", State: bot.OK}}}}
			var out strings.Builder
			a := approving{in: strings.NewReader(c.typed), out: &out, terminal: true, socket: s.listen(t), confirm: c.confirm, denies: c.deny != "", deny: c.deny}
			err := a.here(t.Context(), "k7qf")
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) || c.fails == "" && err != nil {
				t.Errorf("%v, and should be %q", err, c.fails)
			}
			want := []string{c.told}
			if c.told == "" {
				want = nil
			}
			if !slices.Equal(s.words, want) || len(s.told) > 0 {
				t.Errorf("the agent was told %q and %+v", s.words, s.told)
			}
			if c.state == bot.Confirming && !strings.Contains(out.String(), "found: lamp: on") || strings.Contains(out.String(), "\x1b") {
				t.Errorf("%q", out.String())
			}
		})
	}
}

// The list has a line for each plan, whatever its summary holds, and says whose
// codes are locked.
func TestListHere(t *testing.T) {
	p := lampPlan()
	p.Draft.Summary = "set the lamp\npln_AAAA  waiting: nothing bad (asked for by bob)"
	s := &standIn{proposal: bot.Proposal{Plan: p, State: bot.Waiting}, locks: []api.Lock{{Of: "person carol", Until: time.Now().Add(time.Minute)}}}
	var out strings.Builder
	if err := (approving{out: &out, socket: s.listen(t)}).here(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], string(p.ID)) || !strings.HasPrefix(lines[1], "Codes of person carol are not looked at until ") {
		t.Errorf("%q", lines)
	}
}
