package commands

import "watchstander/bot"

// familyChecklists is their heading in help.
const familyChecklists = "Checklists"

// Arguments that the commands for checklists share.
var (
	argItem = bot.Arg{Name: "item", Kind: kindItem, Help: "the item's number in the list"}
	argOf   = bot.Arg{Name: "list", Kind: kindOf, Optional: true, Help: "which checklist, outside its thread and where several are open"}
	// A comment has none: people write "on monday".
	argOnHost = bot.Arg{Name: "on", Kind: kindOn, Optional: true, Help: "which host's, where a list is open of several"}
	argWhy    = bot.Arg{Name: "reason", Kind: kindBecause, Help: "why; everybody in the thread reads it"}
)

// checklistCommands are the plan's tasks as they come round.
var checklistCommands = []bot.Command{
	{
		Name: "checklist", Family: familyChecklists,
		Summary: "Show what is left of a checklist, or all about one item.",
		Args: []bot.Arg{
			{Name: "item", Kind: kindItem, Optional: true, Help: "a number: all about this item, with its evidence and where that is from"},
			{Name: "list", Kind: kindList, Optional: true, Help: "which checklist; in its thread: that one"},
			argOf, argOnHost,
		},
		Examples: []string{"checklist", "checklist daily", "checklist 3 of weekly"},
		Run:      checklist,
	},
	{
		Name: "done", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Tick an item.",
		Args:     []bot.Arg{argItem, argOf, argOnHost, argBecause},
		Examples: []string{"done 3", "done 3 of weekly", "done 3 because the dashboards are as they were"},
		Run:      setItem(bot.ItemDone),
	},
	{
		Name: "undone", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Open an item again.",
		Args:     []bot.Arg{argItem, argOf, argOnHost, argBecause},
		Examples: []string{"undone 3"},
		Run:      setItem(bot.ItemOpen),
	},
	{
		Name: "skip", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Leave an item out this time.",
		Args:     []bot.Arg{argItem, argOf, argOnHost, argWhy},
		Examples: []string{"skip 4 because nothing was deployed this week"},
		Run:      setItem(bot.ItemSkipped),
	},
	{
		Name: "defer", Family: familyChecklists, Role: bot.RoleOperator,
		Summary: "Put an item, or in its thread an alert, off until a day.",
		Args: []bot.Arg{
			{Name: "item", Kind: kindItem, Optional: true, Help: "the item's number in the list; in an alert's thread none, and Alertmanager holds its notices back until then"},
			{Name: "until", Kind: kindDay, Help: "a day, a time or how long: `until 2026-12-24`, `until monday 9:00`, `3d`; at most a year"},
			argOf, argOnHost, argWhy,
		},
		Examples: []string{"defer 5 until 2026-12-24 because the new disk comes then", "defer 5 3d because bob is away"},
		Run:      deferItem,
	},
	{
		Name: "comment", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Say something about an item.",
		Args:     []bot.Arg{argItem, argOf, {Name: "text", Kind: bot.ArgRest, Help: "what the others should know"}},
		Examples: []string{"comment 3 two of the panels show no data"},
		Run:      commentItem,
	},
	{
		Name: "assign", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Say who is to do an item.",
		Args:     []bot.Arg{argItem, argOf, argOnHost, {Name: "person", Kind: bot.ArgWord, Help: "a name from the configuration, `me`, or `nobody`"}},
		Examples: []string{"assign 3 bob", "assign 3 me"},
		Run:      assignItem,
	},
	{
		Name: "recheck", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Look at the evidence again, of all items or one.",
		Args:     []bot.Arg{{Name: "item", Kind: kindItem, Optional: true, Help: "one item alone"}, argOf, argOnHost},
		Examples: []string{"recheck", "recheck 3"},
		Run:      recheck,
	},
	{
		Name: "do", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Ask for what an item offers; its outcome ticks the item.",
		Args:     []bot.Arg{argItem, argOf, argOnHost},
		Examples: []string{"do 4"},
		Run:      doItem,
	},
	{
		Name: "report", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Tell a month as a whole: checklists, alerts, plans, trends, with pictures and a file.",
		Args:     []bot.Arg{{Name: "month", Kind: kindMonth, Optional: true, Help: "`2026-10`; without it, this month so far"}},
		Examples: []string{"report", "report 2025-12"},
		Run:      report,
	},
	{
		Name: "scorecard", Family: familyChecklists,
		Summary:  "Show what the plan's measures of success come to, this month and the last.",
		Examples: []string{"scorecard"},
		Run:      showScorecard,
	},
	{
		Name: "schedule", Family: familyChecklists,
		Summary:  "Show what runs when: last, next, what is paused.",
		Examples: []string{"schedule"},
		Run:      schedule,
	},
	{
		Name: "schedule run", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Begin a checklist now.",
		Args:     []bot.Arg{{Name: "list", Kind: kindList, Help: "which one"}, argBecause},
		Examples: []string{"schedule run daily", "schedule run validation because I switched by hand"},
		Run:      runSchedule,
	},
	{
		Name: "schedule pause", Family: familyChecklists, Role: bot.RoleOperator,
		Summary: "Let a checklist's next runs pass.",
		Args: []bot.Arg{
			{Name: "list", Kind: kindList, Help: "which one"},
			{Name: "until", Kind: kindDay, Optional: true, Help: "until when; without it, until `schedule resume`"},
			argWhy,
		},
		Examples: []string{"schedule pause daily until 2026-12-27 because of the holidays"},
		Run:      pauseSchedule,
	},
	{
		Name: "schedule resume", Family: familyChecklists, Role: bot.RoleOperator,
		Summary:  "Let a paused checklist go on.",
		Args:     []bot.Arg{{Name: "list", Kind: kindList, Help: "which one"}},
		Examples: []string{"schedule resume daily"},
		Run:      resumeSchedule,
	},
}
