package scorecard

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// November 2025, which was over when it was asked.
var (
	first = time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	last  = time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
)

func at(d, h int) time.Time { return time.Date(2025, 11, d, h, 0, 0, 0, time.UTC) }

// november is a month in which all was told of vulcan, and nothing happened.
func november() Inputs {
	return Inputs{From: first, Until: last, Now: last.AddDate(0, 0, 4), Hosts: []string{"vulcan"}, Reports: []string{"vulcan"}, Known: first.AddDate(0, -3, 0)}
}

func look(what string, when time.Time, state bot.ReadingState, value string, figure float64, unit string) bot.Reading {
	return bot.Reading{Host: "vulcan", What: what, At: when, State: state, Value: value, Figure: figure, Unit: unit}
}

// daily are looks at 8:00 of each day, and of the one after the month.
func daily(what string, state bot.ReadingState, value string, figure float64, unit string) (out []bot.Reading) {
	for d := 1; d <= 31; d++ {
		out = append(out, look(what, at(d, 8), state, value, figure, unit))
	}
	return out
}

func without(rs []bot.Reading, days ...int) (out []bot.Reading) {
	for i, r := range rs {
		gone := false
		for _, d := range days {
			gone = gone || i+1 == d
		}
		if !gone {
			out = append(out, r)
		}
	}
	return out
}

func with(rs []bot.Reading, r ...bot.Reading) []bot.Reading { return append(rs, r...) }

func judged(t *testing.T, id string, in Inputs) bot.Score {
	t.Helper()
	all := Judge(in)
	if len(all) != len(Metrics()) {
		t.Fatalf("%d scores of %d measures", len(all), len(Metrics()))
	}
	for _, s := range all {
		if s.Metric.ID == id {
			if !s.From.Equal(in.From) || !s.Until.Equal(in.Until) {
				t.Errorf("%s is of %v to %v", id, s.From, s.Until)
			}
			return s
		}
	}
	t.Fatalf("nothing is told of %s", id)
	return bot.Score{}
}

type trial struct {
	name   string
	change func(*Inputs)
	state  bot.ReadingState
	value  string
	figure float64
	unit   string
	note   string // a part of it, "" for none at all
}

func try(t *testing.T, id string, trials []trial) {
	t.Helper()
	for _, x := range trials {
		in := november()
		x.change(&in)
		s := judged(t, id, in)
		if s.State != x.state || s.Value != x.value || s.Figure != x.figure || s.Unit != x.unit || (x.note == "") != (s.Note == "") || !strings.Contains(s.Note, x.note) {
			t.Errorf("%s, %s: %s, %q, %v %s, %q\nwant %s, %q, %v %s, %q", id, x.name, s.State, s.Value, s.Figure, s.Unit, s.Note, x.state, x.value, x.figure, x.unit, x.note)
		}
	}
}

