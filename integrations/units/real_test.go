package units

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// realPrograms runs programs of this machine.
type realPrograms struct{ *machine }

func (realPrograms) Run(ctx context.Context, c sys.Command) (sys.Output, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = c.Env
	out, err := cmd.Output()
	if failed, ok := err.(*exec.ExitError); ok {
		return sys.Output{Stdout: out, Stderr: failed.Stderr, Exit: failed.ExitCode()}, nil
	}
	return sys.Output{Stdout: out}, err
}

// journal makes a journal of entries, each a list of fields.
func journal(t *testing.T, entries ...[]string) string {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/lib/systemd:/lib/systemd")
	remote := real.Require(t, "systemd-journal-remote")
	dir := t.TempDir()
	export := ""
	for i, e := range entries {
		export += strings.Join(e, "\n") + fmt.Sprintf("\n__MONOTONIC_TIMESTAMP=%d\n\n", i+1)
	}
	cmd := exec.Command(remote, "--output="+filepath.Join(dir, "test.journal"), "-")
	cmd.Stdin = strings.NewReader(export)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// The real journalctl takes our arguments, and answers as we read it.
func TestRealJournal(t *testing.T) {
	journalctl := real.Require(t, "journalctl")
	const boot1, boot2 = "_BOOT_ID=11111111111111111111111111111111", "_BOOT_ID=22222222222222222222222222222222"
	began := time.Now().Add(-150 * time.Minute).Truncate(time.Second)
	when := func(after time.Duration) string {
		return fmt.Sprintf("__REALTIME_TIMESTAMP=%d", began.Add(after).UnixMicro())
	}
	dir := journal(t,
		[]string{when(0), boot1, "MESSAGE=first", "_PID=2"},
		[]string{when(time.Minute), boot1, "MESSAGE=over", "_PID=2"},
		[]string{when(5 * time.Minute), boot2, "MESSAGE=up", "_PID=2"},
		[]string{when(time.Hour), boot2, "MESSAGE_ID=" + restartPlanned, "UNIT=redis.service", "_PID=1", "MESSAGE=Scheduled restart job"},
		[]string{when(time.Hour + time.Second), boot2, "MESSAGE_ID=" + unitStarted, "UNIT=redis.service", "INVOCATION_ID=c0c0", "_PID=1", "MESSAGE=Started Redis."},
		[]string{when(time.Hour + 2*time.Second), boot2, "MESSAGE_ID=" + unitStarted, "UNIT=forged.service", "INVOCATION_ID=ffff", "_PID=99", "MESSAGE=Started nothing."},
		[]string{when(2 * time.Hour), boot2, "MESSAGE=one", "PRIORITY=3", "SYSLOG_IDENTIFIER=nginx", "_PID=812", "_SYSTEMD_UNIT=nginx.service"},
		[]string{when(2*time.Hour + time.Second), boot2, "MESSAGE=other", "_SYSTEMD_UNIT=php.service", "_PID=5"},
		[]string{when(2*time.Hour + 2*time.Second), boot2, "MESSAGE=two", "PRIORITY=6", "_COMM=nginx", "_PID=812", "_SYSTEMD_UNIT=nginx.service"},
	)
	m := vulcan()
	m.add(sys.Unit{Name: "redis.service", Type: "simple", Invocation: "d0d0", Started: began})
	m.add(sys.Unit{Name: "forged.service", Type: "simple", Invocation: "d1d1", Started: began})
	k, err := New(sys.Host{Name: "vulcan", Files: m, Run: realPrograms{m}, Units: manager{machine: m}},
		Options{Journalctl: journalctl, Journal: dir, Logged: []string{"nginx"}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := look[host.Logs](t, k, host.LookLogs, unit("nginx"))
	if err != nil || len(l.Lines) != 2 {
		t.Fatalf("%+v: %v", l, err)
	}
	if want := (host.LogLine{At: began.Add(2 * time.Hour).UTC(), From: "nginx[812]", Priority: 3, Text: "one"}); l.Lines[0] != want || l.Lines[1].Text != "two" || l.Lines[1].From != "nginx[812]" {
		t.Errorf("%+v", l.Lines)
	}
	args := unit("nginx")
	args["lines"], args["hours"] = []string{"1"}, []string{"1"}
	if l, err = look[host.Logs](t, k, host.LookLogs, args); err != nil || len(l.Lines) != 1 || l.Lines[0].Text != "two" {
		t.Errorf("the last line: %+v: %v", l, err)
	}

	c, err := k.Changes(t.Context(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got := told(c)
	for _, want := range []string{
		" reboot rebooted (down for 4 min) | boot 22222222-2222-2222-2222-222222222222\n",
		" restart redis.service was started again by systemd | start redis.service c0c0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	// Whoever writes to the journal is not systemd.
	if strings.Contains(got, "ffff") {
		t.Errorf("a forged start is told:\n%s", got)
	}
	if i := slices.IndexFunc(c.Unknown, func(u string) bool { return strings.Contains(u, "journal") }); i >= 0 {
		t.Errorf("%q", c.Unknown)
	}
}
