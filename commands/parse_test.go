package commands

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// Lines and what is wrong with them. "in" says them in a thread.
func TestErrors(t *testing.T) {
	const (
		silenceUsage = " Usage: `silence [on NAME] [#N|all|THREAD|{MATCHERS}] DURATION|until TIME [COMMENT…]`"
		outsideUsage = " Usage: `silence [on NAME] [THREAD|{MATCHERS}] DURATION|until TIME [COMMENT…]`"
		twoTimes     = " are two times; write one of them. A comment that begins with a time goes into quotes."
		alertsUsage  = " Usage: `alerts [THREAD|all|find WORDS…]`"
		noDuration   = " is no duration; write e.g. `2h`, `1d12h`, `until 18:00`."
		noTime       = " is no time; write e.g. `until 18:00`, `until tomorrow 8:00`, `until 2026-12-24 18:00`."
		year         = " is more than a year: by then nobody remembers it. Write at most `365d`, or change the alert's rule."
	)
	for _, c := range []struct {
		where, line string
		code        bot.Code
		want        string
	}{
		// Names.
		{"", "stauts", bot.CodeInvalid, "There is no command `stauts`. Did you mean `status`?"},
		{"", "STAUTS now", bot.CodeInvalid, "There is no command `STAUTS`. Did you mean `status`?"},
		{"", "silenc 2h", bot.CodeInvalid, "There is no command `silenc`. Did you mean `silence`?"},
		{"", "unslience", bot.CodeInvalid, "There is no command `unslience`. Did you mean `unsilence`?"},
		{"", "alert", bot.CodeInvalid, "There is no command `alert`. Did you mean `alerts`?"},
		{"", "acl", bot.CodeInvalid, "There is no command `acl`. Did you mean `ack`?"},
		{"", "mutte 1h", bot.CodeInvalid, "There is no command `mutte`. Did you mean `mute`?"},
		{"", "frobnicate", bot.CodeInvalid, "There is no command `frobnicate`. `help` lists those that I know."},
		{"", "rm -rf /", bot.CodeInvalid, "There is no command `rm`. `help` lists those that I know."},
		{"", "--help", bot.CodeInvalid, "There is no command `--help`. Did you mean `help`?"},
		{"", "-", bot.CodeInvalid, "There is no command `-`. `help` lists those that I know."},
		{"", "\"status\" now", bot.CodeInvalid, "There is no command `status`. Did you mean `status`?"},
		{"", "`status`", bot.CodeInvalid, "There is no command `'status'`. Did you mean `status`?"},
		{"", "thanks!", bot.CodeInvalid, "There is no command `thanks!`. `help` lists those that I know."},
		{"", "a-very-long-name-that-nobody-would-ever-give-to-a-command", bot.CodeInvalid,
			"There is no command `a-very-long-name-that-nobody-would-ever-…`. `help` lists those that I know."},
		{"", "two\u202elines", bot.CodeInvalid, "There is no command `two�lines`. `help` lists those that I know."},
		// Within families.
		{"", "nixos", bot.CodeInvalid, "`nixos` is a family of commands, and none itself: `generations`, `diff`, `drift`, `rollback`, `deploy`. `help nixos` explains them."},
		{"", "NixOS rollback 41", bot.CodeInvalid, "`nixos` is a family of commands, and none itself. Did you mean `rollback`?"},
		{"", "zfs ark", bot.CodeInvalid, "There is no command `zfs ark`. Did you mean `zfs arc`?"},
		{"", "zfs scrub", bot.CodeInvalid, "There is no command `zfs scrub`. There are `zfs status`, `zfs arc`, `zfs arc set`."},
		{"", "backup verfy", bot.CodeInvalid, "There is no command `backup verfy`. Did you mean `backup verify`?"},
		{"", "zfs arc sett max 32G", bot.CodeInvalid, "There is no command `zfs arc sett`. Did you mean `zfs arc set`?"},
		{"", "service restrt nginx", bot.CodeInvalid, "There is no command `service restrt`. Did you mean `service restart`?"},
		// Leftover words.
		{"", "whoami now", bot.CodeInvalid, "whoami now: `now` (word 2) is more than I can read here. Usage: `whoami`"},
		{"", "ws: whoami now", bot.CodeInvalid, "whoami now: `now` (word 2) is more than I can read here. Usage: `whoami`"},
		{"", "!whoami -v", bot.CodeInvalid, "whoami -v: `-v` (word 2) is more than I can read here. Usage: `whoami`"},
		{"in", "unack --force", bot.CodeInvalid, "unack --force: `--force` (word 2) is more than I can read here. Usage: `unack [THREAD]`"},
		{"in", "unack disk", bot.CodeInvalid, "unack disk: `disk` (word 2) is more than I can read here. Usage: `unack [THREAD]`"},
		{"", "silences active", bot.CodeInvalid, "silences active: `active` (word 2) is more than I can read here. Usage: `silences [all]`"},
		{"", "silences all all", bot.CodeInvalid, "silences all all: `all` (word 3) is more than I can read here. Usage: `silences [all]`"},
		{"", "unsilence 5d3f9a now", bot.CodeInvalid, "unsilence 5d3f9a now: `now` (word 3) is more than I can read here. Usage: `unsilence [ID|THREAD]`"},
		{"in", "unsilence 5d3f9a now", bot.CodeInvalid, "unsilence 5d3f9a now: `now` (word 3) is more than I can read here. Usage: `unsilence [ID|THREAD|all]`"},
		{"", "unsilence 5d", bot.CodeInvalid, "`5d` (word 2) is too short for a silence's id: write its first 6 characters at least. `silences` lists them."},
		{"in", "unsilence 0000", bot.CodeInvalid, "`0000` (word 2) is too short for a silence's id: write its first 6 characters at least. `silences` lists them."},
		{"in", "unsilence nothere", bot.CodeInvalid, "`nothere` (word 2) is no silence's id and no thread's. `silences` lists the silences, `alerts` the threads."},
		{"", "unsilence nothere", bot.CodeNotFound, "`nothere` is no silence's id and no thread's. `silences` lists the silences, `alerts` the threads."},
		{"", "unsilence beefed", bot.CodeNotFound, "There is no silence `beefed`. `silences` lists them."},
		{"", "alerts 5", bot.CodeInvalid, "`5` (word 2) is no thread's id. `alerts` lists the open ones; to search: `alerts find 5`."},
		{"in", "alerts disk vulcan", bot.CodeInvalid, "`disk` (word 2) is no thread's id. `alerts` lists the open ones; to search: `alerts find disk vulcan`."},
		{"", "alerts fnd disk", bot.CodeInvalid, "`fnd` (word 2) is no thread's id. Did you mean `alerts find disk`?"},
		{"", "alerts fidn disk full", bot.CodeInvalid, "`fidn` (word 2) is no thread's id. Did you mean `alerts find disk full`?"},
		{"in", "alerts fnd", bot.CodeInvalid, "`fnd` (word 2) is no thread's id. Did you mean `alerts find WORDS`?"},
		{"", "alerts thr_DISK now", bot.CodeInvalid, "alerts thr_DISK now: `now` (word 3) is more than I can read here." + alertsUsage},
		{"", "alerts find", bot.CodeInvalid, "alerts find: `find` (word 2) needs words to look for." + alertsUsage},
		{"", "alerts find \"\"", bot.CodeInvalid, "alerts find \"\": `find` (word 2) needs words to look for." + alertsUsage},
		{"", "help one two three four", bot.CodeInvalid, "`one` (word 2) is more than one command's name; write e.g. `help silence`, or `help` alone."},
		// Threads.
		{"", "ack", bot.CodeInvalid, "Outside a thread, say which one you mean: `ack THREAD`. `alerts` lists them."},
		{"", "unack", bot.CodeInvalid, "Outside a thread, say which one you mean: `unack THREAD`. `alerts` lists them."},
		{"", "ack I'm on it", bot.CodeInvalid, "Outside a thread, say which one you mean: `ack THREAD`. `alerts` lists them."},
		{"", "ack zzzz", bot.CodeNotFound, "There is no thread thr_zzzz."},
		{"", "ack thr_zzzz on it", bot.CodeNotFound, "There is no thread thr_zzzz."},
		{"in", "ack thr_zzzz on it", bot.CodeNotFound, "There is no thread thr_zzzz."},
		{"", "alerts zzzz", bot.CodeNotFound, "There is no thread `zzzz`. `alerts` lists the open ones; to search: `alerts find zzzz`."},
		{"", "graph", bot.CodeInvalid, "Outside a thread, say which one you mean: `graph THREAD`. `alerts` lists them."},
		{"", "graph #2", bot.CodeInvalid, "Outside a thread, say which one you mean: `graph THREAD`. `alerts` lists them."},
		{"in", "graph #7", bot.CodeNotFound, "This thread has no alert #7; `alerts thr_DISKAAAA` lists those it has."},
		{"in", "graph #x", bot.CodeInvalid, "graph #x: `#x` (word 2) is no alert; write its number, e.g. `#3`. Usage: `graph [THREAD] [#N] [EXPRESSION… [over DURATION]]`"},
		{"in", "graph #2 up", bot.CodeInvalid, "graph: `up` is more than I can read here: an alert is drawn over a span of its own, and an expression belongs to no thread."},
		{"in", "graph over 6h", bot.CodeInvalid, "graph: an expression is missing before `over 6h`; e.g. `graph up over 12h`. An alert is drawn over a span of its own."},
		{"", "graph up over 6x", bot.CodeInvalid, "graph: `6x` after `over` is no duration; write e.g. `over 12h`."},
		{"", "graph up over", bot.CodeInvalid, "graph: `` after `over` is no duration; write e.g. `over 12h`."},
		{"", "graph up over 10s", bot.CodeInvalid, "graph: `10s` is no span that can be drawn; write one between `1m` and `365d`."},
		{"", "graph up over 2y", bot.CodeInvalid, "graph: `2y` is no span that can be drawn; write one between `1m` and `365d`."},
		// Durations.
		{"in", "silence", bot.CodeInvalid, "silence: say for how long; e.g. `silence 2h` or `silence until 18:00`."},
		{"in", "silence #1", bot.CodeInvalid, "silence #1: say for how long; e.g. `silence #1 2h` or `silence #1 until 18:00`."},
		{"", "silence", bot.CodeInvalid, "silence: say what, and for how long; e.g. `silence thr_ABCD 2h` or `silence {alertname=\"DiskFull\"} until 18:00`."},
		{"", "mute thr_DISK", bot.CodeInvalid, "mute thr_DISK: say for how long; e.g. `mute thr_DISK 2h` or `mute thr_DISK until 18:00`."},
		{"in", "silence 5h until 18:00", bot.CodeInvalid, "silence 5h until 18:00: `5h` and `until 18:00`" + twoTimes},
		{"in", "silence for 5 h till tomorrow 8:00 x", bot.CodeInvalid, "silence for 5 h till tomorrow 8:00 x: `for 5 h` and `till tomorrow 8:00`" + twoTimes},
		{"in", "silence 5h until monday", bot.CodeInvalid, "silence 5h until monday: `5h` and `until monday`" + twoTimes},
		{"in", "silence 5h until 2026-12-24T18:00", bot.CodeInvalid, "silence 5h until 2026-12-24T18:00: `5h` and `until 2026-12-24T18:00`" + twoTimes},
		{"in", "silence until 18:00 for 2h", bot.CodeInvalid, "silence until 18:00 for 2h: `until 18:00` and `for 2h`" + twoTimes},
		{"in", "silence 2x", bot.CodeInvalid, "silence 2x: `2x` (word 2)" + noDuration + silenceUsage},
		{"in", "silence disk 2h", bot.CodeInvalid, "silence disk 2h: `disk` (word 2)" + noDuration + silenceUsage},
		{"in", "mute two hours", bot.CodeInvalid, "mute two hours: `two` (word 2)" + noDuration + silenceUsage},
		{"in", "silence for ever", bot.CodeInvalid, "silence for ever: `for` (word 2)" + noDuration + silenceUsage},
		{"in", "silence #1 soon", bot.CodeInvalid, "silence #1 soon: `soon` (word 3)" + noDuration + silenceUsage},
		{"in", "silence 0", bot.CodeInvalid, "silence 0: `0` (word 2)" + noDuration + silenceUsage},
		{"in", "silence 2", bot.CodeInvalid, "silence 2: `2` (word 2)" + noDuration + silenceUsage},
		{"in", "silence 1.5h", bot.CodeInvalid, "silence 1.5h: `1.5h` (word 2)" + noDuration + silenceUsage},
		{"in", "silence 12h1d", bot.CodeInvalid, "silence 12h1d: `12h1d` (word 2)" + noDuration + silenceUsage},
		{"in", "silence 0h", bot.CodeInvalid, "silence 0h: `0h` (word 2) is no time at all; write e.g. `2h`." + silenceUsage},
		{"in", "silence 5ms", bot.CodeInvalid, "silence 5ms: `5ms` (word 2) is no time at all; write e.g. `2h`." + silenceUsage},
		{"in", "silence -2h", bot.CodeInvalid, "silence -2h: `-2h` (word 2) lies in the past; write how long from now, e.g. `2h`." + silenceUsage},
		{"in", "silence 366d", bot.CodeInvalid, "silence 366d: `366d` (word 2)" + year + silenceUsage},
		{"in", "silence 400 days", bot.CodeInvalid, "silence 400 days: `400d` (word 2)" + year + silenceUsage},
		{"in", "silence 300y", bot.CodeInvalid, "silence 300y: `300y` (word 2)" + year + silenceUsage},
		{"in", "silence \"2h\"", bot.CodeInvalid, "silence \"2h\": `\"2h\"` (word 2)" + noDuration + silenceUsage},
		{"in", "silence “2h", bot.CodeInvalid, "silence “2h: `“2h` (word 2) opens a quote that nothing closes." + silenceUsage},
		{"in", "silence 'oh dear", bot.CodeInvalid, "silence 'oh dear: `'oh dear` (word 2) opens a quote that nothing closes." + silenceUsage},
		{"in", "silence #0 2h", bot.CodeInvalid, "silence #0 2h: `#0` (word 2) is no alert; write its number, e.g. `#3`." + silenceUsage},
		{"in", "silence # 2h", bot.CodeInvalid, "silence # 2h: `#` (word 2) is no alert; write its number, e.g. `#3`." + silenceUsage},
		{"in", "silence #7 2h", bot.CodeNotFound, "This thread has no alert #7; `alerts thr_DISKAAAA` lists those it has."},
		// Times.
		{"in", "silence until", bot.CodeInvalid, "silence until: `until` (word 2) needs a time; write e.g. `until 18:00`, `until tomorrow 8:00`." + silenceUsage},
		{"in", "silence until 25:00", bot.CodeInvalid, "silence until 25:00: `25:00` (word 3)" + noTime + silenceUsage},
		{"in", "silence until 18:60", bot.CodeInvalid, "silence until 18:60: `18:60` (word 3)" + noTime + silenceUsage},
		{"in", "silence until 18", bot.CodeInvalid, "silence until 18: `18` (word 3)" + noTime + silenceUsage},
		{"in", "silence until 13pm", bot.CodeInvalid, "silence until 13pm: `13pm` (word 3)" + noTime + silenceUsage},
		{"in", "silence until 8:5", bot.CodeInvalid, "silence until 8:5: `8:5` (word 3)" + noTime + silenceUsage},
		{"in", "silence until -1:00", bot.CodeInvalid, "silence until -1:00: `-1:00` (word 3)" + noTime + silenceUsage},
		{"in", "silence until someday", bot.CodeInvalid, "silence until someday: `someday` (word 3)" + noTime + silenceUsage},
		{"in", "silence until 2026-02-30 8:00", bot.CodeInvalid, "silence until 2026-02-30 8:00: `2026-02-30` (word 3)" + noTime + silenceUsage},
		{"in", "silence until tomorrow", bot.CodeInvalid, "silence until tomorrow: `tomorrow` (word 3) needs a time of day behind it; write e.g. `until tomorrow 8:00`." + silenceUsage},
		{"in", "silence until monday at", bot.CodeInvalid, "silence until monday at: `monday` (word 3) needs a time of day behind it; write e.g. `until monday 8:00`." + silenceUsage},
		{"in", "silence until today 14:00", bot.CodeInvalid, "silence until today 14:00: `today 14:00` (word 3) has passed." + silenceUsage},
		{"in", "silence until 2026-01-14 14:59", bot.CodeInvalid, "silence until 2026-01-14 14:59: `2026-01-14 14:59` (word 3) has passed." + silenceUsage},
		{"in", "silence until wednesday 18:00", bot.CodeInvalid,
			"silence until wednesday 18:00: `wednesday 18:00` (word 3) could be today or in a week: today is Wednesday. Write `until today 18:00`, or the date." + silenceUsage},
		{"in", "silence until 2027-06-01 8:00", bot.CodeInvalid,
			"silence until 2027-06-01 8:00: `2027-06-01 8:00` (word 3) is more than a year away: by then nobody remembers it. Change the alert's rule instead." + silenceUsage},
		{"in", "silence until 18:00 PST", bot.CodeInvalid, "silence until 18:00 PST: `PST` (word 4) is no zone that I read: times are those of Europe/Berlin, or UTC." + silenceUsage},
		// Targets and matchers.
		{"", "silence 2h", bot.CodeInvalid, "Outside a thread, say what to silence: `silence THREAD 2h`, or `silence {alertname=\"DiskFull\"} 2h`. `alerts` lists the threads."},
		{"", "silence all 2h", bot.CodeInvalid, "Outside a thread, say what to silence: `silence THREAD 2h`, or `silence {alertname=\"DiskFull\"} 2h`. `alerts` lists the threads."},
		{"", "silence LoadFull 2h", bot.CodeNotFound, "There is no thread `thr_LoadFull`. To silence by name: `silence {alertname=\"…\"} 2h`."},
		{"", "silence {alertname=\"X\" 2h", bot.CodeInvalid, "silence {alertname=\"X\" 2h: `{alertname=\"X\"` (word 2) opens a brace or a quote that nothing closes." + outsideUsage},
		{"", "silence {alertname=\"X} 2h", bot.CodeInvalid, "silence {alertname=\"X} 2h: `{alertname=\"X} 2h` (word 2) opens a brace or a quote that nothing closes." + outsideUsage},
		{"", "silence {a=\"1\", b=\"2\"} 2x", bot.CodeInvalid, "silence {a=\"1\", b=\"2\"} 2x: `2x` (word 4)" + noDuration + outsideUsage},
		{"", "silence {} 2h", bot.CodeInvalid, "The matchers are empty; write e.g. `{alertname=\"DiskFull\"}`."},
		{"", "silence {alertname=} 2h", bot.CodeInvalid, "The matchers are wrong at character 12, `}`: expected label value."},
		{"", "silence {alertname \"X\"} 2h", bot.CodeInvalid, "The matchers are wrong at character 12, `\"X\"}`: expected an operator such as '=', '!=', '=~' or '!~'."},
		{"", "silence {=\"X\"} 2h", bot.CodeInvalid, "The matchers are wrong at character 2, `=\"X\"}`: expected label name."},
		{"", "silence {a=b c=d} 2h", bot.CodeInvalid, "The matchers are wrong at character 6, `c=d}`: expected a comma or close brace."},
		{"", "silence {a=“b” c=d} 2h", bot.CodeInvalid, "The matchers are wrong at character 8, `c=d}`: expected a comma or close brace."},
		{"", "silence {instance=~\"h(\"} 2h", bot.CodeInvalid, "A pattern in `{instance=~\"h(\"}` is wrong: missing closing )."},
		{"", "silence {instance=~\".*\"} 2h", bot.CodeInvalid, "`{instance=~\".*\"}` fits alerts that have none of these labels, and so nearly everything; name at least one value that must be there."},
		{"", "silence {a!=\"b\"} 2h", bot.CodeInvalid, "`{a!=\"b\"}` fits alerts that have none of these labels, and so nearly everything; name at least one value that must be there."},
		{"", "silence {a=\"\"} 2h", bot.CodeInvalid, "`{a=\"\"}` fits alerts that have none of these labels, and so nearly everything; name at least one value that must be there."},
		{"", "silence on moon {a=\"b\"} 2h", bot.CodeNotFound, "There is no Alertmanager `moon`; there is main, lab."},
		{"in", "silence on main 2h", bot.CodeInvalid, "silence: `on main` goes with matchers only; a thread knows its own Alertmanager."},
		{"", "silence on", bot.CodeInvalid, "silence on: `on` (word 2)" + noDuration + outsideUsage},
		// Silences.
		{"", "unsilence", bot.CodeInvalid, "Outside a thread, say which silence: `unsilence ID` or `unsilence THREAD`. `silences` lists them."},
		{"", "unsilence all", bot.CodeInvalid, "`unsilence all` works in a thread: it ends every silence over its alerts. Here, say which: `unsilence ID` or `unsilence THREAD`. `silences` lists them."},
		{"in", "unsilence", bot.CodeConflict, "No silence holds this thread's alerts now."},
		{"", "unsilence 999999", bot.CodeNotFound, "There is no silence `999999`. `silences` lists them."},
		{"", "unsilence 5d3f9a", bot.CodeInvalid, "2 silences begin with `5d3f9a`: `5d3f9a00`, `5d3f9abb`. Write as much of the id."},
		{"", "unsilence eeeeee", bot.CodeConflict, "That silence ended Wed 14 Jan 18:00 CET."},
		{"", "help stauts", bot.CodeNotFound, "There is no command `stauts`. Did you mean `help status`?"},
		{"", "help xyzzy", bot.CodeNotFound, "`xyzzy` is no command. `help` explains one, e.g. `help silence`; alone it lists them all."},
		{"", "ws: help me", bot.CodeNotFound, "`me` is no command. `help` explains one, e.g. `help silence`; alone it lists them all."},
	} {
		t.Run(c.where+" "+c.line, func(t *testing.T) {
			w := newWorld(t)
			w.threads = []bot.ThreadFacts{disk(), load()}
			w.silences["main"] = []bot.Silence{silenceOf(silenceA, "active"), silenceOf("eeeeee00-0000-4000-8000-000000000003", "expired")}
			w.silences["lab"] = []bot.Silence{silenceOf(silenceB, "pending")}
			thread := bot.ThreadID("")
			if c.where == "in" {
				thread = diskID
			}
			out, err := ask(t, w, operator, thread, c.line)
			if err == nil {
				t.Fatalf("got %#v, want an error", out)
			}
			wantError(t, err, c.code, c.want)
		})
	}
}

