// Package plan is the one form of a plan: its canonical bytes, the digest that
// people agree to, the words in which every program of ours shows it, and the
// statement about it that an approver signs. It is pure, and the same on every
// machine: the agent that minted the plan, the bot that posts it, and the
// approver's own computer come to the same bytes, words and digest.
//
// # The bytes
//
// A plan's canonical form (Canonical) is RFC 8785 JSON of bot.Plan, restricted:
// no numbers (they are text), no null, an empty list is [] and an empty map {},
// times are RFC 3339 in UTC in whole milliseconds without trailing zeros
// ("2026-03-01T05:30:00.12Z"), and no text has a character that does not show:
// no control character but line breaks, nothing that turns the direction of
// writing, nothing without a look of its own. Parse reads that form and nothing
// else. The digest is
//
//	SHA-256("watchstander plan 1\n" + canonical form)
//
// in lower-case hexadecimal:
//
//	{ printf 'watchstander plan 1\n'; cat plan.json; } | sha256sum
//
// # The signature
//
// What an approver signs is the canonical form of bot.Statement (StatementBytes),
// made by the same rules; it holds the digest and the whole plan in words. The
// signature is OpenSSH's (PROTOCOL.sshsig) with SHA-512 and the namespace
// "statement-1@watchstander", so that OpenSSH checks it too:
//
//	ssh-keygen -Y verify -f allowed_signers -I alice -n statement-1@watchstander -s sig < statement.json
//
// A Slip carries statement and plan through a chat to `watchstander approve`.
// What that shows comes from the plan's bytes, and never from text beside them.
//
// Neighbours: bot/agent mints, keeps and checks; bot/view posts what Render
// writes; bot/gate judges decisions; main's approve shows and signs.
package plan
