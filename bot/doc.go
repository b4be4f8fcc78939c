// Package bot holds the words of Watchstander: what happened (Event), what is
// known (Thread, Episode, Silence), who people are (Person), what they ask
// (Command, Call, Outcome), what is said (Message), and what a platform must
// offer (Chat). It imports the standard library alone, and everything else
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
// # Who owns which goroutine
//
//   - main: signals, the HTTP server (http.go), systemd, SIGHUP (serve.go)
//   - a webhook's request: one that waits for the commit, so that the answer can
//     go out in time (integrations/alertmanager, commit.go)
//   - flow.Run: one taker, one worker per room, one for commands and effects
//     (with at most four at once), one for what time makes due, one per
//     Alertmanager, one for the dead man's switch, one per chat's Run
//   - a chat's Run: whatever it starts (the console's clients)
//
// Run returns when all of them have; every one ends with its context.
//
// # The rooms of the house
//
//	.                           the command line and the wiring (house.go)
//	bot                         the words
//	bot/host                    what a host is made of, as its agent tells it
//	bot/config                  the configuration files, checked and resolved
//	bot/gate                    pure: who may ask, whose word counts, when it may start
//	bot/store                   the state: SQLite, its tables and queries
//	bot/flow                    event in, state changed, due work done: the only loop
//	bot/view                    pure: state to message, one function per kind of thread
//	bot/redact                  the last look at everything that is said
//	bot/journal                 the record of what had a consequence: a chain of hashes
//	bot/plan                    pure: a plan's one form, digest, words, and what is signed of it
//	bot/clean, bot/phrase       others' words made harmless; figures in words
//	bot/chart                   pure: figures to picture
//	bot/bottest                 the story language, the strict chat, the model;
//	bot/bottest/contract        what every chat must do, as one suite
//	bot/bottest/real            Dendrite, Alertmanager, Prometheus, restic for tests
//	commands                    what people can type; parser, help
//	integrations/alertmanager   webhook in, API back; alertmanagertest simulates one
//	integrations/prometheus     expressions to graphs
//	integrations/matrix         a chat
//	integrations/console        a chat in a terminal
//	integrations/nixos          a host's generations, and the way back to one
//	integrations/zfs            pools, the cache and its limits
//	integrations/restic         backups: how old, verified when, restored and compared
//	integrations/units          a unit, its log, its restart; what changed
//	integrations/certs          when certificates end, as they are served
//	integrations/linux, systemd what status reads of the bot's own host
//
// Imports point inward; arrows_test.go in the root holds the table. Integrations
// never import each other, commands, store or flow: main joins them.
package bot
