package checks

import (
	"encoding/json"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestStagingVerdict: what a VM tells of itself, before it is switched off.
func TestStagingVerdict(t *testing.T) {
	real.Require(t, "jq")
	for state, failed := range map[string][]string{"running": {}, "degraded": {"smartd.service", "web.service"}} {
		b := newBench(t)
		b.mkdir("shared")
		units := ""
		for _, unit := range failed {
			units += unit + " loaded failed failed What it is\n"
		}
		b.write("units", units)
		b.program("systemctl", `case $1 in
is-system-running) echo `+state+`; [ `+state+` = running ] ;;
list-units) cat "`+b.path("units")+`" ;;
*) echo "$@" >>"`+b.path("asked")+`" ;;
esac`)
		said, ok := b.run("staging-verdict.sh", b.path("shared"))
		var got struct {
			State  string
			Failed []string
		}
		if err := json.Unmarshal([]byte(b.read("shared/verdict.json")), &got); err != nil || !ok {
			t.Fatalf("%v: %s", err, said)
		}
		if got.State != state || strings.Join(got.Failed, " ") != strings.Join(failed, " ") {
			t.Errorf("%s: %+v", state, got)
		}
		if b.read("asked") != "poweroff --no-block\n" {
			t.Errorf("it did %q", b.read("asked"))
		}
	}
}
