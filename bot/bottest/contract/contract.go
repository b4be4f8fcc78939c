// Package contract is what every chat must do, as one suite of tests: the
// comments of [bot.Chat], asked of the real thing. An adapter's own tests know
// how it works; these know only what its users count on, so that flow can be
// written against one chat and work with all of them.
//
//	func TestContract(t *testing.T) {
//		contract.Run(t, contract.Subject{Place: …, Lacks: map[contract.Ability]string{
//			contract.Reactions: "a terminal has none",
//		}})
//	}
//
// A [Subject] makes a [Place]: a fresh room with the bot's account in it, a
// [Person] beside it, and knobs for [Trouble]. What a person sees is looked at
// with the person's own eyes (another client), never with the adapter's.
//
// Platforms differ. A difference is declared with its reason, and the tests that
// need what is missing are skipped with that reason. What is missing and not
// declared fails, and so does what is declared and there all the same.
//
// Files: contract.go is what a subject brings, run.go the table of tests,
// bench.go what one test works with, eyes.go how it looks at the room, sink.go
// the taker of what Run hands over, secrets.go the search for credentials,
// samples.go the messages; encode.go, hostile.go, send.go, find.go, erase.go,
// trouble.go, receive.go and restart.go are the tests.
package contract

import (
	"log/slog"
	"testing"
	"time"

	"watchstander/bot"
)

// Subject is a chat under test.
type Subject struct {
	// Place makes a room for one test: nobody has said anything in it, and the
	// bot may speak there.
	Place func(t *testing.T) *Place
	// Lacks are the declared differences, each with the reason for it.
	Lacks map[Ability]string
}

// Place is a room on a platform.
type Place struct {
	Chat bot.ChatID
	Room bot.RoomID
	// Make makes the adapter. Made once more, after release, it is the bot after
	// a restart: it knows what Setup tells it, and what the platform or its own
	// files kept.
	Make func(t *testing.T, s Setup) (chat bot.Chat, release func())
	// Secrets must show in no error and in no log.
	Secrets []string
	Person  Person
	Trouble Trouble
}

// Setup is what the adapter is made with.
type Setup struct {
	Cursor string // of the last committed batch, "" for the first start
	Log    *slog.Logger
}

// Person is somebody else in the room. The functions are called on the test's
// goroutine while the bot runs; a nil one is what the platform cannot do.
type Person struct {
	User bot.UserID
	// Say says something outside threads, SayIn in the thread of a root. Both
	// give the message's id, and do not wait until the bot has taken it. Where
	// the platform does not bring again what was not taken, the person says it
	// again, before anything else.
	Say   func(t *testing.T, text string) bot.MessageID
	SayIn func(t *testing.T, root bot.MessageID, text string) bot.MessageID
	// Edit changes the words of an own message.
	Edit func(t *testing.T, id bot.MessageID, text string)
	// React puts a reaction on a message, Withdraw takes it back.
	React    func(t *testing.T, target bot.MessageID, emoji string) bot.MessageID
	Withdraw func(t *testing.T, reaction bot.MessageID)
	// Delete deletes a message of the bot's, as a moderator may.
	Delete func(t *testing.T, id bot.MessageID)
	// Notice says something in the way of programs.
	Notice func(t *testing.T, text string)
	// Forge posts a message that carries a key of the bot's.
	Forge func(t *testing.T, key bot.SendKey)
	// See looks at the room: its messages in order, as they are now.
	See func(t *testing.T) []Post
}

// Post is a message as a person's client shows it now.
type Post struct {
	ID   bot.MessageID
	Mine bool // the bot's
	// Root is the thread that it hangs in, "" outside threads.
	Root bot.MessageID
	// Answers is the message that it is shown as an answer to, "" for none.
	Answers bot.MessageID
	// Faces are the forms in which clients show its words: with markup, without,
	// … Each must hold all of them.
	Faces []string
	// Markup: it has styles, links or buttons of its own.
	Markup bool
	// Links are the addresses to which a click leads.
	Links []string
	// Pings are those whose phones it rings, by name or as a whole room.
	Pings []string
	// Attachments are its pictures and files.
	Attachments []Attachment
	// Offers are the bot's own reactions to it.
	Offers []string
}

