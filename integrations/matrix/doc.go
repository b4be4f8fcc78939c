// Package matrix lets the bot live in Matrix rooms: it is a [bot.Chat] over
// one account on one homeserver.
//
// What comes in: one long poll (/sync) after the other. Each answer becomes
// one [bot.Batch] whose cursor is the answer's own token, and the next one is
// asked for only when the sink has committed the batch, so that a crash at any
// moment repeats events and never loses one. Holes that an outage leaves in a
// room's timeline are paged back. Files: inbound.go is the loop, answer.go
// takes the homeserver's JSON apart, gap.go pages, event.go turns one event
// into a word of the bot's, text.go finds what a person meant to say,
// watch.go tells of a room that was replaced, encrypted or closed to us, and
// doorman.go sees to invitations beside the loop.
//
// What goes out: a [bot.Message] becomes event contents (content.go), cut
// where it is too long (pieces.go), written as HTML and as plain text
// (render.go) in which nothing of a label's text can become markup, a link or
// a ping (tame.go). outbound.go sends them exactly once per key, and looks in
// the room for a key when nobody knows whether it arrived. erase.go redacts what
// others wrote, where it held a code.
//
// All talk with the homeserver passes through [Transport]. The one here, over
// gomatrix (wire.go), knows no encryption; one that does can take its place.
// Its errors (errors.go) never hold the access token.
//
// Neighbours: main reads the configuration, gives the token and the stored
// cursor, and calls Run; bot/flow is the sink, and the only caller of Encode,
// Send and Find. Who a sender is and what they may do is flow's to know: this
// package only drops what happens in rooms that are not configured.
//
// One goroutine runs the loop (the caller's, in Run) and one is the doorman;
// Run waits for it. Send, Find, Encode and Check may be called at any time on
// any goroutine.
package matrix
