package restic

import (
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// told makes a run of what restic said.
func told(t *testing.T, c *client, exit int, stdout, stderr string) *checkRun {
	t.Helper()
	r := &checkRun{}
	for line := range strings.Lines(stdout) {
		r.stdout(strings.TrimSuffix(line, "\n"), nil)
	}
	r.stderr(c, said([]byte(stderr)))
	if exit != 0 {
		r.err = c.fault(sys.Output{Exit: exit, Stderr: []byte(stderr)})
	}
	return r
}

// What restic 0.14 and 0.19 say; the texts were taken from runs of them.
func TestJudge(t *testing.T) {
	const begin = "using temporary cache in /tmp/restic-check-cache-1\ncreate exclusive lock for repository\nload indexes\ncheck all packs\ncheck snapshots, trees and blobs\n[0:00] 100.00%  1 / 1 snapshots\n"
	const id = "8b363a54793ff0487210c16254d22659f3dd2c148e1a007c3e4f3a3811afb630"
	for _, tt := range []struct {
		name, stdout, stderr string
		exit                 int
		structure, data      bot.ReadingState
		texts                []string
		read, packs          int
		broken               string
	}{
		{name: "clean", stdout: begin + "\nread group #5 of 1234 data packs (out of total 14000 packs in 12 groups)\n[1:00] 100.00%  1234 / 1234 packs\n\nno errors were found\n",
			structure: bot.OK, data: bot.OK, texts: []string{"structure ok", "data part 5/12: 1,234 packs read, 0 errors"}, read: 1234, packs: 14000},
		{name: "clean, without the bracket", stdout: begin + "read group #5 of 1 data packs (out of total 2 packs in 12 groups\nno errors were found\n",
			structure: bot.OK, data: bot.OK, texts: []string{"data part 5/12: 1 pack read, 0 errors"}, read: 1, packs: 2},
		{name: "nothing in it", stdout: begin + "read group #5 of 0 data packs (out of total 2 packs in 12 groups\nno errors were found\n",
			structure: bot.OK, data: bot.OK, texts: []string{"data part 5/12: none of 2 packs is in it, 0 errors"}, packs: 2},
		{name: "exit code 0 alone is no evidence", stdout: begin, structure: bot.Unknown, data: bot.Unknown, texts: []string{"is its version new?"}},
		{name: "another part", stdout: begin + "read group #4 of 9 data packs (out of total 20 packs in 12 groups\nno errors were found\n",
			structure: bot.Unknown, data: bot.Unknown, texts: []string{"is its version new?"}},
		{name: "words without the figures", stdout: begin + "no errors were found\n", structure: bot.Unknown, data: bot.Unknown},
		{name: "a figure beyond numbers", stdout: begin + "read group #5 of 99999999999999999999 data packs (out of total 20 packs in 12 groups\nno errors were found\n",
			structure: bot.Unknown, data: bot.Unknown},
		{name: "damaged data, 0.19", exit: 1, stdout: begin + "read group #5 of 1 data packs (out of total 2 packs in 12 groups\n[0:00] 100.00%  1 / 1 packs\n",
			stderr: "pack " + id + " contains 2 errors: [blob x]\n\nThe repository contains damaged pack files. These\n\nrestic repair packs " + id +
				"\nrestic repair snapshots --forget\n\nDamaged pack files can be caused by backend problems\nFatal: repository contains errors\n",
			structure: bot.OK, data: bot.NotOK, texts: []string{"1 pack read, 1 error (pack 8b363a54 contains 2 errors"}, read: 1, packs: 2, broken: id},
		{name: "damaged data, 0.14", exit: 1, stdout: begin + "read group #5 of 1 data packs (out of total 2 packs in 12 groups)\n",
			stderr: "Pack ID does not match, want " + id + ", got 065b\nFatal: repository contains errors\n\n", structure: bot.OK, data: bot.NotOK, read: 1, packs: 2, broken: id},
		{name: "a damaged structure, and its data was read", exit: 1, stdout: begin + "read group #5 of 7 data packs (out of total 90 packs in 12 groups\n",
			stderr:    "pack " + id + ": does not exist\nerror for tree 12345678:\n  id x not found in repository\nFatal: repository contains errors\n",
			structure: bot.NotOK, data: bot.OK, texts: []string{"structure: 3 errors (pack 8b363a54: does not exist)", "7 packs read, 0 errors"}, read: 7, packs: 90, broken: id},
		{name: "a damaged index ends it", exit: 1, stdout: "load indexes\n", stderr: "error: index 1234: broken\nFatal: repository contains errors\n",
			structure: bot.NotOK, data: bot.Unknown, texts: []string{"structure: 1 error (error: index 1234: broken)", "was not read, since the structure is broken"}},
		{name: "errors in words that nobody knows", exit: 1, stdout: begin + "read group #5 of 7 data packs (out of total 90 packs in 12 groups\n",
			stderr: "something is odd\nFatal: repository contains errors\n", structure: bot.NotOK, data: bot.OK, texts: []string{"structure: 1 error (something is odd)"}, read: 7, packs: 90},
		{name: "errors without any words", exit: 1, stdout: begin, stderr: "Fatal: repository contains errors\n", structure: bot.NotOK, data: bot.Unknown, texts: []string{"restic found errors"}},
		{name: "locked", exit: 11, stderr: "unable to create lock in backend: repository is already locked exclusively by PID 5 on vm by root (UID 0, GID 0)\nlock was created at 2026-11-27 (2s ago)\nstorage ID ba34\nthe `unlock` command can be used to remove stale locks\n",
			structure: bot.Unknown, data: bot.Unknown, texts: []string{"structure not checked: the repository is locked (exit code 11): locked exclusively by PID 5 on vm by root (UID 0, GID 0), lock was created at 2026-11-27 (2s ago)"}},
		{name: "the Go runtime gave up", exit: 2, stdout: begin, stderr: "panic: oh no\n", structure: bot.NotOK, data: bot.Unknown, texts: []string{"restic failed (exit code 2): panic: oh no"}},
		{name: "killed", exit: 137, stdout: begin, structure: bot.Unknown, data: bot.Unknown, texts: []string{"it was stopped (exit code 137)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &client{c: &Config{}, location: "/nowhere"}
			got := told(t, c, tt.exit, tt.stdout, tt.stderr).judge(part{5, 12})
			text := got.structure.Text + "; " + got.data.Text
			if got.structure.State != tt.structure || got.data.State != tt.data {
				t.Errorf("structure %s, data %s: %s", got.structure.State, got.data.State, text)
			}
			for _, part := range tt.texts {
				if !strings.Contains(text, part) {
					t.Errorf("it says %q, and not %q", text, part)
				}
			}
			if got.read != tt.read || got.packs != tt.packs || strings.Join(got.broken, " ") != tt.broken {
				t.Errorf("%d of %d packs read; broken: %q", got.read, got.packs, got.broken)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	c := &client{c: &Config{}, location: "b2:bucket:host"}
	for _, tt := range []struct {
		exit   int
		stderr string
		kind   FaultKind
		state  bot.ReadingState
		why    string
	}{
		{12, `{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}`, WrongPassword, bot.NotOK, "the password is wrong (exit code 12): wrong password or no key found"},
		{1, "ciphertext verification failed\ngithub.com/restic/restic/internal/repository.(*Repository).LoadUnpacked\n\tgithub.com/restic/restic/internal/repository/repository.go:214\nruntime.goexit\n\truntime/asm_amd64.s:1594\n",
			Failed, bot.NotOK, "restic failed (exit code 1): ciphertext verification failed"},
		{1, "Fatal: wrong password or no key found", WrongPassword, bot.NotOK, "the password is wrong (exit code 1): wrong password or no key found"},
		{10, "Fatal: repository does not exist: unable to open config file: stat x: no such file\nIs there a repository at the following location?\nb2:bucket:host", NoRepository, bot.NotOK, "there is no repository at its place (exit code 10): repository does not exist"},
		{1, "Fatal: unable to open config file: Get \"https://s3\": dial tcp: lookup s3: no such host\nIs there a repository at the following location?\ns3:x", Unreachable, bot.Unknown, "the repository does not answer (exit code 1)"},
		{3, "Warning: at least one source file could not be read", Incomplete, bot.NotOK, "restic left something out (exit code 3)"},
		{130, "", Stopped, bot.Unknown, "it was stopped (exit code 130)"},
		{77, "what is this", Failed, bot.NotOK, "restic failed (exit code 77): what is this"},
		{1, "unknown flag: --retry-lock", NotStarted, bot.Unknown, "restic could not start (exit code 1): unknown flag"},
		{2, "", Failed, bot.NotOK, "restic failed (exit code 2)"},
	} {
		f := c.fault(sys.Output{Exit: tt.exit, Stderr: []byte(tt.stderr)})
		if f.Kind != tt.kind || f.State() != tt.state || !strings.HasPrefix(f.Why(), tt.why) {
			t.Errorf("%d %q is %s, %s: %s", tt.exit, tt.stderr, f.Kind, f.State(), f.Why())
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", 100: "100"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for v, want := range map[string]bool{"0.14.0": false, "0.16.0": true, "0.16.5-dev": true, "0.9.6": false, "1.0.0": true, "dev": true} {
		if atLeast(v, 0, 16) != want {
			t.Errorf("%s: %v", v, !want)
		}
	}
}
