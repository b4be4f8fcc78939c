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
//     looks at the credentials, bounds the body, decodes it (decode.go) into a
//     bot.Delivery, and hands it to the one way in.
//  2. bot/flow, take.go: Take puts the batch into one transaction, shared with
//     those that arrive at the same moment. apply_alerts.go finds the group's
//     thread, episodes.go (pure) says what the notice changes, and the thread,
//     its log and its views are written. When the transaction is on the disk,
//     and not before, Alertmanager gets its 200.
//  3. The thread now has a higher version than the rooms show: its views are
//     due. There is no job table and no queue in memory; the state is the queue
//     (bot/store: views.go, sends.go).
//  4. bot/flow, room.go: the room's one worker waits for the room's pace, picks
//     the most urgent view, and post.go renders it (bot/view), redacts it
//     (bot/redact), encodes it (the chat's Encode), and commits the frozen bytes
//     before anything is sent.
//  5. The chat's Send posts them (integrations/matrix, outbound.go). The receipt
//     is stored with the version that was sent. After a crash "sending" means
//     unknown: the chat's Find looks for the key before the same bytes go again.
//  6. What no webhook tells (silenced, inhibited, over without a word, missed
//     while the bot was down) comes from polls: bot/flow, poller.go and
//     apply_poll.go.
//
// # A command's way
//
// A message arrives by the chat's Run (integrations/matrix, inbound.go) with the
// place from which the sync goes on, in one batch. apply_speech.go finds out who
// wrote it and stores a request; work.go has the commands package interpret it;
// the outcome comes in as an event again (apply_outcomes.go): an answer, an ack,
// or an effect on Alertmanager, which is due until it is done, and idempotent by
// its key.
//
// # Who owns which goroutine
//
//   - main: signals, the HTTP server (http.go), systemd, SIGHUP (serve.go)
//   - flow.Run: one taker, one worker per room, one for commands and effects
//     (with at most four at once), one for what time makes due, one per
//     Alertmanager, one per chat's Run
//   - a chat's Run: whatever it starts (the console's clients)
//
// Run returns when all of them have; every one ends with its context.
//
// # The rooms of the house
//
//	.                           the command line and the wiring (house.go)
//	bot                         the words
//	bot/config                  the configuration file, checked and resolved
//	bot/store                   the state: SQLite, its tables and queries
//	bot/flow                    event in, state changed, due work done: the only loop
//	bot/view                    pure: state to message, one function per kind of thread
//	bot/redact                  the last look at everything that is said
//	bot/chart                   pure: figures to picture
//	bot/bottest                 the story language, the strict chat, the model;
//	                            bot/bottest/real: Dendrite, Alertmanager, Prometheus for tests
//	commands                    what people can type; parser, help
//	integrations/alertmanager   webhook in, API back; alertmanagertest simulates one
//	integrations/prometheus     expressions to graphs
//	integrations/matrix         a chat
//	integrations/console        a chat in a terminal
//	integrations/linux, systemd what status reads of the bot's own host
//
// Imports point inward; arrows_test.go in the root holds the table. Integrations
// never import each other, commands, store or flow: main joins them.
package bot
