package restic

import (
	"context"
	"slices"
	"time"

	"watchstander/bot/phrase"
)

// unitPause is how long to wait before units are looked at again.
const unitPause = 15 * time.Second

// unitWait is how long the verification of a repository may wait in all for units:
// as long as its own may run, and no longer than its check may take.
func (b *Backups) unitWait(r *Repository) time.Duration { return min(r.RunTime, b.c.CheckTime) }

// waitFor are the units that the steps of a verification of r wait for.
func (b *Backups) waitFor(r *Repository) []string {
	units := slices.Clone(b.c.Busy)
	if r.Unit != "" && !slices.Contains(units, r.Unit) {
		units = append(units, r.Unit)
	}
	return units
}

// idle waits until none of the repository's units is busy, and no longer than most;
// it gives how long it took. The plan waited for them before the run began, but a
// verification takes hours, in which a timer may have started one. Where they cannot
// be looked at or do not end it goes on: restic's own lock keeps the two apart, and
// tells of it.
func (b *Backups) idle(ctx context.Context, r *Repository, most time.Duration, say func(string, ...any)) time.Duration {
	begun, told := time.Now(), ""
	for {
		running := ""
		for _, name := range b.waitFor(r) {
			if u, err := b.h.Units.Unit(ctx, name); err == nil && busy(u) {
				running = name
				break
			}
		}
		waited := time.Since(begun)
		switch {
		case running == "" && told != "":
			say("%s has ended", told)
			return waited
		case running == "" || ctx.Err() != nil:
			return waited
		case waited >= most:
			say("%s still runs; going on without waiting for it any longer", running)
			return waited
		case told != running:
			told = running
			say("waiting for %s, for up to %s", running, phrase.Duration(most-waited))
		}
		timer := time.NewTimer(min(unitPause, most-waited))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}
