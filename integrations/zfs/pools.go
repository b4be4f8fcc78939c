package zfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Pools asks zpool for everything that is known of the pools, and judges them.
func (z *ZFS) Pools(ctx context.Context) (host.Pools, error) {
	out := host.Pools{At: now()}
	var err error
	if out.Pools, out.Source, err = z.status(ctx); err != nil {
		return out, err
	}
	if err := z.capacities(ctx, out.Pools); err != nil {
		out.Unknown = append(out.Unknown, "sizes and fill: "+bot.ForPeople(err))
	}
	for i := range out.Pools {
		z.judge(&out.Pools[i], out.At)
	}
	slices.SortFunc(out.Pools, func(a, b host.Pool) int { return strings.Compare(a.Name, b.Name) })
	if out.Datasets, err = z.quotas(ctx); err != nil {
		out.Unknown = append(out.Unknown, "quotas of datasets: "+bot.ForPeople(err))
	}
	return out, nil
}

// status asks for JSON, and where zpool is too old for that, for its words.
func (z *ZFS) status(ctx context.Context) ([]host.Pool, string, error) {
	out, err := z.run(ctx, z.o.Zpool, "status", "-j", "--json-int")
	if err == nil {
		pools, bad := statusJSON(out.Stdout)
		if bad != nil {
			err = bot.Errorf(bot.CodeUnavailable, "What zpool status says cannot be understood: %s.", line(bad.Error())).Because(bad)
		}
		return pools, "zpool status -j", err
	}
	failed, ran := errors.AsType[*failure](err)
	if !ran || !failed.unknownOption() {
		return nil, "", err
	}
	if out, err = z.run(ctx, z.o.Zpool, "status", "-p"); err != nil {
		return nil, "", err
	}
	pools, bad := statusText(string(out.Stdout))
	if bad != nil {
		return nil, "", bot.Errorf(bot.CodeUnavailable, "What zpool status says cannot be understood: %s.", line(bad.Error())).Because(bad)
	}
	return pools, "zpool status", nil
}

// failure is a program that ran and did not go through.
type failure struct {
	argv   []string
	exit   int
	stderr string
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s: exit %d: %s", strings.Join(f.argv, " "), f.exit, f.stderr)
}

// unknownOption tells that the program is too old for what it was asked.
func (f *failure) unknownOption() bool {
	return strings.Contains(f.stderr, "invalid option") || strings.Contains(f.stderr, "unrecognized option")
}

// run runs one of ZFS' programs. Times in its words are UTC.
func (z *ZFS) run(ctx context.Context, argv ...string) (sys.Output, error) {
	out, err := z.h.Run.Run(ctx, sys.Command{Argv: argv, Env: []string{"LC_ALL=C", "TZ=UTC"}, Limit: z.o.Timeout, Most: 8 << 20})
	name := argv[0][strings.LastIndexByte(argv[0], '/')+1:] + " " + argv[1]
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return out, bot.Errorf(bot.CodeNotFound, "There is no %s on %s.", argv[0], z.h.Name).Because(err)
	case err != nil:
		return out, bot.Errorf(bot.CodeUnavailable, "%s did not answer on %s.", name, z.h.Name).Because(err)
	case out.Exit != 0:
		f := &failure{argv: argv, exit: out.Exit, stderr: line(strings.TrimSpace(string(out.Stderr)))}
		return out, bot.Errorf(bot.CodeUnavailable, "%s failed on %s (exit %d): %s", name, z.h.Name, f.exit, f.stderr).Because(f)
	case out.Cut:
		return out, bot.Errorf(bot.CodeUnavailable, "%s said more on %s than I read.", name, z.h.Name)
	}
	return out, nil
}

// capacities adds what zpool list knows.
func (z *ZFS) capacities(ctx context.Context, pools []host.Pool) error {
	out, err := z.run(ctx, z.o.Zpool, "list", "-Hp", "-o", "name,size,allocated,free,fragmentation,capacity")
	if err != nil {
		return err
	}
	for l := range strings.Lines(string(out.Stdout)) {
		f := strings.Split(strings.TrimRight(l, "\n"), "\t")
		i := slices.IndexFunc(pools, func(p host.Pool) bool { return p.Name == f[0] })
		if len(f) != 6 || i < 0 {
			continue
		}
		p := &pools[i]
		p.Size, p.Alloc, p.Free = bytesField(f[1]), bytesField(f[2]), bytesField(f[3])
		p.Fragmentation, p.Capacity = percentField(f[4]), percentField(f[5])
	}
	return nil
}

// bytesField reads a whole number; nil for "-".
func bytesField(s string) *host.Bytes {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil && v >= 0 {
		return new(host.Bytes(v))
	}
	return nil
}

