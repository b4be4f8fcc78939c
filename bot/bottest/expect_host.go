package bottest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// expectHost compares the host, and what stands in the journals, with the story.
func (p *player) expectHost(words []string) error {
	text := func(n int) string { return strings.Join(words[n:], " ") }
	sim := p.stage.sim
	same := func(have int, want string) error {
		if strconv.Itoa(have) != want {
			return fmt.Errorf("it is %d", have)
		}
		return nil
	}
	switch words[0] {
	case "running":
		return same(sim.Running(), words[1])
	case "boots":
		return same(sim.NextBoot(), words[1])
	case "arc-max":
		b, err := sim.Sys().Files.Read("/proc/spl/kstat/zfs/arcstats", 64<<10)
		if err != nil {
			return err
		}
		for l := range strings.Lines(string(b)) {
			if f := strings.Fields(l); len(f) == 3 && f[0] == "c_max" {
				return p.holds(f[2], words[1], true)
			}
		}
		return errors.New("there is no c_max")
	case "told": // what the agent said to whoever spoke to it directly
		have := "nothing against it"
		if p.told != nil {
			have = p.told.Error()
		}
		return p.holds(have, text(1), true)
	case "agent-journal", "no-agent-journal":
		have, err := p.stage.log()
		if err != nil {
			return err
		}
		return p.holds(have, text(1), words[0] == "agent-journal")
	case "journal", "no-journal":
		var b strings.Builder
		err := p.store.View(p.t.Context(), func(tx *store.Tx) error {
			b.Reset()
			for e, err := range tx.JournalAll() {
				if err != nil {
					return err
				}
				b.WriteString(entryText(e))
			}
			_, err := journal.Verify(tx.JournalAll(), journal.Head{})
			return err
		})
		if err != nil {
			return err
		}
		return p.holds(b.String(), text(1), words[0] == "journal")
	case "looks": // how often the agent was asked for one
		p.stage.mu.Lock()
		defer p.stage.mu.Unlock()
		have := p.stage.looks[words[1]]
		if more := strconv.Itoa(have - 1); p.crash != (Crash{}) && more == words[2] {
			have-- // a bot that is killed while it looks does not know the answer, and asks again
		}
		return same(have, words[2])
	case "runs":
		have, err := p.stage.log()
		if err != nil {
			return err
		}
		return same(strings.Count("\n"+have, "\nstart "), words[1])
	}
	return fmt.Errorf("nothing can be expected of a %q", words[0])
}

// entryText is a journal's entry as stories read it: kind, person, sentence, and
// what is noted beside it but for digests, on one line.
func entryText(e journal.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", e.Kind, e.By, e.Text)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if name != journal.FieldDigest {
			fmt.Fprintf(&b, " %s=%s", name, e.Fields[name])
		}
	}
	b.WriteByte('\n')
	return b.String()
}
