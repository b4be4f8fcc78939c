package gate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func restartNginx() Standing {
	return Standing{Name: "nginx", Operation: "service.restart", Host: "vulcan", Arguments: bot.Arguments{"unit": {"nginx.service"}},
		When:   []bot.Matcher{{Name: "alertname", Op: "=", Value: "NginxDown"}, {Name: "instance", Op: "=~", Value: "vulcan(:[0-9]+)?"}},
		Budget: Budget{Count: 2, Per: time.Hour}, Evidence: "unit nginx.service", Expires: moment("18:00")}
}

func TestStandingFits(t *testing.T) {
	fires := bot.Labels{"alertname": "NginxDown", "instance": "vulcan:9100", "severity": "critical"}
	args := bot.Arguments{"unit": {"nginx.service"}}
	s := restartNginx()
	if !s.Fits("service.restart", "vulcan", args, fires) {
		t.Error("it is for just this")
	}
	for name, fits := range map[string]bool{
		"another operation": s.Fits("service.stop", "vulcan", args, fires),
		"another host":      s.Fits("service.restart", "vulcan2", args, fires),
		"another value":     s.Fits("service.restart", "vulcan", bot.Arguments{"unit": {"nginx.service", "sshd.service"}}, fires),
		"one more argument": s.Fits("service.restart", "vulcan", bot.Arguments{"unit": {"nginx.service"}, "force": {"yes"}}, fires),
		"no arguments":      s.Fits("service.restart", "vulcan", nil, fires),
		"another alert":     s.Fits("service.restart", "vulcan", args, bot.Labels{"alertname": "NginxSlow", "instance": "vulcan"}),
		"a part of a match": s.Fits("service.restart", "vulcan", args, bot.Labels{"alertname": "NginxDown", "instance": "vulcan2"}),
		"no alert":          s.Fits("service.restart", "vulcan", args, nil),
	} {
		if fits {
			t.Error(name)
		}
	}
	s.When = nil
	if s.Fits("service.restart", "vulcan", args, fires) {
		t.Error("without a matcher it is for no alert")
	}
}

