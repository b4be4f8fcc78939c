// Package journal is the record of everything that had a consequence: who asked,
// what was planned and shown, who agreed, what ran, and what came of it. An
// entry is redacted, then numbered, linked to the one before it by that one's
// hash, and hashed itself; nothing is ever changed or taken out again.
//
// # The form
//
// An entry's canonical form is RFC 8785 JSON of all its members, without
// numbers: version and seq are text, at is RFC 3339 in UTC with as many digits
// of whole milliseconds as it needs, fields is {} when there are none. Its hash
// is
//
//	SHA-256("watchstander journal entry 1\n" + canonical form without the member hash)
//
// in lower-case hexadecimal. The first entry's prev is "". A journal file is one
// canonical form, hash included, on each line; the state's table holds the same
// text. Another program needs a JSON parser, a sorted compact writer and SHA-256
// to check either:
//
//	e = json.loads(line); h = e.pop("hash")
//	b = json.dumps(e, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
//	h == sha256(b"watchstander journal entry 1\n" + b.encode()).hexdigest()
//
// # What the chain proves
//
// Verify finds every entry that was changed, taken out, put in, doubled or moved,
// but for two things: entries cut off at the end, and a whole journal that was
// written anew by somebody who may write it. Both show only against a head that
// was kept elsewhere (VerifyAgainst): the bot's journal and each agent's log the
// head of the other, and `watchstander journal verify` prints one to be kept.
//
// Neighbours: bot/store keeps the bot's journal, bot/agent has a File, main reads
// both (`watchstander journal`); bot/redact is what they pass to redact.
package journal
