package commands

import (
	"slices"

	"watchstander/bot"
)

// All lists every command, in the order in which help shows them; each family is
// one literal list of its own (list_*.go).
func All() []bot.Command {
	return slices.Concat(
		lookCommands,
		alertCommands,
		planCommands,
		checklistCommands,
		incidentCommands,
		maintenanceCommands,
		nixosCommands,
		backupCommands,
		zfsCommands,
		serviceCommands,
	)
}

// argOn names a host where there are several.
var argOn = bot.Arg{Name: "on", Kind: kindOn, Optional: true, Help: "which host, where there are several"}

// argBecause is a reason, for the others.
var argBecause = bot.Arg{Name: "reason", Kind: kindBecause, Optional: true, Help: "why, for the others"}
