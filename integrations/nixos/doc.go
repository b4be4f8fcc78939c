// Package nixos looks at a NixOS host's generations, brings another one back, and
// deploys a newer one.
//
// What it reads (generations.go, system.go, mark.go, loader.go) are the profile's
// links and the files within each system; no old generation's program is run for
// it. Looks and the probe (looks.go, diff.go, drift.go, probe.go) answer with the
// words of bot/host.
//
// # The rollback
//
// Rollback is a bot.Operation that can be undone and is committed. What it does,
// file by file:
//
//   - plan.go names both systems and what differs, and refuses what must not be:
//     another kind of boot loader, another system.stateVersion, a bot that cannot
//     read its state, a system that is not whole or that its own checks do not
//     allow to be switched to.
//   - activating.go has what the deploy has in common with it: all that follows.
//   - apply.go takes the host's build lock, and runs the target's
//     `switch-to-configuration test`. This activates the target and leaves profile
//     and boot loader alone: a host that loses power now starts what ran before.
//   - verify.go waits, then looks (watch.go) at every unit and health check until two
//     looks agree. What was fine before and fails in both is a failure, whatever exit
//     codes said, and so is a unit that the switch named and that did not fail
//     before; what failed in only one is none. Of units that are gone, or ended,
//     idle.go judges whether they should be.
//   - commit.go makes it last: the profile is set to the generation by its number,
//     and the target writes the boot menu. Both are read back.
//   - undo.go activates what ran before, puts back profile and boot menu where they
//     were touched, and looks at the units again.
//
// # The deploy
//
// deploy.go is the same way to a system that is none of the profile's generations yet:
// somebody (nix/modules/updates.nix) built it and left a link. It was not made by root,
// so that Plan runs nothing of it, and reads nothing through it that lies outside the
// store (instore.go); its dry run comes first in Apply, once people have agreed. Commit
// makes it the profile's newest generation.
//
// Neither ever reboots, installs another loader or sets NIXOS_NO_CHECK. The
// host's build lock is held from Apply until Commit or Undo ends: these are calls of
// one process, the worker.
//
// # Exit codes of switch-to-configuration
//
// They are told, and decide nothing where a look can: the running system, /etc, what
// an interrupted switch leaves to be done (/run/nixos), parts of the activation script
// that it names as failed, and units and checks in two looks. 2 says that a part of the
// activation script failed, 4 that units did. 100 says that the target cannot be
// activated without a reboot; nothing was done.
//
// # What is not seen
//
// The list of units that `dry-activate` gives is not complete: units of users,
// rootless containers among them, are never in it. The units of users are no units
// of the system either, so that only a health check can watch over them.
// The dry activation is the target's own and may look at secrets, as activating
// does (sops-nix compares them); of its output only lines of known form are read,
// and nothing else of it is ever shown.
//
// Neighbours: bot has the words of operations, bot/host those of hosts, bot/sys the
// host itself; bot/agent plans and runs. A host's configuration writes the mark into
// its systems (docs/host-mark.md). The package is a leaf.
package nixos
