// Package console is the conversation of the other chats, in a terminal on the
// host itself: a [bot.Chat] that listens on a Unix socket, and the client that
// `watchstander console` runs. It needs no network, no homeserver and no
// account, so it still works when everything else is down.
//
// # The server half
//
// [Chat] is what flow posts to. console.go is its life, listen.go the socket and
// who is at its other end, attend.go one client, inbound.go the way of a typed
// line to the sink, erase.go the end of one that held a code, outbound.go the way of
// a message into the transcript and to all clients, transcript.go and compact.go the durable record, replay.go what a
// client is told of the past.
//
// One goroutine accepts, two serve each client (one reads and answers, one
// writes); Run waits for all of them. Encode, Send, Find and Local may be called
// at any time on any goroutine. One mutex guards the transcript and the list of
// clients; nothing that can wait for a client happens beneath it.
//
// # The client half
//
// [Attach] and [Local] join a person to a Chat. client.go makes the ends ready,
// link.go is one connection and the way back to a bot that went, greet.go and
// heard.go take what the server tells, session.go is the loop, waiting.go knows
// what has no answer yet, typed.go understands what is typed, complete.go is the
// Tab key, terminal.go edits lines, stoppable.go ends a wait for them, history.go
// remembers them, signature.go gathers the lines of a signature, paint.go, blocks.go
// and wrap.go turn frames into lines of text, echo.go takes a typed code off the
// screen, changes.go tells what an edit changed, clean.go lets nothing through that a
// terminal would obey, save.go keeps pictures. Colours and widths are
// known here alone, so that one frame serves every terminal.
//
// # The protocol
//
// Both sides send lines of JSON, ended by "\n". The first line of each is its
// hello; the number in it is the protocol's version, and a server that does not
// know it says bye.
//
//	client: {"watchstander":1,"session":"K7…","past":20}
//	server: {"watchstander":1,"chat":"console","room":"console","user":"uid:1000",
//	         "name":"alice","zone":"Europe/Berlin","words":["ack","status"],
//	         "threaded":["ack"]}
//
// session is random and the client's own; past is how many messages it wants to
// see first. Then the client asks, and each line of it has a number n:
//
//	{"say":{"n":1,"t":12,"text":"ack"}}   a line in thread 12 (t left out: in none)
//	{"history":{"n":2,"last":50}}         the last posts
//	{"threads":{"n":3,"all":true}}        roots, as they are now; with "t" one
//	{"show":{"n":4,"t":12}}               one thread, whole
//
// and the server tells:
//
//	{"post":{"at":"…","t":12,"frame":{…}}}         what flow posted: see frame
//	{"said":{"at":"…","id":"…","user":"…","name":"…","text":"status"}}  what somebody else typed
//	{"erased":{"id":"…",…}}                        a line as it is now, without its words
//	{"taken":{"n":1}}                              line 1 is committed
//	{"refused":{"n":1,"why":"…","again":true}}     it is not, or may not be
//	{"done":{"n":2,"note":"…"}}                    the answer to 2 is complete
//	{"hello":{"name":"…","zone":"…"}}              the greeting, as it is now
//	{"bye":"…","again":true}                       the last line; it may help to
//	                                               attach again
//
// What belongs to an answer carries its number ("re":2); the past that follows
// the hello is the answer to number 0. A root in an answer is shown as it is
// now, with "changed" telling since when.
//
// A line's message id is made of the user, the session and n. A client that says
// a refused line again uses the same n, and what was taken after all is
// recognised. Each side skips members that it does not know.
//
// # Who may do what
//
// Who a client is, the kernel says (SO_PEERCRED); what the client says of itself
// does not count. The socket has mode 0660, and of those who may open it, the
// people of the configuration in force may read the conversation; a reload sends
// away who is none any more. What somebody may do is flow's to decide. The
// transcript has mode 0600.
//
// Neighbours: main reads the configuration and calls New, Run, Attach; bot/flow
// is the sink and the only caller of Encode, Send and Find.
package console
