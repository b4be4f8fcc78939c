package restic

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// stocked is a bench with one repository that holds a few files.
func (b *bench) stocked(t testing.TB, names ...string) {
	t.Helper()
	b.write(t, filepath.Join(b.data, "a"), noise("a", 1<<20))
	b.write(t, filepath.Join(b.data, "b"), "b")
	b.write(t, filepath.Join(b.data, "c"), noise("c", 3<<10))
	for _, n := range names {
		b.repository(t, n)
		b.backup(t, n)
	}
}

// One repository is broken in each way that there is, and one is fine: all of them
// are told, in one run, and nobody's trouble is another's.
func TestVerifyBroken(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.stocked(t, "fine")
		broken := map[string]*Repository{}
		for _, name := range []string{"flipped", "foreign", "gone", "no-password", "wrong-password"} {
			must(t, os.CopyFS(b.place(name), os.DirFS(b.place("fine"))))
			r := b.config.Repositories[0]
			r.Name, r.Location = name, b.place(name)
			b.config.Repositories = append(b.config.Repositories, r)
		}
		for i := range b.config.Repositories {
			broken[b.config.Repositories[i].Name] = &b.config.Repositories[i]
		}
		flip(t, b.pack(t, "flipped"), 500<<10) // in the midst of a
		must(t, os.RemoveAll(b.place("gone")))
		other := filepath.Join(b.dir, "other")
		b.write(t, other, "wrong")
		broken["wrong-password"].PasswordFile = other
		broken["no-password"].PasswordFile = "/nowhere/password"
		broken["foreign"].Host = "mars"
		// The broken ones first.
		slices.Reverse(b.config.Repositories)

		got, w := do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		if len(got) != 6 {
			t.Errorf("there are %d readings", len(got))
		}
		code := map[bool][2]string{true: {"12", "10"}, false: {"1", "1"}}[atLeast(b.version, 0, 17)]
		want(t, got["backup fine"], bot.OK, "structure ok; data part 1/1: 2 packs read, 0 errors; 3 files (1 MiB) restored and compared with the live file, 0 differ")
		want(t, got["backup flipped"], bot.NotOK, "structure ok; data part 1/1: 2 packs read, 1 error (")
		// Whether it comes back torn or not at all depends on restic's version.
		want(t, got["backup flipped"], bot.NotOK, " restored and compared", ": "+filepath.Join(b.data, "a")+": ", "; restic failed (exit code 1): ", "ciphertext verification failed")
		want(t, got["backup wrong-password"], bot.NotOK, "structure not checked: the password is wrong (exit code "+code[0]+"): ", "data part 1/1 not read; no restore drill")
		want(t, got["backup gone"], bot.NotOK, "structure not checked: there is no repository at its place (exit code "+code[1]+"): ", "no such file")
		want(t, got["backup no-password"], bot.Unknown, "structure not checked: restic could not start (exit code 1): ", "/nowhere/password does not exist")
		want(t, got["backup foreign"], bot.Unknown, "structure ok", "restore drill skipped: there is no snapshot of mars")
		for name := range broken {
			if !w.said(name + ": ") {
				t.Errorf("it said nothing of %s: %q", name, w.lines)
			}
		}
		backups := b.backups(t)
		reports, _, err := backups.reports(backups.named("flipped"))
		must(t, err)
		if len(reports) != 1 || len(reports[0].Broken) != 1 || filepath.Base(b.pack(t, "flipped")) != reports[0].Broken[0] {
			t.Errorf("the reports are %+v", reports)
		}
		b.clean(t)
	})
}

// A pack is missing. (Before 0.17 restic goes on looking for it for most of a
// minute; that it is missing has been said by then, and counts.)
func TestVerifyMissingPack(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		pack := b.pack(t, "one")
		must(t, os.Remove(pack))
		b.config.CheckTime, b.config.DrillTime = 6*time.Second, 4*time.Second
		got, _ := do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.NotOK, "structure: 1 error (pack "+filepath.Base(pack)[:8]+": does not exist)")
		if atLeast(b.version, 0, 17) {
			want(t, got["backup one"], bot.NotOK, "data part 1/1: 2 packs read, 1 error (", "3 did not come back: "+b.data)
		} else {
			want(t, got["backup one"], bot.NotOK, "data part 1/1 skipped after 0 of 2 packs: the time for the check (6 s) was over",
				"restore drill skipped: ", "the time for the drill (4 s) was over")
		}
		if locked(filepath.Join(b.place("one"), "locks")) {
			t.Error("a lock stays behind")
		}
		b.clean(t)
	})
}