// The values that good lines give.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		where, line, arg string
		want             bot.Value
	}{
		{"in", "ack I'm on it, \"maybe", "comment", bot.Value{Text: "I'm on it, \"maybe"}},
		{"in", "ack \"on it\"", "comment", bot.Value{Text: "on it"}},
		{"in", "ack “on it”", "comment", bot.Value{Text: "on it"}},
		{"in", "ack ‘don’t panic’", "comment", bot.Value{Text: "don’t panic"}},
		{"in", "ack \"a\" and \"b\"", "comment", bot.Value{Text: "\"a\" and \"b\""}},
		{"in", "ACK   two  spaces ", "comment", bot.Value{Text: "two  spaces"}},
		{"in", "ack --force", "comment", bot.Value{Text: "--force"}},
		{"in", "ack disk replaced", "comment", bot.Value{Text: "disk replaced"}},
		{"", "ack disk replaced", "thread", bot.Value{Text: "thr_disk"}},
		{"", "ack disk replaced", "comment", bot.Value{Text: "replaced"}},
		{"", "ack THR_DISK", "thread", bot.Value{Text: "thr_DISK"}},
		{"in", "ack thr_DISK replaced", "thread", bot.Value{Text: "thr_DISK"}},
		{"in", "silence 2h", "duration", bot.Value{Text: "2h", Duration: 2 * time.Hour}},
		{"in", "silence 1d12h", "duration", bot.Value{Text: "1d12h", Duration: 36 * time.Hour}},
		{"in", "silence 90m x", "duration", bot.Value{Text: "90m", Duration: 90 * time.Minute}},
		{"in", "silence 2 h why", "duration", bot.Value{Text: "2h", Duration: 2 * time.Hour}},
		{"in", "silence 2 h why", "comment", bot.Value{Text: "why"}},
		{"in", "silence 2\u00a0hours", "duration", bot.Value{Text: "2h", Duration: 2 * time.Hour}},
		{"in", "silence 30min", "duration", bot.Value{Text: "30m", Duration: 30 * time.Minute}},
		{"in", "silence 1h 30m deploy", "duration", bot.Value{Text: "1h30m", Duration: 90 * time.Minute}},
		{"in", "silence 1 d 12 hours", "duration", bot.Value{Text: "1d12h", Duration: 36 * time.Hour}},
		{"in", "silence 1 d 12 disks", "comment", bot.Value{Text: "12 disks"}},
		{"in", "silence 5h until the disk is there", "comment", bot.Value{Text: "until the disk is there"}},
		{"in", "silence 5h \"until 18:00\"", "comment", bot.Value{Text: "until 18:00"}},
		{"in", "silence until 18:00 2 disks", "comment", bot.Value{Text: "2 disks"}},
		{"in", "silence for 2h", "duration", bot.Value{Text: "2h", Duration: 2 * time.Hour}},
		{"in", "silence 365d", "duration", bot.Value{Text: "365d", Duration: 365 * 24 * time.Hour}},
		{"in", "silence 1y", "duration", bot.Value{Text: "1y", Duration: 365 * 24 * time.Hour}},
		{"in", "silence 1w", "duration", bot.Value{Text: "1w", Duration: 7 * 24 * time.Hour}},
		{"in", "silence #3 2h", "target", bot.Value{Text: "#3", Number: 3}},
		{"in", "silence all 2h", "target", bot.Value{Text: "all"}},
		{"", "silence DISK 2h", "target", bot.Value{Text: "thr_DISK"}},
		{"", "silence 2h45m", "duration", bot.Value{Text: "2h45m", Duration: 165 * time.Minute}},
		{"", "silence {a=\"x } y\", b=~“z.*”} 2h why", "target", bot.Value{Text: "{a=\"x } y\", b=~“z.*”}"}},
		{"", "silence {a=\"x } y\", b=~“z.*”} 2h why", "comment", bot.Value{Text: "why"}},
		{"", "silence a=\"b c\",d!=e 2h", "target", bot.Value{Text: "{a=\"b c\",d!=e}"}},
		{"", "silence on lab {a=b} 2h", "on", bot.Value{Text: "lab"}},
		{"", "alerts find disk \"vulcan", "which", bot.Value{Text: "find disk \"vulcan"}},
		{"", "alerts All", "which", bot.Value{Text: "all"}},
		{"in", "graph up > 3 over 2h", "expression", bot.Value{Text: "up > 3 over 2h"}},
		{"", "graph kubelet", "expression", bot.Value{Text: "kubelet"}},
		{"", "unsilence 5D3F9A", "which", bot.Value{Text: "5d3f9a"}},
		{"", "unsilence dead", "which", bot.Value{Text: "thr_dead"}},
	} {
		t.Run(c.where+" "+c.line, func(t *testing.T) {
			i := New(All())
			cmd, _, after := i.resolve(reader{line: c.line})
			if cmd == nil {
				t.Fatal("no such command")
			}
			p := parser{command: cmd, line: c.line, r: after, inThread: c.where == "in", at: noon, now: noon, zone: time.UTC}
			args, err := p.parse()
			if err != nil {
				t.Fatal(err)
			}
			if args[c.arg] != c.want {
				t.Errorf("got %+v, want %+v in %+v", args[c.arg], c.want, args)
			}
		})
	}
}

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		`a b`:                   {"a", "b"},
		`a "b c" d`:             {"a", "b c", "d"},
		`don't panic`:           {"don't", "panic"},
		`'don't do it' x`:       {"don't do it", "x"},
		`‘a b’ “c d” „e f“`:     {"a b", "c d", "e f"},
		`a\ b \"c \\ d\.e f\`:   {"a b", `"c`, `\`, `d\.e`, `f\`},
		`x="a b" y`:             {"x=a b", "y"},
		`"a \" b" ""`:           {`a " b`, ""},
		"a\tb\nc\u00a0d\u3000e": {"a", "b", "c", "d", "e"},
	} {
		var got []string
		r := reader{line: line}
		for w, ok := r.next(); ok; w, ok = r.next() {
			if w.unclosed {
				t.Errorf("%q: %q is not closed", line, w.raw)
			}
			got = append(got, w.text)
		}
		if len(got) != len(want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%q: got %q, want %q", line, got, want)
			}
		}
	}
}

