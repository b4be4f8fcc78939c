// Package slack lets the bot live in Slack channels: it is a [bot.Chat] over one app in
// one workspace.
//
// What comes in: envelopes over Socket Mode, several connections at a time so that one
// goes on while Slack has another replaced. Each becomes one [bot.Batch], and is
// acknowledged only when the sink has committed it, so that a crash at any moment has
// Slack send it again. While history is read back, messages wait behind it; presses and
// commands with a slash, which Slack does not send again, do not. The same event comes more than once, under other ids too: ours
// are made of what it is about. Files: socket.go is the connections, event.go turns
// what Slack sends into words of the bot's, text.go finds what a person meant to say.
//
// What goes out: a [bot.Message] is taken apart (bot/pieces, pieces.go) and written as blocks
// (blocks.go) within Slack's limits (limits.go), in which nothing of a label's text can
// become markup, a link or a ping; content.go makes posts of them. outbound.go sends
// them, and looks for a post's key when nobody knows whether it arrived. errors.go knows
// Slack's words for what went wrong; no error holds a token.
//
// Neighbours: main reads the configuration, gives the tokens, and calls Run; bot/flow is
// the sink, and the only caller of Encode, Send and Find. Who a sender is and what they
// may do is flow's to know: this package only drops what happens in channels that are
// not configured, and in other workspaces.
package slack
