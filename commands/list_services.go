package commands

import "watchstander/bot"

// familyServices is their heading in help.
const familyServices = "Services"

// serviceCommands are about units.
var serviceCommands = []bot.Command{
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