func TestSSH(t *testing.T) {
	quiet := daily(readRoot, bot.OK, "none", 0, "1")
	try(t, SSH, []trial{
		{"nobody looked", func(*Inputs) {}, bot.Unknown, "", 0, "", "nobody measured it"},
		{"no login", func(in *Inputs) { in.Readings = quiet }, bot.OK, "none", 0, "1", ""},
		{"looks that saw nothing", func(in *Inputs) { in.Readings = daily(readRoot, bot.Unknown, "", 0, "") }, bot.Unknown, "", 0, "", "nobody measured it"},
		{"a day without a look", func(in *Inputs) { in.Readings = without(quiet, 12) }, bot.Unknown, "none for certain", 0, "", "1 d of 30 d not measured"},
		{"a look that is late by an hour", func(in *Inputs) {
			in.Readings = with(without(quiet, 12), look(readRoot, at(12, 9), bot.OK, "none", 0, "1"))
		},
			bot.OK, "none", 0, "1", "1 h of 30 d not measured"},
		{"one login", func(in *Inputs) {
			in.Readings = with(quiet, look(readRoot, at(12, 20), bot.NotOK, "2 from 192.0.2.9", 2, "1"))
		},
			bot.NotOK, "at least 2", 2, "1", "2 from 192.0.2.9 in the 24 h before 12 Nov 20:00"},
		{"the same login in two looks counts once", func(in *Inputs) {
			in.Readings = with(quiet, look(readRoot, at(12, 20), bot.NotOK, "1", 1, "1"), look(readRoot, at(12, 22), bot.NotOK, "1", 1, "1"))
		}, bot.NotOK, "at least 1", 1, "1", "12 Nov 20:00"},
		{"logins on two days", func(in *Inputs) {
			in.Readings = with(quiet, look(readRoot, at(12, 20), bot.NotOK, "1", 1, "1"), look(readRoot, at(14, 20), bot.Unknown, "at least 3", 3, "1"))
		}, bot.NotOK, "at least 4", 4, "1", "at least 3"},
		{"a login at the end of October, or in November", func(in *Inputs) { in.Readings = with(quiet[1:], look(readRoot, at(1, 8), bot.NotOK, "1", 1, "1")) },
			bot.Unknown, "none for certain", 0, "", "1 Nov 08:00 may be of the month beside"},
		{"a login in December", func(in *Inputs) { in.Readings = with(quiet, look(readRoot, at(32, 9), bot.NotOK, "1", 1, "1")) }, bot.OK, "none", 0, "1", ""},
		{"another host that nobody looked at", func(in *Inputs) { in.Readings, in.Hosts = quiet, []string{"mars", "vulcan"} },
			bot.Unknown, "none for certain", 0, "", "mars: nobody measured it"},
	})
}

func TestFail2ban(t *testing.T) {
	all := daily(readBans, bot.OK, "9 bans; 4 of 4 addresses with 5 failed logins or more banned", 100, "%")
	try(t, Fail2ban, []trial{
		{"nobody looked", func(*Inputs) {}, bot.Unknown, "", 0, "", "nobody measured it"},
		{"all were banned", func(in *Inputs) { in.Readings = all }, bot.OK, "100.0 % on 30 days with attacks", 100, "%", ""},
		{"of a day the last look counts", func(in *Inputs) { in.Readings = with(all, look(readBans, at(3, 6), bot.NotOK, "none", 0, "%")) },
			bot.OK, "100.0 % on 30 days with attacks", 100, "%", ""},
		{"exactly the goal misses it", func(in *Inputs) { in.Readings = daily(readBans, bot.OK, "19 of 20", 95, "%") },
			bot.NotOK, "95.0 % on 30 days with attacks", 95, "%", "the worst on 1 Nov: 19 of 20"},
		{"nobody attacked", func(in *Inputs) {
			in.Readings = daily(readBans, bot.OK, "0 bans; no address failed to log in 5 times", 0, "")
		},
			bot.Unknown, "", 0, "", "no address tried often enough on 30 days"},
		{"it did not run once", func(in *Inputs) { in.Readings = with(all, look(readBans, at(9, 10), bot.NotOK, "failed", 0, "")) },
			bot.NotOK, "100.0 % on 29 days with attacks", 100, "%", "on 9 Nov it did not run: failed"},
		{"half of the month", func(in *Inputs) { in.Readings = all[:15] }, bot.Unknown, "100.0 % on 15 days with attacks", 100, "%", "15 d 16 h of 30 d not measured"},
	})
}

