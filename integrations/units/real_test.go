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
		[]string{when(90 * time.Minute), boot2, "SYSLOG_IDENTIFIER=podman", "_UID=0", "PODMAN_TYPE=image", "PODMAN_EVENT=pull", "PODMAN_NAME=web:1", "PODMAN_ID=aaa", "MESSAGE=image pull"},
		[]string{when(91 * time.Minute), boot2, "SYSLOG_IDENTIFIER=podman", "_UID=1000", "PODMAN_TYPE=image", "PODMAN_EVENT=pull", "PODMAN_NAME=web:2", "PODMAN_ID=bbb", "MESSAGE=image pull"},
		[]string{when(92 * time.Minute), boot2, "SYSLOG_IDENTIFIER=podman", "_UID=0", "PODMAN_TYPE=container", "PODMAN_EVENT=create", "PODMAN_NAME=web", "MESSAGE=container create"},
		[]string{when(93 * time.Minute), boot2, "SYSLOG_IDENTIFIER=podman", "_UID=0", "PODMAN_TYPE=image", "PODMAN_EVENT=remove", "PODMAN_NAME=web:0", "MESSAGE=image remove"},
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
		fmt.Sprintf(" image podman took image web:1: pulled, or there already | pull 0 web:1 %d\n", began.Add(90*time.Minute).UnixMicro()),
		" image podman of user 1000 took image web:2: pulled, or there already |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, " took image "); n != 2 {
		t.Errorf("%d images in\n%s", n, got)
	}
	own, _, err := k.journaledPulls(t.Context(), "_UID=0")
	if err != nil || len(own) != 1 || own[0].name != "web:1" {
		t.Errorf("root's: %+v, %v", own, err)
	}
	if err := k.logging(t.Context(), false); err != nil {
		t.Errorf("that podman writes there is not seen: %v", err)
	}
	// Whoever writes to the journal is not systemd.
	if strings.Contains(got, "ffff") {
		t.Errorf("a forged start is told:\n%s", got)
	}
	if i := slices.IndexFunc(c.Unknown, func(u string) bool { return strings.Contains(u, "journalctl") }); i >= 0 {
		t.Errorf("%q", c.Unknown)
	}
}
