package commands

import "watchstander/bot"

// familyPlans is their heading in help.
const familyPlans = "Approvals"

// planCommands are words on plans.
var planCommands = []bot.Command{
	{
		Name: "approvals", Family: familyPlans,
		Summary: "List the plans that wait for approvals, are queued or run; or show one whole.",
		Args: []bot.Arg{
			{Name: "plan", Kind: kindPlan, Optional: true, Help: "its id, or the beginning of it; in a plan's own thread that plan without it"},
			{Name: "all", Kind: kindAll, Optional: true, Help: "the list, in a plan's thread too"},
		},
		Examples: []string{"approvals", "approvals pln_K7QF2M", "approvals all"},
		Run:      approvals,
	},
	{
		Name: "approve", Family: familyPlans, Gated: true,
		Summary: "Agree to a plan that you have read.",
		Args: []bot.Arg{
			{Name: "plan", Kind: kindPlan, Optional: true, Help: "needed outside the plan's own thread"},
			{Name: "proof", Kind: kindProof, Optional: true, Help: "where the policy wants one: a time-based code, or the signature that `watchstander approve` printed"},
		},
		Examples: []string{"approve pln_K7QF2M", "approve pln_K7QF2M 123456"},
		Run:      approve,
	},
	{
		Name: nameDeny, Family: familyPlans, Gated: true,
		Summary: "Refuse a plan; that ends it.",
		Args: []bot.Arg{
			{Name: "plan", Kind: kindPlan, Optional: true, Help: "needed outside the plan's own thread"},
			argBecause,
		},
		Examples: []string{"deny pln_K7QF2M because the backup still runs"},
		Run:      deny,
	},
	{
		Name: "statement", Family: familyPlans, Gated: true,
		Summary:  "Get what you sign with `watchstander approve`, where a plan or its confirmation wants your signature.",
		Args:     []bot.Arg{{Name: "plan", Kind: kindPlan, Optional: true, Help: "needed outside the plan's own thread"}},
		Examples: []string{"statement pln_K7QF2M"},
		Run:      statement,
	},
	{
		Name: nameCancel, Family: familyPlans, Gated: true,
		Summary: "Take back what you asked for, or have a run undone that waits to be confirmed.",
		Args: []bot.Arg{
			{Name: "plan", Kind: kindPlan, Optional: true, Help: "needed outside the plan's own thread"},
			argBecause,
		},
		Examples: []string{"cancel pln_K7QF2M", "cancel pln_K7QF2M because it was the wrong host"},
		Run:      cancel,
	},
	{
		Name: "confirm", Family: familyPlans, Gated: true,
		Summary: "Say that all is well after a run that waits for it.",
		Args: []bot.Arg{
			{Name: "plan", Kind: kindPlan, Optional: true, Help: "needed outside the plan's own thread"},
			{Name: "proof", Kind: kindProof, Optional: true, Help: "where approvals of this plan want one: a time-based code, or the signature that `watchstander approve` printed"},
		},
		Examples: []string{"confirm pln_K7QF2M", "confirm pln_K7QF2M 123456"},
		Run:      confirm,
	},
	{
		Name: "journal", Family: familyPlans,
		Summary: "Tell who asked for what, who agreed, and what came of it.",
		Args: []bot.Arg{
			{Name: "most", Kind: bot.ArgNumber, Optional: true, Help: "how many entries, at most 100; 15 without it"},
			{Name: "plan", Kind: kindPlan, Optional: true, Help: "those about one plan: its id, or the beginning of it; in a plan's own thread that plan without it"},
			{Name: "all", Kind: kindAll, Optional: true, Help: "those about everything, in a plan's thread too"},
			{Name: "kind", Kind: kindKind, Optional: true, Help: "one kind of entries: request, refusal, decision, start, end, head, …"},
			{Name: "by", Kind: kindBy, Optional: true, Help: "what one person did"},
			{Name: "on", Kind: kindOn, Optional: true, Help: "what was about one host, in a plan's thread too; the heads of its agent's journal only with `kind head`"},
			{Name: "since", Kind: kindSince, Optional: true, Help: "how far back"},
			{Name: "words", Kind: kindFind, Optional: true, Help: "words that must all be in it"},
		},
		Examples: []string{"journal", "journal 50 since 2d", "journal pln_K7QF2M", "journal kind decision by alice", "journal on vulcan since 1d", "journal find nginx"},
		Run:      readJournal,
	},
}
