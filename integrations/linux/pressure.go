package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"

	"watchstander/bot"
)

// pressure gives one reading for each thing that tasks can wait for, and none
// where the kernel does not keep count (before 4.20, or booted with psi=0).
func (p *Probe) pressure() []bot.Reading {
	if _, err := os.Stat(p.proc("pressure")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	kernel, err := procfs.NewFS(p.o.Proc)
	if err != nil {
		return []bot.Reading{unknown(noPressure, p.proc("pressure"), err)}
	}
	l := p.o.Limits
	var found []bot.Reading
	for _, it := range []struct {
		resource string
		limit    float64
		full     bool
	}{
		// While a task waits for a CPU another one has it, so of CPUs "full"
		// means nothing, and "some" is judged.
		{"cpu", l.PressureCPU, false},
		{"io", l.PressureIO, true},
		{"memory", l.PressureMemory, true},
	} {
		source := p.proc("pressure", it.resource)
		psi, err := kernel.PSIStatsForResource(it.resource)
		switch {
		case errors.Is(err, syscall.EOPNOTSUPP):
		case err != nil:
			found = append(found, unknown("pressure "+it.resource, source, err))
		default:
			found = append(found, stall("pressure "+it.resource, source, psi, it.limit, it.full))
		}
	}
	return found
}

// stall judges the last minute of "full", when all tasks waited, or of "some".
func stall(what, source string, psi procfs.PSIStats, limit float64, full bool) bot.Reading {
	if psi.Some == nil || full && psi.Full == nil {
		return unknown(what, source, errors.New("it lacks the figures"))
	}
	lines, who := []string{show("some", *psi.Some)}, "some"
	judge := psi.Some
	if full {
		lines, who, judge = append(lines, show("full", *psi.Full)), "all", psi.Full
	}
	for _, v := range []float64{psi.Some.Avg10, psi.Some.Avg60, judge.Avg10, judge.Avg60} {
		// Written so that what is no number fails too.
		if !(v >= 0 && v <= 100) {
			return unknown(what, source, errors.New("the kernel gives figures that cannot be"))
		}
	}
	var why string
	if judge.Avg60 > limit {
		why = fmt.Sprintf("%s tasks waited for %.1f %% of the last minute, more than %s", who, judge.Avg60, border(limit))
	}
	return judged(what, source, strings.Join(lines, ", "), why).With(judge.Avg60, bot.FigurePercent)
}

// show is "some 2.1 % in 10 s, 1.4 % in 60 s".
func show(name string, l procfs.PSILine) string {
	return fmt.Sprintf("%s %.1f %% in 10 s, %.1f %% in 60 s", name, l.Avg10, l.Avg60)
}