// What changed on the host since is compared with what the snapshot holds.
func TestVerifyChanged(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		a := filepath.Join(b.data, "a")
		b.write(t, a, "another a")
		must(t, os.Remove(filepath.Join(b.data, "b")))
		got, _ := do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.OK, "3 files (1 MiB) restored and compared, 1 with the live file, 2 with the snapshot, 0 differ")
		b.clean(t)
	})
}

// A live file that was changed behind the file system's back: size and time of its
// content are what they were. The time of the change itself is not, so that the
// snapshot is asked, and all is well; were it the same too, the live file is found
// to be wrong.
func TestVerifyTampered(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		c := filepath.Join(b.data, "c")
		info, err := os.Stat(c)
		must(t, err)
		b.write(t, c, noise("d", 3<<10))
		must(t, os.Chtimes(c, info.ModTime(), info.ModTime()))
		backups := b.backups(t)
		got, _ := do(t, operation(t, backups, host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.OK, "2 with the live file, 1 with the snapshot, 0 differ")

		// Bits that rot change no time at all: the snapshot is told to have been made
		// of the file as it is.
		client, err := backups.open(&b.config.Repositories[0])
		must(t, err)
		list, err := client.snapshots(t.Context(), time.Minute)
		must(t, err)
		var n node
		_, err = client.list(t.Context(), list[0].ID, func(m node) {
			if m.path == c {
				n = m
			}
		})
		must(t, err)
		info, err = os.Stat(c)
		must(t, err)
		n.ctime, _ = changeTime(info)
		to := filepath.Join(b.dir, "back")
		must(t, client.restore(t.Context(), list[0].ID, to, []node{n}))
		_, err = client.compare(t.Context(), to, list[0].ID, n, true)
		if d, ok := errors.AsType[*differs](err); !ok || !strings.Contains(d.why, "the snapshot came back whole, but the live file is another one") {
			t.Errorf("a rotten live file: %v", err)
		}
		// And now it did not come back whole either.
		b.write(t, filepath.Join(to, c), noise("e", 3<<10))
		_, err = client.compare(t.Context(), to, list[0].ID, n, true)
		if d, ok := errors.AsType[*differs](err); !ok || !strings.Contains(d.why, "neither the live file") {
			t.Errorf("a rotten restored file: %v", err)
		}
		_, err = client.compare(t.Context(), to, list[0].ID, n, false)
		if d, ok := errors.AsType[*differs](err); !ok || d.why != "what came back is not what the snapshot holds" {
			t.Errorf("a rotten restored file of another host: %v", err)
		}
	})
}

// Somebody holds the repository for longer than is waited for: nothing was
// checked, which is no fault of the repository, and the drill needs no lock.
func TestVerifyLocked(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		b.config.LockWait = 2 * time.Second
		stop := b.hold(t, "one")
		got, w := do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.Unknown, "structure not checked: the repository is locked (exit code 1", "locked exclusively by PID ", "lock was created at",
			"data part 1/1 was not read; 3 files (1 MiB) restored and compared with the live file, 0 differ")
		if !atLeast(b.version, 0, 16) && !w.said("waiting for up to 2 s") {
			t.Errorf("it said %q", w.lines)
		}
		stop()
		got, _ = do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.OK)
	})
}

// hold has a real restic check hold its exclusive lock: it is stopped (SIGSTOP)
// as soon as the lock is there.
func (b *bench) hold(t testing.TB, repository string) (stop func()) {
	t.Helper()
	cmd := exec.Command(b.program, "check", "--read-data", "--limit-download=64")
	cmd.Env = []string{"RESTIC_REPOSITORY=" + b.place(repository), "RESTIC_PASSWORD_FILE=" + b.password, "RESTIC_CACHE_DIR=" + filepath.Join(b.dir, "own-cache")}
	must(t, cmd.Start())
	locks := filepath.Join(b.place(repository), "locks")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if locked(locks) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("restic has taken no lock")
		}
	}
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	once := false
	stop = func() {
		if once {
			return
		}
		once = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		b.restic(t, repository, "unlock")
	}
	t.Cleanup(stop)
	return stop
}

// The time for the check is over in the midst of reading: the part is skipped, not
// verified, and no lock stays behind that would stop the next backup.
func TestVerifyOutOfTime(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		r := &b.config.Repositories[0]
		r.LimitDownload = 100 // KiB/s, of some 1,300 KiB
		b.config.CheckTime = 4 * time.Second
		b.config.DrillTime = time.Millisecond
		got, _ := do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.Unknown, "structure not judged; data part 1/1 skipped after 0 of 2 packs: the time for the check (4 s) was over",
			"restore drill skipped: ", "the time for the drill (0 s) was over")
		if locked(filepath.Join(b.place("one"), "locks")) {
			t.Error("a lock stays behind")
		}
		b.backup(t, "one") // would fail if it were locked
		b.clean(t)
	})
}

