// Package restic knows a host's backups: what lies in its restic repositories,
// whether it is still what was written, and whether it can be had back.
//
// [New] makes a [Backups] of a host and a [Config]. It offers
//
//   - the look "backup.status" (status.go): the newest snapshots, their age, the
//     unit that makes them, and what the last verification found;
//   - the look "backup.321" (copies.go): of each dataset, which copies there is
//     evidence for, on which media, and what they leave out (excludes.go);
//   - the operation "backup.verify" (verify_plan.go, verify.go): restic's own check
//     of the structure and of one part of the data (check.go), then a restore drill
//     (drill.go): a rotating sample (sample.go) comes back into a scratch directory
//     (scratch.go) and is compared byte by byte (compare.go);
//   - the operation "backup.run" (run.go): starts the configured unit, and believes
//     it only when there is a new snapshot;
//   - a probe for `status` (probe.go), which speaks from what is known already.
//
// Who answers looks may have no network, as the agent has none. Then repositories
// are asked by another process that has (Refresh, ask.go), which Keep (keep.go) has
// started; what it learns stands in the facts.
//
// # What is believed
//
// An exit code of 0 is not enough. A check counts when restic says that it found
// no errors and how many packs of which part it read; a restored file when its
// SHA-256 is that of the live file, where that has not changed since the snapshot,
// or else of what the snapshot holds; a backup when there is a snapshot that is
// newer than its start, and the log of the unit's run names it: others back up into
// the same repository. What ran out of its budget of time or bytes was skipped, and
// is unknown. One repository's trouble never hides another's state.
//
// # How restic is run
//
// By its absolute path, without a shell, and with nothing in its environment but
// what the repository's environment file says (env.go, client.go). A repository's
// location can hold a password: it is handed over by file or environment, never
// as an argument, and is struck out of whatever restic says (fault.go). Listing
// and restoring take no lock. A check takes restic's exclusive one; when it is
// stopped it can leave that behind, which would stop every backup after it, so
// that it is followed by `restic unlock`, which removes dead locks alone.
//
// Restic 0.14 to 0.19 were tried. Check is read in its plain form everywhere:
// its JSON, where there is one, leaves out how many packs were read, and counts a
// lock that is held as an error found.
//
// # What is kept
//
// Below [Config].State: "cache" is restic's own, "facts" what each repository said
// last, "reports" the outcome of each verification (reports.go), each of the place
// where the repository was then. All of it may be deleted; then it is unknown until it
// is found out again.
//
// Neighbours: bot/host has the words; bot/sys is the host; bot/agent runs the
// operations, in a unit that may reach the network. The package is a leaf.
package restic
