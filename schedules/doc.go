// Package schedules tells when checklists come round and what is on them.
//
// cron.go reads cron expressions, and tells their firings in a zone whose clock is set
// forward and back.
package schedules
