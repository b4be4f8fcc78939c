// Package slackfake is a strict fake of Slack: one workspace with one app in it, for
// tests, stories and the demo. Where Slack's documentation leaves something open, the
// fake is the stricter one. Each rule names its source: "documented" (docs.slack.dev),
// "measured" (seen on the real one, with where that is told) or "ours" (stricter).
//
// # Making one
//
//	f := slackfake.New(slackfake.Options{})
//	defer f.Close()
//	ops := f.AddChannel(slackfake.Channel{Name: "ops"})
//	f.AddUser(slackfake.User{ID: "U0ALICE", Name: "alice"})
//
// The app gets [Fake.URL] as the Web API's address, [Fake.BotToken], [Fake.AppToken]
// and [Fake.SigningSecret]. It reaches the fake through [Fake.Transport] (Web API,
// uploads, response URLs) and [Fake.Dialer] (Socket Mode: socketmode.OptionDialer): real
// HTTP and real WebSockets over pipes in memory, so that all of it works in a bubble of
// testing/synctest (make the fake inside it, and end both before it ends). With
// Options.Addr it listens on a real address as well, for other processes. It takes no
// names of channels or people, only ids.
//
// # What people do
//
// [Fake.Say], [Fake.Mention], [Fake.DM], [Fake.BotSays], [Fake.Edit], [Fake.Delete],
// [Fake.Unfurl], [Fake.React], [Fake.Unreact]; [Fake.Press] and [Fake.Pick] on what
// [Fake.Find] found; [Fake.Slash]; [Fake.Views], [Fake.Submit] and [Fake.Dismiss] for
// modals. People of other workspaces are users with another Team. The app hears of all
// of it (its own posts too) as events, interactions and commands: over Socket Mode, or
// posted and signed where Options.RequestURL is set ([Handler] takes an http.Handler).
//
// # What a test reads
//
// [Fake.Rendered], [Fake.Message] and [Fake.Transcript] tell what people see; buttons,
// colours and pictures too; [Fake.Changed] wakes who prints them. [Fake.Pings] and
// [Fake.Links] are what would have notified somebody, and what can be opened.
// [Fake.Refused] and [Fake.Faults] are a test's first question: they should be empty.
// [Fake.Calls] and [Fake.MostPerSecond] tell the pace, [Fake.Figures], [Fake.Pending] and
// [Fake.Lost] how deliveries went, [Fake.Files] what was uploaded. [Inspect] looks at a
// message without any workspace, for fuzzing.
//
// # Troubles
//
// [Fake.Trouble] has calls refused, limited, failed, broken off, or taken without an
// answer; Options.OnAccept holds answers back. [Fake.RevokeBotToken],
// [Fake.RevokeAppToken], [Fake.DropScope], [Fake.Kick], [Fake.Archive] and
// [Fake.Unreachable] change what the app may do. [Fake.Disconnect], [Fake.Cut] and
// [Fake.Mute] end connections; [Fake.DoubleEvents] and [Fake.Shuffle] are what Slack does
// to events; [Fake.SignBadly], [Fake.Forge] and [Fake.VerifyURL] are for HTTP mode.
// [Fake.SetLimits] changes the pace.
//
// # Where it is stricter than Slack, on purpose
//
// Unknown arguments, unknown fields and legacy attachments are refused, and so are
// channels' names; what has no effect is a fault; all blocks of a message together hold
// at most 11,000 bytes of JSON; texts beyond 40,000 characters are refused, not cut; a
// minute's window never takes more than a tier's calls; an acknowledgement counts only
// over the living connection that brought its envelope; interactions and commands come
// once; a file can be shown only a second after its upload.
//
// Files: options.go, fake.go (its life), memory.go (the network), workspace.go and
// message.go (what there is), api.go, methods.go, pace.go and trouble.go (a call's way),
// chat.go, content.go, conversations.go, files.go, views.go and others.go (the methods),
// check.go, blocks.go, richtext.go and inspect.go (Block Kit), render.go, shown.go and
// transcript.go (what is seen), events.go, delivery.go, socket.go and http.go (what the
// app hears), people.go and press.go (what people do).
package slackfake
