// Package commands understands what people type and decides what it comes to.
//
// All is the one list of commands. An Interpreter made of it answers flow's
// three questions: is this line meant for the bot (meant.go), what does it ask
// (parse.go), and what came of it (interpret.go, then the command's own Run).
// A command reads the bot.World and returns a bot.Outcome: it changes nothing
// itself, may be run again after a crash, and every error it gives is a
// *bot.Error whose sentence says what to write instead.
//
// # What is meant for the bot
//
// In a room people also talk to each other. A line is taken when it is
// addressed (a mention, a private room, the console), when it begins with "!",
// "ws" or "watchstander", or when its first word is a command's name. Five
// things make a line talk all the same, as long as nobody addressed it:
//
//   - the name is followed by a word that no argument begins with: "status is
//     green", "silence please", "help me", "watchstander was slow today";
//   - a command that only looks is followed by more than two words that it
//     cannot read: "alerts went quiet around noon";
//   - a short alias ("st", "al"), an alias of a command that only looks ("plot
//     twist"), or a message of several lines must be a whole and valid command;
//     "?" alone is a person who wonders;
//   - "service", "service restart", "logs", "changes" and "runbook" are words of everyday
//     talk: with more than the name they must be whole and valid, and what follows
//     must be no word of everyday talk either: "logs attached", "service window
//     tonight" ("service restart" needs only a unit's name behind it), and no
//     misspelt name counts as one of these;
//   - a misspelt name counts only in a line of at most three words that is valid
//     once it is corrected, and never when it is a word of its own: "state",
//     "alert", "back", "stats", "since 2h".
//
// Punctuation at the name makes it talk too: "status?" is asked of people, "ack,
// will do" is said to them. What stays: "ack whatever you like" is an ack with a
// comment wherever it is said, "finding it hard" is a finding, and a lone "help" or
// "silence" gets an answer. "incident open" and its like are taken where what follows can
// be meant: "incident open and shut" is talk. A
// command that changes something prefers an answer too many to being ignored.
//
// # Reading a line
//
// Words are separated by white space; quotes of all kinds hold words together
// (words.go). Arguments have types and are read in order; the remarks at the end
// of a line are taken as they were typed. Nothing is an option: a leading "-" is
// a character like others. Where two values would be mistaken for one another
// they are named ("zfs arc set max 32G min 4G"), in any order, and whoever is used
// to a command line may put dashes before the names.
//
// Neighbours: bot has the words and the World, bot/flow calls and carries out.
// Beside bot and docs/runbooks, only Prometheus' duration grammar and Alertmanager's own
// matcher parser are imported, so that what is typed means here what it means there.
package commands
