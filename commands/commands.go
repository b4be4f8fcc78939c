package commands

import (
	"watchstander/bot"
	"watchstander/bot/host"
)

// Families are the headings in help, in the order of All.
const (
	familyLook     = "Look"
	familyAlerts   = "Alerts"
	familyNixOS    = "NixOS"
	familyZFS      = "ZFS"
	familyServices = "Services"
)

// All lists every command, in the order in which help shows them.
func All() []bot.Command {
	return []bot.Command{
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
			Summary:  "Measure everything now: what fires, what is not ok, what is unknown.",
			Examples: []string{"status"},
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
			Name: "generations", Aliases: []string{"gens"}, Family: familyNixOS,
			Summary: "List the systems that a host keeps.",
			Args: []bot.Arg{
				{Name: "all", Kind: kindAll, Optional: true, Help: "the oldest ones too"},
				argOn,
			},
			Examples: []string{"generations", "generations all"},
			Run:      generations,
		},
		{
			Name: "diff", Family: familyNixOS,
			Summary: "Tell what differs between two generations.",
			Args: []bot.Arg{
				{Name: "from", Kind: kindGeneration, Optional: true, Help: "a generation's number, `current`, `booted` or `profile`; else the one before that which runs"},
				{Name: "to", Kind: kindGeneration, Optional: true, Help: "likewise; else the one that runs"},
				argOn,
			},
			Examples: []string{"diff", "diff 41 42", "diff booted current"},
			Run:      diff,
		},
		{
			Name: "drift", Family: familyNixOS,
			Summary:  "Tell whether a host is what its profile says.",
			Args:     []bot.Arg{argOn},
			Examples: []string{"drift"},
			Run:      drift,
		},
		{
			Name: "rollback", Family: familyNixOS, Role: bot.RoleOperator,
			Summary: "Ask to go back to another generation.",
			Args: []bot.Arg{
				{Name: "generation", Kind: kindGeneration, Optional: true, Help: "its number; else the one before that which runs"},
				argOn,
			},
			Examples: []string{"rollback", "rollback 41"},
			Run:      rollback,
		},
		{
			Name: "zfs status", Family: familyZFS,
			Summary:  "Tell how the pools are.",
			Args:     []bot.Arg{argOn},
			Examples: []string{"zfs status"},
			Run:      zfsStatus,
		},
		{
			Name: "zfs arc", Family: familyZFS,
			Summary:  "Tell how ZFS' cache serves, and what its limits are.",
			Args:     []bot.Arg{argOn},
			Examples: []string{"zfs arc"},
			Run:      zfsARC,
		},
		{
			Name: "zfs arc set", Family: familyZFS, Role: bot.RoleOperator,
			Summary: "Ask to set the cache's limits.",
			Args: []bot.Arg{
				{Name: host.ARCMax, Kind: kindSize, Optional: true, Help: "the most that it may hold, e.g. `32G` (which is 32 GiB), `1536M`; without it as it is"},
				{Name: host.ARCMin, Kind: kindSize, Optional: true, Help: "what it keeps when memory is short; without it as it is. `--max 32G` and `--max=32G` do as well"},
				argOn,
			},
			Examples: []string{"zfs arc set max 32G min 4G", "zfs arc set max 24G"},
			Run:      zfsARCSet,
		},
		{
			Name: "service", Family: familyServices,
			Summary: "Tell how a unit is.",
			Args: []bot.Arg{
				{Name: "name", Kind: kindUnit, Help: "any unit; `.service` is implied"},
				argOn,
			},
			Examples: []string{"service nginx", "service restic-backup.timer"},
			Run:      service,
		},
		{
			Name: "service restart", Family: familyServices, Role: bot.RoleOperator,
			Summary: "Ask to restart a service.",
			Args: []bot.Arg{
				{Name: "name", Kind: kindUnit, Help: "a unit that the agent's list lets be restarted"},
				argOn,
			},
			Examples: []string{"service restart nginx"},
			Run:      serviceRestart,
		},
	}
}

// argOn names a host where there are several.
var argOn = bot.Arg{Name: "on", Kind: kindOn, Optional: true, Help: "which host, where there are several"}