func TestJudgeStanding(t *testing.T) {
	helped := func(clock string) StandingRun {
		at := moment(clock)
		return StandingRun{Plan: "pln_" + bot.PlanID(clock), StartedAt: at, ActedAt: at.Add(time.Minute),
			Evidence: []bot.Reading{{What: "unit nginx.service", State: bot.OK, At: at.Add(2 * time.Minute)}}}
	}
	change := func(r StandingRun, f func(*StandingRun)) StandingRun { f(&r); return r }
	reading := func(state bot.ReadingState, clock string) func(*StandingRun) {
		return func(r *StandingRun) {
			r.Evidence = append(r.Evidence, bot.Reading{What: "unit nginx.service", State: state, At: moment(clock)})
		}
	}
	for _, x := range []struct {
		name    string
		change  func(*Standing)
		history []StandingRun
		allowed bool
		left    int
		why     string
		next    string
	}{
		{"never used", nil, nil, true, 2, "", "18:00"},
		{"used once", nil, []StandingRun{helped("14:30")}, true, 1, "", "15:30"},
		{"used up", nil, []StandingRun{helped("14:30"), helped("14:10")}, false, 0, "budget of 2 in 1h is used up until Sat 10 Jan 15:10 UTC", "15:10"},
		{"more than the budget", nil, []StandingRun{helped("14:30"), helped("14:10"), helped("14:20")}, false, 0, "until Sat 10 Jan 15:20 UTC", "15:20"},
		{"an hour ago is no longer", nil, []StandingRun{helped("14:30"), helped("14:00")}, true, 1, "", "15:30"},
		{"long ago", nil, []StandingRun{helped("12:00"), helped("12:10"), helped("12:20")}, true, 2, "", "18:00"},
		{"dated later than now", nil, []StandingRun{helped("15:30"), helped("15:40")}, false, 0, "used up", "16:30"},
		{"it runs", nil, []StandingRun{change(helped("14:30"), func(r *StandingRun) { r.ActedAt = time.Time{} })}, false, 1, "not proven to have helped", "18:00"},
		{"no evidence", nil, []StandingRun{change(helped("14:30"), func(r *StandingRun) { r.Evidence = nil })}, false, 1, "not proven to have helped", "18:00"},
		{"of something else", nil, []StandingRun{change(helped("14:30"), func(r *StandingRun) { r.Evidence[0].What = "unit other.service" })}, false, 1, "not proven", "18:00"},
		{"evidence from before the action", nil, []StandingRun{change(helped("14:30"), func(r *StandingRun) { r.Evidence[0].At = moment("14:30") })}, false, 1, "not proven", "18:00"},
		{"evidence of the same moment", nil, []StandingRun{change(helped("14:30"), func(r *StandingRun) { r.Evidence[0].At = r.ActedAt })}, false, 1, "not proven", "18:00"},
		{"bad since", nil, []StandingRun{change(helped("14:30"), reading(bot.NotOK, "14:40"))}, false, 1, "not proven", "18:00"},
		{"unknown since", nil, []StandingRun{change(helped("14:30"), reading(bot.Unknown, "14:40"))}, false, 1, "not proven", "18:00"},
		{"good and bad together", nil, []StandingRun{change(helped("14:30"), reading(bot.NotOK, "14:32"))}, false, 1, "not proven", "18:00"},
		{"bad, then good", nil, []StandingRun{change(change(helped("14:30"), reading(bot.NotOK, "14:31")), reading(bot.OK, "14:50"))}, true, 1, "", "15:30"},
		{"a failure long ago blocks while it is the last", nil, []StandingRun{change(helped("10:00"), func(r *StandingRun) { r.Evidence = nil })}, false, 2, "not proven", "18:00"},
		{"and not behind a success", nil, []StandingRun{helped("14:30"), change(helped("10:00"), func(r *StandingRun) { r.Evidence = nil })}, true, 1, "", "15:30"},
		{"two at once, one without evidence", nil, []StandingRun{helped("14:30"), change(helped("14:30"), func(r *StandingRun) { r.Evidence = nil })}, false, 0, "not proven", "18:00"},
		{"expired", func(s *Standing) { s.Expires = moment("15:00") }, nil, false, 0, "ended at Sat 10 Jan 15:00 UTC", ""},
		{"no end", func(s *Standing) { s.Expires = time.Time{} }, nil, false, 0, "expires is missing", ""},
		{"no budget", func(s *Standing) { s.Budget.Count = 0 }, nil, false, 0, "budget.count must be at least 1", ""},
		{"no span", func(s *Standing) { s.Budget.Per = 0 }, nil, false, 0, "budget.per must be at least 1m", ""},
		{"nothing would prove it", func(s *Standing) { s.Evidence = "" }, nil, false, 0, "evidence is missing", ""},
		{"no alert", func(s *Standing) { s.When = s.When[1:] }, nil, false, 0, "when names no alert", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := restartNginx()
			if x.change != nil {
				x.change(&s)
			}
			for range 2 { // in either order
				j := JudgeStanding(s, x.history, moment("15:00"))
				want := time.Time{}
				if x.next != "" {
					want = moment(x.next)
				}
				if j.Allowed != x.allowed || j.Left != x.left || !strings.Contains(j.Why, x.why) || (j.Why == "") != x.allowed || !j.Next.Equal(want) {
					t.Errorf("%+v, want %+v", j, x)
				}
				slices.Reverse(x.history)
			}
		})
	}
}

// TestNoStorm: a repair that never helps is done once; one that helps for a while
// is done as often as the budget lets it, however many episodes there are (once
// upon a time it was 72).
func TestNoStorm(t *testing.T) {
	for name, x := range map[string]struct {
		helps bool
		most  int
	}{"never helps": {false, 1}, "helps for a while": {true, 2 * 6}} {
		t.Run(name, func(t *testing.T) {
			s := restartNginx()
			s.Expires = moment("+1 00:00")
			var history []StandingRun
			for now := moment("12:00"); now.Before(moment("18:00")); now = now.Add(5 * time.Minute) {
				if !JudgeStanding(s, history, now).Allowed {
					continue
				}
				r := StandingRun{StartedAt: now, ActedAt: now}
				if x.helps {
					r.Evidence = []bot.Reading{{What: s.Evidence, State: bot.OK, At: now.Add(time.Minute)}}
				}
				history = append(history, r)
			}
			if len(history) != x.most {
				t.Errorf("%d runs, want %d", len(history), x.most)
			}
			for i := range history {
				if k := i + s.Budget.Count; k < len(history) && history[k].StartedAt.Sub(history[i].StartedAt) < s.Budget.Per {
					t.Errorf("more than the budget at %v", history[k].StartedAt)
				}
			}
		})
	}
}

