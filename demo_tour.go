package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/integrations/console"
)

// tourTime bounds the whole tour, and stepTime what one step of it waits for.
const (
	tourTime = 4 * time.Minute
	stepTime = time.Minute
)

// tour is a scripted visit. Each step waits for what must appear, and the tour
// fails when something else does, or nothing.
func (d *demo) tour(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, `A tour of Watchstander: the real bot and the real agent, around a simulated NixOS
host named vulcan and a simulated Alertmanager. Nobody types: this program plays
you, who are alice, an operator, and bob, the colleague whom some plans need.
Waits that are minutes on a real host are seconds here.`)
	err := d.played(ctx, out, (*tour).whole)
	if err != nil {
		fmt.Fprintf(out, "\nThe tour failed: %v\n", err)
		return exitCode(1)
	}
	fmt.Fprintln(out, "\nThe tour is over: everything happened as it should.")
	return nil
}

// played has both people at their consoles while a tour goes on.
func (d *demo) played(ctx context.Context, out io.Writer, play func(*tour, context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tourTime)
	defer cancel()
	typed, keyboard := io.Pipe()
	s := &screen{to: out, changed: make(chan struct{}, 1)}
	left := make(chan error, 1)
	go func() {
		left <- console.Local(ctx, d.h.consoles[0], demoUser(), typed, s, console.ClientOptions{Past: -1, HistoryFile: os.DevNull})
	}()
	bob := d.newBob(ctx)
	err := play(&tour{d: d, s: s, keyboard: keyboard, bob: bob}, ctx)
	_ = keyboard.Close() // a pipe's writer closes without fail
	bob.leave()
	if gone := <-left; err == nil && ctx.Err() == nil {
		err = gone
	}
	return err
}

// tour is one that goes on.
type tour struct {
	d        *demo
	s        *screen
	keyboard io.Writer
	bob      *bob
	code     string // the last that was typed
	ends     string // finds how a plan ended; "" for planEnds
}

// scene is something that happens, and what must come of it.
type scene struct {
	do   func() error
	want []string // must then appear on the screen
	// ends is how the newest plan must end, as its thread says it: "DONE"; "" where
	// no end is waited for.
	ends string
	// holds looks at the host itself: what a thread says must be true. nil: nothing
	// is to be looked at.
	holds func() error
}

// says is the visitor, who types. "@plan" stands for the newest plan's thread.
func (t *tour) says(line string) func() error {
	return func() error {
		line := t.s.filled(line)
		t.s.note("\nyou> %s\n", line)
		_, err := fmt.Fprintln(t.keyboard, line)
		return err
	}
}

// saysCode is the visitor with the code of now behind a line, typed as phones show it.
func (t *tour) saysCode(line string) func() error {
	return func() error {
		code, err := t.d.operated.proofs.code()
		if err != nil {
			return err
		}
		t.code = code
		return t.says(line + " " + code[:3] + " " + code[3:])()
	}
}

// codeHidden looks whether the screen repeats the code that was typed last.
func (t *tour) codeHidden() error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for _, typed := range []string{t.code, t.code[:3] + " " + t.code[3:]} {
		if bytes.Contains(t.s.text.Bytes(), []byte(typed)) {
			return fmt.Errorf("the code %s stands on the screen", typed)
		}
	}
	return nil
}

// bobSays is the other one.
func (t *tour) bobSays(line string) func() error {
	return func() error {
		line := t.s.filled(line)
		t.s.note("\nbob, played by this demo> %s\n", line)
		return t.bob.types(line)
	}
}

// happens is what nobody says.
func (t *tour) happens(what string, do func()) func() error {
	return func() error {
		t.s.note("\n-- %s\n", what)
		do()
		return nil
	}
}

// whole is all of it.
func (t *tour) whole(ctx context.Context) error {
	made := t.d.operated.backUp(ctx)
	if err := t.plays(ctx, slices.Concat(t.alerts(), t.plans(), t.ways())); err != nil {
		return err
	}
	if err := t.backups(ctx, made); err != nil {
		return err
	}
	return t.plays(ctx, slices.Concat(t.checklists(), t.after()))
}

