package contract

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"watchstander/bot"
)

// test is one clause of the contract.
type test struct {
	name  string
	needs []Ability
	run   func(*bench)
}

// tests are the contract.
var tests = []test{
	{"encoding is pure", nil, encodePure},
	{"roots and edits are one part", nil, encodeWhole},
	{"long replies lose nothing", nil, encodeLong},
	{"every block shows its words", nil, encodeKinds},
	{"bare has no markup", nil, encodeBare},
	{"hostile text shows as itself", []Ability{Display}, encodeHostile},

	{"a receipt names what people see", nil, sendReceipt},
	{"an edit replaces", nil, sendEdit},
	{"replies keep their order", nil, sendOrder},
	{"answers outside threads", nil, sendAnswer},
	{"pictures and files can be looked at", nil, sendFiles},
	{"offers stand under their root, once", []Ability{Offers}, sendOffers},
	{"one key sent twice shows once", []Ability{Once}, sendTwice},
	{"a room that is not ours", []Ability{OtherRooms}, sendElsewhere},

	{"find what was sent", nil, findAll},
	{"find nothing that was not sent", nil, findNothing},
	{"find no forged key", []Ability{Forgery}, findForged},
	{"find after a restart", nil, findLater},
	{"find behind much talk", nil, findFar},
	{"find cannot ask", []Ability{BrokenLines}, findBlind},

	{"an erased message is gone", []Ability{Erasing}, eraseGone},
	{"erasing disturbs no thread", []Ability{Erasing}, eraseQuiet},
	{"erasing after a restart", []Ability{Erasing}, eraseLater},
	{"erasing without the right", []Ability{Erasing, Rights}, eraseForbidden},
	{"erasing over a broken line", []Ability{Erasing, BrokenLines}, eraseBroken},

	{"a lost answer", []Ability{LostReplies}, troubleLost},
	{"a busy platform", []Ability{BusyTimes}, troubleBusy},
	{"a broken line", []Ability{BrokenLines}, troubleBroken},
	{"nobody there", []Ability{Absence}, troubleNobody},
	{"content that is no content", nil, troubleGarbage},
	{"content that the platform refuses", []Ability{Refusals}, troubleRefused},
	{"a context that ends", nil, troubleEnded},
	{"credentials that end", []Ability{Revocation}, troubleRevoked},
	{"no secret is told", []Ability{Credentials, BrokenLines, BusyTimes, Refusals}, troubleSecret},

	{"what is said arrives", nil, receiveSaid},
	{"what is said arrives in order", []Ability{Order}, receiveOrder},
	{"what the bot says does not arrive", nil, receiveOwn},
	{"notices do not arrive", []Ability{Notices}, receiveNotice},
	{"edits do not arrive", []Ability{Edits}, receiveEdit},
	{"reactions", []Ability{Reactions}, receiveReaction},
	{"a deleted root", []Ability{Deletes}, receiveDeleted},
	{"a refused batch comes again", []Ability{Order}, receiveRefused},
	{"a refused batch comes after a restart", []Ability{Backlog}, restartRefused},
	{"a restart repeats nothing", nil, restartQuiet},
	{"a restart misses nothing", []Ability{Backlog}, restartBacklog},
	{"a broken line loses nothing", []Ability{BrokenLines, Backlog}, restartBroken},
	{"Run ends with its context", nil, receiveEnd},
	{"Run ends while the sink refuses", []Ability{Backlog}, receiveEndRefused},
	{"Run ends while the sink waits", nil, receiveEndWaiting},
}

// Run asks all of the contract of a chat.
func Run(t *testing.T, s Subject) {
	t.Run("differences are declared", func(t *testing.T) { s.declared(t) })
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			for _, a := range x.needs {
				if why, lacks := s.Lacks[a]; lacks {
					t.Skipf("not so here: %s: %s", a, why)
				}
			}
			x.run(newBench(t, s))
		})
	}
}

// declared compares what a place has with what the subject says of it.
func (s Subject) declared(t *testing.T) {
	p := s.Place(t)
	has := p.has()
	for _, a := range slices.Sorted(maps.Keys(has)) {
		why, lacks := s.Lacks[a]
		switch {
		case lacks && has[a]:
			t.Errorf("%q is declared to be missing (%s), but it is there", a, why)
		case !lacks && !has[a]:
			t.Errorf("%q is missing, and no reason is given", a)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(s.Lacks)) {
		if strings.TrimSpace(s.Lacks[a]) == "" {
			t.Errorf("%q is declared to be missing without a reason", a)
		}
		if _, bound := has[a]; !bound && !slices.Contains(others, a) {
			t.Errorf("there is no ability %q", a)
		}
		t.Logf("not so here: %s: %s", a, s.Lacks[a])
	}
	chat, release := p.Make(t, Setup{Log: slog.New(slog.DiscardHandler)})
	defer release()
	eraser, erases := chat.(bot.Eraser)
	_, lacks := s.Lacks[Erasing]
	if !lacks && !erases {
		t.Errorf("%q is not declared to be missing, and the adapter is no bot.Eraser", Erasing)
	}
	if lacks && erases {
		// It is one all the same, so that people are told why, and do it themselves.
		err := eraser.Erase(t.Context(), bot.Erasing{Key: "eff_erase", Room: p.Room, Message: p.Person.Say(t, held)})
		r, refused := errors.AsType[*bot.Refusal](err)
		if _, told := errors.AsType[*bot.Error](err); !refused || !told || r.Kind != bot.Forbidden {
			t.Errorf("%q is declared to be missing, and erasing gives %v", Erasing, err)
		}
	}
	if p.Person.Say == nil || p.Person.SayIn == nil || p.Person.See == nil || p.Person.User == "" {
		t.Error("a person has to have a name, a mouth and eyes")
	}
}
