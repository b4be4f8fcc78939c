package commands

import (
	"watchstander/bot"
	"watchstander/bot/host"
)

// familyZFS is their heading in help.
const familyZFS = "ZFS"

// zfsCommands are about pools and ZFS' cache.
var zfsCommands = []bot.Command{
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
}
