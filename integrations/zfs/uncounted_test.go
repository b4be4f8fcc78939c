package zfs

import (
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// A figure that zpool does not tell is unknown: a pool without figures is not
// known to be well.
func TestMissingFiguresAreUnknown(t *testing.T) {
	const disk = `"nvme-A": {"name": "nvme-A", "vdev_type": "disk", "state": "HEALTHY", "read_errors": 0, "write_errors": 0, "checksum_errors": 0}`
	asJSON := strings.ReplaceAll(`{"pools": {"rpool": {"state": "ONLINE", "error_count": 0, "status": "OK",
		"scan_stats": {"function": "SCRUB", "state": "FINISHED", "start_time": 1768300000, "end_time": 1768303600, "errors": 0},
		"vdevs": {"rpool": {"state": "HEALTHY", "vdevs": {DISK}}},
		"spares": {"s": {"state": "AVAIL"}}}}}`, "DISK", disk)
	const asText = "  pool: rpool\n state: ONLINE\n  scan: scrub repaired 0B in 01:00:00 with 0 errors on Wed Jan 14 02:00:00 2026\n" +
		"config:\n\n\tNAME     STATE     READ WRITE CKSUM\n\trpool    ONLINE       0     0     0\n\t  nvme-A ONLINE       0     0     0\n\tspares\n\t  s      AVAIL\n\nerrors: No known data errors\n"
	for name, c := range map[string]struct{ form, old, new, why string }{
		"all is told":             {asJSON, "", "", ""},
		"all is told, in words":   {asText, "", "", ""},
		"no checksums":            {asJSON, `, "checksum_errors": 0`, "", "how many errors were met is not told of nvme-A"},
		"reading is null":         {asJSON, `"read_errors": 0`, `"read_errors": null`, "how many errors were met is not told of nvme-A"},
		"writing is a dash":       {asJSON, `"write_errors": 0`, `"write_errors": "-"`, "how many errors were met is not told of nvme-A"},
		"no counters in words":    {asText, "nvme-A ONLINE       0     0     0", "nvme-A ONLINE", "how many errors were met is not told of nvme-A"},
		"dashes in words":         {asText, "nvme-A ONLINE       0     0     0", "nvme-A ONLINE       0     -     0", "how many errors were met is not told of nvme-A"},
		"no devices":              {asJSON, `{"rpool": {"state": "HEALTHY", "vdevs": {` + disk + `}}}`, "{}", "how many errors were met is not told of rpool"},
		"no devices in words":     {asText, asText[strings.Index(asText, "config"):strings.Index(asText, "errors:")], "", "how many errors were met is not told of rpool"},
		"an empty table":          {asText, asText[strings.Index(asText, "\trpool "):strings.Index(asText, "\nerrors:")], "", "how many errors were met is not told of rpool"},
		"damage is a dash":        {asJSON, `"error_count": 0`, `"error_count": "-"`, "whether data is damaged is unknown"},
		"damage is null":          {asJSON, `"error_count": 0`, `"error_count": null`, "whether data is damaged is unknown"},
		"the scrub's is missing":  {asJSON, `1768303600, "errors": 0`, "1768303600", "how many errors its last scrub met is not told"},
		"more than can be":        {asText, "with 0 errors", "with 99999999999999999999 errors", "how many errors its last scrub met is not told"},
		"a resilver's is missing": {asJSON, `"start_time": 1768300000`, `"rebuild_stats": {"0": {"state": "COMPLETE", "end_time": 1768300000}}, "start_time": 1768300000`, "how many errors its last resilver met is not told"},
	} {
		t.Run(name, func(t *testing.T) {
			at(t, func(t *testing.T) {
				m, said := vulcan(), strings.Replace(c.form, c.old, c.new, 1)
				if c.old != "" && said == c.form {
					t.Fatal("nothing was taken out")
				}
				m.programs[askJSON] = stdout(said)
				if c.form == asText {
					m.programs[askJSON] = sys.Output{Exit: 2, Stderr: []byte("invalid option 'j'\n")}
					m.programs[askText] = stdout(said)
				}
				m.programs[askList], m.programs[askQuotas] = stdout(capacities), stdout("")
				p, err := look[host.Pools](t, New(m.host(), Options{}), host.LookPools)
				if err != nil {
					t.Fatal(err)
				}
				want := bot.Unknown
				if c.why == "" {
					want = bot.OK
				}
				if got := strings.Join(p.Pools[0].Why, "; "); p.Pools[0].State != want || got != c.why {
					t.Errorf("it is %s: %q, want %s: %q", p.Pools[0].State, got, want, c.why)
				}
			})
		})
	}
}