func percentField(s string) *int {
	if v, err := strconv.Atoi(strings.TrimSuffix(s, "%")); err == nil && v >= 0 {
		return &v
	}
	return nil
}

// quotas finds the datasets that are nearly at their quota.
func (z *ZFS) quotas(ctx context.Context) ([]host.Dataset, error) {
	out, err := z.run(ctx, z.o.ZFS, "list", "-Hp", "-t", "filesystem", "-o", "name,used,quota,referenced,refquota")
	if err != nil {
		return nil, err
	}
	var found []host.Dataset
	for l := range strings.Lines(string(out.Stdout)) {
		f := strings.Split(strings.TrimRight(l, "\n"), "\t")
		if len(f) != 5 {
			continue
		}
		for _, p := range [][2]string{{f[1], f[2]}, {f[3], f[4]}} {
			used, quota := bytesField(p[0]), bytesField(p[1])
			if used != nil && quota != nil && *quota > 0 && percent(int64(*used), int64(*quota)) >= float64(z.o.QuotaUsed) {
				found = append(found, host.Dataset{Name: line(f[0]), Used: *used, Quota: *quota})
				break
			}
		}
	}
	return found, nil
}

// judge says whether a pool is well, and every reason why it is not.
func (z *ZFS) judge(p *host.Pool, at time.Time) {
	var why, doubt []string
	if p.Health != "ONLINE" {
		why = append(why, "it is "+p.Health)
	}
	switch {
	case p.Lost == nil:
		doubt = append(doubt, "whether data is damaged is unknown")
	case *p.Lost > 0:
		why = append(why, phrase.Count(int(*p.Lost), "piece of data is", "pieces of data are")+" damaged beyond repair (`zpool status -v` names the files)")
	}
	if p.Read+p.Write+p.Checksum > 0 {
		why = append(why, fmt.Sprintf("its devices have errors: %d reading, %d writing, %d checksums", p.Read, p.Write, p.Checksum))
	}
	if len(p.Uncounted) > 0 {
		doubt = append(doubt, "how many errors were met is not told of "+strings.Join(p.Uncounted, ", "))
	}
	for _, d := range p.Devices {
		if !well(d.State) {
			why = append(why, strings.TrimSpace(d.Name+" is "+d.State+" "+d.Note))
		}
	}
	switch {
	case p.Capacity == nil:
		doubt = append(doubt, "how full it is is unknown")
	case *p.Capacity >= z.o.CapacityUsed:
		why = append(why, fmt.Sprintf("it is full to %d %%, and ZFS slows down beyond %d %%", *p.Capacity, z.o.CapacityUsed))
	}
	bad, unsure := z.judgeScrub(*p, at)
	why, doubt = append(why, bad...), append(doubt, unsure...)
	switch {
	case len(why) > 0:
		p.State, p.Why = bot.NotOK, append(why, doubt...)
	case len(doubt) > 0:
		p.State, p.Why = bot.Unknown, doubt
	default:
		p.State = bot.OK
	}
}

// judgeScrub asks for a scrub that is not too old and found nothing beyond repair.
func (z *ZFS) judgeScrub(p host.Pool, at time.Time) (why, doubt []string) {
	if r := p.Resilver; r != nil && r.Errors > 0 {
		why = append(why, fmt.Sprintf("its last resilver met %s", phrase.Count(int(r.Errors), "error", "errors")))
	}
	if r := p.Resilver; r != nil && r.Uncounted {
		doubt = append(doubt, "how many errors its last resilver met is not told")
	}
	s := p.Scrub
	switch {
	case s == nil:
		return why, append(doubt, "when it was scrubbed last is unknown: ZFS remembers one scan alone, and that was another")
	case s.State == host.ScanNever:
		return append(why, "it was never scrubbed"), doubt
	}
	if s.Errors > 0 {
		why = append(why, fmt.Sprintf("its last scrub met %s that it could not repair", phrase.Count(int(s.Errors), "error", "errors")))
	}
	if s.Uncounted {
		doubt = append(doubt, "how many errors its last scrub met is not told")
	}
	switch s.State {
	case host.ScanFinished:
		if age := at.Sub(s.End); age > z.o.ScrubWithin {
			why = append(why, fmt.Sprintf("its last scrub ended %s ago, more than %s", phrase.Duration(age), phrase.Duration(z.o.ScrubWithin)))
		}
	case host.ScanCanceled:
		doubt = append(doubt, "its last scrub was cancelled, and when one ended last is unknown")
	case host.ScanPaused:
		doubt = append(doubt, "its scrub is paused, and when one ended last is unknown")
	}
	return why, doubt
}

// well tells whether a device's state needs nobody.
func well(state string) bool {
	return state == "ONLINE" || state == "HEALTHY" || state == "AVAIL"
}
