package commands

import (
	"watchstander/bot"
	"watchstander/bot/host"
)

// familyBackup is their heading in help.
const familyBackup = "Backup"

// backupCommands are about repositories and what lies in them.
var backupCommands = []bot.Command{
	{
		Name: "backup status", Family: familyBackup,
		Summary:  "Tell how old the backups are, and when they were last verified.",
		Args:     []bot.Arg{argOn},
		Examples: []string{"backup status"},
		Run:      backupStatus,
	},
	{
		Name: "backup 321", Aliases: []string{"backup 3-2-1"}, Family: familyBackup,
		Summary:  "Tell of which data there are three copies, on two media, one off-site.",
		Args:     []bot.Arg{argOn},
		Examples: []string{"backup 321"},
		Run:      backup321,
	},
	{
		Name: "backup verify", Family: familyBackup, Role: bot.RoleOperator,
		Summary: "Ask to check repositories and to restore a sample.",
		Args: []bot.Arg{
			{Name: host.RepositoryArgument, Kind: kindRepositories, Optional: true, Help: "names of repositories; all of them without"},
			{Name: host.PartArgument, Kind: kindPart, Optional: true, Help: "which part of the data is read, e.g. `part 3/12`; the one whose turn it is this week without it. `--part 3/12` does as well"},
			argOn,
		},
		Examples: []string{"backup verify", "backup verify b2", "backup verify b2 part 3/12"},
		Run:      backupVerify,
	},
	{
		Name: "backup run", Family: familyBackup, Role: bot.RoleOperator,
		Summary: "Ask to back up now.",
		Args: []bot.Arg{
			{Name: host.RepositoryArgument, Kind: kindRepository, Optional: true, Help: "into which repository, where there are several; `backup status` names them"},
			argOn,
		},
		Examples: []string{"backup run b2"},
		Run:      backupRun,
	},
}