// TestStops: which lines keep a plan from being run, so that they need not wait.
func TestStops(t *testing.T) {
	i := New(All())
	for _, c := range []struct {
		line     string
		inThread bool
		word     string
		plan     bot.PlanID
	}{
		{"deny pln_K7QF2M because the backup still runs", false, "deny", "pln_K7QF2M"},
		{"ws: Deny k7qf", false, "deny", "pln_K7QF"},
		{"!cancel pln_k7qf2m", true, "cancel", "pln_K7QF2M"},
		{"deny", true, "deny", ""},
		{"cancel because it was the wrong host", true, "cancel", ""},
		// What is not sure, or lets something run.
		{"deny", false, "", ""},
		{"cancel because it was the wrong host", false, "", ""},
		{"deny pln_K7QF2M 123456", false, "", ""},
		{"deny pln_K7QF2M because", false, "", ""},
		{"denied pln_K7QF2M", false, "", ""},
		{"approve pln_K7QF2M", false, "", ""},
		{"confirm pln_K7QF2M", false, "", ""},
		{"deny pln_K7QF2M because " + strings.Repeat("x", lineMost), false, "", ""},
		{"", true, "", ""},
	} {
		word, plan, ok := i.Stops(c.line, c.inThread)
		if ok != (c.word != "") || ok && (word != c.word || plan != c.plan) {
			t.Errorf("%.60q: %q %q, %v", c.line, word, plan, ok)
		}
	}
}
