// Package bot holds the words of Watchstander: what happened (Event), what is
// known (Thread, Episode, Silence), who people are (Person), what they ask
// (Command, Call, Outcome), what is done to hosts and who must agree (Operation,
// Plan, Rule, Decision, Proposal), what is said (Message), and what a platform
// must offer (Chat). It imports the standard library alone, and everything else
// imports it. This comment is the tour of the whole house.
//
// # An alert's way
//
// Follow one alert through the code; each step names the file that takes it.
//
//  1. Alertmanager posts its webhook. integrations/alertmanager (webhook.go)
//     looks at the credentials (auth.go), bounds the body (body.go), decodes it
//     (decode.go) into a bot.Delivery, and hands it to the one way in (commit.go).
//  2. bot/flow, take.go: Take puts the batch into one transaction, shared with
//     those that arrive at the same moment; the switch in event says which file
//     takes it. apply_alerts.go: loadGroup finds the group's thread, group.go
//     (pure) says what the notice changes, and settle opens, reopens or closes the
//     thread and gives it a higher version. When the transaction is on the disk,
//     and not before, Alertmanager gets its 200.
//  3. The rooms now show less than the thread holds: PutThread (bot/store,
//     threads.go) has marked its views as due, and the commit wakes the rooms'
//     workers. There is no job table and no queue in memory; the state is the
//     queue (bot/store: views.go, sends.go).
//  4. bot/flow, room.go: the room's one worker waits for the room's pace, looks
//     whether there is a storm (storm.go), and chooses the most urgent view.
//     post.go: freeze decides whether the room lacks the root, an edit of it, or
//     replies; encode renders (bot/view), redacts (bot/redact, by way of main's
//     outside.go) and encodes (integrations/matrix, content.go); the frozen bytes
//     are committed before anything is sent.
//  5. The chat's Send posts them (integrations/matrix, outbound.go). The receipt
//     is stored with the version that was sent (deliver.go, settle). After a crash
//     "sending" means unknown: the chat's Find looks for the key before the same
//     bytes go again.
//     Beside it the host's agent is asked what changed there (changes.go), and a
//     picture is drawn (work.go); what comes of either is an event again.
//  6. When the alert ends, its notice takes the same way: settle closes the
//     thread and raises its version, freeze finds that the room shows less, and
//     sends an edit of the root and a line of the log as a reply.
//  7. What no webhook tells (silenced, inhibited, over without a word, missed
//     while the bot was down) comes from polls: bot/flow, poller.go and
//     apply_poll.go.
//
// # A command's way
//
// A message arrives by the chat's Run (integrations/matrix, inbound.go; event.go
// says what each event means) with the place from which the sync goes on, in one
// batch. apply_speech.go asks the commands package whether the line is meant for
// the bot (Meant), finds out who wrote it, and stores a request; work.go has it
// interpreted (commands, interpret.go); the outcome comes in as an event again
// (apply_outcomes.go): an answer, an ack (ack.go), or an effect on Alertmanager,
// which is due until it is done, and idempotent by its key.
//
// # A plan's way
//
// What is dangerous is done by the agent of a host (bot/agent), which has root's
// rights and trusts nothing of the bot that it can check itself. It alone owns a
// proposal's life; the bot's thread mirrors it. Follow one rollback:
//
//  1. commands, nixos.go: the command comes to an Ask. bot/flow,
//     apply_decisions.go: ask journals the request and makes an effect of it;
//     agent_orders.go: tellsAgent calls the agent's Propose with the effect's key, so
//     that asking again makes no second plan.
//  2. bot/agent, propose.go: who asks is looked up in the agent's own file, the
//     first rule that fits is found (bot/gate, policy.go; none refuses), the
//     operation looks at the host and drafts (integrations/nixos), and the plan is
//     frozen: canonical bytes and digest (bot/plan), store paths kept, journaled,
//     on the disk.
//  3. The answer, and news that agent_news.go's watch waits for (bot.Told), take the
//     one way in. apply_proposals.go: newProposal opens the thread; the whole plan
//     in words (bot/plan, Render) is the first reply of its log, alone and never
//     shortened. What the redactor would alter is not shown, and cannot be agreed
//     to in any chat.
//  4. When a room has the plan whole, its receipt (deliver.go) comes to planPosted
//     (apply_shown.go), which compares what was posted with the plan, and the
//     effect ShowPlan tells the agent. From then on approvals count; one that is quicker
//     tells it first.
//  5. A reaction on the thread's root, or a command (commands, approvals.go), comes
//     to a Decide. apply_decisions.go: undecidable asks bot/gate first, for a
//     polite answer; then the word goes to the agent with the digest of the plan
//     that the thread showed.
//  6. bot/agent, decide.go: Decide is the one door for words from chats, from the
//     host and with signatures. proof.go and codes.go find out what a word is
//     worth; judge.go asks bot/gate where that leaves the proposal. A message that
//     held a code leaves its room meanwhile: bot/flow, erase.go; a code that came with
//     no word is used up at the agents: bot/flow, spend.go.
//  7. start.go: when it may run, the operation plans again. A bound fact that
//     differs makes it stale; one that was only observed is told as drift. The
//     start is on the disk and in the journal before anything runs.
//  8. perform.go: the worker, in a transient unit of its own, which outlives the
//     agent. Its marker comes first, so that nothing runs twice; then phases.go:
//     Apply, Verify, a word that all is well where the rule wants one, Commit; or
//     Undo. Evidence alone is success.
//  9. watch.go follows the files of the run (rundir.go), also after a restart of
//     the agent. Each change gets a stamp; the bot's watch hears of it, and
//     apply_proposals.go: advance logs in the thread what is new, in order.
//
// # A repair's way
//
// What root has agreed to in advance (a standing approval) runs while a certain
// alert fires. The agent tells which there are with its news (bot.Standing), and
// bot/flow keeps them. apply_repairs.go: in the transaction that takes an alert,
// repairs finds the first that fits and stores the effect, under a key that is the
// same for one firing of one alert. The worker looks whether it is still wanted
// (unwanted), and asks; bot/agent, standing.go judges: its own evidence first, then
// bot/gate, by all runs before. From there it is a plan like any other, and
// repairNews tells in the alert's own thread what comes of it.
//
// # A checklist's way
//
//  1. The lists are data (schedules/checklists, and the configuration: bot/config,
//     checklists.go); package schedules tells when each comes round, over every jump of the
//     clock. bot/flow, clock.go: the row of the one that is due first wakes the worker.
//  2. bot/flow, schedules.go: dueSchedule takes what has come, in one transaction with the run that
//     it opens, so that no firing has two; those that were missed are counted for the next run to
//     tell. runs.go: beginRun ends the run before and carries over what it left. runAfter is the way
//     of those that come after a change of a host.
//  3. measure.go: the effect Measure has all probes asked (bot/probing; rehearsal.go: the state), and Measured comes in
//     as an event. judge gives each item its readings (Item.Judge), compares them with those
//     of the run before, keeps them, and moves the ticks that evidence may move.
//  4. apply_checklists.go: what people say of an item (commands, checklists.go). What an item offers
//     is asked for as a plan, and offeredEnded ticks the item by the plan's evidence.
//  5. An incident is a run that people open: bot/flow, incidents.go. What is to be done after
//     one waits as a row (follow_ups.go) that the next run of a list takes in.
//  6. bot/view, checklist.go, incident.go and their logs say it; report.go gathers and tells a
//     month; brief.go what the night brought.
//
// # Who owns which goroutine
//
//   - main: signals, the HTTP server (http.go), systemd, SIGHUP (serve.go)
//   - a webhook's request: one that waits for the commit, so that the answer can
//     go out in time (integrations/alertmanager, commit.go)
//   - flow.Run: one taker, one worker per room, one for commands and effects
//     (with at most four commands at once, and two effects of each lane: lanes.go),
//     one for what time makes due, one per Alertmanager, one per agent (agent_news.go,
//     watch: its news; agent_heads.go: where the journals end), one for the dead
//     man's switch, one per chat's Run
//   - a chat's Run: whatever it starts (the console's clients)
//   - the agent's Run: its loop, and one for each run that it starts or watches;
//     its Server: one that serves and one that ends each socket, and net/http's for
//     each connection; one that has repositories of backups asked
//     (integrations/restic, keep.go), and one for each question to a probe
//
// Run returns when all of them have; every one ends with its context. A plan's run
// belongs to none of them: it is a process in a unit of its own.
//
// # The rooms of the house
//
//	.                           the command line and the wiring (house.go)
//	bot                         the words
//	bot/host                    what a host is made of, as its agent tells it
//	bot/config                  the configuration files, checked and resolved
//	bot/gate                    pure: who may ask, whose word counts, when it may start
//	bot/store                   the state: SQLite, its tables and queries
//	bot/flow                    event in, state changed, due work done: the bot's only loop
//	bot/agent                   the privileged half: plans, decisions, runs, two sockets
//	bot/agent/api               what can be asked of an agent, and its bounds
//	bot/agent/client            an agent behind a Unix socket
//	bot/agent/parts             the agent's file made into operations, looks, probes, people
//	bot/view                    pure: state to message, one function per kind of thread
//	bot/scorecard               pure: the plan's measures of success, and what a month comes to
//	bot/redact                  the last look at everything that is said
//	bot/journal                 the record of what had a consequence: a chain of hashes
//	bot/plan                    pure: a plan's one form, digest, words, and what is signed of it
//	bot/sys                     a host's files, programs and units; sys/simulated is one in memory
//	bot/probing                 each probe asked once at a time, also one that hangs
//	bot/clean, bot/phrase       others' words made harmless; figures in words
//	bot/pieces                  messages taken apart, and packed into posts
//	bot/fsync                   names of files that outlive a power cut
//	bot/chart                   pure: figures to picture
//	bot/bottest                 the story language, the strict chat, the model;
//	bot/bottest/contract        what every chat must do, as one suite
//	bot/bottest/golden          what is said and drawn, as files that people read
//	bot/bottest/real            Dendrite, Alertmanager, Prometheus, systemd, restic for tests
//	commands                    what people can type; parser, help
//	schedules                   when checklists come round, and what is on them
//	nix                         the package, the modules of bot, agent and host, their alert
//	                            rules; nix/checks has the tests of all that
//	docs/runbooks               what to do about a thing, as files that people read, and as messages
//	integrations/alertmanager   webhook in, API back; alertmanagertest simulates one
//	integrations/prometheus     expressions to graphs
//	integrations/grafana        whether dashboards and their data sources are there
//	integrations/matrix, slack  chats
//	integrations/console        a chat in a terminal
//	integrations/nixos          a host's generations, and the way back to one
//	integrations/zfs            pools, the cache and its limits
//	integrations/restic         backups: how old, verified when, restored and compared
//	integrations/dumps          databases' dumps: how old, how large, whether whole
//	integrations/documents      how long ago runbooks and other texts were looked at
//	integrations/units          a unit, its log, its restart; what failed, what changed
//	integrations/certs          when certificates end, as they are served and in files
//	integrations/linux, systemd what status reads of the bot's own host by itself
//
// Imports point inward; arrows_test.go in the root holds the table. Integrations
// never import each other, commands, store or flow: main joins them.
package bot
