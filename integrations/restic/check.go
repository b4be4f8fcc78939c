package restic

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// checked is what came of restic's check.
type checked struct {
	structure, data host.Judgement
	read, packs     int
	broken          []string
	locked          bool // by somebody, for all the time that it was waited
}

var (
	// Newer versions leave out the closing bracket.
	groupLine = regexp.MustCompile(`^read group #(\d+) of (\d+) data packs \(out of total (\d+) packs in (\d+) groups`)
	// "[12:00] 45.00%  555 / 1234 packs"
	packsLine = regexp.MustCompile(`^\[[0-9:]+\].* (\d+) / (\d+) packs`)
	packID    = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
)

// progressEvery is how often a check says how far it is.
const progressEvery = 5 * time.Minute

// check looks at the structure and reads one part of the data. It waits for
// whoever holds the repository. cache is where restic keeps the metadata that it
// reads anew for it. say may be nil.
func (c *client) check(ctx context.Context, p part, version, cache string, say func(string, ...any)) checked {
	begun, told := time.Now(), false
	ctx, cancel := withBudget(ctx, "the check", c.c.CheckTime)
	defer cancel()
	for {
		r := c.checkOnce(ctx, p, version, cache, say)
		f, bad := errors.AsType[*Fault](r.err)
		if bad && (f.Kind == OutOfTime || f.Kind == Stopped) {
			c.tidyLock(ctx)
		}
		// Before 0.16 restic does not wait for a lock itself.
		if !bad || f.Kind != Locked || atLeast(version, 0, 16) || time.Since(begun) >= c.c.LockWait {
			return r.judge(p)
		}
		if say != nil && !told {
			told = true
			say("%s; waiting for up to %s", f.Why(), phrase.Duration(c.c.LockWait))
		}
		timer := time.NewTimer(min(lockPause, c.c.LockWait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// lockPause is how long to wait before a lock is tried again.
const lockPause = 5 * time.Second

// tidyLock follows a check that was stopped, and has perhaps left its lock behind.
// It is done even when the time is over.
func (c *client) tidyLock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_ = c.unlock(ctx) // who cannot be reached keeps it for restic's 30 minutes
}

// checkRun is one run of restic check: what it said, line by line.
type checkRun struct {
	err error

	mu     sync.Mutex
	group  []int // number, packs, all packs, groups; nil until data is read
	clean  bool  // "no errors were found"
	done   int   // packs read so far
	faults []string
	broken []string
	told   time.Time
}

func (c *client) checkOnce(ctx context.Context, p part, version, cache string, say func(string, ...any)) *checkRun {
	r := &checkRun{told: time.Now()}
	args := []string{"check", "--read-data-subset=" + p.String()}
	if atLeast(version, 0, 16) {
		args = append(args, "--retry-lock="+c.c.LockWait.String())
	}
	// Its standard output is read through the run's own writer, since a line told
	// while the run is slow could be left out.
	lines := &lineWriter{line: func(line string) { r.stdout(line, say) }}
	out, err := c.run(ctx, call{args: args, cache: cache, out: lines, env: []string{"RESTIC_PROGRESS_FPS=0.1"}})
	lines.close()
	r.err = err
	r.stderr(c, said(out.Stderr))
	return r
}

func (r *checkRun) stdout(line string, say func(string, ...any)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch m := groupLine.FindStringSubmatch(line); {
	case m != nil:
		r.group = nil
		for _, d := range m[1:] {
			n, err := strconv.Atoi(d)
			if err != nil {
				r.group = nil
				return
			}
			r.group = append(r.group, n)
		}
	case strings.TrimSpace(line) == "no errors were found":
		r.clean = true
	case strings.HasPrefix(line, "["):
		m := packsLine.FindStringSubmatch(line)
		if m == nil {
			return
		}
		r.done, _ = strconv.Atoi(m[1])
		if all, _ := strconv.Atoi(m[2]); say != nil && time.Since(r.told) >= progressEvery && r.done < all {
			r.told = time.Now()
			say("%s of %s read", thousands(r.done), packs(all))
		}
	default:
		r.complaint(line)
	}
}

// complaint keeps what names a pack: 0.14 says some of it on standard output.
func (r *checkRun) complaint(line string) {
	if !strings.Contains(strings.ToLower(line), "pack") {
		return
	}
	for _, id := range packID.FindAllString(line, 1) {
		if !slices.Contains(r.broken, id) && len(r.broken) < mostNamed {
			r.broken = append(r.broken, id)
		}
	}
}

func (r *checkRun) stderr(c *client, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "Load("), strings.HasPrefix(line, "Fatal:"),
			strings.HasPrefix(line, "restic repair"), strings.HasPrefix(line, "The repository "), strings.HasPrefix(line, "Damaged pack files"):
			continue
		}
		r.complaint(line) // before its ids are cut short
		r.faults = append(r.faults, c.strike(line))
	}
}

