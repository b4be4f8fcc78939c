package commands

import "watchstander/bot"

// familyLook is their heading in help.
const familyLook = "Look"

// argTopic chooses figures of status.
var argTopic = bot.Arg{Name: "what", Kind: kindTopic, Optional: true,
	Help: "figures to tell of alone, with where they come from: `zfs`, `backup`, `units`, `nixos`, `certificates`, `disks`, `bot`, or a part of a figure's name"}

// lookCommands look at what is.
var lookCommands = []bot.Command{
	{
		Name: "help", Aliases: []string{"?"}, Family: familyLook,
		Summary:  "Tell what I understand, or explain one command.",
		Args:     []bot.Arg{{Name: "command", Kind: kindCommand, Optional: true, Help: "what to explain"}},
		Examples: []string{"help", "help silence"},
		Run:      help,
	},
	{
		Name: "whoami", Family: familyLook,
		Summary:  "Tell who I take you for and what you may do.",
		Examples: []string{"whoami"},
		Run:      whoami,
	},
	{
		Name: "status", Aliases: []string{"st"}, Family: familyLook,
		Summary:  "Measure everything now: what fires, what waits for people, what is not ok, what is unknown.",
		Args:     []bot.Arg{argTopic, argOn},
		Examples: []string{"status", "status backup", "status zfs on vulcan"},
		Run:      status,
	},
	{
		Name: "alerts", Aliases: []string{"al"}, Family: familyLook,
		Summary: "List open threads, one thread's alerts, or old threads.",
		Args: []bot.Arg{{Name: "which", Kind: kindWhich, Optional: true,
			Help: "a thread, for all of its alerts; `all` for every open thread; `find` with words for old threads too. In a thread: its own alerts"}},
		Examples: []string{"alerts", "alerts all", "alerts thr_ABCD", "alerts find disk vulcan"},
		Run:      alerts,
	},
	{
		Name: "graph", Aliases: []string{"plot"}, Family: familyLook,
		Summary: "Draw an alert's expression, or any PromQL.",
		Args: []bot.Arg{
			{Name: "thread", Kind: bot.ArgThread, Optional: true, Help: "whose worst alert is drawn; in a thread: its own"},
			{Name: "alert", Kind: bot.ArgAlert, Optional: true, Help: "one alert of the thread"},
			{Name: "expression", Kind: kindExpression, Optional: true, Help: "PromQL as you would type it into Prometheus; `over` at the end sets the span (6h)"},
		},
		Examples: []string{"graph", "graph #2", "graph rate(node_cpu_seconds_total[5m]) over 12h"},
		Run:      graph,
	},
	{
		Name: "logs", Family: familyLook,
		Summary: "Show the last lines of a unit's log.",
		Args: []bot.Arg{
			{Name: "unit", Kind: kindUnit, Help: "a unit whose log the agent shows; `.service` is implied"},
			{Name: "lines", Kind: bot.ArgNumber, Optional: true, Help: "how many, at most 200; 30 without it"},
			argOn,
		},
		Examples: []string{"logs nginx", "logs restic-backup.timer 50"},
		Run:      logs,
	},
	{
		Name: "changes", Family: familyLook,
		Summary: "Tell what changed on a host.",
		Args: []bot.Arg{
			{Name: "hours", Kind: kindHours, Optional: true, Help: "how far back, at most a week; a day without it"},
			argOn,
		},
		Examples: []string{"changes", "changes 6", "changes 3d"},
		Run:      changes,
	},
	{
		Name: "runbook", Aliases: []string{"runbooks"}, Family: familyLook,
		Summary: "Tell what to do about a thing: an alert, a command, a task.",
		Args: []bot.Arg{
			{Name: "name", Kind: kindRunbook, Optional: true,
				Help: "a runbook, a command, or an alert by its name, in a thread by its number (in a checklist an item's); `all` lists them. In a thread, without it: what the thread is about"},
			{Name: "section", Kind: kindSection, Optional: true, Help: "one section alone: `meaning`, `impact`, `look`, `act`, `undo` or `escalate`"},
		},
		Examples: []string{"runbook", "runbook disk-full", "runbook zfs arc", "runbook rollback act"},
		Run:      runbook,
	},
}
