package host

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
)

// The looks of integrations/units.
const (
	// LookService takes "unit" and answers a Unit.
	LookService = "service"
	// LookLogs takes "unit" and, if more or less is wanted than usual, "lines" and
	// "hours", whole numbers; it answers Logs. Only listed units are shown.
	LookLogs = "logs"
	// LookChanges takes "hours", a whole number, and answers Changes.
	LookChanges = "changes"
)

// RestartOperation is the name of the operation that restarts a service.
// UnitArgument is its one argument.
const (
	RestartOperation bot.OperationName = "service.restart"
	UnitArgument     string            = "unit"
)

// Unit is one unit of systemd, as an operator handles it.
type Unit struct {
	At          time.Time `json:"at"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Type        string    `json:"type,omitempty"` // a service's: simple, oneshot, …
	// Load, Active and Sub are systemd's words: loaded, active, running.
	Load   string `json:"load"`
	Active string `json:"active"`
	Sub    string `json:"sub"`
	// Fine: it does what it is for.
	Fine bool `json:"fine"`
	// Result tells how a service ended last: success, exit-code, oom-kill, …
	Result string `json:"result,omitempty"`
	// Since is when it entered its state, Started its last start.
	Since   time.Time `json:"since,omitzero"`
	Started time.Time `json:"started,omitzero"`
	// Restarts by systemd itself, since somebody started it last.
	Restarts int `json:"restarts"`
	MainPID  int `json:"main_pid,omitempty"`
	// ExitCode of its last main process; 0 also while it runs.
	ExitCode int `json:"exit_code"`
	// Memory is nil where it is not counted.
	Memory   *Bytes `json:"memory,omitempty"`
	Fragment string `json:"fragment,omitempty"`
	// TriggeredBy are the timers, sockets and paths that start it; Triggers what it
	// starts itself.
	TriggeredBy []string `json:"triggered_by,omitempty"`
	Triggers    []string `json:"triggers,omitempty"`
	// Follow are the active units that restart with it; Ends those that stop with it, or
	// may, which depends on systemd's version, and that the restart does not start again.
	Follow []string `json:"follow,omitempty"`
	Ends   []string `json:"ends,omitempty"`
	// Stale: its unit file is another one than systemd has loaded.
	Stale bool `json:"stale,omitempty"`
	// Restartable: the agent's list has it.
	Restartable bool `json:"restartable,omitempty"`
	// Log are its last lines, where the agent's list allows it.
	Log []LogLine `json:"log,omitempty"`
	// Unknown are sentences on what could not be found out.
	Unknown []string `json:"unknown,omitempty"`
}

// LogLine is one entry of the journal. Its text has no control characters. The agent
// redacts it before it answers, and the bot does so again with all that it says.
type LogLine struct {
	At time.Time `json:"at"`
	// From is who wrote it: "nginx[4711]".
	From string `json:"from"`
	// Priority is syslog's, 0 (emergency) to 7 (debug); -1 where none was given.
	Priority int    `json:"priority"`
	Text     string `json:"text"`
}

// Logs are a unit's last lines, the oldest first.
type Logs struct {
	Unit  string    `json:"unit"`
	At    time.Time `json:"at"`
	Since time.Time `json:"since,omitzero"`
	Lines []LogLine `json:"lines"`
	// Cut: there were more within what was asked for than are told.
	Cut bool `json:"cut,omitempty"`
}

// Settling is how long after a boot the services that start belong to the boot, and
// are no changes of their own.
const Settling = 5 * time.Minute

// Changes are what changed on a host, the newest first.
type Changes struct {
	From    time.Time    `json:"from"`
	At      time.Time    `json:"at"`
	Changes []bot.Change `json:"changes"`
	// More is how many older ones within the span are left out.
	More int `json:"more,omitempty"`
	// Unknown are sentences on what could not be found out.
	Unknown []string `json:"unknown,omitempty"`
}

// kinds are systemd's types of units.
var kinds = []string{
	"service", "socket", "timer", "target", "mount", "automount", "path", "slice", "scope", "swap", "device",
}

// UnitName gives a unit its full name: ".service" is implied. Names hold what
// systemd lets them hold and no pattern; errors are *bot.Error.
func UnitName(name string) (string, error) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || !slices.Contains(kinds, name[i+1:]) {
		name += ".service"
	}
	const most = 255
	if len(name) > most || strings.HasPrefix(name, "-") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "@") {
		return "", noUnit()
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(":-_.\\@", c) >= 0:
		default:
			return "", noUnit()
		}
	}
	return name, nil
}

func noUnit() error {
	return bot.Errorf(bot.CodeInvalid, "That is no unit's name; write e.g. `nginx` or `restic-backup.timer`.")
}

// UnitOf asks a host for one unit.
func UnitOf(ctx context.Context, l bot.Looker, host, unit string) (Unit, error) {
	return ask[Unit](ctx, l, host, LookService, bot.Arguments{UnitArgument: {unit}})
}

// LogsOf asks a host for a unit's last lines; 0 lines is the usual number.
func LogsOf(ctx context.Context, l bot.Looker, host, unit string, lines int) (Logs, error) {
	args := bot.Arguments{UnitArgument: {unit}}
	if lines > 0 {
		args["lines"] = []string{strconv.Itoa(lines)}
	}
	return ask[Logs](ctx, l, host, LookLogs, args)
}

// ChangesOf asks a host what changed in the last hours.
func ChangesOf(ctx context.Context, l bot.Looker, host string, hours int) (Changes, error) {
	return ask[Changes](ctx, l, host, LookChanges, bot.Arguments{"hours": {strconv.Itoa(hours)}})
}