func TestMonitoring(t *testing.T) {
	quiet := daily(readFailed, bot.OK, "none", 0, "1")
	failed := with(without(quiet, 12), look("unit nginx.service", at(12, 8), bot.NotOK, "failed, 2 h ago", 0, ""))
	alert := func(host string, heard, to time.Time, words ...string) []Alert {
		return []Alert{{Span: Span{Host: host, From: heard, To: to}, Heard: heard, Words: words}}
	}
	try(t, Monitoring, []trial{
		{"nobody looked", func(*Inputs) {}, bot.Unknown, "", 0, "", "nobody looked"},
		{"nothing failed", func(in *Inputs) { in.Readings = quiet }, bot.Unknown, "", 0, "", "nothing failed at 30 looks"},
		{"an alert named it", func(in *Inputs) {
			in.Readings, in.Alerts = failed, alert("vulcan", at(12, 6), at(12, 9), "UnitFailed", "nginx.service")
		}, bot.OK, "1 of 1 failure noticed", 100, "%", ""},
		{"it was heard of within the hour", func(in *Inputs) {
			in.Readings, in.Alerts = failed, alert("", at(12, 9), time.Time{}, "The unit nginx.service has failed.")
		}, bot.OK, "1 of 1 failure noticed", 100, "%", ""},
		{"a label names it shortly", func(in *Inputs) { in.Readings, in.Alerts = failed, alert("vulcan", at(12, 6), time.Time{}, "nginx") },
			bot.OK, "1 of 1 failure noticed", 100, "%", ""},
		{"it was over before", func(in *Inputs) {
			in.Readings, in.Alerts = failed, alert("vulcan", at(12, 6), at(12, 7), "nginx.service")
		},
			bot.NotOK, "0 of 1 failure noticed", 0, "%", "vulcan nginx.service on 12 Nov: no alert spoke of it"},
		{"it came two hours later", func(in *Inputs) {
			in.Readings, in.Alerts = failed, alert("vulcan", at(12, 10), time.Time{}, "nginx.service")
		},
			bot.NotOK, "0 of 1 failure noticed", 0, "%", "no alert spoke of it"},
		{"it was of another host", func(in *Inputs) {
			in.Readings, in.Alerts = failed, alert("mars", at(12, 6), time.Time{}, "nginx.service")
		},
			bot.NotOK, "0 of 1 failure noticed", 0, "%", "no alert spoke of it"},
		{"it named another unit", func(in *Inputs) {
			in.Readings, in.Alerts = failed, alert("vulcan", at(12, 6), time.Time{}, "my-nginx.service", "nginx.service.d")
		},
			bot.Unknown, "0 of 1 failure noticed", 0, "", "an alert of the host fired that does not name it"},
		{"the state is younger", func(in *Inputs) { in.Readings, in.Known = failed, at(20, 0) }, bot.Unknown, "0 of 1 failure noticed", 0, "", "is not kept"},
		{"nothing could be heard", func(in *Inputs) { in.Readings, in.Deaf = failed, []Span{{From: at(12, 7), To: at(12, 10)}} },
			bot.Unknown, "0 of 1 failure noticed", 0, "", "no alert could be heard then"},
		{"alerts were lost", func(in *Inputs) { in.Readings, in.Lost = failed, "too many" }, bot.Unknown, "0 of 1 failure noticed", 0, "", "too many"},
		{"more units than are named", func(in *Inputs) {
			in.Readings = with(failed, look(readFailed, at(12, 8), bot.NotOK, "3 more", 13, "1"))
		},
			bot.NotOK, "0 of 2 failures noticed", 0, "%", "more units failed than the look names"},
		{"two of a day are one", func(in *Inputs) {
			in.Readings = with(failed, look("unit nginx.service", at(12, 20), bot.NotOK, "failed", 0, ""))
			in.Alerts = alert("vulcan", at(12, 15), time.Time{}, "nginx.service")
		}, bot.OK, "1 of 1 failure noticed", 100, "%", ""},
	})
	in := november()
	in.Readings, in.Until, in.Now = failed, at(12, 8), at(12, 8)
	if s := judged(t, Monitoring, in); s.State != bot.Unknown || !strings.Contains(s.Note, "its alert may still come") {
		t.Errorf("at the very moment: %s, %s", s.State, s.Note)
	}
}

