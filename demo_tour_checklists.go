package main

// checklists are the plan's tasks as they come round: what evidence ticks by itself, what
// a person ticks, what is carried over, and the month as a whole.
func (t *tour) checklists() []scene {
	return []scene{
		{do: t.says("maintenance start on vulcan for 30m because the disk is changed"), want: []string{`MAINTENANCE`, `the disk is changed`}},
		{do: t.says("maintenance stop"), want: []string{`(?i)ended`}},
		{do: t.says("noise"), want: []string{`HighLoad`, `(?i)without a critical alert firing`}},
		{do: t.says("schedule"), want: []string{`Daily checklist \(daily\): next`, `\(validation\): after a switch or a reboot`}},
		{do: t.says("schedule run daily because the shift changes"),
			want: []string{`OPEN: Daily checklist of`, `Alice asked for it: the shift changes`, `Looked at the evidence: \d+ of \d+ ok`, `Ticked by it`, `See that alarms would arrive`, `ssh failed logins 4: 203\.0\.113\.9`}},
		{do: t.says("checklist 4 of daily"), want: []string{`Only the people who logged in can say that it was them`}},
		{do: t.says("done 4 of daily because the two logins were mine"), want: []string{`Item 4 is done by alice`}},
		{do: t.says("schedule run daily because bob takes over"), want: []string{`Daily checklist ended: of \d+ items, \d+ by evidence, 1 by people`, `Carried over: \d`, `left since`}},
		{do: t.says("schedule run monthly"), want: []string{`OPEN: Monthly checklist of`, `Report of`, `Scorecard of`, `SSH Security`, `Daily checklist: 2 runs`, `Trends`, `report-\d+-\d+\.md`}},
	}
}
