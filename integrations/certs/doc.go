// Package certs tells when certificates end: as services serve them, not only as
// they lie on the disk, since a renewed file that nobody reloaded helps no one.
// New makes one bot.Probe of it, for `status` and checklists.
//
// It connects like any client and needs no privileges, so what is served is looked
// at by the bot; the agent has no network. Files that the bot's user may read are the
// bot's too; those that only root may read are the agent's (Options.Read). A
// certificate's end is looked at without trusting it: an internal authority need not
// be known here. Where its root is configured, the chain is verified too.
//
// Only certificates are looked at. A file that holds a private key is refused whole,
// and that is told: neither bot nor agent should be led to read keys.
//
// # What is soon
//
// Three weeks before its end a certificate should be renewed, one week before it
// is not ok. Authorities that give out certificates for a day (step-ca) make those
// spans absurd, so they are never more than a third and a sixth of a certificate's
// own life.
//
// Neighbours: package bot gives the words; main hands the probe to the World. The
// package is a leaf.
package certs
