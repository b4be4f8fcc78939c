// Package units handles systemd's units as an operator does: looks at one closely,
// reads its log, restarts it, and tells what changed on a host in the last hours.
//
// New makes the Keeper of one host. Its looks answer `service`, `logs` and
// `changes`; Restart is the operation service.restart; a probe tells which units have
// failed or flap, and how those are that may be restarted. Looks, the probe and the plan
// of a restart run inside the agent, the restart itself and its verification in the unit
// that the agent starts for a run. All of it touches the host through a sys.Host alone:
// systemd over D-Bus; systemctl and journalctl by their absolute paths for what D-Bus
// does not tell.
//
// A second probe, Security, counts what the journal has of the last day about logins by
// SSH (security_ssh.go), and about sudo, audit and AppArmor (security_root.go).
//
// # What is allowed
//
// Anybody who may look may look at any unit's state. Logs hold what programs
// wrote, so only units on a list are shown, without control characters here, and
// redacted by the agent before it answers. What may be restarted is on a list of its
// own, by exact name. Neither list knows patterns.
//
// Neighbours: integrations/systemd, in the bot, tells which units have failed where
// there is no agent;
// bot/host has the words that travel; bot/sys is the host. The package is a leaf.
package units
