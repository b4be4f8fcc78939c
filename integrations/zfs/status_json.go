package zfs

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot/host"
)

// report is what `zpool status -j` says, as far as it is read.
type report struct {
	Pools map[string]poolJSON `json:"pools"`
}

type poolJSON struct {
	State  string              `json:"state"`
	Status string              `json:"status"`
	Action string              `json:"action"`
	Scan   *scanJSON           `json:"scan_stats"`
	Errors tally               `json:"error_count"`
	Vdevs  map[string]vdevJSON `json:"vdevs"`
	// Devices of other classes stand beside the tree.
	Dedup   map[string]vdevJSON `json:"dedup"`
	Special map[string]vdevJSON `json:"special"`
	Logs    map[string]vdevJSON `json:"logs"`
	Cache   map[string]vdevJSON `json:"l2cache"`
	Spares  map[string]vdevJSON `json:"spares"`
}

type vdevJSON struct {
	State    string              `json:"state"`
	Aux      string              `json:"aux"`
	Was      string              `json:"was"`
	Read     tally               `json:"read_errors"`
	Write    tally               `json:"write_errors"`
	Checksum tally               `json:"checksum_errors"`
	Vdevs    map[string]vdevJSON `json:"vdevs"`
}

type scanJSON struct {
	Function  string                 `json:"function"`
	State     string                 `json:"state"`
	Start     whole                  `json:"start_time"`
	End       whole                  `json:"end_time"`
	ToExamine whole                  `json:"to_examine"`
	Skipped   whole                  `json:"skipped"`
	Issued    whole                  `json:"issued"`
	Processed whole                  `json:"processed"`
	Errors    tally                  `json:"errors"`
	Pause     whole                  `json:"scrub_pause"`
	Rebuilds  map[string]rebuildJSON `json:"rebuild_stats"`
}

// rebuildJSON is a sequential resilver, which each device has of its own.
type rebuildJSON struct {
	State   string `json:"state"`
	Start   whole  `json:"start_time"`
	End     whole  `json:"end_time"`
	Rebuilt whole  `json:"rebuilt"`
	Errors  tally  `json:"errors"`
	Scanned whole  `json:"scanned"`
	ToScan  whole  `json:"to_scan"`
}

// whole is a number that some versions write as text. "-" and "none" are 0, as they
// are for times that have not come.
type whole int64

func (w *whole) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "-" || s == "null" || s == "none" {
		*w = 0
		return nil
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return errors.New("what should be a number is none")
	}
	*w = whole(min(v, math.MaxInt64))
	return nil
}

// tally is a whole that must be told: the JSON that leaves it out, or has no number
// there, says nothing of it, and not that it is 0.
type tally struct {
	n    int64
	told bool
}

func (c *tally) UnmarshalJSON(b []byte) error {
	if s := strings.Trim(string(b), `"`); s == "-" || s == "null" || s == "none" {
		*c = tally{}
		return nil
	}
	var w whole
	err := w.UnmarshalJSON(b)
	*c = tally{int64(w), err == nil}
	return err
}

func (w whole) time() time.Time {
	if w <= 0 || w > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(w), 0).UTC()
}

// statusJSON reads `zpool status -j --json-int`.
func statusJSON(text []byte) ([]host.Pool, error) {
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	if r.Pools == nil {
		return nil, errors.New("it names no pools")
	}
	out := []host.Pool{}
	for name, j := range r.Pools {
		p := host.Pool{Name: line(name), Health: line(j.State), Action: sentence(j.Action)}
		if s := sentence(j.Status); s != "OK" {
			p.Status = s
		}
		if j.Errors.told {
			p.Lost = &j.Errors.n
		}
		if len(j.Vdevs) == 0 {
			p.Uncounted = []string{p.Name}
		}
		for top, v := range j.Vdevs {
			// The tree's root is the pool itself.
			if top == name && len(v.Vdevs) > 0 {
				leaves(&p, v.Vdevs)
			} else {
				leaves(&p, map[string]vdevJSON{top: v})
			}
		}
		for _, class := range []map[string]vdevJSON{j.Dedup, j.Special, j.Logs, j.Cache, j.Spares} {
			leaves(&p, class)
		}
		slices.Sort(p.Uncounted)
		slices.SortFunc(p.Devices, func(a, b host.Device) int { return strings.Compare(a.Name, b.Name) })
		p.Scrub, p.Resilver = j.Scan.scans()
		out = append(out, p)
	}
	return out, nil
}