// The time of the whole run is over: what was not begun is told as skipped.
func TestVerifyStopped(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one", "two")
		b.config.Repositories[0].LimitDownload = 100
		o := operation(t, b.backups(t), host.BackupVerifyOperation)
		p, w := planned(t, o, nil), newWork(t)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		must(t, o.Apply(ctx, p, w))
		got := readings(t, o, p, w)
		want(t, got["backup one"], bot.Unknown, "structure not judged; data part 1/1 skipped after 0 of 2 packs: no time was left", "restore drill skipped: ")
		want(t, got["backup two"], bot.Unknown, "structure not checked: no time was left; data part 1/1 not read; no restore drill")
		b.clean(t)
	})
}

func TestVerifyBudgetOfBytes(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.write(t, filepath.Join(b.data, "a"), noise("a", 1<<20))
		b.write(t, filepath.Join(b.data, "c"), noise("c", 1<<20))
		b.repository(t, "one")
		b.backup(t, "one")
		b.config.DrillBytes = host.MiB - 1
		got, _ := do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.Unknown, "structure ok; data part 1/1: ", "restore drill skipped: no file fits its budget of 1 MiB")

		// With room for one of them, one is restored.
		b.config.DrillBytes = host.MiB + 512*host.KiB
		got, _ = do(t, operation(t, b.backups(t), host.BackupVerifyOperation), nil)
		want(t, got["backup one"], bot.OK, "1 file (1 MiB) restored and compared with the live file, 0 differ")
		b.clean(t)
	})
}

// The process is killed, once in the midst of a check and once in the midst of a
// drill: the next run finds the scratch place and the repository as it needs them.
func TestVerifyAfterKill(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		backups := b.backups(t)
		locks := filepath.Join(b.place("one"), "locks")
		for _, moment := range []struct {
			name    string
			reached func() bool
		}{
			{"a check", func() bool { return locked(locks) && has(b.config.Scratch, "-cache-") }},
			{"a drill", func() bool { return has(b.config.Scratch, "restic-one-") && !has(b.config.Scratch, "-cache-") }},
		} {
			b.killedAt(t, moment.name, moment.reached)
			if !has(b.config.Scratch, "") {
				t.Fatalf("killed in the midst of %s, it left nothing", moment.name)
			}
			// What is somebody else's stays.
			b.write(t, filepath.Join(b.config.Scratch, "others", "file"), "not ours")
			got, w := do(t, operation(t, backups, host.BackupVerifyOperation), nil)
			want(t, got["backup one"], bot.OK)
			if check := moment.name == "a check"; !w.said("removed what 1 interrupted run left") || w.said("one: the last check was cut off") != check {
				t.Errorf("after %s it said %q", moment.name, w.lines)
			}
			must(t, os.RemoveAll(filepath.Join(b.config.Scratch, "others")))
			b.clean(t)
			if backups.marked("one") || locked(locks) {
				t.Errorf("after %s there is still the mark (%v) or a lock (%v)", moment.name, backups.marked("one"), locked(locks))
			}
		}
	})
}

// locked tells whether there is a whole lock. (Restic writes it under another name
// first, and may be killed while it does.)
func locked(dir string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return isID(e.Name()) })
}

// has tells whether a directory has an entry whose name holds a part.
func has(dir, part string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.Contains(e.Name(), part) })
}

// killedAt verifies in a process of its own, slowly, and kills that at a moment.
func (b *bench) killedAt(t testing.TB, name string, reached func() bool) {
	t.Helper()
	config := b.config
	config.Repositories = slices.Clone(config.Repositories)
	if name == "a check" {
		config.Repositories[0].LimitDownload = 50
	}
	text, err := json.Marshal(config)
	must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), partEnv+"=verify", partEnv+"_CONFIG="+string(text))
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(60 * time.Second); !reached(); time.Sleep(2 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("it ended (%v) before it came to %s", err, name)
		default:
		}
		if time.Now().After(deadline) {
			t.Errorf("it did not come to %s", name)
			break
		}
	}
	must(t, cmd.Process.Kill())
	<-ended
	// Its restic is killed by the kernel, and this machine's first process may be
	// slow to bury it. Until then restic takes it for alive.
	for deadline := time.Now().Add(30 * time.Second); orphaned(t); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Skip("nobody buries the dead on this machine")
		}
	}
}

