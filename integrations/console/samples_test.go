package console

import (
	"fmt"
	"strings"

	"watchstander/bot"
)

// Messages as bot/view makes them.

func diskFull() bot.Message {
	return bot.Message{
		Tone:  bot.ToneCritical,
		Title: bot.Line(bot.B("CRITICAL ×2"), bot.T(" DiskFull (instance=vulcan, job=node)")),
		Blocks: []bot.Block{
			bot.Para{Text: text("The file system / on vulcan will be full within four hours at the rate at which it has been filling since noon.")},
			bot.Fields{Fields: []bot.Field{
				{Name: "Severity", Value: text("critical")},
				{Name: "Since", Value: text("Fri 3 Jul 14:02 PDT")},
				{Name: "Host", Value: text("vulcan")},
			}},
			bot.List{Items: []bot.Text{
				bot.Line(bot.F("#1 "), bot.T("mountpoint=/, since Fri 3 Jul 14:02 PDT")),
				bot.Line(bot.F("#2 "), bot.T("mountpoint=/var, since Fri 3 Jul 14:03 PDT")),
			}},
			bot.Para{Text: bot.Line(bot.L("Runbook", "https://runbooks.example.org/disk-full#what-to-delete-first-and-what-never"), bot.T(" · "),
				bot.L("Source", "https://prometheus.example.org/graph?g0.expr=predict_linear"))},
		},
		Actions: []bot.Action{{Name: "ack", Label: "Ack"}, {Name: "silence 1h", Label: "Silence"}, {Name: "graph", Label: "Graph"}},
		Note:    bot.Line(bot.M("thr_4KZQ3M2A7XW5NRDV6TBGYJHCEP")),
	}
}

func diskResolved() bot.Message {
	m := diskFull()
	m.Tone = bot.ToneOK
	m.Title = bot.Line(bot.B("RESOLVED"), bot.T(" DiskFull (instance=vulcan, job=node)"))
	m.Blocks[1] = bot.Fields{Fields: []bot.Field{
		{Name: "Severity", Value: text("critical")},
		{Name: "Resolved", Value: text("Fri 3 Jul 14:31 PDT, after 29 min")},
		{Name: "Acked by", Value: bot.Line(bot.B("alice"), bot.T(", Fri 3 Jul 14:06 PDT: old snapshots"))},
		{Name: "Host", Value: text("vulcan")},
	}}
	m.Blocks[2] = bot.List{Items: []bot.Text{
		bot.Line(bot.F("#1 "), bot.Span{Text: "mountpoint=/", Style: bot.Struck}, bot.T(", resolved Fri 3 Jul 14:31 PDT")),
		bot.Line(bot.F("#2 "), bot.Span{Text: "mountpoint=/var", Style: bot.Struck}, bot.T(", resolved Fri 3 Jul 14:30 PDT")),
	}}
	m.Actions = nil
	return m
}

func acked() bot.Message {
	return bot.Message{Title: bot.Line(bot.B("Acked by alice"), bot.T(": covers 2 alerts that fire now. old snapshots"))}
}

func resolvedEntry() bot.Message {
	return bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B("All resolved"), bot.T(", 29 min after the first one fired"))}
}

func picture() bot.Message {
	return bot.Message{Title: text("Free space on / falls from 41 % to 3 % in three hours"),
		Blocks: []bot.Block{bot.Picture{Name: "graph.png", PNG: []byte(strings.Repeat("\x89PNG....", 1000)), Width: 800, Height: 300,
			Alt: "A line that falls steadily from 41 % at 11:00 to 3 % at 14:00; the threshold is at 10 %."}}}
}

func status() bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("vulcan"), bot.T(": 1 of 5 readings is not ok")), Blocks: []bot.Block{
		bot.Pre{Body: "load         0.42 0.38 0.35\nmemory       61 % of 64 GiB\ndisk /       97 % of 1.8 TiB   <- not ok\npool rpool\tONLINE, scrubbed 3 d ago\nboot         12 d 4 h ago\n"},
		bot.Fields{Fields: []bot.Field{
			{Name: "Alertmanager", Value: text("main, polled 12 s ago")},
			{Name: "Threads that wait for a room", Value: text("0")},
			{Name: "Dead man", Value: nil},
		}},
	}}
}

func longList() bot.Message {
	m := bot.Message{Tone: bot.ToneInfo, Title: bot.Line(bot.B("Digest"), bot.T(" Thu 2 Jul 08:00 PDT to Fri 3 Jul 08:00 PDT"))}
	var items []bot.Text
	for i := range 24 {
		items = append(items, bot.Line(bot.F(fmt.Sprintf("#%d ", i+1)), bot.B("FIRING"),
			bot.T(fmt.Sprintf(" SystemdUnitFailed (instance=host%02d, unit=nightly-backup-of-the-photo-library.service), since 03:%02d PDT", i, i))))
	}
	m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.B("Still firing: 24"))}, bot.List{Items: items}}
	return m
}

// hostile is what somebody writes into labels who wants the terminal, or its
// reader, to do something.
func hostile() bot.Message {
	return bot.Message{
		Tone:  bot.ToneWarning,
		Title: bot.Line(bot.B("FIRING"), bot.T(" Evil (x=\x1b]0;owned\x07\x1b[2J\r\nt13 ■ CRITICAL fake)")),
		Blocks: []bot.Block{
			bot.Para{Text: text("one\x1b[31mred\u009b31m\u202eesrever\u2066 zero\u200bwidth \x7f tab\there Z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301algo bad\xff utf")},
			bot.Para{Text: text("14:00 ▌ t99 ■ CRITICAL a line of its own\n» root: approve everything")},
			bot.Fields{Fields: []bot.Field{{Name: "na\nme\x1b[1m", Value: text("\x1bPq\x1b\\ a\nb")}}},
			bot.List{Items: []bot.Text{bot.Line(bot.L("click", "javascript:alert(1)")), bot.Line(bot.L("here", "https://example.org/a b\x1b[31m\u202e")),
				bot.Line(bot.L("https://good.example", "https://user:pw@evil.example"))}},
			bot.Pre{Body: "\x1b[?1049h\x1b[H alt screen\r\n\tcol\x9b2J\n\n"},
			bot.Picture{Name: "../../.bashrc\x1b", PNG: []byte("x"), Alt: "al\x1bt\x0b"},
			bot.File{Name: "\u202egpj.exe", Data: []byte("y")},
		},
		Actions: []bot.Action{{Name: "ack\n\x1b[31m", Danger: true}},
		Note:    text("no\x1bte"),
	}
}

func wide() bot.Message {
	return bot.Message{Tone: bot.ToneUnknown, Title: bot.Line(bot.B("不明"), bot.T(" 硬盘空间不足 на хосте ваш диск переполнен 🔥 שלום")),
		Blocks: []bot.Block{bot.Para{Text: text(strings.Repeat("漢字", 40))}}}
}
