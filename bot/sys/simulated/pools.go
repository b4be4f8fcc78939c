package simulated

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pool is a pool of ZFS, of one mirror.
type Pool struct {
	Name   string
	Health string // ONLINE, DEGRADED, …; it is that of the first disk too
	Disks  []string
	Size   int64 // bytes
	Used   int64
	// Read, Write and Checksum are the first disk's errors.
	Read, Write, Checksum int
	// Lost pieces of data.
	Lost int
	// Scrubbed is when its last scrub ended; zero: it never was. ScrubErrors is what
	// that could not repair.
	Scrubbed    time.Time
	ScrubErrors int
	Datasets    []Dataset
}

// Dataset is a file system of a pool, with its mount point.
type Dataset struct {
	Name, Mount string
	Used        int64
	Quota       int64 // 0: none
	// Sanoid takes snapshots of it: 36 hourly, 30 daily and 3 monthly ones are kept.
	Sanoid bool
}

// snapshot is one that sanoid took.
type snapshot struct {
	name string
	at   time.Time
}

// snapshots are those of a dataset, as sanoid would have left them by now.
func (d Dataset) snapshots(now time.Time) (out []snapshot) {
	if !d.Sanoid {
		return nil
	}
	now = now.UTC()
	midnight := now.Truncate(day)
	add := func(kind string, n int, at func(back int) time.Time) {
		for back := n - 1; back >= 0; back-- {
			t := at(back).Add(time.Second)
			if t.After(now) {
				continue
			}
			out = append(out, snapshot{d.Name + "@autosnap_" + t.Format("2006-01-02_15:04:05") + "_" + kind, t})
		}
	}
	add("monthly", 3, func(back int) time.Time {
		return time.Date(now.Year(), now.Month()-time.Month(back), 1, 0, 0, 0, 0, time.UTC)
	})
	add("daily", 30, func(back int) time.Time { return midnight.Add(-time.Duration(back) * day) })
	add("hourly", 36, func(back int) time.Time { return now.Truncate(time.Hour).Add(-time.Duration(back) * time.Hour) })
	return out
}

// SetPool changes a pool.
func (h *Host) SetPool(name string, change func(*Pool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.pools {
		if h.pools[i].Name == name {
			change(&h.pools[i])
			return
		}
	}
	p := Pool{Name: name, Health: "ONLINE"}
	change(&p)
	h.pools = append(h.pools, p)
}

func (h *Host) poolsNow() []Pool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.pools)
}

// zpool is the program, as of OpenZFS 2.3: `status -j --json-int` and `list -Hp
// -o COLUMNS`. What else it is asked is an error, as for a real one that is too old.
func (h *Host) zpool(c *Call) int {
	args := c.Argv[1:]
	switch {
	case len(args) == 0:
		return c.usage("usage: zpool command args ...")
	case args[0] == "list":
		columns, ok := columnsOf(args[1:])
		if !ok {
			return c.usage("invalid option")
		}
		return c.table(columns, h.poolsNow(), func(p Pool, column string) (string, bool) {
			switch column {
			case "name":
				return p.Name, true
			case "size":
				return fmt.Sprint(p.Size), true
			case "allocated", "alloc":
				return fmt.Sprint(p.Used), true
			case "free":
				return fmt.Sprint(p.Size - p.Used), true
			case "fragmentation", "frag":
				return "12", true
			case "capacity", "cap":
				return fmt.Sprint(p.Used * 100 / max(1, p.Size)), true
			case "health":
				return p.Health, true
			}
			return "", false
		})
	case args[0] == "status" && slices.Equal(args[1:], []string{"-j", "--json-int"}):
		return h.zpoolStatus(c)
	}
	return c.usage("unrecognized option or command of the simulated zpool: " + strings.Join(args, " "))
}

// columnsOf reads "-Hp -o a,b" in any order of the flags.
func columnsOf(args []string) (columns []string, ok bool) {
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-Hp", "-pH", "-H", "-p":
		case "-t":
			if i++; i >= len(args) || !slices.Contains([]string{"filesystem", "filesystem,volume", "snapshot"}, args[i]) {
				return nil, false
			}
		case "-o":
			if i++; i >= len(args) {
				return nil, false
			}
			columns = strings.Split(args[i], ",")
		default:
			return nil, false
		}
	}
	return columns, len(columns) > 0
}

// table prints rows of columns, parted by tabs.
func (c *Call) table(columns []string, pools []Pool, value func(Pool, string) (string, bool)) int {
	for _, p := range pools {
		var row []string
		for _, column := range columns {
			v, ok := value(p, column)
			if !ok {
				return c.usage(fmt.Sprintf("bad property list: invalid property '%s'", column))
			}
			row = append(row, v)
		}
		fmt.Fprintln(c.Stdout, strings.Join(row, "\t"))
	}
	return 0
}