func TestAudit(t *testing.T) {
	events := daily(readAudit, bot.OK, "3: passwd (3)", 3, "1")
	sudo := daily(readSudo, bot.OK, "4: alice (4)", 4, "1")
	both := func(a, b []bot.Reading) []bot.Reading { return append(append([]bot.Reading{}, a...), b...) }
	none := look(readAudit, at(30, 9), bot.Unknown, "", 0, "")
	none.Note = "there is no audit in the journal"
	try(t, Audit, []trial{
		{"nobody looked", func(*Inputs) {}, bot.Unknown, "", 0, "", "audit events: nobody measured it; sudo commands: nobody measured it"},
		{"both are there", func(in *Inputs) { in.Readings = both(events, sudo) }, bot.OK, "a trail", 0, "", ""},
		{"anomalies are a trail", func(in *Inputs) { in.Readings = both(daily(readAudit, bot.NotOK, "1", 1, "1"), sudo) }, bot.OK, "a trail", 0, "", ""},
		{"nothing happened", func(in *Inputs) {
			in.Readings = both(daily(readAudit, bot.OK, "none", 0, "1"), daily(readSudo, bot.OK, "none", 0, "1"))
		},
			bot.OK, "a trail, in which nothing happened", 0, "", ""},
		{"sudo ran, and no rule saw anything", func(in *Inputs) { in.Readings = both(daily(readAudit, bot.OK, "none", 0, "1"), sudo) },
			bot.NotOK, "an empty trail", 0, "", "the audit recorded nothing by any rule"},
		{"there is no audit", func(in *Inputs) { in.Readings = both([]bot.Reading{none}, sudo) }, bot.Unknown, "a part of a trail", 0, "", "audit events: there is no audit in the journal"},
		{"it stopped", func(in *Inputs) { in.Readings = with(both(events, sudo), none) }, bot.Unknown, "a part of a trail", 0, "", "unknown at the last look: there is no audit"},
		{"half of the month", func(in *Inputs) { in.Readings = both(events[:15], sudo) }, bot.Unknown, "a part of a trail", 0, "", "audit events: 15 d 16 h of 30 d not measured"},
	})
}

func TestRestores(t *testing.T) {
	good := []Test{{Plan: "pln_A", State: bot.OK}, {Plan: "pln_B", State: bot.OK}}
	fresh := look("restore b2", at(20, 8), bot.OK, "verified 3 d ago", 1, "s")
	stale := look("restore b2", at(21, 8), bot.NotOK, "verified 40 d ago", 1, "s")
	stale.Note = "more than 35 d"
	try(t, Restores, []trial{
		{"none", func(*Inputs) {}, bot.Unknown, "", 0, "", "none ended in the month"},
		{"none, and the repository is fresh", func(in *Inputs) { in.Readings = []bot.Reading{fresh} }, bot.Unknown, "", 0, "", "none ended in the month"},
		{"none, and the repository is stale", func(in *Inputs) { in.Readings = []bot.Reading{fresh, stale} },
			bot.NotOK, "", 0, "", "vulcan restore b2, verified 40 d ago, more than 35 d"},
		{"all well", func(in *Inputs) {
			in.Tests, in.Readings = good, []bot.Reading{stale, look("restore b2", at(22, 8), bot.OK, "", 1, "s")}
		},
			bot.OK, "2 of 2 tests well", 100, "%", ""},
		{"one failed", func(in *Inputs) {
			in.Tests = append(good[:1:1], Test{Plan: "pln_C", State: bot.NotOK, Note: "is failed"})
		},
			bot.NotOK, "1 of 2 tests well", 50, "%", "pln_C: is failed"},
		{"one of which nobody knows", func(in *Inputs) {
			in.Tests = append(good[:1:1], Test{Plan: "pln_C", State: bot.Unknown, Note: "has no evidence"})
		},
			bot.Unknown, "1 of 2 tests well", 100, "%", "pln_C: has no evidence"},
		{"nothing of the month is kept", func(in *Inputs) { in.Known = last }, bot.Unknown, "", 0, "", "plans are kept since 1 Dec 00:00 only"},
		{"a part of the month is kept", func(in *Inputs) { in.Tests, in.Known = good, at(10, 0) }, bot.Unknown, "2 of 2 tests well", 100, "%", "kept since 10 Nov 00:00"},
	})
}

