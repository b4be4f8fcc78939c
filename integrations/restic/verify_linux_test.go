package restic

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"watchstander/bot"
	"watchstander/bot/host"
)

// A sound repository, with everything that can lie in a directory.
func TestVerifyClean(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		odd := []string{
			"plain.txt", "new\nline", "-dash", "--target=x", "quo\"te'", "ünï\u0301", "a b  c ", " lead", "$HOME", "*", "**", "[ab]?", `back\slash`, "!neg",
			"dir/" + strings.Repeat("l", 200), "#x", "~",
		}
		for _, name := range odd {
			b.write(t, filepath.Join(b.data, name), "content of "+name)
		}
		b.write(t, filepath.Join(b.data, "empty"), "")
		b.write(t, filepath.Join(b.data, "large"), noise("large", 2<<20))
		b.write(t, filepath.Join(b.data, "huge"), noise("huge", 5<<20)) // more than the budget
		b.write(t, filepath.Join(b.data, "bad\xff\xfe"), "no UTF-8")
		must(t, os.Symlink("plain.txt", filepath.Join(b.data, "link")))
		must(t, os.Symlink("/etc/shadow", filepath.Join(b.data, "abroad")))
		must(t, syscall.Mkfifo(filepath.Join(b.data, "fifo"), 0o600))
		must(t, os.Link(filepath.Join(b.data, "plain.txt"), filepath.Join(b.data, "hard")))
		b.repository(t, "b2")
		b.backup(t, "b2", "--exclude=*.tmp")

		backups := b.backups(t)
		got, w := do(t, operation(t, backups, host.BackupVerifyOperation), nil)
		want(t, got["backup b2"], bot.OK, "structure ok; data part 1/1: ", " packs read, 0 errors; ",
			"20 files (2 MiB) restored and compared with the live file, 0 differ",
			"never restored: 1 file larger than the drill's 4 MiB", "never restored: 1 file with names that are no UTF-8")
		if !w.said("b2: restic "+b.version+"; checking structure and data part 1/1") || !w.said("b2: restoring 20 files (2 MiB) from 1 snapshot") {
			t.Errorf("it said %q", w.lines)
		}
		b.clean(t)

		reports, lost, err := backups.reports(backups.named("b2"))
		must(t, err)
		if len(reports) != 1 || lost != 0 {
			t.Fatalf("%d reports, %d lost", len(reports), lost)
		}
		v := reports[0]
		if v.PacksRead < 2 || v.PacksRead != v.Packs || v.Sample.Files != 20 || v.Sample.Live != 20 || v.Sample.Listed != 21 || v.Sample.Unnamed != 1 ||
			v.Sample.TooLarge != 1 || v.Restic != b.version || v.Plan != "pln_TEST" || v.Ended.Before(v.Began) {
			t.Errorf("the report is %+v", v)
		}
		// The file that cannot be named is in none of the counts.
		if len(v.Datasets) != 1 || v.Datasets[0].Files != 21 || v.Datasets[0].Bytes < 7*host.MiB {
			t.Errorf("the dataset counts as %+v", v.Datasets)
		}
	})
}

// Two sets of paths of this host and one of another: all of this host's are drilled, and
// a backup by a unit is believed by the new snapshot that its log names. The journal is
// a real one.
func TestRunAndVerifySets(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		etc := filepath.Join(b.dir, "etc")
		b.write(t, filepath.Join(etc, "conf"), "x=1")
		b.restic(t, "one", "backup", "--host=vulcan", etc)
		b.restic(t, "one", "backup", "--host=mars", b.password)
		b.config.Repositories[0].Unit = "restic-one"
		j := newJournal(t)
		b.config.Journalctl, b.config.Journal = j.program, j.dir
		backups := b.backups(t)
		// run has the unit do something, and gives what is made of it.
		run := func(invocation string, does func()) bot.Reading {
			b.units.set(unitOne("before " + invocation))
			b.units.start = func(string) error {
				does()
				b.units.set(unitOne(invocation))
				return nil
			}
			got, _ := do(t, operation(t, backups, host.BackupRunOperation), bot.Arguments{host.RepositoryArgument: {"one"}})
			want(t, got["restic-one.service"], bot.OK, "success")
			return got["new snapshot in one"]
		}
		backup := func(unit, invocation string, args ...string) {
			args = append([]string{"backup", "--host=vulcan"}, append(args, b.data)...)
			j.write(t, unit, invocation, b.restic(t, "one", args...))
		}
		const first, second, third, fourth = "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0", "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0", "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0", "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"
		want(t, run(first, func() { backup("restic-one.service", first) }), bot.OK, " of "+b.data)
		want(t, run(second, func() { backup("restic-one.service", second, "--json") }), bot.OK, " of "+b.data)
		// Another backs up the same later in that time, so that its snapshot is the newest.
		want(t, run(third, func() {
			backup("restic-one.service", third)
			backup("restic-two.service", first)
		}), bot.OK, " of "+b.data)
		// The unit saves nothing, and another does, also one that calls itself so.
		want(t, run(fourth, func() {
			backup("restic-two.service", first)
			backup("restic-one.service", third)
		}), bot.Unknown, "is newer than the start, but whether restic-one.service made it is not known: the log of restic-one.service names no snapshot")
		// And without one it is not.
		want(t, run("e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0", func() {}), bot.NotOK, "before the start")

		got, _ := do(t, operation(t, backups, host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.OK, "4 files (1 MiB) restored and compared with the live file, 0 differ")
		s := backups.Status(t.Context()).Repositories[0]
		if s.State != bot.OK || len(s.Newest) != 3 || s.Unit.Result != "success" || len(s.PartsRead) != 1 {
			t.Errorf("it stands so: %+v", s)
		}
		all := backups.ThreeTwoOne(t.Context()).Datasets[0]
		if all.Count != 2 || all.OffSite != 1 || all.State != bot.NotOK || all.Copies[1].State != bot.OK || all.Copies[1].Holds.Files != 3 {
			t.Errorf("its copies: %+v", all)
		}
	})
}

// What is backed up is gone, as where it is not mounted: restic saves an empty directory,
// and ends well. Debian's restic does not record how much a snapshot holds yet.
func TestEmptiedSource(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		backups := b.backups(t)
		if s := backups.Status(t.Context()).Repositories[0]; slices.ContainsFunc(s.Why, func(w string) bool { return strings.Contains(w, "less than half") }) {
			t.Errorf("of a source that is there it tells %q", s.Why)
		}
		if err := os.Rename(b.data, b.data+".away"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(b.data, 0o700); err != nil {
			t.Fatal(err)
		}
		b.restic(t, "one", "backup", "--host=vulcan", b.data)
		if err := backups.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := backups.Status(t.Context()).Repositories[0]
		told := slices.ContainsFunc(s.Why, func(w string) bool { return strings.Contains(w, " has 0 files, 0 B, less than half of what ") })
		var minor int
		if _, err := fmt.Sscanf(b.restic(t, "one", "version"), "restic 0.%d.", &minor); err != nil {
			t.Fatal(err)
		}
		if told != (minor >= 17) || told != (s.State == bot.NotOK) {
			t.Errorf("with restic 0.%d it is %s: %q; %+v", minor, s.State, s.Why, s.Newest)
		}
	})
}