func (c *Call) usage(text string) int {
	fmt.Fprintln(c.Stderr, text)
	return 2
}

func (h *Host) zpoolStatus(c *Call) int {
	device := func(name, kind, state string, p Pool) map[string]any {
		return map[string]any{
			"name": name, "vdev_type": kind, "state": state,
			"read_errors": p.Read, "write_errors": p.Write, "checksum_errors": p.Checksum,
		}
	}
	pools := map[string]any{}
	for _, p := range h.poolsNow() {
		disks := map[string]any{}
		for i, d := range p.Disks {
			state, errors := "HEALTHY", Pool{}
			if i == 0 {
				errors = p
				if p.Health != "ONLINE" {
					state = p.Health
				}
			}
			disks[d] = device(d, "disk", state, errors)
		}
		mirror := device("mirror-0", "mirror", word(p.Health), Pool{})
		mirror["vdevs"] = disks
		root := device(p.Name, "root", word(p.Health), Pool{})
		root["vdevs"] = map[string]any{"mirror-0": mirror}
		scan := map[string]any{"function": "NONE", "state": "NONE", "start_time": 0, "end_time": 0, "to_examine": 0, "errors": 0}
		if !p.Scrubbed.IsZero() {
			scan = map[string]any{
				"function": "SCRUB", "state": "FINISHED", "start_time": p.Scrubbed.Add(-4 * time.Hour).Unix(), "end_time": p.Scrubbed.Unix(),
				"to_examine": p.Used, "examined": p.Used, "skipped": 0, "issued": p.Used, "processed": 0, "errors": p.ScrubErrors, "scrub_pause": 0,
			}
		}
		status := map[string]any{
			"name": p.Name, "state": p.Health, "status": "OK", "scan_stats": scan,
			"vdevs": map[string]any{p.Name: root}, "error_count": p.Lost,
		}
		if p.Health != "ONLINE" {
			status["status"] = "One or more devices could not be used.  Sufficient replicas exist for the pool to continue\n\tfunctioning in a degraded state.\n"
			status["action"] = "Replace the device using 'zpool replace'.\n"
		}
		pools[p.Name] = status
	}
	out, err := json.Marshal(map[string]any{
		"output_version": map[string]any{"command": "zpool status", "vers_major": 0, "vers_minor": 1},
		"pools":          pools,
	})
	if err != nil {
		return c.usage(err.Error())
	}
	fmt.Fprintf(c.Stdout, "%s\n", out)
	return 0
}

// word is a device's state in place of its pool's.
func word(health string) string {
	if health == "ONLINE" {
		return "HEALTHY"
	}
	return health
}

// zfsProgram is `zfs list -Hp -t filesystem -o COLUMNS`.
func (h *Host) zfsProgram(c *Call) int {
	if len(c.Argv) < 2 || c.Argv[1] != "list" {
		return c.usage("unrecognized command of the simulated zfs")
	}
	columns, ok := columnsOf(c.Argv[2:])
	if !ok {
		return c.usage("invalid option")
	}
	if i := slices.Index(c.Argv, "-t"); i > 0 && i+1 < len(c.Argv) && c.Argv[i+1] == "snapshot" {
		return h.listSnapshots(c, columns)
	}
	for _, p := range h.poolsNow() {
		for _, d := range p.Datasets {
			if code := c.table(columns, []Pool{p}, func(p Pool, column string) (string, bool) {
				switch column {
				case "name":
					return d.Name, true
				case "used", "referenced":
					return fmt.Sprint(d.Used), true
				case "available", "avail":
					return fmt.Sprint(p.Size - p.Used), true
				case "quota":
					return fmt.Sprint(d.Quota), true
				case "refquota":
					return "0", true
				case "mountpoint":
					return d.Mount, true
				}
				return "", false
			}); code != 0 {
				return code
			}
		}
	}
	return 0
}

func (h *Host) listSnapshots(c *Call, columns []string) int {
	for _, p := range h.poolsNow() {
		for _, d := range p.Datasets {
			for _, x := range d.snapshots(time.Now()) {
				if code := c.table(columns, []Pool{p}, func(_ Pool, column string) (string, bool) {
					switch column {
					case "name":
						return x.name, true
					case "creation":
						return fmt.Sprint(x.at.Unix()), true
					}
					return "", false
				}); code != 0 {
					return code
				}
			}
		}
	}
	return 0
}
