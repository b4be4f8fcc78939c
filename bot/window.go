package bot

import "time"

// NextWindow is a time in which an agent's policy lets something start: the one that is
// open, or the next.
type NextWindow struct {
	// Rule is the policy's, and Operations what it is for, as its file has them.
	Rule       string   `json:"rule"`
	Operations []string `json:"operations"`
	// Words are all its windows.
	Words string    `json:"words"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// LookWindows is the name of the look that every agent has, which gives []NextWindow:
// one for each rule with windows, the rules without left out, and those whose next one
// is too far away to tell.
const LookWindows = "policy.windows"
