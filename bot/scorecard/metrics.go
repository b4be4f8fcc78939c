// Package scorecard judges the plan's measures of success by what was measured in a
// month. It is pure: bot/flow gathers what is known (Inputs), Judge says what it comes
// to, and bot/view and the commands show it. A rate of nothing is unknown, and so is what
// was measured for a part of the month only: an unknown is not a pass.
//
// Neighbours: bot/flow (scorecard.go) gathers; bot has the words (Metric, Score).
package scorecard

import (
	"strings"

	"watchstander/bot"
)

// The measures' ids.
const (
	SSH         = "ssh"
	Fail2ban    = "fail2ban"
	Monitoring  = "monitoring"
	Audit       = "audit"
	Restores    = "restores"
	Outages     = "outages"
	Utilisation = "utilisation"
)

// Names of the readings that more than one place here asks for.
const (
	readRoot   = "ssh root logins"
	readBans   = "fail2ban"
	readFailed = "failed units"
	readUnit   = "unit "
	readAudit  = "audit events"
	readSudo   = "sudo commands"
	readCPU    = "cpu 7 d"
	readMemory = "memory 7 d"
)

// Metrics are the plan's measures of success, in its order.
func Metrics() []bot.Metric {
	return []bot.Metric{
		{
			ID: SSH, Name: "SSH Security", Plan: "Zero successful root login attempts", Target: "0",
			How: "Each look counts root's logins of the 24 h before it. Of looks that overlap one counts, so that the number is the least it can be. " +
				"It is unknown while more than 2 h of the month lie in no look's 24 h, and where a login may be of the month beside.",
			Source: "the reading \"ssh root logins\" (sshd in the journal), at each look of a checklist and now", Readings: []string{readRoot},
		},
		{
			ID: Fail2ban, Name: "fail2ban Effectiveness", Plan: ">95% malicious attempt blocking rate", Target: "over 95 %",
			How: "Of the addresses that failed to log in at least as often as fail2ban allows within the 24 h before a look (5 times, if nothing else is configured), the share that it banned. " +
				"Who tries less often is not counted. Of each host and day the last look counts, and each day on which there was such an address weighs the same. " +
				"Without one it is unknown, and while less than 80 % of the month was looked at.",
			Source: "the reading \"fail2ban\" (sshd and fail2ban in the journal), at each look of a checklist and now", Readings: []string{readBans},
		},
		{
			ID: Monitoring, Name: "Monitoring Coverage", Plan: "100% service failure detection", Target: "100 %",
			How: "Of the units that a look found failed, flapping or not running, once per host, unit and day, those that an alert named which fired then, or was heard of within an hour. " +
				"What failed and recovered between two looks is not seen. Where an alert of the host fired that does not name the unit, it is unknown; so it is where nothing failed.",
			Source: "the readings \"failed units\" and \"unit …\" (systemd), at each look of a checklist and now, and the alerts that were heard", Readings: []string{readFailed, readUnit + "*"},
		},
		{
			ID: Audit, Name: "Audit Compliance", Plan: "All security events logged", Target: "a trail, without a gap",
			How: "Whether there is a trail: the kernel's audit and sudo's log could be read for the 24 h before each look, now, and for 80 % of the month. " +
				"A month in which sudo ran commands and the audit recorded nothing by any rule misses the goal. Whether a rule is there for each kind of event is not measured.",
			Source: "the readings \"audit events\" and \"sudo commands\" (the journal), at each look of a checklist and now", Readings: []string{readAudit, readSudo},
		},
		{
			ID: Restores, Name: "Backup Reliability", Plan: "100% successful restore tests", Target: "100 %",
			How: "Of the runs of backup.verify that ended in the month, those that are done and all of whose evidence is ok: restored, and compared. " +
				"Without a run it is unknown, and a repository whose last look was not ok misses the goal in any case.",
			Source: "the plans of backup.verify, and the readings \"restore …\"", Readings: []string{"restore *"},
		},
		{
			ID: Outages, Name: "Service Availability", Plan: "Zero unplanned outages", Target: "0",
			How: "Reboots, and spells of time in which one critical alert or more fired on a host. What of them lies in a maintenance there, or in the 10 min after it, does not count, and no alert's time while a plan ran that stops services (service.restart, nixos.rollback, nixos.deploy), or 10 min after: no plan reboots a host, and a backup stops nothing. " +
				"What no critical alert tells of is not counted, and a person's own reboot outside a maintenance counts as unplanned. It is unknown while alerts could not be heard, or reboots are not told.",
			Source: "the changes of hosts, the critical alerts that were heard, the plans' runs, and maintenances",
		},
		{
			ID: Utilisation, Name: "Resource Utilization", Plan: "<70% baseline CPU/memory usage", Target: "below 70 %",
			How: "The highest of the month's readings of processor and memory, each the mean of the 7 days before it; those of the first days reach into the month before. " +
				"It is unknown while less than 80 % of the month lie in the 7 days of a look.",
			Source: "the readings \"cpu 7 d\" and \"memory 7 d\" (Prometheus), at each look of a checklist and now", Readings: []string{readCPU, readMemory},
		},
	}
}

// Wants tells whether a reading is to be kept for the scorecard. Of single units those
// alone are that are not well.
func Wants(r bot.Reading) bool {
	if strings.HasPrefix(r.What, readUnit) && r.State != bot.NotOK {
		return false
	}
	for _, m := range Metrics() {
		if (bot.Item{Evidence: m.Readings}).Fits(r) {
			return true
		}
	}
	return false
}
