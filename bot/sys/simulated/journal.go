package simulated

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// systemctl is the program, as far as `show --property=NAMES -- UNITS` goes. There
// are no dependencies here; a timer triggers the service of its name.
func (h *Host) systemctl(c *Call) int {
	args := c.Argv[1:]
	end := slices.Index(args, "--")
	var wanted []string
	for _, a := range args[:max(end, 0)] {
		if list, ok := strings.CutPrefix(a, "--property="); ok {
			wanted = strings.Split(list, ",")
		}
	}
	if end < 1 || args[0] != "show" || wanted == nil {
		return c.usage("the simulated systemctl knows `show --property=NAMES -- UNITS` alone")
	}
	for i, name := range args[end+1:] {
		if i > 0 {
			fmt.Fprintln(c.Stdout)
		}
		u := h.Unit(name)
		stem, isTimer := strings.CutSuffix(name, ".timer")
		for _, p := range wanted {
			value := ""
			switch p {
			case "Id":
				value = name
			case "LoadState":
				value = u.Load
			case "ActiveState":
				value = u.Active
			case "SubState":
				value = u.Sub
			case "NeedDaemonReload":
				value = "no"
			case "Triggers":
				if isTimer {
					value = stem + ".service"
				}
			case "TriggeredBy":
				if timer := strings.TrimSuffix(name, ".service") + ".timer"; !isTimer && h.Unit(timer).Load == "loaded" {
					value = timer
				}
			}
			fmt.Fprintf(c.Stdout, "%s=%s\n", p, value)
		}
	}
	return 0
}

// journalctl is the program, as far as it prints entries as JSON and lists the boots, of
// which this one alone is known. Matches of one field are alternatives, those of several
// must all hold; systemd's own messages have no ids here, so that those for them find
// nothing.
func (h *Host) journalctl(c *Call) int {
	matches := map[string][]string{}
	var pattern *regexp.Regexp
	lines, since := 10, time.Time{}
	boots, asJSON, reverse := false, false, false
	for _, a := range c.Argv[1:] {
		name, value, _ := strings.Cut(a, "=")
		var err error
		switch {
		case !strings.HasPrefix(a, "--"):
			matches[name] = append(matches[name], value)
		case name == "--unit":
			matches["_SYSTEMD_UNIT"] = []string{value}
		case name == "--grep":
			if value == strings.ToLower(value) {
				value = "(?i)" + value
			}
			pattern, err = regexp.Compile(value)
		case name == "--lines":
			lines, err = strconv.Atoi(value)
		case name == "--since":
			var seconds int64
			seconds, err = strconv.ParseInt(strings.TrimPrefix(value, "@"), 10, 64)
			since = time.Unix(seconds, 0)
		case name == "--output":
			asJSON = value == "json"
		case name == "--list-boots":
			boots = true
		case name == "--reverse":
			reverse = true
		case name == "--no-pager", name == "--quiet", name == "--output-fields":
		default:
			return c.usage("journalctl: unrecognized option '" + a + "'")
		}
		if err != nil {
			return c.usage("Failed to parse '" + a + "'")
		}
	}
	if !asJSON {
		return c.usage("the simulated journalctl prints JSON alone")
	}
	if boots {
		return h.listBoots(c)
	}
	var out []Line
	for _, l := range h.Journal() {
		if l.matches(matches) && (pattern == nil || pattern.MatchString(l.Text)) && !l.At.Before(since) {
			out = append(out, l)
		}
	}
	out = out[max(0, len(out)-lines):]
	if reverse {
		slices.Reverse(out)
	}
	for _, l := range out {
		if err := json.NewEncoder(c.Stdout).Encode(l.fields()); err != nil {
			return 1
		}
	}
	return 0
}

// fields are those of an entry, as journald has them.
func (l Line) fields() map[string]string {
	out := map[string]string{
		"__REALTIME_TIMESTAMP": strconv.FormatInt(l.At.UnixMicro(), 10), "MESSAGE": l.Text, "PRIORITY": "6",
		"SYSLOG_IDENTIFIER": strings.TrimSuffix(l.Unit, ".service"), "_TRANSPORT": "stdout",
	}
	if l.Unit == "" {
		out["SYSLOG_IDENTIFIER"], out["_TRANSPORT"] = "kernel", "kernel"
	} else {
		out["_SYSTEMD_UNIT"] = l.Unit
	}
	if l.Invocation != "" {
		out["_SYSTEMD_INVOCATION_ID"] = l.Invocation
	}
	maps.Copy(out, l.Fields)
	return out
}

func (l Line) matches(wanted map[string][]string) bool {
	has := l.fields()
	for name, values := range wanted {
		if v, there := has[name]; !there || !slices.Contains(values, v) {
			return false
		}
	}
	return true
}

func (h *Host) listBoots(c *Call) int {
	id, err := os.ReadFile(h.tree.Outside("/proc/sys/kernel/random/boot_id"))
	if err != nil {
		return 1
	}
	h.mu.Lock()
	first := h.booted
	h.mu.Unlock()
	fmt.Fprintf(c.Stdout, `[{"index":0,"boot_id":%q,"first_entry":%d,"last_entry":%d}]`+"\n",
		strings.ReplaceAll(strings.TrimSpace(string(id)), "-", ""), first.UnixMicro(), time.Now().UnixMicro())
	return 0
}
