package restic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// drilled is what came of a restore drill.
type drilled struct {
	finding  host.Judgement
	sample   host.Sample
	datasets []host.DatasetCount
}

// mostSets bounds how many snapshots one drill lists: the newest of each set of
// paths, the newest sets first.
const mostSets = 12

// drill restores a sample of the newest snapshots into a scratch directory and
// compares it. It runs within its own time, and cleans up after itself. say may be
// nil.
func (b *Backups) drill(ctx context.Context, c *client, w week, snapshots []host.Snapshot, say func(string, ...any)) (out drilled) {
	skipped := func(format string, args ...any) drilled {
		out.finding = host.Judgement{State: bot.Unknown, Text: "restore drill skipped: " + fmt.Sprintf(format, args...)}
		return out
	}
	ctx, cancel := withBudget(ctx, "the drill", b.c.DrillTime)
	defer cancel()
	var sets []host.Snapshot
	for _, s := range snapshots {
		if s.Host == c.r.Host && len(sets) < mostSets {
			sets = append(sets, s)
			out.sample.Snapshots = append(out.sample.Snapshots, s.ID)
		}
	}
	if len(sets) == 0 {
		return skipped("there is no snapshot of %s", c.r.Host)
	}
	chosen, err := b.choose(ctx, c, w, sets, &out)
	if err != nil {
		out.finding = drillFault("the snapshots could not be listed", err)
		return out
	}
	if len(chosen) == 0 {
		if out.sample.TooLarge > 0 {
			return skipped("no file fits its budget of %s", b.c.DrillBytes)
		}
		return skipped("the snapshots hold no regular file that could be named")
	}
	var need host.Bytes
	for _, n := range chosen {
		need += host.Bytes(n.size)
	}
	free, err := b.h.Files.Free(b.c.Scratch)
	if err != nil {
		return skipped("the scratch place does not tell how much room it has")
	}
	if host.Bytes(free) < need+scratchSpare/4 {
		return skipped("the scratch place has %s free, and %s come back", host.Bytes(free), need)
	}
	dir, err := b.h.Files.Scratch(b.c.Scratch, scratchMark+c.r.Name+"-*")
	if err != nil {
		return skipped("the scratch place does not take files")
	}
	defer func() {
		if err := b.h.Files.Remove(dir); err != nil {
			out.finding.State = worse(out.finding.State, bot.Unknown)
			out.finding.Text += "; " + dir + " could not be removed"
		}
	}()
	if say != nil {
		say("restoring %s (%s) from %s", phrase.Count(len(chosen), "file", "files"), need, phrase.Count(len(sets), "snapshot", "snapshots"))
	}
	b.restoreAll(ctx, c, dir, sets, chosen, &out)
	return out
}

// choose lists the snapshots, counts, and picks the week's sample.
func (b *Backups) choose(ctx context.Context, c *client, w week, sets []host.Snapshot, out *drilled) ([]node, error) {
	s := newSampler(c.r.Name, w, b.c.DrillFiles, int64(b.c.DrillBytes))
	for _, d := range b.c.Datasets {
		out.datasets = append(out.datasets, host.DatasetCount{Name: d.Name})
	}
	for i, snapshot := range sets {
		n, err := c.list(ctx, snapshot.ID, func(n node) {
			n.snapshot = i
			s.offer(n)
			for k, d := range b.c.Datasets {
				if slices.ContainsFunc(d.Paths, func(p string) bool { return below(n.path, p) }) {
					out.datasets[k].Files++
					out.datasets[k].Bytes += host.Bytes(n.size)
				}
			}
		})
		out.sample.Listed += n.files
		out.sample.Unnamed += n.unnamed
		if err != nil {
			out.datasets = nil // half a count is none
			return nil, err
		}
	}
	out.sample.TooLarge = s.tooLarge
	return s.chosen(), nil
}

// restoreAll restores and compares, snapshot by snapshot.
func (b *Backups) restoreAll(ctx context.Context, c *client, dir string, sets []host.Snapshot, chosen []node, out *drilled) {
	s := &out.sample
	var complaint string
	for i, snapshot := range sets {
		var files []node
		for _, n := range chosen {
			if n.snapshot == i {
				files = append(files, n)
			}
		}
		if len(files) == 0 {
			continue
		}
		// Each set has a directory of its own: two sets may hold one path.
		target := fmt.Sprintf("%s/%d", dir, i)
		err := c.restore(ctx, snapshot.ID, target, files)
		if f, bad := errors.AsType[*Fault](err); bad {
			// Restic goes on after an error with one file; which one it was, and
			// whether that matters, the comparison finds out.
			if f.Kind != Failed && f.Kind != Incomplete && f.Kind != NoRepository {
				out.finding = drillFault("nothing came back of snapshot "+snapshot.Short(), err)
				return
			}
			complaint = f.Why()
		}
		for _, n := range files {
			with, fault := c.compare(ctx, target, snapshot.ID, n, snapshot.Host == c.r.Host)
			if ctx.Err() != nil {
				out.finding = drillFault("", context.Cause(ctx))
				if s.Files > 0 {
					out.finding.Text += fmt.Sprintf(" (%s had been compared)", phrase.Count(s.Files, "file", "files"))
				}
				return
			}
			add(s, n, with, fault)
		}
	}
	out.finding = judgeDrill(*s, complaint)
}

