// Package redact takes the last look at everything that leaves the program:
// alert labels and annotations, output of commands, journal lines, plans,
// errors. It hides what looks like a secret, keeps the rest readable, and says
// which rules fired without repeating what they found.
//
// It is called by flow's one door, just before a view is encoded and frozen,
// and by whoever writes a log or a journal entry. It knows nothing of chats,
// alerts or plans: text in, text out.
//
// # How a message goes through
//
// Redact makes the text valid UTF-8, folds the markers that are already there
// (see fold.go) into one character each, and looks for secrets. One pass of a
// keyword automaton over the text (keywords.go) tells which rules have a
// reason to look, and where; a rule then looks only around its keywords. What
// it finds becomes spans (span.go); overlapping spans become one; each span
// becomes a marker such as
//
//	postgres://bob:[redacted: postgres-password]@db/app
//
// and the result is looked at again until nothing is found. So a second Redact
// changes nothing, by construction. A text that does not settle within a few
// rounds, or that makes a rule panic, is withheld as a whole.
//
// # The rules, and what beats what
//
// Known secrets (known.go), the bot's own, are exact: in clear, in base64 at
// any alignment, hex, URL, JSON and HTML forms, and broken over lines. Nothing
// exempts them.
//
// Context rules look at what stands before a value: `password=`,
// `"apiKey": `, `Authorization: Bearer`, `scheme://user:…@`. They are our own
// (assign.go, keyname.go, value.go, url.go, pem.go, contexts.go). How much a
// value must look like a secret depends on how sure the key is: after
// `password` anything but a placeholder is hidden; after `token` or `secret`
// alone, something that is not a plain word, path or small number; after a
// bare `key`, `auth` or `access`, only a long random string. Context beats
// shape: `password=thr_…` is hidden although `thr_…` is an id of ours, because
// there is no register here that could tell an id from an imitation.
//
// Shape rules know a secret by its looks: `xoxb-…`, `AGE-SECRET-KEY-1…`,
// `$y$…`, and the two hundred vendors of gitleaks' rule set, which is kept as
// data (gitleaks.go). Shapes, and the weakest contexts, step back before what
// people need to read and compare: typed ids, announced digests, store paths,
// UUIDs, commits (exempt.go).
//
// Random-looking text without any context is left alone. On a NixOS host it is
// nearly always a hash, and a bot that eats hashes is soon switched off.
//
// # What it is not
//
// It is a net under programs that should not have printed the secret at all.
// docs/decisions/redaction.md lists what slips through and what it costs:
// 25 to 60 µs for an alert of 2 KiB, 2 to 4 ms for 64 KiB of journal.
package redact