// plays goes through scenes.
func (t *tour) plays(ctx context.Context, scenes []scene) error {
	for _, x := range scenes {
		from := t.s.len()
		if err := x.do(); err != nil {
			return err
		}
		if x.ends != "" {
			// First, so that another end is told at once, and as what it is.
			end, err := t.s.find(ctx, from, cmp.Or(t.ends, planEnds))
			if err != nil {
				return err
			}
			if end != x.ends {
				return fmt.Errorf("the plan ended as %s, not as %s", end, x.ends)
			}
		}
		for _, want := range x.want {
			if err := t.s.await(ctx, from, want); err != nil {
				return err
			}
		}
		if x.holds != nil {
			if err := x.holds(); err != nil {
				return err
			}
		}
	}
	return nil
}

// planEnds finds how a plan ended, in its thread's log.
const planEnds = `│ \S (DONE|FAILED|UNDONE|UNDOING FAILED|INTERRUPTED|STALE|DENIED|CANCELLED|EXPIRED)\b`

// alerts is what an alert's threads look like.
func (t *tour) alerts() []scene {
	d := t.d
	d.am.Fire(bot.Labels{"alertname": "Watchdog", "severity": "none"})
	return []scene{
		{do: t.says("help"), want: []string{`silence`}},
		{do: t.says("status"), want: []string{`Nothing fires`}},
		{do: t.happens("the load of vulcan rises", d.loadRises), want: []string{`FIRING.*HighLoad.*vulcan`}},
		{do: t.says("@t1 ack looking into it"), want: []string{`Acked by alice`}},
		{do: t.happens("another host joins in: the ack does not cover it", d.loadSpreads), want: []string{`No longer acked`}},
		// The picture shows what is measured when it is drawn: the story waits for it.
		{do: t.happens("the disk fills", d.diskFills), want: []string{`CRITICAL.*DiskFull`, `picture DiskFull.*vulcan 96%`}},
		{do: t.says("alerts"), want: []string{`DiskFull`}},
		{do: t.says("silence t2 1h the big export runs"), want: []string{`(?s)SILENCED.*the big export runs`}},
		{do: t.says("silences"), want: []string{`1 silence holds`}},
		{do: t.happens("the load falls", d.loadFalls), want: []string{`All resolved`}},
		{do: t.says("@t2 unsilence"), want: []string{`Silence ended by alice`, `t2 is now ■ CRITICAL`, `no longer held back`}},
		{do: t.happens("the disk is freed", d.diskIsFreed), want: []string{`t2 is now √ RESOLVED`}},
		{do: t.says("stauts"), want: []string{`Did you mean`}},
	}
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
	s.remember(string(p))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(p)
}

// remember is Write for what is shown in another way.
func (s *screen) remember(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(text)
	select {
	case s.changed <- struct{}{}:
	default:
	}
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

// newestPlan finds the label of a plan's thread.
var newestPlan = regexp.MustCompile(`▌ (t\d+) \S+ (?:ASKED FOR|WAITS FOR)`)

// filled puts the newest plan's thread where a line says "@plan".
func (s *screen) filled(line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all := newestPlan.FindAllSubmatch(s.text.Bytes(), -1); len(all) > 0 {
		return strings.ReplaceAll(line, "@plan", "@"+string(all[len(all)-1][1]))
	}
	return line
}

// await waits until something that matches appears behind a place.
func (s *screen) await(ctx context.Context, from int, want string) error {
	_, err := s.find(ctx, from, want)
	return err
}

// find is await, and gives the first group of what matches, or all of it where it
// has none.
func (s *screen) find(ctx context.Context, from int, want string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	re, err := regexp.Compile(want)
	if err != nil {
		return "", err
	}
	for {
		s.mu.Lock()
		found := re.FindSubmatch(s.text.Bytes()[from:])
		s.mu.Unlock()
		if len(found) > 0 {
			return string(found[min(1, len(found)-1)]), nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%q did not appear", strings.TrimSpace(want))
		case <-s.changed:
		}
	}
}
