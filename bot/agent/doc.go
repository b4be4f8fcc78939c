// Package agent is the privileged half of Watchstander: the only part that
// touches a host with root's rights. It plans, keeps and runs a fixed list of
// operations, each plan at most once, and each only after those have agreed whom
// the agent's own policy asks for. The bot in front of it could be captured: what
// the agent can check itself, it never takes from the bot.
//
// # A proposal's life
//
//	asked for     propose.go   known requester, rule of the policy, plan, digest, roots
//	shown         decide.go    from then on chats' approvals count
//	decided       decide.go    one door; proof.go, codes.go, spend.go: what a word is worth
//	judged        judge.go     bot/gate says where it stands, the loop when again
//	started       start.go     planned anew, compared, written down, journaled, spawned
//	performed     perform.go   the worker, in a unit of its own: phases.go, work.go
//	watched       watch.go     by the files of its run (rundir.go), also after a restart
//	over          judge.go     told, and kept for a while (record.go)
//
// There are two ways around people: root breaking the glass (unasked.go), and
// standing approvals (standing.go). ask.go has what changes nothing; errand.go has
// that done in a unit of its own which needs the network. server.go puts it all on two Unix
// sockets, one for the bot and one for people on the host; bot/agent/api has the
// words, bot/agent/client the other end.
//
// # What holds whatever crashes
//
// Journal first, then the state, then the deed: what cannot be journaled is not
// done. A crash in between leaves an entry too many, never one too few. The record
// of a start is on the disk before the unit is asked for, and the worker makes a
// marker (O_EXCL) before it does anything: so no plan runs twice, whoever dies
// when. An agent that finds a start without a marker makes the marker itself, and
// can then say for sure that nothing was done. A marker without an outcome and
// without a unit is Interrupted: told to people, and never run again.
//
// # Who owns which goroutine
//
// Run: the loop, one goroutine for each start and each run that is watched. A
// call's own goroutine does the rest under one mutex, but for what looks at the
// host; each question to a probe has one, which ends when the probe answers. A worker is a process of its own, or a goroutine of InProcess.
//
// Neighbours: bot/gate judges, bot/plan has a plan's one form, bot/journal the
// record of everything, bot/sys the host; integrations have the operations, and
// main joins them (agent.go).
package agent
