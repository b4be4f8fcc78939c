package zfs

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"watchstander/bot/host"
)

// statusText reads `zpool status -p` as versions before 2.3 write it, with times
// in UTC: a block for each pool, with a head before a colon, continued in lines
// that begin with a tab, and the table of devices below "config:".
func statusText(text string) ([]host.Pool, error) {
	out := []host.Pool{}
	if text = strings.TrimRight(text, "\n"); text == "" || text == "no pools available" {
		return out, nil
	}
	scanned, tables := map[int]bool{}, map[int]bool{} // pools of which a scan is told, and the devices
	var p *host.Pool
	var head string
	var body []string
	var bad error
	flush := func() {
		if p == nil || head == "" {
			return
		}
		if err := takeSection(p, head, body); err != nil && bad == nil {
			bad = err
		}
		head, body = "", nil
	}
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\r\n")
		name, rest, ok := strings.Cut(l, ":")
		if name = strings.TrimSpace(name); ok && !strings.HasPrefix(l, "\t") && sections[name] {
			flush()
			if name == "pool" {
				out = append(out, host.Pool{})
				p = &out[len(out)-1]
			}
			if name == "scan" || name == "scrub" {
				scanned[len(out)-1] = true
			}
			if name == "config" {
				tables[len(out)-1] = true
			}
			head, body = name, []string{strings.TrimSpace(rest)}
			continue
		}
		body = append(body, l)
	}
	flush()
	if len(out) == 0 {
		bad = errors.New("it names no pools")
	}
	if bad != nil {
		return nil, bad
	}
	for i := range out {
		p := &out[i]
		if p.Name == "" || p.Health == "" {
			return nil, errors.New("a pool has no name or no state")
		}
		if !tables[i] {
			p.Uncounted = []string{p.Name}
		}
		if !scanned[i] {
			// "none requested" to some versions; others say nothing.
			p.Scrub = &host.Scan{State: host.ScanNever}
		}
	}
	return out, nil
}

// sections are the heads that a pool's block has. What newer versions add runs
// into the section before, and is not read there.
var sections = map[string]bool{
	"pool": true, "state": true, "status": true, "action": true, "see": true, "scan": true, "scrub": true, "remove": true,
	"checkpoint": true, "expand": true, "config": true, "errors": true, "dedup": true,
}

func takeSection(p *host.Pool, head string, body []string) error {
	switch head {
	case "pool":
		p.Name = line(body[0])
	case "state":
		p.Health = line(body[0])
	case "status":
		p.Status = sentence(strings.Join(body, " "))
	case "action":
		p.Action = sentence(strings.Join(body, " "))
	case "scan":
		return takeScan(p, body)
	case "config":
		takeTable(p, body)
	case "errors":
		p.Lost = lost(body)
	}
	return nil
}

var (
	ended   = regexp.MustCompile(`^(?:thorough )?(scrub repaired|resilvered)(?: \(\S+\))? (\S+) in .* with (\d+) errors on (.+)$`)
	stopped = regexp.MustCompile(`^(?:thorough )?(scrub|resilver)(?: \(\S+\))? canceled on (.+)$`)
	running = regexp.MustCompile(`^(?:thorough )?(scrub|resilver)(?: \(\S+\))? (in progress|paused) since (.+)$`)
	begun   = regexp.MustCompile(`^(?:thorough )?scrub started on (.+)$`)
	done    = regexp.MustCompile(`^(\S+) (?:repaired|resilvered), ([0-9.]+)% done`)
)

// takeScan reads one scan's lines.
func takeScan(p *host.Pool, body []string) error {
	first := body[0]
	if first == "none requested" {
		p.Scrub = &host.Scan{State: host.ScanNever}
		return nil
	}
	s := &host.Scan{}
	var kind string
	if m := ended.FindStringSubmatch(first); m != nil {
		kind, s.State = m[1], host.ScanFinished
		s.Repaired, s.End = nice(m[2]), moment(m[4])
		n, err := strconv.ParseInt(m[3], 10, 64)
		if s.Uncounted = err != nil; err == nil {
			s.Errors = n
		}
		if s.End.IsZero() {
			return errors.New("the time of a scan cannot be read")
		}
	} else if m := stopped.FindStringSubmatch(first); m != nil {
		kind, s.State, s.End = m[1], host.ScanCanceled, moment(m[2])
	} else if m := running.FindStringSubmatch(first); m != nil {
		kind, s.State, s.Start = m[1], host.ScanRunning, moment(m[3])
		if m[2] == "paused" {
			s.State = host.ScanPaused
		}
	} else {
		return nil // of another kind, as the scrub of known errors alone
	}
	for _, l := range body[1:] {
		l = strings.TrimSpace(l)
		if m := begun.FindStringSubmatch(l); m != nil {
			s.Start = moment(m[1])
		}
		if m := done.FindStringSubmatch(l); m != nil {
			s.Repaired = nice(m[1])
			v, _ := strconv.ParseFloat(m[2], 64)
			s.Done = min(v, 100)
		}
	}
	if strings.HasPrefix(kind, "scrub") {
		p.Scrub = s
	} else {
		p.Resilver = s
	}
	return nil
}

// moment reads ctime(3), as UTC; zero for what is no time.
func moment(s string) time.Time {
	t, err := time.Parse(time.ANSIC, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}
	}
	return t
}

// nice reads an amount as ZFS rounds it: "0B", "1.25M", "12K".
func nice(s string) host.Bytes {
	unit := 1.0
	for i, u := range "BKMGTPE" {
		if strings.HasSuffix(s, string(u)) {
			unit = math.Pow(1024, float64(i))
			s = strings.TrimSuffix(s, string(u))
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v*unit < 1<<60) {
		return 0
	}
	return host.Bytes(v * unit)
}

// takeTable reads the devices. A line is a group's when the next one stands
// deeper; the first is the pool itself.
func takeTable(p *host.Pool, body []string) {
	type row struct {
		indent int
		field  []string
	}
	var rows []row
	for _, l := range body {
		rest, ok := strings.CutPrefix(l, "\t")
		f := strings.Fields(rest)
		if !ok || len(f) == 0 || f[0] == "NAME" {
			continue
		}
		rows = append(rows, row{len(rest) - len(strings.TrimLeft(rest, " ")), f})
	}
	devices := 0
	for i, r := range rows {
		group := i+1 < len(rows) && rows[i+1].indent > r.indent
		if group || len(r.field) < 2 {
			continue // a group, or the heading of a class ("logs")
		}
		d := host.Device{Name: line(r.field[0]), State: line(r.field[1])}
		note := r.field[2:]
		good := len(r.field) >= 5
		if good {
			n := [3]int64{}
			for k := range n {
				v, err := strconv.ParseInt(r.field[2+k], 10, 64)
				n[k], good = v, good && err == nil && v >= 0
			}
			if good {
				d.Read, d.Write, d.Checksum = n[0], n[1], n[2]
				note = r.field[5:]
			}
		}
		d.Note = line(strings.Join(note, " "))
		leaf(p, d, good)
		devices++
	}
	if devices == 0 {
		p.Uncounted = []string{p.Name}
	}
}

var dataErrors = regexp.MustCompile(`^(\d+) data errors?`)

// lost is how many pieces of data are damaged; nil when that is not said.
func lost(body []string) *int64 {
	if body[0] == "No known data errors" {
		return new(int64(0))
	}
	if m := dataErrors.FindStringSubmatch(body[0]); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			return &n
		}
	}
	return nil
}
