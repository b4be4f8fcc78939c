package restic

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
	"watchstander/bot/sys"
)

// unitOne is restic-one.service after a run.
func unitOne(invocation string) sys.Unit {
	return sys.Unit{Name: "restic-one.service", Load: "loaded", Active: "inactive", Result: "success", Invocation: invocation, Started: time.Now()}
}

// testJournal is a real journal, into which units write.
type testJournal struct {
	program, remote, dir string
	entries              string
}

func newJournal(t *testing.T) *testJournal {
	t.Helper()
	const name = "systemd-journal-remote"
	remote, err := real.Find(name)
	for _, dir := range []string{"/usr/lib/systemd", "/lib/systemd"} { // on no PATH
		if err != nil {
			remote, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		real.Missing(t, name+" is not here")
	}
	return &testJournal{program: real.Require(t, "journalctl"), remote: remote, dir: t.TempDir()}
}

// write has a unit say lines now, as journald keeps them.
func (j *testJournal) write(t *testing.T, unit, invocation, said string) {
	t.Helper()
	for l := range strings.Lines(said) {
		j.entries += fmt.Sprintf("__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032d\n_SYSTEMD_UNIT=%s\n_SYSTEMD_INVOCATION_ID=%s\nMESSAGE=%s\n\n",
			time.Now().UnixMicro(), len(j.entries)+1, 1, unit, invocation, strings.TrimRight(l, "\n"))
	}
	file := filepath.Join(j.dir, "test.journal")
	_ = os.Remove(file)
	cmd := exec.Command(j.remote, "--output="+file, "-")
	cmd.Stdin = strings.NewReader(j.entries)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestSavedIn(t *testing.T) {
	full := strings.Repeat("0123456789abcdef", 4)
	text := `{"MESSAGE":"snapshot 01234567 saved"}
{"MESSAGE":"tank: snapshot 89abcdef saved"}
{"MESSAGE":"snapshot 01234567 saved"}
{"MESSAGE":"{\"message_type\":\"summary\",\"snapshot_id\":\"` + full + `\"}"}
{"MESSAGE":"{\"message_type\":\"status\",\"snapshot_id\":\"aaaaaaaa\"}"}
{"MESSAGE":"{\"message_type\":\"summary\",\"snapshot_id\":\"--no-such\"}"}
{"MESSAGE":"{\"message_type\":\"summary\",\"dry_run\":true}"}
{"MESSAGE":"snapshot 0123 saved"}
{"MESSAGE":"snapshot bbbbbbbb was not saved"}
{"MESSAGE":[115,110]}
{"MESSAGE":null}
{"MESSAGE":"snapshot cccc`
	if got, want := savedIn([]byte(text)), []string{"01234567", "89abcdef", full}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