func add(s *host.Sample, n node, with compared, err error) {
	fault := host.FileFault{Path: clean.Line(n.path, longest)}
	if d, ok := errors.AsType[*differs](err); ok {
		fault.Why = d.why
		s.DifferCount++
		if len(s.Differ) < mostNamed {
			s.Differ = append(s.Differ, fault)
		}
	} else if err != nil {
		fault.Why = clean.Line(err.Error(), longest)
		s.FailedCount++
		if len(s.Failed) < mostNamed {
			s.Failed = append(s.Failed, fault)
		}
		return
	}
	// What was found to differ was compared as well.
	s.Files++
	s.Bytes += host.Bytes(n.size)
	switch {
	case err != nil:
	case with == withLive:
		s.Live++
	default:
		s.Content++
	}
}

// judgeDrill makes the figures of a drill that went through to its end. complaint
// is what restic said against it, though files may have come back all the same.
func judgeDrill(s host.Sample, complaint string) host.Judgement {
	f := host.Judgement{State: bot.OK, Text: fmt.Sprintf("%s (%s) restored and compared", phrase.Count(s.Files, "file", "files"), s.Bytes)}
	switch {
	case s.Live > 0 && s.Content > 0:
		f.Text += fmt.Sprintf(", %d with the live file, %d with the snapshot", s.Live, s.Content)
	case s.Live > 0:
		f.Text += " with the live file"
	case s.Content > 0:
		f.Text += " with the snapshot"
	}
	f.Text += fmt.Sprintf(", %d differ", s.DifferCount)
	if s.FailedCount > 0 {
		f.Text += fmt.Sprintf(", %d did not come back", s.FailedCount)
	}
	if s.DifferCount+s.FailedCount > 0 {
		first := slices.Concat(s.Differ, s.Failed)[0]
		f.State, f.Text = bot.NotOK, f.Text+": "+first.Path+": "+first.Why
	}
	if complaint != "" {
		f.Text += "; " + complaint
	}
	return f
}

// drillFault is the finding of a drill that did not go through to its end.
func drillFault(what string, err error) host.Judgement {
	state, why := finding(err)
	if state == bot.Unknown {
		what = strings.TrimSuffix("restore drill skipped: "+what, ": ")
	}
	return host.Judgement{State: state, Text: strings.TrimPrefix(what+": "+why, ": ")}
}

// mostAtOnce and mostPatterns bound what one call of restic is given: it compares
// each file with each pattern, and the kernel takes some 2 MiB of arguments.
const (
	mostAtOnce   = 500
	mostPatterns = 512 << 10
)

// restore brings files of one snapshot back below dir. It goes on after an error
// with one file, as restic does, and gives the first such error.
func (c *client) restore(ctx context.Context, snapshot, dir string, files []node) error {
	var complaint error
	for len(files) > 0 {
		args := []string{"restore", "--no-lock", "--target=" + dir}
		size := 0
		for len(files) > 0 && len(args) < mostAtOnce && size < mostPatterns {
			args = append(args, "--include="+literal(files[0].path))
			size += len(args[len(args)-1])
			files = files[1:]
		}
		out, err := c.run(ctx, call{args: args, names: []string{snapshot}})
		f, bad := errors.AsType[*Fault](err)
		switch {
		case !bad:
			continue
		case f.Kind != Failed && f.Kind != Incomplete:
			return f
		case complaint == nil:
			f.Text = c.first(out.Stderr)
			complaint = f
		}
	}
	return complaint
}

var literalEscapes = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// literal is a pattern of restic that fits one path alone.
func literal(path string) string { return literalEscapes.Replace(path) }

// worse is the worse of two states.
func worse(a, b bot.ReadingState) bot.ReadingState {
	for _, s := range []bot.ReadingState{bot.NotOK, bot.Unknown} {
		if a == s || b == s {
			return s
		}
	}
	return bot.OK
}