func TestOutages(t *testing.T) {
	reboot := []bot.Change{{Host: "vulcan", Kind: bot.ChangeReboot, At: at(9, 3)}}
	critical := func(from, to time.Time) Alert {
		return Alert{Span: Span{Host: "vulcan", From: from, To: to}, Critical: true}
	}
	try(t, Outages, []trial{
		{"none", func(*Inputs) {}, bot.OK, "none", 0, "1", ""},
		{"a reboot", func(in *Inputs) { in.Reboots = reboot }, bot.NotOK, "1 reboot, 0 spells of critical alerts", 1, "1", "vulcan rebooted 9 Nov 03:00"},
		{"a reboot in a maintenance", func(in *Inputs) { in.Reboots, in.Planned = reboot, []Span{{"vulcan", at(9, 2), at(9, 4)}} }, bot.OK, "none", 0, "1", ""},
		{"a reboot just after a maintenance", func(in *Inputs) {
			in.Reboots, in.Planned = reboot, []Span{{"vulcan", at(9, 2), at(9, 3).Add(-afterPlan)}}
		}, bot.OK, "none", 0, "1", ""},
		{"a reboot while a plan runs: none reboots a host", func(in *Inputs) { in.Reboots, in.Restarts = reboot, []Span{{"vulcan", at(9, 2), at(9, 4)}} },
			bot.NotOK, "1 reboot, 0 spells of critical alerts", 1, "1", "rebooted"},
		{"a maintenance of another host", func(in *Inputs) { in.Reboots, in.Planned = reboot, []Span{{"mars", at(9, 2), at(9, 4)}} },
			bot.NotOK, "1 reboot, 0 spells of critical alerts", 1, "1", "rebooted"},
		{"a maintenance long before", func(in *Inputs) { in.Reboots, in.Planned = reboot, []Span{{"vulcan", at(8, 2), at(8, 4)}} },
			bot.NotOK, "1 reboot, 0 spells of critical alerts", 1, "1", "rebooted"},
		{"critical alerts, of which two are one spell", func(in *Inputs) {
			in.Alerts = []Alert{critical(at(3, 1), at(3, 3)), critical(at(3, 2), at(3, 4)), critical(at(30, 23), time.Time{})}
		}, bot.NotOK, "0 reboots, 2 spells of critical alerts (4 h)", 2, "1", "from 3 Nov 01:00 for 3 h"},
		{"a warning", func(in *Inputs) { in.Alerts = []Alert{{Span: Span{Host: "vulcan", From: at(3, 1)}}} }, bot.OK, "none", 0, "1", ""},
		{"a critical alert in a plan's run", func(in *Inputs) {
			in.Alerts, in.Restarts = []Alert{critical(at(9, 3), at(9, 4))}, []Span{{"vulcan", at(9, 2), time.Time{}}}
		}, bot.OK, "none", 0, "1", ""},
		{"a critical alert that outlives a maintenance", func(in *Inputs) {
			in.Alerts, in.Planned = []Alert{critical(at(9, 3), at(22, 3))}, []Span{{"vulcan", at(9, 2), at(9, 4)}}
		}, bot.NotOK, "0 reboots, 1 spell of critical alerts (12 d 22 h)", 1, "1", "vulcan critical alerts from 9 Nov 04:10 for 12 d 22 h"},
		{"one spell, though plans ran in it", func(in *Inputs) {
			in.Alerts = []Alert{critical(at(9, 0), at(9, 12))}
			in.Restarts = []Span{{"vulcan", at(9, 2), at(9, 3)}, {"vulcan", at(9, 3), at(9, 4)}, {"mars", at(9, 5), at(9, 6)}}
		}, bot.NotOK, "0 reboots, 1 spell of critical alerts (9 h 50 min)", 1, "1", "vulcan critical alerts from 9 Nov 00:00 for 9 h 50 min"},
		{"a critical alert that is over soon after a plan", func(in *Inputs) {
			in.Alerts, in.Planned = []Alert{critical(at(9, 3), at(9, 4))}, []Span{{"vulcan", at(9, 2), at(9, 4).Add(-afterPlan)}}
		}, bot.OK, "none", 0, "1", ""},
		{"reboots are not told", func(in *Inputs) { in.Reports = nil }, bot.Unknown, "none for certain", 0, "", "reboots of vulcan are not told"},
		{"no host at all", func(in *Inputs) { in.Reports, in.Hosts = nil, nil }, bot.Unknown, "none for certain", 0, "", "no host's reboots are told"},
		{"the state is younger", func(in *Inputs) { in.Known = at(10, 0) }, bot.Unknown, "none for certain", 0, "", "kept since 10 Nov 00:00"},
		{"the state is younger than the month", func(in *Inputs) { in.Known = last }, bot.Unknown, "", 0, "", "kept since 1 Dec 00:00"},
		{"nothing could be heard", func(in *Inputs) { in.Deaf = []Span{{From: at(3, 1), To: at(3, 5)}} }, bot.Unknown, "none for certain", 0, "", "no alert could be heard for 4 h"},
		{"alerts were lost", func(in *Inputs) { in.Lost = "too many" }, bot.Unknown, "none for certain", 0, "", "too many"},
		{"a reboot is one, whatever else is unknown", func(in *Inputs) { in.Reboots, in.Lost = reboot, "too many" },
			bot.NotOK, "1 reboot, 0 spells of critical alerts", 1, "1", "vulcan rebooted 9 Nov 03:00; too many"},
	})
}

