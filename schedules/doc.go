// Package schedules tells when checklists come round and what is on them.
//
// cron.go reads cron expressions, and tells their firings in a zone whose clock is set
// forward and back. builtin.go reads the checklists that come with the program: one
// file of checklists/ each, with an item for every task of the plan that the program
// is for, what to look at for it, and what measures it, or why only a person can know.
//
// Its neighbours: bot/config lays what an operator writes over the built-in checklists,
// and gives them rooms and zones; a test here makes docs/plan.md of them. It keeps no
// state and knows no clock but those that it is asked about.
// docs/decisions/schedules.md says why it is as it is.
package schedules
