package units

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
)

const (
	fewLines   = 5  // with a unit's state
	usualLines = 30 // when nobody asks for more
	mostLines  = 200
	mostHours  = 7 * 24
	// longestLine is how many characters of a line are kept, and mostText how many
	// bytes of all: the newest lines win.
	longestLine = 500
	mostText    = 48 << 10
)

// Logs reads the last lines of a unit that is on the list; a span of 0 is without
// an earliest time.
func (k *Keeper) Logs(ctx context.Context, name string, lines int, span time.Duration) (host.Logs, error) {
	if !k.logged[name] {
		return host.Logs{}, k.notLogged(name)
	}
	out := host.Logs{Unit: name, At: now()}
	args := []string{"--unit=" + name, "--lines=" + strconv.Itoa(lines), "--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID"}
	if span > 0 {
		out.Since = out.At.Add(-span)
		args = append(args, fmt.Sprintf("--since=@%d", out.Since.Unix()))
	}
	entries, cut, err := k.journal(ctx, args...)
	if err != nil {
		return host.Logs{}, err
	}
	out.Cut = cut
	for _, e := range entries {
		out.Lines = append(out.Lines, e.logLine())
	}
	text := 0
	for i := len(out.Lines) - 1; i >= 0; i-- {
		if text += len(out.Lines[i].Text) + len(out.Lines[i].From); text > mostText {
			out.Lines, out.Cut = out.Lines[i+1:], true
			break
		}
	}
	return out, nil
}

func (k *Keeper) notLogged(name string) error {
	if len(k.logged) == 0 {
		return bot.Errorf(bot.CodeForbidden, "The agent of %s shows no unit's log: its list is empty.", k.h.Name)
	}
	return bot.Errorf(bot.CodeForbidden, "The agent of %s does not show the log of %s. It shows: %s.", k.h.Name, name, listed(k.logged))
}

// listed are the first units of a list, as people type them.
func listed(units map[string]bool) string {
	const most = 12
	list, more := slices.Sorted(maps.Keys(units)), ""
	if len(list) > most {
		list, more = list[:most], ", …"
	}
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], ".service")
	}
	return strings.Join(list, ", ") + more
}

// entry is one entry of the journal. Each field is text, or a list of bytes where
// it is none, or null where it is longer than 4 KiB, or a list of texts.
type entry map[string]json.RawMessage

// journal asks journalctl for the last entries, whose answer is a JSON object a
// line, and gives them the oldest first; cut tells that there was more than was
// read. It asks backwards: with an earliest time, older versions take the first
// lines after it for the ones that are wanted.
func (k *Keeper) journal(ctx context.Context, args ...string) (entries []entry, cut bool, err error) {
	argv := []string{k.o.Journalctl, "--output=json", "--no-pager", "--quiet", "--reverse"}
	if k.o.Journal != "" {
		argv = append(argv, "--directory="+k.o.Journal)
	}
	out, err := k.run(ctx, 8<<20, append(argv, args...)...)
	// Some versions end with 1 where a pattern fits nothing, as grep does.
	if out.Exit == 1 && len(out.Stdout)+len(out.Stderr) == 0 && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--grep=") }) {
		err = nil
	}
	if err != nil {
		return nil, false, err
	}
	text := string(out.Stdout)
	if out.Cut {
		text = text[:strings.LastIndexByte(text, '\n')+1]
	}
	for l := range strings.Lines(text) {
		if strings.TrimSpace(l) == "" {
			continue
		}
		var e entry
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			return nil, false, bot.Errorf(bot.CodeUnavailable, "What journalctl says on %s cannot be understood.", k.h.Name).Because(err)
		}
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries, out.Cut, nil
}

// text is a field in whatever form it came.
func (e entry) text(field string) string {
	raw := e[field]
	var s string
	var list []string
	var bytes []uint16 // encoding/json takes a list of uint8 for base64
	switch {
	case len(raw) == 0:
		return ""
	case string(raw) == "null":
		return "(too long to be shown here)"
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, &list) == nil:
		return strings.Join(list, " ")
	case json.Unmarshal(raw, &bytes) == nil:
		b := make([]byte, len(bytes))
		for i, n := range bytes {
			b[i] = byte(n)
		}
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return "\uFFFD"
}

// at is when the entry was written.
func (e entry) at() time.Time {
	micros, err := strconv.ParseInt(e.text("__REALTIME_TIMESTAMP"), 10, 64)
	if err != nil || micros < 0 || micros > 1<<53 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func (e entry) logLine() host.LogLine {
	l := host.LogLine{At: e.at(), Priority: -1, Text: clean.Line(e.text("MESSAGE"), longestLine)}
	if p, err := strconv.Atoi(e.text("PRIORITY")); err == nil && p >= 0 && p <= 7 {
		l.Priority = p
	}
	from := e.text("SYSLOG_IDENTIFIER")
	if from == "" {
		from = e.text("_COMM")
	}
	if pid := e.text("_PID"); pid != "" {
		from += "[" + pid + "]"
	}
	l.From = clean.Line(from, 60)
	return l
}
