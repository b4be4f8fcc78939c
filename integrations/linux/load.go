package linux

import (
	"errors"
	"fmt"
	"math"

	"github.com/prometheus/procfs"

	"watchstander/bot"
)

// load gives the averages over 1, 5 and 15 minutes, judged against the CPUs that
// are online. The longest one is judged: a short peak is no trouble.
func (p *Probe) load() []bot.Reading {
	const what = "load"
	source := p.proc("loadavg")
	kernel, err := procfs.NewFS(p.o.Proc)
	if err != nil {
		return []bot.Reading{unknown(what, source, err)}
	}
	avg, err := kernel.LoadAvg()
	if err != nil {
		return []bot.Reading{unknown(what, source, err)}
	}
	for _, v := range []float64{avg.Load1, avg.Load5, avg.Load15} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return []bot.Reading{unknown(what, source, errors.New("the kernel gives figures that cannot be"))}
		}
	}
	value := fmt.Sprintf("%.1f, %.1f, %.1f", avg.Load1, avg.Load5, avg.Load15)

	stat, err := kernel.Stat()
	if err == nil && len(stat.CPU) == 0 {
		err = errors.New("it names no CPU")
	}
	if err != nil {
		r := unknown(what, source, err)
		r.Value, r.Note = value, line("how many CPUs share it is unknown: "+r.Note)
		return []bot.Reading{r}
	}
	cpus := len(stat.CPU)
	value += fmt.Sprintf(" on %d %s", cpus, plural(cpus, "CPU", "CPUs"))
	var why string
	if each := avg.Load15 / float64(cpus); each > p.o.Limits.LoadPerCPU {
		why = fmt.Sprintf("%.1f for each CPU over 15 min, more than %.1f", each, p.o.Limits.LoadPerCPU)
	}
	return []bot.Reading{judged(what, source, value, why).With(avg.Load15/float64(cpus), bot.FigureCount)}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
