package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager/alertmanagertest"
	"watchstander/integrations/console"
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
	d.fire(labels("DiskFull", "critical", "vulcan"), fmt.Sprintf("The disk / is %d %% full", full))
}

func (d *demo) diskIsFreed() {
	d.host.set(&d.host.disk, 64)
	d.am.Resolve(labels("DiskFull", "critical", "vulcan"))
}

// tourTime bounds the whole tour.
const tourTime = 55 * time.Second

// tour is a scripted visit. Each step waits for what must appear, and the tour
// fails when it does not.
func (d *demo) tour(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, tourTime)
	defer cancel()
	typed, keyboard := io.Pipe()
	screen := &screen{to: out, changed: make(chan struct{}, 1)}
	left := make(chan error, 1)
	go func() {
		left <- console.Local(ctx, d.h.consoles[0], demoUser(), typed, screen, console.ClientOptions{Past: -1, HistoryFile: "/dev/null"})
	}()
	err := d.steps(ctx, keyboard, screen)
	_ = keyboard.Close() // a pipe's writer closes without fail
	if gone := <-left; err == nil && ctx.Err() == nil {
		err = gone
	}
	if err != nil {
		fmt.Fprintf(out, "\nThe tour failed: %v\n", err)
		return exitCode(1)
	}
	fmt.Fprintln(out, "\nThe tour is over: everything happened as it should.")
	return nil
}

func (d *demo) steps(ctx context.Context, keyboard io.Writer, s *screen) error {
	say := func(line string) func() error {
		return func() error {
			s.note("\nyou> %s\n", line)
			_, err := fmt.Fprintln(keyboard, line)
			return err
		}
	}
	happens := func(what string, do func()) func() error {
		return func() error {
			s.note("\n-- %s\n", what)
			do()
			return nil
		}
	}
	d.am.Fire(bot.Labels{"alertname": "Watchdog", "severity": "none"})
	for _, x := range []struct {
		do   func() error
		want []string // what must then appear
	}{
		{say("help"), []string{`silence`}},
		{say("status"), []string{`Nothing fires`}},
		{happens("the load of vulcan rises", d.loadRises), []string{`FIRING.*HighLoad.*vulcan`}},
		{say("@t1 ack looking into it"), []string{`Acked by you`}},
		{happens("another host joins in: the ack does not cover it", d.loadSpreads), []string{`No longer acked`}},
		// The picture shows what is measured when it is drawn: the story waits for it.
		{happens("the disk fills", d.diskFills), []string{`CRITICAL.*DiskFull`, `picture DiskFull.*vulcan 96%`}},
		{say("alerts"), []string{`DiskFull`}},
		{say("silence t2 1h the big export runs"), []string{`(?s)SILENCED.*the big export runs`}},
		{say("silences"), []string{`1 silence holds`}},
		{happens("the load falls", d.loadFalls), []string{`All resolved`}},
		{say("@t2 unsilence"), []string{`Silence ended by you`, `t2 is now ■ CRITICAL`, `no longer held back`}},
		{happens("the disk is freed", d.diskIsFreed), []string{`t2 is now √ RESOLVED`}},
		{say("stauts"), []string{`Did you mean`}},
		{say("status"), []string{`Nothing fires`}},
	} {
		from := s.len()
		if err := x.do(); err != nil {
			return err
		}
		for _, want := range x.want {
			if err := s.await(ctx, from, want); err != nil {
				return err
			}
		}
	}
	return nil
}

// screen is a terminal that remembers.
type screen struct {
	mu      sync.Mutex
	to      io.Writer
	text    bytes.Buffer
	changed chan struct{}
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return s.to.Write(p)
}

// note prints what is not the console's own.
func (s *screen) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.to, format, args...)
}

func (s *screen) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Len()
}

// await waits until something that matches appears behind a place.
func (s *screen) await(ctx context.Context, from int, want string) error {
	re, err := regexp.Compile(want)
	if err != nil {
		return err
	}
	for {
		s.mu.Lock()
		found := re.Match(s.text.Bytes()[from:])
		s.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q did not appear", strings.TrimSpace(want))
		case <-s.changed:
		}
	}
}
