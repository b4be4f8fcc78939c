// Package simulated is a NixOS host that does not exist, behind the interfaces of
// bot/sys: for the demo, for stories on fake time, and for the tests of what works
// on hosts. Left alone it is vulcan: 64 GiB of memory, generations 38 to 42, the
// pools rpool and tank, PostgreSQL, nginx, step-ca and nightly backups.
//
//	h, err := simulated.New(simulated.Options{})
//	defer h.Close()
//	h.Script(41, simulated.Activation{Fail: []string{"nginx.service"}})
//	operation.Apply(ctx, plan, work) // on h.Sys()
//
// # What is honest about it
//
// Its files are a real tree below Options.Dir, reached through a sys.Tree: links,
// locks, scratch directories and their errors are those of the real thing. Its
// programs are Go functions, found by the files that stand for them; a program
// that is not there is not found. What it does follows what was read or measured
// of the true ones:
//
//   - zfs.go: a written module parameter has the kernel look at both limits, the
//     minimum first, and take each or ignore it with a line in its log; the
//     parameter's file keeps what was written. The cache shrinks by itself only
//     slowly.
//   - switch.go: switch-to-configuration compares the unit files of two systems
//     (switch_way.go), stops, activates, reloads, restarts and starts (switch_units.go),
//     and says so in nixpkgs' words and exit codes; `test` leaves profile and boot menu alone.
//   - nix.go: nix-env moves the profile's link; nix tells closures apart.
//   - real.go: what Options.Real names runs for real, as if the tree were its root.
//   - units.go, systemd.go, transient.go: jobs take time and end as systemd's do; a transient
//     unit that ends well is gone, and one that failed stays until ResetFailed.
//     What a unit does when it is started, Works says.
//   - process.go: whoever uses the host is a process of it. What was killed, or
//     was there before a power loss, can do nothing any more, though its
//     goroutines may still be on their way out.
//
// It works inside testing/synctest bubbles: all waiting is done by timers, and
// there are no sockets. Everything may be used by several at once, and ends with
// Close.
//
// # What it does not do
//
// There are no dependencies between units: what a unit needs or orders is not
// known, timers start nothing, a unit's processes are numbers alone. Of a system's
// activation only links and units are changed: /etc holds links to the running
// system's few files, secrets and users are not there. There is no Nix store beyond
// what the systems need, and nothing is built. Specialisations, users' units and
// sockets' activation are missing. Free space and mounts are a table, and what is
// written does not fill it. Locks of the kernel name their holder among simulated
// processes only. A goroutine that was killed is not stopped: it is only kept from
// touching this host, not from touching the machine that the test runs on (the
// directory of a run, a database).
package simulated
