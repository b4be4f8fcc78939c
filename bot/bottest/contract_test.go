package bottest

import (
	"fmt"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/contract"
)

// TestContract asks of the stories' chat what is asked of the real ones: a story
// is worth no more than its chat is like them.
func TestContract(t *testing.T) {
	contract.Run(t, contract.Subject{Place: newPlace, Lacks: map[contract.Ability]string{
		contract.Edits:       "a story hears finished events: what the adapters leave out never comes up",
		contract.Notices:     "a story hears finished events: what the adapters leave out never comes up",
		contract.Forgery:     "people's words are not kept among the posts",
		contract.BusyTimes:   "",
		contract.Absence:     "",
		contract.Refusals:    "what it cannot read is all that it refuses for good, unless a story says so",
		contract.Revocation:  "there are no credentials",
		contract.Credentials: "there are no credentials",
		contract.OtherRooms:  "rooms are whatever the story's configuration names",
		contract.Display:     "a post is kept as the message that it was, and drawn by nobody",
	}})
}
