package commands

import "watchstander/bot"

// familyAlerts is their heading in help.
const familyAlerts = "Alerts"

// alertCommands answer alerts.
var alertCommands = []bot.Command{
	{
		Name: "ack", Family: familyAlerts, Role: bot.RoleOperator,
		Summary: "Say that you are on it.",
		Args: []bot.Arg{
			{Name: "thread", Kind: bot.ArgThread, Optional: true, Help: "needed outside a thread"},
			{Name: "comment", Kind: bot.ArgRest, Optional: true, Help: "what the others should know"},
		},
		Examples: []string{"ack", "ack I'm replacing the disk", "ack thr_ABCD on it"},
		Run:      ack,
	},
	{
		Name: "unack", Family: familyAlerts, Role: bot.RoleOperator,
		Summary:  "Take the ack back.",
		Args:     []bot.Arg{{Name: "thread", Kind: bot.ArgThread, Optional: true, Help: "needed outside a thread"}},
		Examples: []string{"unack", "unack thr_ABCD"},
		Run:      unack,
	},
	{
		Name: "silence", Aliases: []string{"mute"}, Family: familyAlerts, Role: bot.RoleOperator,
		Summary: "Hold notices back for a while.",
		Args: []bot.Arg{
			{Name: "on", Kind: kindOn, Optional: true, Help: "which Alertmanager, where there are several and matchers are given; else the first"},
			{Name: "target", Kind: kindTarget, Optional: true,
				Help: "one alert of the thread, the thread's whole group, or whatever Alertmanager's matchers fit. In a thread: the whole group"},
			{Name: "duration", Kind: bot.ArgDuration, Help: "how long, at most a year: `2h`, `1d12h`, `until 18:00`, `until tomorrow 8:00`, `until monday 9:00`, `until 2026-12-24 18:00`"},
			{Name: "comment", Kind: bot.ArgRest, Optional: true, Help: "why"},
		},
		Examples: []string{"silence 2h", "silence #3 until 18:00 replacing the disk", "silence thr_ABCD 1d12h",
			`silence {alertname="DiskFull", instance=~"vulcan.*"} 2h resilvering`},
		Run: silence,
	},
	{
		Name: "unsilence", Aliases: []string{"unmute"}, Family: familyAlerts, Role: bot.RoleOperator,
		Summary: "End a silence.",
		Args: []bot.Arg{{Name: "which", Kind: kindSilence, Optional: true,
			Help: "a silence's id (as much of it as `silences` shows, 6 characters at least), or a thread; `all`, in a thread: every silence over its alerts"}},
		Examples: []string{"unsilence", "unsilence 5d3f9a", "unsilence thr_ABCD"},
		Run:      unsilence,
	},
	{
		Name: "silences", Family: familyAlerts,
		Summary:  "List the silences that hold or will hold.",
		Args:     []bot.Arg{{Name: "all", Kind: kindAll, Optional: true, Help: "every silence, those that ended too. In a thread, without it: those over its alerts"}},
		Examples: []string{"silences", "silences all"},
		Run:      silences,
	},
	{
		Name: "noise", Family: familyAlerts,
		Summary:  "Tell what fired how often, and what nobody answered.",
		Args:     []bot.Arg{{Name: "span", Kind: kindSpan, Optional: true, Help: "how far back, from an hour to a year, as far as the state reaches; a week without it"}},
		Examples: []string{"noise", "noise 1d", "noise 30d"},
		Run:      noise,
	},
}
