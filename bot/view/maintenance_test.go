package view

import (
	"time"

	"watchstander/bot"
)

// maintenancePages are a maintenance from its first minute to its end.
func maintenancePages(s Style) []page {
	base := bot.MaintenanceState{Host: "vulcan", By: "alice", Reason: "the pool is moved", Since: noon, Until: noon.Add(4 * time.Hour), Alertmanager: "main",
		Matchers: []bot.Matcher{{Name: "instance", Op: "=~", Value: "vulcan.*"}, {Name: "alertname", Op: "!=", Value: "Watchdog"}}}
	root := func(change func(*bot.MaintenanceState)) bot.Message {
		x := base
		change(&x)
		th := bot.Thread{ID: "thr_M", Kind: bot.ThreadMaintenance, OpenedAt: x.Since, ClosedAt: x.EndedAt, State: bot.ThreadState{Maintenance: &x}}
		return Root(bot.ThreadFacts{Thread: th}, s)
	}
	there := func(x *bot.MaintenanceState) {
		x.Silence, x.SilenceUntil = "5f0c", x.Until
		x.Covers = &bot.Covered{Alerts: 2, Critical: 1, Names: []string{"DiskFull on vulcan", "HostDown on vulcan"}}
	}
	ended := func(x *bot.MaintenanceState) {
		x.EndedAt, x.EndedBy = noon.Add(90*time.Minute), "bob"
		x.Still = &bot.Covered{}
	}
	const away = "Alertmanager main is not available: am1:9093 cannot be reached."
	ran := []bot.RanIn{{At: noon.Add(20 * time.Minute), Text: "started: roll vulcan back from generation 42 to 41 (pln_K7QF2M)"},
		{At: noon.Add(25 * time.Minute), Text: "done: roll vulcan back from generation 42 to 41 (pln_K7QF2M)"}, {At: noon.Add(26 * time.Minute), Text: "reboot: rebooted"}}
	over := base
	ended(&over)
	over.Ran = ran
	troubled := base
	troubled.Trouble, troubled.SilenceUntil = away, base.Until
	refused := base
	refused.Trouble = "Alertmanager main refuses it: end time is too far away."
	return []page{
		{"A maintenance begins", root(func(*bot.MaintenanceState) {})},
		{"Its silence is there", root(there)},
		{"Alertmanager is away", root(func(x *bot.MaintenanceState) { x.Trouble = away })},
		{"The silence was ended elsewhere", root(func(x *bot.MaintenanceState) {
			there(x)
			x.Silence, x.SilenceUntil, x.Trouble = "", time.Time{}, EndedElsewhere
		})},
		{"It was extended, and the longer silence is not there", root(func(x *bot.MaintenanceState) { there(x); x.Until = noon.Add(8 * time.Hour); x.Trouble = away })},
		{"Something ran in it", root(func(x *bot.MaintenanceState) { there(x); x.Ran, x.RanMore = ran, 17 })},
		{"It ended, by bob", root(func(x *bot.MaintenanceState) { ended(x); x.Ran = ran })},
		{"It ended, and something still fires", root(func(x *bot.MaintenanceState) {
			ended(x)
			x.EndedBy, x.EndedAt = "", x.Until
			x.Still = &bot.Covered{Alerts: 1, Critical: 1, Names: []string{"DiskFull on vulcan"}}
		})},
		{"It ended, and Alertmanager is away", root(func(x *bot.MaintenanceState) { there(x); ended(x); x.Still, x.Trouble = nil, away })},
		{"It ended before its silence was known to be there", root(func(x *bot.MaintenanceState) { ended(x); x.Still, x.Unsure = nil, true })},
		{"One by matchers", root(func(x *bot.MaintenanceState) { there(x); x.Host = "" })},
		{"Log: extended", MaintenanceExtended(base, "bob", "it takes longer", s)},
		{"Log: another silence", MaintenanceAgain("bob")},
		{"Log: a thing ran", RanIn(ran[0], s)},
		{"Log: the silence waits", MaintenanceSilenceWaits(troubled, true, s)},
		{"Log: its end waits", MaintenanceSilenceWaits(troubled, false, s)},
		{"Log: its end came", MaintenanceSilenceGone(noon.Add(2*time.Hour), s)},
		{"Log: the silence was ended elsewhere", MaintenanceSilenceEnded(base, s)},
		{"Log: the silence ran out, and the longer one was refused", MaintenanceSilenceRanOut(refused, noon.Add(2*time.Hour), s)},
		{"Log: the maintenance ended", MaintenanceEnded(over, "all is back", s)},
		{"Log: nothing still fires", StillAfter(bot.Covered{})},
		{"Log: something still fires", StillAfter(bot.Covered{Alerts: 1, Names: []string{"DiskFull on vulcan"}})},
	}
}
