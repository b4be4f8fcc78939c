package commands

import "watchstander/bot"

// familyNixOS is their heading in help.
const familyNixOS = "NixOS"

// nixosCommands are about a host's systems.
var nixosCommands = []bot.Command{
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
			{Name: "from", Kind: kindGeneration, Optional: true, Help: "a generation's number, `current`, `booted`, `profile` or `proposed`; else the one before that which runs"},
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
		Name: "deploy", Family: familyNixOS, Role: bot.RoleOperator,
		Summary:  "Ask to switch to the system that is proposed.",
		Args:     []bot.Arg{argOn},
		Examples: []string{"diff current proposed", "deploy"},
		Run:      deploy,
	},
}
