package linux

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"watchstander/bot"
)

// healthOnly is said of every pool that is well, since "ONLINE" alone promises
// more than it holds: a pool with checksum errors is online as well.
const healthOnly = "health alone: errors, scrubs and capacity cannot be read without privileges"

// pools gives the health of each imported ZFS pool; nothing on a host without
// ZFS. A pool that failed to be imported is not known to the kernel, nor here.
func (p *Probe) pools() []bot.Reading {
	dir := p.proc("spl", "kstat", "zfs")
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return []bot.Reading{unknown("pools", dir, err)}
	}
	var found []bot.Reading
	for _, e := range entries {
		if e.IsDir() {
			found = append(found, p.pool(e.Name()))
		}
	}
	if len(found) == 0 {
		return []bot.Reading{{
			What: "pools", Value: "none imported", Source: dir, State: bot.Unknown,
			Note: "ZFS is loaded; whether a pool should be there is not known here",
		}}
	}
	return found
}

// faulty are the states that a pool can be in besides ONLINE.
var faulty = map[string]string{
	"DEGRADED":  "a disk is missing or failing; the data is there, with less redundancy",
	"FAULTED":   "too many disks are missing or failing",
	"UNAVAIL":   "too many disks cannot be opened",
	"SUSPENDED": "I/O has stopped after errors; programs that touch it hang",
	"OFFLINE":   "it was taken offline",
	"REMOVED":   "its disks were pulled out",
}

func (p *Probe) pool(name string) bot.Reading {
	what, source := "pool "+line(name), p.proc("spl", "kstat", "zfs", name, "state")
	text, err := os.ReadFile(source)
	if err != nil {
		return unknown(what, source, err)
	}
	state := strings.TrimSpace(string(text))
	switch why, bad := faulty[state]; {
	case state == "ONLINE":
		r := judged(what, source, state)
		r.Note = healthOnly
		return r
	case bad:
		return judged(what, source, state, why)
	}
	if state == "" || !slices.Contains([]string{"TRANSITIONING", "UNINITIALIZED", "UNKNOWN"}, state) {
		return unknown(what, source, errors.New("its state is not one that ZFS has"))
	}
	r := unknown(what, source, errors.New("it is just being imported or exported"))
	r.Value = state
	return r
}