func TestStandingFaults(t *testing.T) {
	if got := restartNginx().Faults(operations); len(got) != 0 {
		t.Error(found(got))
	}
	s := Standing{Operation: "zfs.arc.set", Arguments: bot.Arguments{"maximum": {"1"}}, When: []bot.Matcher{{Name: "alertname", Op: "=~", Value: "("}}}
	want := `fault name: is missing
fault arguments.maximum: zfs.arc.set takes no such argument: it takes max or min
fault host: is missing
fault when[0]: holds a pattern that cannot be read
fault when: names no alert: one matcher must be alertname="…"
fault budget.count: must be at least 1
fault budget.per: must be at least 1m
fault evidence: is missing: without a reading nothing proves that a run has helped
fault expires: is missing: an approval in advance has an end`
	if got := found(s.Faults(operations)); got != want {
		t.Errorf("got:\n%s", got)
	}
	s.Operation = "zfs.*"
	if got := found(s.Faults(operations)); !strings.Contains(got, `there is no operation "zfs.*"`) {
		t.Error("a standing approval has no globs: " + got)
	}
}

// What is fine already by the approval's own evidence needs no repair; what was
// seen before does not say how it is now.
func TestStandingFine(t *testing.T) {
	s := restartNginx()
	read := func(at string, state bot.ReadingState) bot.Reading {
		return bot.Reading{What: s.Evidence, State: state, At: moment(at)}
	}
	other := bot.Reading{What: "unit other.service", State: bot.OK, At: moment("15:00")}
	for _, x := range []struct {
		name     string
		readings []bot.Reading
		want     bool
	}{
		{"fine", []bot.Reading{other, read("15:00", bot.OK)}, true},
		{"nothing is measured", nil, false},
		{"another is fine", []bot.Reading{other}, false},
		{"seen before", []bot.Reading{read("14:59", bot.OK)}, false},
		{"not fine", []bot.Reading{read("15:00", bot.NotOK)}, false},
		{"unknown", []bot.Reading{read("15:00", bot.Unknown)}, false},
		{"both", []bot.Reading{read("15:00", bot.OK), read("15:00", bot.NotOK)}, false},
		{"worse since", []bot.Reading{read("15:00", bot.OK), read("15:01", bot.NotOK)}, false},
	} {
		if _, got := s.Fine(x.readings, moment("15:00")); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	s.Evidence = ""
	if _, got := s.Fine([]bot.Reading{{State: bot.OK, At: moment("15:00")}}, moment("15:00")); got {
		t.Error("no evidence is fine")
	}
}

// Matchers that are read once say the same as those that are read each time.
func TestMatchingIsFires(t *testing.T) {
	for _, when := range [][]bot.Matcher{
		nil, {{Name: "a", Op: "=", Value: "x"}}, {{Name: "a", Op: "!=", Value: "x"}}, {{Name: "a", Op: "=~", Value: "x|y"}}, {{Name: "a", Op: "!~", Value: "x|y"}},
		{{Name: "a", Op: "=~", Value: "("}}, {{Name: "a", Op: "!~", Value: "("}}, {{Name: "a", Op: "~", Value: "x"}}, {{Name: "a", Op: "=~", Value: ".*"}, {Name: "b", Op: "=", Value: ""}},
	} {
		fits := Matching(when)
		for _, l := range []bot.Labels{nil, {"a": "x"}, {"a": "xy"}, {"a": "y", "b": "z"}, {"b": "z"}} {
			if got, want := fits(l), Fires(when, l); got != want {
				t.Errorf("%v of %v: %v, want %v", when, l, got, want)
			}
		}
	}
}

func TestStandingOfWhatMustBeSeen(t *testing.T) {
	s := restartNginx()
	s.Operation, s.Arguments = "nixos.deploy", nil
	found := s.Faults([]Known{{Name: "nixos.deploy", Arguments: []string{"system"}, Seen: true}})
	if want := "nixos.deploy cannot be agreed to in advance: people must see what it is of, each time"; len(found) != 1 || found[0].Field != "operation" || found[0].Message != want || found[0].Warning {
		t.Errorf("%+v", found)
	}
}
