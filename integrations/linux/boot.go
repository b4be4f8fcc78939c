package linux

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/procfs"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Boot tells which boot of the host this is, and when it began. The id is new
// with every boot and for nothing else. An error means that the id is not known;
// at is zero when only the time is not.
//
// The time is the kernel's reckoning from the present clock: it moves by a
// second, or with a clock that is set right, while the id stays.
func Boot(proc string) (id string, at time.Time, err error) {
	if proc == "" {
		proc = "/proc"
	}
	path := filepath.Join(proc, "sys", "kernel", "random", "boot_id")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", time.Time{}, err
	}
	parsed, err := uuid.Parse(strings.TrimSpace(string(text)))
	if err != nil || parsed == uuid.Nil {
		return "", time.Time{}, fmt.Errorf("%s holds no boot id", path)
	}
	at, _ = bootTime(proc)
	return parsed.String(), at, nil
}

// bootTime is zero with every error.
func bootTime(proc string) (time.Time, error) {
	kernel, err := procfs.NewFS(proc)
	if err != nil {
		return time.Time{}, err
	}
	stat, err := kernel.Stat()
	switch {
	case err != nil:
		return time.Time{}, err
	case stat.BootTime == 0 || stat.BootTime > math.MaxInt32*8:
		return time.Time{}, errors.New("the kernel does not tell when it was started")
	}
	return time.Unix(int64(stat.BootTime), 0).UTC(), nil
}

// uptime gives how long the host has been up, and since when.
func (p *Probe) uptime() []bot.Reading {
	const what = "uptime"
	source := p.proc("uptime")
	up, err := upFor(source)
	if err != nil {
		return []bot.Reading{unknown(what, source, err)}
	}
	value := phrase.Duration(up)
	at, err := bootTime(p.o.Proc)
	if err != nil {
		value += ", since when is unknown (" + reason(err) + ")"
	} else {
		value += ", since " + phrase.Moment(at, p.o.Zone(), at.Add(up))
	}
	return []bot.Reading{judged(what, source, value).With(up.Seconds(), bot.FigureSeconds)}
}

func upFor(path string) (time.Duration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return parseUptime(string(text))
}

// parseUptime reads the first of the two figures, in seconds.
func parseUptime(text string) (time.Duration, error) {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	// Written so that what is no number fails too; a century is enough.
	if err != nil || !(seconds >= 0 && seconds < 100*365*24*3600) {
		return 0, errors.New("it holds no time")
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