// Attachment is a picture or a file that a person can look at.
type Attachment struct {
	Name    string
	Picture bool
	Data    []byte
}

// Trouble are knobs; a nil one is trouble that the platform cannot have, or that
// cannot be made.
type Trouble struct {
	// LoseReply keeps the answer to the next post back, and hangs up when the
	// platform has the post.
	LoseReply func(t *testing.T)
	// Busy makes the platform refuse the next post for about this long, and then
	// take posts again after calm.
	Busy func(t *testing.T, wait time.Duration) (calm func())
	// Unplug breaks the line to the platform until plug; whether a request got
	// through before is not known.
	Unplug func(t *testing.T) (plug func())
	// Nobody is the adapter with the address of a platform that does not run.
	Nobody func(t *testing.T, s Setup) (chat bot.Chat, release func())
	// Refused are frozen bytes that this adapter sends and the platform turns
	// down for good.
	Refused func(key bot.SendKey) []byte
	// Powerless takes the right away to erase what others wrote.
	Powerless func(t *testing.T)
	// Revoke ends the account's credentials.
	Revoke func(t *testing.T)
}

// Ability is something that a platform may lack.
type Ability string

// The abilities that go with a function of Person or Trouble are lacking exactly
// when it is nil.
const (
	Edits     Ability = "people edit their messages"
	Reactions Ability = "people react"
	Deletes   Ability = "people delete the bot's messages"
	Notices   Ability = "programs speak"
	Forgery   Ability = "people write keys"

	LostReplies Ability = "answers get lost"
	BusyTimes   Ability = "the platform is busy"
	BrokenLines Ability = "the line breaks"
	Absence     Ability = "the platform does not run"
	Refusals    Ability = "the platform refuses content"
	Revocation  Ability = "credentials end"
	Credentials Ability = "there are credentials"
	Rights      Ability = "erasing takes a right"

	// Once: a second Send of one key shows nothing new. Where it is lacking, Find
	// must tell that the key is there.
	Once Ability = "one key shows once"
	// Backlog: what is said while the bot is away, or was not taken by the sink,
	// waits for the bot.
	Backlog Ability = "what is said waits for the bot"
	// Order: what is said comes in the order in which it was said.
	Order Ability = "what is said comes in order"
	// Offers: the bot puts reactions of its own under a root.
	Offers Ability = "reactions are offered"
	// Erasing: the adapter is a bot.Eraser.
	Erasing Ability = "people's messages are erased"
	// OtherRooms: the platform has rooms that are not ours.
	OtherRooms Ability = "there are other rooms"
	// Variants: one emoji reaches the adapter in several forms.
	Variants Ability = "emoji have variants"
	// Display: what people see is drawn from the message, by HTML or a terminal,
	// and could be drawn wrongly.
	Display Ability = "messages are drawn"
)

// others are the abilities that go with no function.
var others = []Ability{Once, Backlog, Order, Offers, Erasing, OtherRooms, Variants, Display}

// has tells for each ability that goes with something of a place whether it is
// there.
func (p *Place) has() map[Ability]bool {
	return map[Ability]bool{
		Edits:       p.Person.Edit != nil,
		Reactions:   p.Person.React != nil && p.Person.Withdraw != nil,
		Deletes:     p.Person.Delete != nil,
		Notices:     p.Person.Notice != nil,
		Forgery:     p.Person.Forge != nil,
		LostReplies: p.Trouble.LoseReply != nil,
		BusyTimes:   p.Trouble.Busy != nil,
		BrokenLines: p.Trouble.Unplug != nil,
		Absence:     p.Trouble.Nobody != nil,
		Refusals:    p.Trouble.Refused != nil,
		Revocation:  p.Trouble.Revoke != nil,
		Credentials: len(p.Secrets) > 0,
		Rights:      p.Trouble.Powerless != nil,
	}
}
