package commands

import "watchstander/bot"

// kindScope is matchers in braces, as {instance=~"vulcan.*"}.
const kindScope bot.ArgKind = "scope"

// familyMaintenance is their heading in help.
const familyMaintenance = "Maintenance"

// maintenanceCommands open a time in which a host's alerts are expected, and end it.
var maintenanceCommands = []bot.Command{
	{
		Name: "maintenance", Family: familyMaintenance,
		Summary:  "Show which maintenance is open, and when the policy's windows open next.",
		Args:     []bot.Arg{argOn},
		Examples: []string{"maintenance", "maintenance on vulcan"},
		Run:      maintenance,
	},
	{
		Name: "maintenance start", Family: familyMaintenance, Role: bot.RoleOperator, Gated: true,
		Summary: "Open a maintenance: hold a host's alerts back, and tell what runs in it; again: extend it.",
		Args: []bot.Arg{
			{Name: "on", Kind: kindOn, Optional: true, Help: "which host, where there are several"},
			{Name: "scope", Kind: kindScope, Optional: true, Help: "instead of a host, the alerts by matchers"},
			{Name: "duration", Kind: bot.ArgDuration, Optional: true, Help: "how long, 2h where nothing is said, at most 24h: `for 90m`, `until 18:00`"},
			{Name: "reason", Kind: kindBecause, Help: "why; everybody reads it, and it stands in the silence"},
		},
		Examples: []string{"maintenance start because the disks are replaced", "maintenance start on vulcan for 4h because of the new pool",
			`maintenance start {instance=~"vulcan.*",severity!="critical"} for 1h because nginx moves`},
		Run: startMaintenance,
	},
	{
		Name: "maintenance stop", Family: familyMaintenance, Role: bot.RoleOperator, Gated: true,
		Summary:  "End a maintenance and its silence now.",
		Args:     []bot.Arg{{Name: "on", Kind: kindOn, Optional: true, Help: "which host, where several are open; in its thread: that one"}, argBecause},
		Examples: []string{"maintenance stop", "maintenance stop on vulcan because all is done"},
		Run:      stopMaintenance,
	},
}
