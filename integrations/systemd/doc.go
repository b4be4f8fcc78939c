// Package systemd asks the service manager of the host that the bot runs on how
// it is: the state of the whole system, the units that have failed, and those
// that fail again and again, whether they run just now or not. [New] makes one bot.Probe of it,
// for `status`, checklists and verifications.
//
// It speaks D-Bus over the system bus, where every user may ask and nothing is
// changed. A connection is made for each look and closed after it: looks are
// rare, and a kept connection would have to survive restarts of the bus.
//
// Nothing here can hang its asker: the whole look happens beside it, bounded by
// its context and by a time limit, and while one look is stuck in a dead bus no
// other is begun.
//
// Neighbours: package bot gives the words; package linux measures the same host
// by what the kernel tells; main hands both to the World. Starting and stopping
// units is not done here, but by operations in the agent. The package is a leaf.
package systemd