// mostNamed is how many packs, or files, are named; the others are counted.
const mostNamed = 20

// structureFault tells whether it is about what should be there.
func structureFault(line string) bool {
	return strings.HasPrefix(line, "error") || strings.HasPrefix(line, "pack ") || strings.HasPrefix(line, "tree ") || strings.HasPrefix(line, "id ")
}

// dataFault tells whether a complaint is about what was read of the data, and
// not about the structure, which is looked at before.
func dataFault(line string) bool {
	for _, p := range []string{"contains", "Pack ID does not match", "download error", "failed to download", "Pack size does not match"} {
		if strings.Contains(line, p) {
			return true
		}
	}
	return false
}

// judge makes findings of what was said. Only restic's own sentence that it found
// no errors, an exit code of 0, and the part that was asked for make it good.
func (r *checkRun) judge(p part) checked {
	out := checked{broken: r.broken}
	asked := len(r.group) == 4 && r.group[0] == p.n && r.group[3] == p.total
	if asked {
		out.packs = r.group[2]
	}
	var structure, data []string
	for _, line := range r.faults {
		switch {
		case asked && dataFault(line):
			data = append(data, line)
		case structureFault(line):
			structure = append(structure, line)
		}
	}
	name := "data part " + p.String()
	f, bad := errors.AsType[*Fault](r.err)
	switch {
	case !bad && r.clean && asked:
		out.read = r.group[1]
		out.structure = host.Judgement{State: bot.OK, Text: "structure ok"}
		out.data = host.Judgement{State: bot.OK, Text: name + ": " + packs(out.read) + " read, 0 errors"}
		if out.read == 0 {
			out.data.Text = name + ": none of " + packs(out.packs) + " is in it, 0 errors"
		}
		return out
	case !bad:
		const why = "restic ended without an error, but did not say in words known here what it found; is its version new?"
		out.structure = host.Judgement{State: bot.Unknown, Text: "structure not judged: " + why}
		out.data = host.Judgement{State: bot.Unknown, Text: name + " not judged"}
		return out
	case f.Kind == Damaged && asked:
		// It reads on after an error. Where it said nothing, it found nothing.
		out.read = r.group[1]
		out.structure = host.Judgement{State: bot.OK, Text: "structure ok"}
		out.data = host.Judgement{State: bot.OK, Text: name + ": " + packs(out.read) + " read, 0 errors"}
		if len(structure)+len(data) == 0 {
			structure = r.faults
			out.structure.State = bot.NotOK
		}
	case f.Kind == Damaged:
		out.structure = host.Judgement{State: bot.NotOK}
		out.data = host.Judgement{State: bot.Unknown, Text: name + " was not read, since the structure is broken"}
		if len(structure) == 0 {
			structure = r.faults
		}
	case f.Kind == OutOfTime || f.Kind == Stopped:
		out.structure = host.Judgement{State: bot.Unknown, Text: "structure not judged: " + f.Why()}
		out.data = host.Judgement{State: bot.Unknown, Text: name + " skipped"}
		if asked {
			out.structure.Text = "structure not judged"
			out.data.Text = fmt.Sprintf("%s skipped after %s of %s: %s", name, thousands(r.done), packs(r.group[1]), f.Why())
		}
	default:
		out.locked = f.Kind == Locked
		out.structure = host.Judgement{State: f.State(), Text: "structure not checked: " + f.Why()}
		out.data = host.Judgement{State: bot.Unknown, Text: name + " was not read"}
	}
	// What was found before the end was found, however it ended.
	if len(structure) > 0 || out.structure.State == bot.NotOK && f.Kind == Damaged {
		out.structure = host.Judgement{State: bot.NotOK, Text: "structure: " + errorsFound(structure)}
	}
	if len(data) > 0 {
		out.data = host.Judgement{State: bot.NotOK, Text: name + ": " + packs(r.group[1]) + " in it, " + errorsFound(data)}
		if f.Kind == Damaged {
			out.data.Text = name + ": " + packs(out.read) + " read, " + errorsFound(data)
		}
	}
	return out
}

// errorsFound is the number of complaints and the first of them.
func errorsFound(lines []string) string {
	if len(lines) == 0 {
		return "restic found errors"
	}
	return phrase.Count(len(lines), "error", "errors") + " (" + lines[0] + ")"
}

func packs(n int) string {
	if n == 1 {
		return "1 pack"
	}
	return thousands(n) + " packs"
}

// thousands writes a number as people read it: "1,234".
func thousands[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