// leaves adds up the errors of devices, and names those that have any or are not
// well. Groups (mirrors) count their members' errors again, and are left out.
func leaves(p *host.Pool, vs map[string]vdevJSON) {
	for name, v := range vs {
		if len(v.Vdevs) > 0 {
			leaves(p, v.Vdevs)
			continue
		}
		note := v.Aux
		if v.Was != "" {
			note = "was " + v.Was
		}
		leaf(p, host.Device{Name: line(name), State: line(v.State), Note: line(note),
			Read: v.Read.n, Write: v.Write.n, Checksum: v.Checksum.n}, v.Read.told && v.Write.told && v.Checksum.told)
	}
}

// leaf adds a device; told: all its counters are known. A spare has none.
func leaf(p *host.Pool, d host.Device, told bool) {
	if !told && d.State != "AVAIL" && d.State != "INUSE" {
		p.Uncounted = append(p.Uncounted, d.Name)
	}
	p.Read, p.Write, p.Checksum = sum(p.Read, d.Read), sum(p.Write, d.Write), sum(p.Checksum, d.Checksum)
	if !well(d.State) || d.Read+d.Write+d.Checksum != 0 {
		p.Devices = append(p.Devices, d)
	}
}

// sum does not overflow: counters of a broken device can hold anything.
func sum(a, b int64) int64 {
	if a > math.MaxInt64/4-min(b, math.MaxInt64/4) {
		return math.MaxInt64 / 4
	}
	return a + b
}

// scans tells the last scrub and the last resilver. One of them is remembered, and
// beside it what each device resilvered by itself.
func (j *scanJSON) scans() (scrub, resilver *host.Scan) {
	if j == nil || j.Function == "" || j.Function == "NONE" {
		scrub = &host.Scan{State: host.ScanNever}
	} else {
		s := &host.Scan{Start: j.Start.time(), Repaired: host.Bytes(j.Processed), Errors: j.Errors.n, Uncounted: !j.Errors.told}
		switch j.State {
		case "SCANNING":
			s.State = host.ScanRunning
			if j.Pause > 0 {
				s.State = host.ScanPaused
			}
			s.Done = share(j.Issued, j.ToExamine-j.Skipped)
		case "FINISHED":
			s.State, s.End = host.ScanFinished, j.End.time()
		case "CANCELED":
			s.State, s.End = host.ScanCanceled, j.End.time()
		}
		switch {
		case s.State == "":
		case j.Function == "SCRUB":
			scrub = s
		case j.Function == "RESILVER":
			resilver = s
		}
	}
	if j != nil {
		for _, r := range j.Rebuilds {
			s := &host.Scan{Start: r.Start.time(), Repaired: host.Bytes(r.Rebuilt), Errors: r.Errors.n, Uncounted: !r.Errors.told}
			switch r.State {
			case "ACTIVE":
				s.State, s.Done = host.ScanRunning, share(r.Scanned, r.ToScan)
			case "COMPLETE":
				s.State, s.End = host.ScanFinished, r.End.time()
			case "CANCELED":
				s.State, s.End = host.ScanCanceled, r.End.time()
			default:
				continue
			}
			if resilver == nil || s.Start.After(resilver.Start) {
				resilver = s
			}
		}
	}
	return scrub, resilver
}

func share(part, of whole) float64 {
	return min(percent(int64(part), int64(of)), 100)
}

// sentence is one of ZFS' own sentences, which are broken into lines, in one.
func sentence(s string) string { return line(strings.Join(strings.Fields(s), " ")) }