// orphaned tells whether there is a restic, dead or alive, whose parent is gone.
func orphaned(t testing.TB) bool {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	return slices.ContainsFunc(stats, func(file string) bool {
		text, _ := os.ReadFile(file)
		_, rest, found := strings.Cut(string(text), " (restic) ")
		fields := strings.Fields(rest)
		return found && len(fields) > 1 && fields[1] == "1"
	})
}

// verifyHere is what that process does.
func verifyHere() error {
	var config Config
	if err := json.Unmarshal([]byte(os.Getenv(partEnv+"_CONFIG")), &config); err != nil {
		return err
	}
	tree, err := sys.OpenTree("/")
	if err != nil {
		return err
	}
	f := &files{Tree: tree, mounts: []sys.Mount{{Target: config.Scratch, Type: "tmpfs"}}}
	b, err := New(sys.Host{Name: "vulcan", Files: f, Run: sys.Programs{}, Units: &units{}}, config)
	if err != nil {
		return err
	}
	o := verify{b}
	args, err := o.Parse(context.Background(), nil)
	if err != nil {
		return err
	}
	return o.Apply(context.Background(), bot.Plan{Arguments: args}, &work{notes: map[string]string{}})
}

// The scratch place is looked at again when the run comes to it.
func TestVerifyScratchGone(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.stocked(t, "one")
		o := operation(t, b.backups(t), host.BackupVerifyOperation)
		p, w := planned(t, o, nil), newWork(t)
		b.files.mounts = b.files.mounts[:1]
		must(t, o.Apply(t.Context(), p, w))
		want(t, readings(t, o, p, w)["backup one"], bot.Unknown, "structure ok; data part 1/1: 2 packs read, 0 errors; restore drill skipped: The scratch place ",
			"is not a mount of its own")
		entries, err := os.ReadDir(b.config.Scratch)
		must(t, err)
		if len(entries) > 0 {
			t.Errorf("%d entries were made below a place that is not mounted", len(entries))
		}
	})
}

// A location with a password, variables from a file: none of it is repeated.
func TestSecretsAreStruckOut(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const password, key = "hunter2Sommer", "K0015ecretKey9999"
		location := filepath.Join(b.dir, "location")
		b.write(t, location, "rest:http://backup:"+password+"@127.0.0.1:1/vulcan/\n")
		environment := filepath.Join(b.dir, "environment")
		b.write(t, environment, "B2_ACCOUNT_KEY='"+key+"'\nRESTIC_PASSWORD=\"other\"\nRESTIC_REPOSITORY=/elsewhere\nRESTIC_HOST=nobody\n")
		b.config.Repositories = []Repository{{Name: "remote", LocationFile: location, PasswordFile: b.password, EnvironmentFile: environment}}
		backups := b.backups(t)
		c, err := backups.open(&backups.c.Repositories[0])
		must(t, err)
		if env := strings.Join(c.env, "\n"); env != "B2_ACCOUNT_KEY="+key+"\nRESTIC_REPOSITORY=rest:http://backup:"+password+"@127.0.0.1:1/vulcan/" {
			t.Errorf("the environment is %q", env)
		}
		if strings.Contains(strings.Join(c.args, " "), password) {
			t.Errorf("the arguments are %q", c.args)
		}
		// Newer versions try again and again.
		backups.c.AskTime = 3 * time.Second
		s := backups.Status(t.Context()).Repositories[0]
		if s.Reach != bot.Unknown || s.State != bot.Unknown {
			t.Errorf("a place that does not answer is %s (%s)", s.Reach, s.ReachWhy)
		}
		if !strings.Contains(s.ReachWhy, "127.0.0.1:1") || strings.Contains(s.ReachWhy, password) {
			t.Errorf("it says %q", s.ReachWhy)
		}
		for _, text := range []string{"key " + key + " refused", "at " + password + "@", "Get \"http://backup:" + password + "@127.0.0.1:1/vulcan/config\""} {
			if got := c.strike(text); strings.Contains(got, password) || strings.Contains(got, key) {
				t.Errorf("%q becomes %q", text, got)
			}
		}
		if d := c.digest(); d == "" || strings.Contains(c.plainLocation(), password) {
			t.Errorf("the location in the digest is %q", c.plainLocation())
		}
		kept, err := os.ReadFile(filepath.Join(backups.factsDir(), "remote.json"))
		must(t, err)
		if strings.Contains(string(kept), password) || strings.Contains(string(kept), key) {
			t.Errorf("the facts are %s", kept)
		}
	})
}

var _ sys.Files = (*files)(nil)
