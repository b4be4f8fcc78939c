package commands

import "watchstander/bot"

// Kinds of argument that the commands for incidents have.
const (
	kindIncident bot.ArgKind = "incident" // what an incident is called: one word
	kindSeverity bot.ArgKind = "severity" // critical, warning or info
)

// familyIncidents is their heading in help.
const familyIncidents = "Incidents"

// incidentCommands are for what goes wrong now, and for drills of it.
var incidentCommands = []bot.Command{
	{
		Name: "incident", Family: familyIncidents,
		Summary:  "Show the open incidents and drills, what was closed last, and what is still to follow up.",
		Examples: []string{"incident"},
		Run:      incidents,
	},
	{
		Name: "incident open", Family: familyIncidents, Role: bot.RoleOperator,
		Summary: "Open an incident, or a drill: a thread with steps and a clock. You lead until somebody else does.",
		Args: []bot.Arg{
			{Name: "name", Kind: kindIncident, Optional: true, Help: "what to call it, one word: `wiki`; in an alert's thread, the alert's. A list's name, as `drill`, begins that list"},
			{Name: "severity", Kind: kindSeverity, Optional: true, Help: "`critical`, `warning` or `info`; in an alert's thread, the alert's"},
			{Name: "reason", Kind: kindBecause, Help: "what happened; it heads the thread"},
		},
		Examples: []string{"incident open wiki because pages time out since 3:10", "incident open mail critical because nothing is delivered",
			"incident open because the pool is degraded", "incident open drill because of the quarter"},
		Run: openIncident,
	},
	{
		Name: "incident lead", Family: familyIncidents, Role: bot.RoleOperator,
		Summary:  "Say who leads an incident.",
		Args:     []bot.Arg{{Name: "person", Kind: bot.ArgWord, Help: "a name from the configuration, or `me`"}, argIncident},
		Examples: []string{"incident lead bob", "incident lead me of wiki"},
		Run:      leadIncident,
	},
	{
		Name: "incident close", Family: familyIncidents, Role: bot.RoleOperator,
		Summary:  "End an incident or a drill, with a summary.",
		Args:     []bot.Arg{argIncident, argBecause},
		Examples: []string{"incident close because the wiki answers again", "incident close of wiki"},
		Run:      closeIncident,
	},
	{
		Name: "finding", Family: familyIncidents, Role: bot.RoleOperator,
		Summary:  "Note what was found in an incident or a drill.",
		Args:     []bot.Arg{{Name: "text", Kind: bot.ArgRest, Help: "what was found"}},
		Examples: []string{"finding the second factor of B2 was on the host itself"},
		Run:      addFinding,
	},
	{
		Name: "followup", Family: familyIncidents, Role: bot.RoleOperator,
		Summary: "Note what is to be done after an incident; it goes into the next weekly list.",
		Args: []bot.Arg{{Name: "text", Kind: bot.ArgRest,
			Help: "what is to be done; at its end, as far as there is any of it: `for NAME`, `by DAY`, and `of LIST` for another list than the weekly one"}},
		Examples: []string{"followup order a second disk for bob by friday", "followup put the second factor into custody by 2026-12-24", "followup rehearse it again of quarterly"},
		Run:      addFollowUp,
	},
}

// argIncident names one where several are open.
var argIncident = bot.Arg{Name: "list", Kind: kindOf, Optional: true, Help: "which one, outside its thread and where several are open"}
