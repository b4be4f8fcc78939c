package main

import (
	"context"
	"fmt"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// play is what happens by itself while somebody visits: a load that grows, a
// disk that fills, and their end, which is told the visitor.
func (d *demo) play(ctx context.Context, notes chan<- string) {
	d.am.Fire(bot.Labels{"alertname": "Watchdog", "severity": "none"})
	for _, x := range []struct {
		after time.Duration
		do    func()
	}{
		{2 * time.Second, d.loadRises},
		{20 * time.Second, d.diskFills},
		{25 * time.Second, d.loadSpreads},
		{60 * time.Second, d.loadFalls},
		{60 * time.Second, d.diskIsFreed},
	} {
		wait(ctx, x.after)
		if ctx.Err() != nil {
			return
		}
		x.do()
	}
	wait(ctx, 10*time.Second) // until its end has been told
	for _, line := range []string{
		"The story is over, and the bot goes on. Post an alert of your own with the curl above.",
		`It ends by itself 5 minutes after it was posted, and at once when you post it again with "endsAt":"2020-01-01T00:00:00Z" beside its "labels".`,
	} {
		select {
		case notes <- line:
		case <-ctx.Done():
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (d *demo) fire(l bot.Labels, summary string) {
	d.am.Fire(l, alertmanagertest.Annotate(annotated(summary)))
}

func (d *demo) loadRises() {
	const load = 21
	d.host.set(&d.host.load, load)
	d.fire(labels("HighLoad", "warning", "vulcan"), fmt.Sprintf("The load is %d on 8 CPUs", load))
}

func (d *demo) loadSpreads() {
	d.fire(labels("HighLoad", "warning", "hera"), "The load is 17 on 8 CPUs")
}

func (d *demo) loadFalls() {
	d.host.set(&d.host.load, 0.7)
	d.am.Resolve(labels("HighLoad", "warning", "vulcan"))
	d.am.Resolve(labels("HighLoad", "warning", "hera"))
}

func (d *demo) diskFills() {
	const full = 96
	d.host.set(&d.host.disk, full)
	d.fire(labels("DiskFull", "critical", "vulcan"), fmt.Sprintf("The disk /srv is %d %% full", full))
}

func (d *demo) diskIsFreed() {
	d.host.set(&d.host.disk, 64)
	d.am.Resolve(labels("DiskFull", "critical", "vulcan"))
}