func TestUtilisation(t *testing.T) {
	cpu, memory := daily(readCPU, bot.OK, "", 12, "%"), daily(readMemory, bot.OK, "", 61.5, "%")
	both := func(a, b []bot.Reading) []bot.Reading { return append(append([]bot.Reading{}, a...), b...) }
	try(t, Utilisation, []trial{
		{"nobody looked", func(*Inputs) {}, bot.Unknown, "", 0, "", "cpu: nobody measured it; memory: nobody measured it"},
		{"below", func(in *Inputs) { in.Readings = both(cpu, memory) }, bot.OK, "cpu 12.0 % at most, memory 61.5 % at most", 61.5, "%", ""},
		{"weekly looks reach", func(in *Inputs) {
			in.Readings = []bot.Reading{cpu[6], cpu[13], cpu[20], cpu[27], memory[6], memory[13], memory[20], memory[27]}
		}, bot.OK, "cpu 12.0 % at most, memory 61.5 % at most", 61.5, "%", ""},
		{"exactly the goal misses it", func(in *Inputs) { in.Readings = with(both(cpu, memory), look(readCPU, at(8, 9), bot.OK, "", 70, "%")) },
			bot.NotOK, "cpu 70.0 % at most, memory 61.5 % at most", 70, "%", "vulcan cpu 70.0 % at most on 8 Nov"},
		{"December's does not count", func(in *Inputs) { in.Readings = with(both(cpu, memory), look(readCPU, at(32, 9), bot.OK, "", 90, "%")) },
			bot.OK, "cpu 12.0 % at most, memory 61.5 % at most", 61.5, "%", ""},
		{"one alone", func(in *Inputs) { in.Readings = cpu }, bot.Unknown, "cpu 12.0 % at most", 12, "%", "memory: nobody measured it"},
		{"one week", func(in *Inputs) { in.Readings = both(cpu[:8], memory) }, bot.Unknown, "cpu 12.0 % at most, memory 61.5 % at most", 61.5, "%", "cpu: 22 d 16 h of 30 d not measured"},
	})
}

// TestNotBegun: of a month to come nothing is known.
func TestNotBegun(t *testing.T) {
	in := november()
	in.Until = in.From
	for _, s := range Judge(in) {
		if s.State != bot.Unknown || s.Note != "the month has not begun" {
			t.Errorf("%s: %s, %s", s.Metric.ID, s.State, s.Note)
		}
	}
}

// TestWants: what a measure is made of is kept, and of single units what ails.
func TestWants(t *testing.T) {
	for what, want := range map[string]bool{readRoot: true, readFailed: true, "unit nginx.service": true, "restore b2": true, readMemory: true, "memory": false, "disk /": false, "ssh logins": false} {
		if got := Wants(bot.Reading{What: what, State: bot.NotOK}); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	if Wants(bot.Reading{What: "unit nginx.service", State: bot.OK}) || !Wants(bot.Reading{What: readRoot, State: bot.Unknown}) {
		t.Error("units that are well are kept, or looks that saw nothing are not")
	}
}

// TestMetrics: each is told whole, and has an id of its own.
func TestMetrics(t *testing.T) {
	ids := map[string]bool{}
	for _, m := range Metrics() {
		if ids[m.ID] || m.ID == "" || m.Name == "" || m.Plan == "" || m.Target == "" || m.How == "" || m.Source == "" {
			t.Errorf("%+v", m)
		}
		ids[m.ID] = true
	}
}
